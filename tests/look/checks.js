// Loaded into a page under test: each function lists what is wrong, or nothing.
(() => {
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());
  const name = (e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`;
  const page = document.documentElement;

  window.look = {
    overflow: () => page.scrollWidth - page.clientWidth,

    clipped: () =>
      seen(".card, .nav-entry, .segment, .btn, .main-figure, .amount")
        .filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
        .map(name),

    overlapping: () => {
      const text = seen(".amount, .row-text, .bars tbody th, .bars-share, .bank-text, .btn, .segment, .delta, .card-name")
        .filter((e) => !e.closest("header"));
      const boxes = text.map((e) => [e, e.getBoundingClientRect()]);
      const found = [];
      boxes.forEach(([a, p], i) =>
        boxes.slice(i + 1).forEach(([b, q]) => {
          if (a.contains(b) || b.contains(a)) return;
          const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
          const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
          if (wide > 1 && high > 1) found.push(`${name(a)} on ${name(b)}`);
        }),
      );
      return found;
    },

    small: () =>
      seen("button, .btn, summary, input:not([type=hidden], [type=checkbox]), .nav-entry")
        .filter((e) => e.getBoundingClientRect().height < 43.5)
        .map(name),

    serious: async () =>
      (await axe.run()).violations
        .filter((v) => ["serious", "critical"].includes(v.impact))
        .map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`),
  };
})();
