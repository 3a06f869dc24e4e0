// Sets the theme before the first paint; src/lib/theme.ts changes it later.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("konstruct.theme");
  } catch (_) {
    // Storage may be forbidden; the system's choice stands then.
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
