// The cash flow chart. Reads its figures from the JSON script beside the canvas; the same figures stand in a table below.
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const minus = (text) => text.replace("-", "\u2212"); // a minus sign, not a hyphen
  const locale = document.documentElement.lang || "en";
  const drawn = new Map(); // box -> {chart, source}

  const colours = () => {
    // light-dark() is resolved by asking an element, not the custom property
    const probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    const read = (name) => ((probe.className = `probe-${name}`), getComputedStyle(probe).color);
    const found = Object.fromEntries(["in", "out", "net", "line", "text", "surface"].map((n) => [n, read(n)]));
    probe.remove();
    return found;
  };

  const configuration = (data) => {
    const colour = colours();
    const money = (options) => {
      try {
        return new Intl.NumberFormat(locale, { style: "currency", currency: data.currency, ...options });
      } catch { // a code of the bank's own, such as points
        return new Intl.NumberFormat(locale, options);
      }
    };
    const exact = money({});
    const short = money({ notation: "compact", maximumFractionDigits: 1 });
    const numbers = (list, sign = 1) => list.map((value) => sign * Number(value));
    const bars = { stack: "flow", borderRadius: 3, maxBarThickness: 28, order: 2 };
    return {
      type: "bar",
      data: {
        labels: data.labels,
        datasets: [
          { ...bars, label: "Money in", data: numbers(data.income), backgroundColor: colour.in },
          { ...bars, label: "Money out", data: numbers(data.spending, -1), backgroundColor: colour.out },
          {
            type: "line", label: "Net", data: numbers(data.net), order: 1, borderWidth: 2, tension: 0,
            borderColor: colour.net, backgroundColor: colour.surface, pointBorderColor: colour.net,
            pointRadius: data.labels.length > 40 ? 0 : 3, pointHitRadius: 12,
          },
        ],
      },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: false,
        locale,
        interaction: { mode: "index", intersect: false },
        scales: {
          x: {
            stacked: true,
            grid: { display: false },
            border: { display: false },
            ticks: { color: colour.text, maxRotation: 0, autoSkipPadding: 16 },
          },
          y: {
            border: { display: false },
            grid: { color: colour.line },
            ticks: { color: colour.text, maxTicksLimit: 6, callback: (value) => minus(short.format(value)) },
          },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            callbacks: { label: (item) => `${item.dataset.label}: ${minus(exact.format(item.parsed.y))}` },
          },
        },
      },
    };
  };

  const draw = (box) => {
    const source = box.parentElement.querySelector("script[type='application/json']").textContent;
    const before = drawn.get(box);
    if (before?.source === source) return;
    before?.chart.destroy();
    const chart = new Chart(box.querySelector("canvas"), configuration(JSON.parse(source)));
    drawn.set(box, { chart, source });
  };

  const refresh = () => {
    for (const [box, { chart }] of drawn) {
      if (box.isConnected) continue;
      chart.destroy();
      drawn.delete(box);
    }
    Chart.defaults.font.family = css("--tblr-font-sans-serif") || "system-ui";
    Chart.defaults.font.size = 13;
    document.querySelectorAll("[data-chart]").forEach(draw);
  };

  document.addEventListener("htmx:after:swap", refresh);
  document.addEventListener("theme:change", () => {
    for (const entry of drawn.values()) entry.source = null;
    refresh();
  });
  refresh();
})();
