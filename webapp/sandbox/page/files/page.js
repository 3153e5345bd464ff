// Plays the bank's events by hand, through the control API.
"use strict";

const status = document.getElementById("status");
let state = null;
let drawn = "";

async function call(path, body) {
  const options = body === undefined ? {} : {
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    method: "POST",
  };
  const response = await fetch("/_control/" + path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error_message || answer.error);
  return answer;
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function day(offset) {
  const moment = new Date(state.now);
  moment.setUTCDate(moment.getUTCDate() + offset);
  return moment.toISOString().slice(0, 10);
}

function event(name) {
  return (item) => call(`items/${item.item_id}/event`, { event: name });
}

function purchase(description, amount, days) {
  return (item) => call(`items/${item.item_id}/transactions`, {
    transactions: [{
      amount, date_posted: day(days), date_transacted: day(0), description,
    }],
  });
}

async function tip(item) {
  const path = `items/${item.item_id}/transactions`;
  const waiting = (await call(path + "?pending=1")).transactions;
  const one = waiting.find((row) => row.amount > 0);
  if (!one) throw new Error("Nothing is pending at this bank.");
  const amount = Math.round(one.amount * 118) / 100;
  return call(`${path}/${one.transaction_id}/post`, { amount });
}

function account(item) {
  return call(`items/${item.item_id}/accounts`, {
    current: 250, mask: String(1000 + item.accounts.length), name: "New Savings Pot",
    subtype: "savings", type: "depository",
  });
}

async function newest(item) {
  const path = `items/${item.item_id}/transactions`;
  const one = (await call(path)).transactions.find((row) => !row.pending);
  if (!one) throw new Error("Nothing has posted at this bank.");
  return [`${path}/${one.transaction_id}`, one];
}

async function rename(item) {
  const [path, one] = await newest(item);
  const name = `${one.name} (corrected)`;
  return call(path, { amount: one.amount + 1, merchant_name: name, name });
}

async function takeBack(item) {
  const [path] = await newest(item);
  return call(`${path}/remove`, {});
}

async function unshare(item) {
  const one = item.accounts.findLast((held) => held.shared && !held.revoked);
  if (!one) throw new Error("No account is shared.");
  return call(`items/${item.item_id}/accounts/${one.account_id}/revoke`, {});
}

const EVENTS = [
  ["Bank asks for login again", event("login_required")],
  ["Login is repaired elsewhere", event("login_repaired")],
  ["A purchase is made (pending)", purchase("Lantern House Restaurant", 42.5, 2)],
  ["A refund arrives", purchase("Threadline refund", -31.2, 0)],
  ["A pending payment posts with a tip", tip],
  ["The newest payment is corrected", rename],
  ["The newest payment is taken back", takeBack],
  ["New account at the bank", account],
  ["An account is no longer shared", unshare],
  ["Bank down", event("bank_down")],
  ["Bank up again", event("bank_up")],
  ["Consent runs out in 7 days", event("pending_expiration")],
  ["Bank disconnects in 7 days", event("pending_disconnect")],
  ["Permission is revoked", event("permission_revoked")],
];

async function act(button, words, work) {
  button.disabled = true;
  try {
    await work();
    status.textContent = `Done: ${words}.`;
  } catch (error) {
    status.textContent = `That did not work: ${error.message}`;
  }
  button.disabled = false;
  await refresh();
  // It may have been drawn anew meanwhile.
  (button.isConnected ? button : document.getElementById(button.id))?.focus();
}

function card(item) {
  const down = state.faults.some((one) => one.item_id === item.item_id
    && one.times === null);
  const words = [`${item.username}, ${item.accounts.length} accounts`,
    `${item.transactions} transactions, ${item.pending} pending`,
    `item ${item.item_id}`];
  const trouble = down ? "down" : item.error_code;
  return make("article", {},
    make("h3", {}, item.institution_name),
    make("p", { className: "quiet" }, words.join(" · ")),
    trouble ? make("p", { className: "bad" }, `State: ${trouble}`) : "",
    make("div", { className: "buttons" }, ...EVENTS.map(([label, work]) => {
      const id = `${item.item_id} ${label}`;
      const button = make("button", { id, type: "button" }, label);
      button.addEventListener("click", () => act(
        button, `${label} (${item.institution_name})`, () => work(item),
      ));
      return button;
    })));
}

function hook(one) {
  return make("tr", {}, make("td", {}, one.code),
    make("td", { className: "to" }, one.url),
    make("td", {}, String(one.attempts)), make("td", {}, one.status));
}

// Only what has changed is drawn anew, and whoever was at a button stays there.
function draw() {
  const wanted = JSON.stringify([state.items, state.faults]);
  if (wanted === drawn) return;
  drawn = wanted;
  const items = document.getElementById("items");
  const focused = items.contains(document.activeElement)
    ? document.activeElement.id : "";
  items.replaceChildren(...state.items.map(card));
  if (focused) document.getElementById(focused)?.focus();
}

async function refresh() {
  try {
    state = await call("state");
    // One without a token was never taken over by an app.
    state.items = state.items.filter((item) => item.access_token);
    const hooks = (await call("webhooks")).webhooks.slice(-20).reverse();
    document.getElementById("now").textContent = new Date(state.now).toUTCString();
    draw();
    document.getElementById("empty").hidden = state.items.length > 0;
    const table = document.getElementById("webhooks");
    table.tBodies[0].replaceChildren(...hooks.map(hook));
    table.hidden = hooks.length === 0;
    document.getElementById("silent").hidden = hooks.length > 0;
  } catch (error) {
    status.textContent = `The bank cannot be steered from here: ${error.message}`;
  }
}

document.getElementById("clock").addEventListener("click", ({ target }) => {
  if (!target.dataset || target.dataset.days === undefined) return;
  const days = Number(target.dataset.days);
  const moment = new Date(state.now);
  moment.setUTCDate(moment.getUTCDate() + days);
  act(target, target.textContent, () => call("clock", {
    now: days ? moment.toISOString() : null,
  }));
});

refresh();
setInterval(refresh, 3000);
