// Draws the panes that the bank sends; knows nothing of where they come from.

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined) continue;
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function field(one) {
  return make("label", {}, one.label, make("input", {
    autocapitalize: "off", autocomplete: "off", name: one.name, spellcheck: false,
    type: one.type,
  }));
}

function radios(one) {
  const rows = one.choices.map((choice, index) => make("label", { className: "row" },
    make("input", {
      checked: index === 0, name: one.name, type: "radio", value: choice.value,
    }), make("span", {}, make("strong", {}, choice.label))));
  return make("fieldset", {}, make("legend", {}, one.label), ...rows);
}

function boxes(list) {
  const rows = list.map((one) => make("label", { className: "row" },
    make("input", {
      "aria-label": one.label, checked: one.checked, type: "checkbox",
      value: String(one.value),
    }),
    make("span", {}, make("strong", {}, one.label), make("small", {}, one.hint))));
  return make("fieldset", { "aria-label": "Accounts" }, ...rows);
}

function options(list, pick) {
  return make("ul", {}, ...list.map((one) => make("li", {}, make("button", {
    className: "row", type: "button", "aria-label": one.label,
    onclick: () => pick(one),
  }, make("img", { alt: "", src: "data:image/png;base64," + one.brand.logo }),
  make("span", {}, make("strong", {}, one.label), make("small", {}, one.hint))))));
}

export function found(pane, pick) {
  return pane.options.length ? options(pane.options, pick)
    : make("p", { className: "quiet" }, pane.empty);
}

function search(pane, seek) {
  const input = make("input", { name: "query", type: "search", value: pane.query });
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => seek(input), 150);
  });
  return make("label", {}, pane.search, input);
}

function buttons(pane, act) {
  const both = [[pane.primary, "primary"], [pane.secondary, "secondary"]];
  return both.filter(([one]) => one).map(([one, kind]) => make("button", {
    className: kind, "data-action": one.action, textContent: one.label,
    type: kind === "primary" ? "submit" : "button",
    onclick: kind === "primary" ? null : () => act(one.action),
  }));
}

// `act` gets a button's action, `pick` an option, `seek` the field of the search.
export function draw(form, pane, { act, pick, seek }) {
  const title = make("h1", { id: "title", tabIndex: -1 }, pane.title);
  const body = make("div", { className: "body" },
    pane.brand ? make("img", {
      alt: "", className: "logo", src: "data:image/png;base64," + pane.brand.logo,
    }) : null,
    title,
    ...(pane.text || []).map((words) => make("p", {}, words)),
    pane.error ? make("p", { className: "problem", role: "alert" }, pane.error) : null,
    ...(pane.fields || []).map(field),
    ...(pane.radios || []).map(radios),
    pane.boxes ? boxes(pane.boxes) : null,
    pane.search ? search(pane, seek) : null,
    pane.options ? make("div", { id: "found" }, found(pane, pick)) : null,
    pane.hint ? make("p", { className: "hint" }, pane.hint) : null);
  form.className = pane.tone || "";
  form.replaceChildren(body, make("div", { className: "buttons" },
    ...buttons(pane, act)));
  const first = form.querySelector("input:not([type=checkbox]):not([type=radio])");
  (first || title).focus();
}

export function values(form) {
  const data = {};
  for (const input of form.querySelectorAll("input[name]")) {
    if (input.type === "radio" && !input.checked) continue;
    if (input.type !== "checkbox") data[input.name] = input.value;
  }
  const boxes = form.querySelectorAll("input[type=checkbox]");
  if (boxes.length) {
    data.values = [...boxes].filter((box) => box.checked).map((b) => Number(b.value));
  }
  return data;
}
