// Stands in for Plaid's browser script: answers what the token's name asks for.
window.Plaid = {
  create: (options) => {
    const answer = {
      success: () => options.onSuccess("public-token", { accounts: [] }),
      old: () => options.onExit({ error_code: "INVALID_LINK_TOKEN" }, { status: null }),
      exit: () => options.onExit({ error_code: "INSTITUTION_DOWN" }, { status: null }),
    }[options.token];
    setTimeout(options.onLoad, 20);
    return { open: () => answer && setTimeout(answer, 10) };
  },
};
