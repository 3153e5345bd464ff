// The simulated bank's stand-in for Plaid's link-initialize.js: the same global, the
// same methods. The panes live in a frame of the bank's own origin.
(function () {
  "use strict";

  const ORIGIN = new URL(document.currentScript.src).origin;
  const FRAME = ORIGIN + "/link/v2/stable/link.html";
  const COVER = {
    border: "0", display: "none", height: "100%", inset: "0", position: "fixed",
    width: "100%", "z-index": "2147483000", "color-scheme": "light dark",
    background: "transparent",
  };
  let count = 0;

  function later(callback, ...values) {
    if (typeof callback === "function") setTimeout(() => callback(...values), 0);
  }

  function style(element, rules) {
    // Through the CSSOM, so that the host's style-src needs no exception.
    for (const [name, value] of Object.entries(rules)) {
      element.style.setProperty(name, value);
    }
  }

  function create(config) {
    if (!config || typeof config.token !== "string") {
      throw new Error("Plaid.create needs a token");
    }
    const channel = "link-" + Date.now() + "-" + ++count;
    const frame = document.createElement("iframe");
    let loaded = false;
    let waiting = false;
    let open = false;
    let dead = false;
    let before = null;

    frame.title = "Link: connect a simulated bank";
    frame.src = FRAME + "#" + encodeURIComponent(channel) + "," +
      encodeURIComponent(location.origin);
    frame.id = "plaid-link-iframe-" + count;
    style(frame, COVER);
    (document.body || document.documentElement).appendChild(frame);

    function post(type, data) {
      frame.contentWindow.postMessage({ channel, type, ...data }, ORIGIN);
    }

    function show() {
      open = true;
      before = document.activeElement;
      style(frame, { display: "block" });
      document.documentElement.style.setProperty("overflow", "hidden");
      frame.focus();
      post("open", {
        token: config.token,
        receivedRedirectUri: config.receivedRedirectUri || null,
      });
    }

    function hide() {
      open = false;
      style(frame, { display: "none" });
      document.documentElement.style.removeProperty("overflow");
      if (before && before.focus) before.focus();
    }

    function flush(events) {
      for (const event of events || []) {
        if (event.name !== "OPEN") later(config.onEvent, event.name, event.metadata);
      }
    }

    function receive(message) {
      if (dead || message.origin !== ORIGIN) return;
      if (message.source !== frame.contentWindow) return;
      const data = message.data;
      if (!data || data.channel !== channel) return;
      if (data.type === "ready" && !loaded) {
        loaded = true;
        later(config.onLoad);
        if (waiting) show();
      } else if (data.type === "event") {
        later(config.onEvent, data.name, data.metadata);
      } else if (data.type === "navigate") {
        if (new URL(data.url, ORIGIN).origin === ORIGIN) location.assign(data.url);
      } else if (data.type === "success") {
        hide();
        flush(data.events);
        later(config.onSuccess, data.public_token, data.metadata);
      } else if (data.type === "exit") {
        hide();
        flush(data.events);
        later(config.onExit, data.error, data.metadata);
      }
    }

    window.addEventListener("message", receive);

    return {
      open() {
        if (dead || open) return;
        if (loaded) show();
        else waiting = true;
      },
      exit(options) {
        waiting = false;
        if (open) post("exit", { force: Boolean(options && options.force) });
      },
      submit(data) {
        if (open) post("submit", { data });
      },
      destroy() {
        if (dead) return;
        dead = true;
        if (open) hide();
        window.removeEventListener("message", receive);
        frame.remove();
      },
    };
  }

  function createEmbedded(config, element) {
    const handler = create(config);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Connect a simulated bank";
    button.addEventListener("click", () => handler.open());
    element.appendChild(button);
    return {
      destroy() {
        button.remove();
        handler.destroy();
      },
    };
  }

  window.Plaid = { create, createEmbedded, version: "2.0.0-simulated" };
})();
