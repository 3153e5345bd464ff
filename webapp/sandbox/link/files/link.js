// Draws the panes that the bank sends and posts back what the person does.
"use strict";

const [channel, host] = location.hash.slice(1).split(",").map(decodeURIComponent);
const dialog = document.getElementById("dialog");
const form = document.getElementById("pane");
const status = document.getElementById("status");
let session = null;
let shown = null;
let failure = null;
let busy = false;
let polling = 0;

function tell(type, data) {
  parent.postMessage({ channel, type, ...data }, host);
}

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

async function post(path, body) {
  const response = await fetch("/link/workflow/" + path, {
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    method: "POST",
  });
  return response.json();
}

async function go(path, body) {
  if (busy) return;
  busy = true;
  dialog.setAttribute("aria-busy", "true");
  status.textContent = "Working…";
  try {
    take(await post(path, body));
  } catch {
    status.textContent = "The simulated bank does not answer. Try again.";
  } finally {
    busy = false;
    dialog.removeAttribute("aria-busy");
    if (status.textContent === "Working…") status.textContent = "";
  }
}

function step(action, data) {
  clearInterval(polling);
  return go("step", { ...data, action, link_session_id: session });
}

function take(answer) {
  if (answer.link_session_id) session = answer.link_session_id;
  if (answer.error) failure = answer.error;
  if (answer.success) finish("success", answer.success, answer.events);
  else if (answer.exit) finish("exit", answer.exit, answer.events);
  else if (answer.pane) draw(answer.pane);
}

function finish(type, data, events) {
  dialog.hidden = true;
  clearInterval(polling);
  tell(type, { ...data, events });
  session = shown = failure = null;
}

function leave() {
  if (session && !failure) {
    step("exit", {});
    return;
  }
  // There is no session to end: the link token was refused, or grew too old.
  const known = failure || {};
  finish("exit", {
    error: failure && {
      display_message: known.display_message,
      error_code: known.error_code,
      error_message: known.error_message,
      error_type: known.error_type,
    },
    metadata: {
      institution: null, link_session_id: null,
      request_id: known.request_id || null, status: null,
    },
  }, []);
}

function ask() {
  if (!shown || shown.pane === "done") {
    if (shown) step("finish", {});
    else leave();
    return;
  }
  const back = shown;
  draw({
    pane: "confirm",
    primary: { action: "leave", label: "Yes, exit" },
    secondary: { action: "back", label: "No, go back" },
    text: ["Your bank is not connected yet. What you typed here is not kept."],
    title: "Are you sure you want to exit?",
    back,
  });
}

function act(action) {
  if (action === "leave" || action === "exit") leave();
  else if (action === "back") draw(shown.back);
  else if (action === "oauth") oauth();
  else step(action, values());
}

function values() {
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

function oauth() {
  const url = new URL(shown.oauth.url, location.href).href;
  if (!shown.oauth.popup) {
    tell("navigate", { url });
    return;
  }
  window.open(url, "_blank", "popup,width=480,height=720");
  status.textContent = "Finish in the bank's window; this page follows.";
  clearInterval(polling);
  polling = setInterval(async () => {
    const answer = await post("step", { action: "poll", link_session_id: session });
    if (!answer.wait && !busy) {
      clearInterval(polling);
      status.textContent = "";
      take(answer);
    }
  }, 500);
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

function options(list) {
  return make("ul", {}, ...list.map((one) => make("li", {}, make("button", {
    className: "row", type: "button", "aria-label": one.label,
    onclick: () => step(one.action, { value: one.value }),
  }, make("img", { alt: "", src: "data:image/png;base64," + one.brand.logo }),
  make("span", {}, make("strong", {}, one.label), make("small", {}, one.hint))))));
}

function search(pane) {
  const input = make("input", { name: "query", type: "search", value: pane.query });
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const asked = input.value;
      const answer = await post("step", {
        action: "search", link_session_id: session, query: asked,
      });
      const list = form.querySelector("#found");
      if (answer.pane && list && input.value === asked) {
        list.replaceChildren(...found(answer.pane));
      }
    }, 150);
  });
  return make("label", {}, pane.search, input);
}

function found(pane) {
  return pane.options.length ? [options(pane.options)]
    : [make("p", { className: "quiet" }, pane.empty)];
}

function buttons(pane) {
  const both = [[pane.primary, "primary"], [pane.secondary, "secondary"]];
  return both.filter(([one]) => one).map(([one, kind]) => make("button", {
    className: kind, "data-action": one.action, textContent: one.label,
    type: kind === "primary" ? "submit" : "button",
    onclick: kind === "primary" ? null : () => act(one.action),
  }));
}

function draw(pane) {
  shown = pane;
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
    pane.search ? search(pane) : null,
    pane.options ? make("div", { id: "found" }, ...found(pane)) : null,
    pane.hint ? make("p", { className: "hint" }, pane.hint) : null);
  form.className = pane.tone || "";
  form.replaceChildren(body, make("div", { className: "buttons" }, ...buttons(pane)));
  status.textContent = "";
  const first = form.querySelector("input:not([type=checkbox]):not([type=radio])");
  (first || title).focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (shown && shown.primary) act(shown.primary.action);
});
document.getElementById("close").addEventListener("click", ask);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !dialog.hidden) {
    if (shown && shown.pane === "confirm") draw(shown.back);
    else ask();
  } else if (event.key === "Tab") {
    stay(event);
  }
});

// Tab goes round inside the dialog: the page behind it is not to be reached.
function stay(event) {
  const all = [...dialog.querySelectorAll("button, input")]
    .filter((one) => !one.disabled);
  const [first, last] = [all[0], all[all.length - 1]];
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first.focus();
  }
}

window.addEventListener("message", async (message) => {
  if (message.source !== parent || message.origin !== host) return;
  const data = message.data;
  if (!data || data.channel !== channel) return;
  if (data.type === "exit") {
    if (data.force) leave();
    else ask();
  } else if (data.type === "open") {
    dialog.hidden = false;
    await go("start", {
      link_token: data.token, received_redirect_uri: data.receivedRedirectUri,
    });
    tell("event", { name: "OPEN", metadata: opened() });
  }
});

function opened() {
  const names = ["account_number_mask", "error_code", "error_message", "error_type",
    "exit_status", "institution_id", "institution_name", "institution_search_query",
    "is_update_mode", "match_reason", "mfa_type", "request_id", "routing_number",
    "selection", "view_name"];
  const metadata = Object.fromEntries(names.map((name) => [name, null]));
  return { ...metadata, link_session_id: session, timestamp: new Date().toISOString() };
}

tell("ready", {});
