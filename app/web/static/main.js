// The entry: the theme, the language, then the app.

import { effect } from "core/signals.js";
import { locale, preferred, setLocale } from "core/i18n.js";
import { client } from "views/client.js";
import { keepForOffline } from "views/offline.js";

const page = document.documentElement;

effect(() => {
  const theme = client.prefs.theme.value;
  if (theme === "system") delete page.dataset.theme;
  else page.dataset.theme = theme;
});
effect(() => { page.lang = locale.value === "zh" ? "zh-CN" : locale.value; });

const chosen = () => client.prefs.locale.value ?? preferred(navigator.languages);
await setLocale(chosen());
effect(() => { setLocale(chosen()); });

await import("views/app.js");
keepForOffline();
