// The walk through Link: asks the bank for the next pane, tells the app how it ends.
import { draw, found, values } from "./panes.js";

const [channel, host] = location.hash.slice(1).split(",").map(decodeURIComponent);
const dialog = document.getElementById("dialog");
const form = document.getElementById("pane");
const status = document.getElementById("status");
let session = null;
let shown = null;
let failure = null;
let busy = false;
let polling = 0;
let walk = 0;

function tell(type, data) {
  parent.postMessage({ channel, type, ...data }, host);
}

async function post(path, body) {
  const response = await fetch("/link/workflow/" + path, {
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    method: "POST",
  });
  return response.json();
}

// What comes after the person has left is of no interest any more.
async function go(path, body) {
  if (busy) return;
  const mine = walk;
  busy = true;
  dialog.setAttribute("aria-busy", "true");
  status.textContent = "Working…";
  try {
    const answer = await post(path, body);
    if (mine === walk) take(answer);
  } catch {
    if (mine === walk) status.textContent = "The simulated bank does not answer. Try again.";
  }
  if (mine === walk) rest();
}

function rest() {
  busy = false;
  dialog.removeAttribute("aria-busy");
  if (status.textContent === "Working…") status.textContent = "";
}

function step(action, data) {
  clearInterval(polling);
  return go("step", { ...data, action, link_session_id: session });
}

function take(answer) {
  if (answer.link_session_id) session = answer.link_session_id;
  if (answer.error) failure = answer.error;
  if (answer.success) finish("success", answer.success, answer.events);
  else if (answer.pane) show(answer.pane);
}

function show(pane) {
  shown = pane;
  status.textContent = "";
  draw(form, pane, { act, pick, seek });
}

function pick(one) {
  return step(one.action, { value: one.value });
}

async function seek(input) {
  const asked = input.value;
  const answer = await post("step", {
    action: "search", link_session_id: session, query: asked,
  }).catch(() => ({}));
  const list = form.querySelector("#found");
  if (answer.pane && list && input.isConnected && input.value === asked) {
    list.replaceChildren(found(answer.pane, pick));
  }
}

function finish(type, data, events) {
  walk += 1;
  rest();
  dialog.hidden = true;
  clearInterval(polling);
  tell(type, { ...data, events });
  session = shown = failure = null;
}

async function leave() {
  const mine = walk += 1;
  clearInterval(polling);
  const ended = session && !failure ? await post("step", {
    action: "exit", link_session_id: session,
  }).catch(() => null) : null;
  if (mine !== walk) return;
  if (ended && ended.exit) finish("exit", ended.exit, ended.events);
  else finish("exit", unknown(failure), []);
}

// No session to end: the link token was refused or too old, or the bank is silent.
function unknown(known) {
  return {
    error: known && {
      display_message: known.display_message,
      error_code: known.error_code,
      error_message: known.error_message,
      error_type: known.error_type,
    },
    metadata: {
      institution: null, link_session_id: session,
      request_id: (known && known.request_id) || null, status: null,
    },
  };
}

function ask() {
  if (!shown || shown.pane === "confirm") {
    leave();
    return;
  }
  if (shown.pane === "done") {
    step("finish", {});
    return;
  }
  const back = shown;
  show({
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
  else if (action === "back") show(shown.back);
  else if (action === "oauth") oauth();
  else step(action, values(form));
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
    const mine = walk;
    const answer = await post("step", { action: "poll", link_session_id: session })
      .catch(() => ({ wait: true }));
    if (!answer.wait && !busy && mine === walk) {
      clearInterval(polling);
      status.textContent = "";
      take(answer);
    }
  }, 250);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (shown && shown.primary) act(shown.primary.action);
});
document.getElementById("close").addEventListener("click", ask);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !dialog.hidden) {
    if (shown && shown.pane === "confirm") show(shown.back);
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
