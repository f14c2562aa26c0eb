// Before the first paint: the theme and the language that were chosen. No module: those come later.
(() => {
  try {
    const { theme, locale } = JSON.parse(localStorage.getItem("hichat.prefs") ?? "{}");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    if (locale) document.documentElement.lang = locale;
  } catch {
    // without storage there is nothing to restore
  }
})();
