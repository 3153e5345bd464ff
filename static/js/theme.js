// Runs before the first paint: the page takes the device's light or dark theme, and knows that scripts run.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const apply = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  root.classList.add("js");
  apply();
  dark.addEventListener("change", () => {
    apply();
    document.dispatchEvent(new Event("theme:change"));
  });
})();
