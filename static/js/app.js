// Three small things every page needs: messages can be closed, swapped parts are announced, a lost server is told.
document.addEventListener("click", (event) => {
  event.target.closest?.("[data-dismiss]")?.closest(".message")?.remove();
});

document.addEventListener("htmx:after:swap", () => {
  const announcer = document.getElementById("announcer");
  const news = document.querySelector("[data-announce]")?.dataset.announce;
  if (announcer && news && announcer.textContent !== news) announcer.textContent = news;
});

document.addEventListener("htmx:error", (event) => {
  const template = document.getElementById("offline-message");
  if (!template || event.detail?.ctx?.response) return;
  document.getElementById("messages")?.replaceChildren(template.content.cloneNode(true));
});
