// Language and colours, at once and on this device.

import { h } from "core/dom.js";
import { locale, t } from "core/i18n.js";
import { client } from "views/client.js";

export function appearance() {
  const { theme } = client.prefs;
  return [
    choice("language", () => t("settings.language"), [["en", () => "English"], ["zh", () => "中文"]],
      () => locale.value, (value) => { client.prefs.locale.value = value; }),
    choice("theme", () => t("settings.theme"), [
      ["system", () => t("settings.theme_system")], ["light", () => t("settings.theme_light")],
      ["dark", () => t("settings.theme_dark")],
    ], () => theme.value, (value) => { theme.value = value; }),
  ];
}

/** A few choices beside each other: radio buttons that look like one control. */
function choice(name, label, options, value, change) {
  return h("fieldset", { class: "choice" }, h("legend", null, label),
    h("div", { class: "choice-options" }, options.map(([key, text]) => h("label", { class: "choice-option" },
      h("input", { type: "radio", name, value: key, ".checked": () => value() === key,
        "on:change": () => change(key) }),
      h("span", null, text)))));
}
