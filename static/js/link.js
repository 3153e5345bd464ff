// Plaid Link. Reads #link-config, opens Link, and hands its answer to the server through two plain forms.
(() => {
  const holder = document.getElementById("link-config");
  if (!holder) return;
  const config = JSON.parse(holder.textContent);
  const open = document.getElementById("link-open");
  const status = document.getElementById("link-status");
  const retry = document.getElementById("link-retry");
  const say = (words) => { status.textContent = words; };

  const submit = (id, fields) => {
    const form = document.getElementById(id);
    for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
    form.submit();
  };

  const finish = (publicToken, metadata) => {
    open.disabled = true;
    say("Saving your bank. Please keep this page open.");
    submit("link-success", { public_token: publicToken, metadata: JSON.stringify(metadata) });
  };

  const leave = (error, metadata) => {
    say("Going back.");
    submit("link-exit", { error: error ? JSON.stringify(error) : "", metadata: JSON.stringify(metadata ?? null) });
  };

  const fail = () => {
    open.disabled = true;
    retry.hidden = false;
    say("The bank's window could not be loaded. Check your connection and your content blocker, then try again.");
  };

  retry.addEventListener("click", () => window.location.reload());
  if (!window.Plaid) {
    fail();
    return;
  }

  const options = {
    token: config.token,
    onSuccess: finish,
    onExit: leave,
    onLoad: () => {
      open.disabled = false;
      say("");
      handler.open();
    },
  };
  if (config.received_redirect_uri) options.receivedRedirectUri = config.received_redirect_uri;
  open.disabled = true;
  say("Getting ready to connect to your bank.");
  const handler = window.Plaid.create(options);
  open.addEventListener("click", () => handler.open());
  // the address holds the bank's one-time state: it must not be used or kept twice
  if (config.received_redirect_uri) window.history.replaceState(null, "", window.location.pathname);
})();
