// <hi-settings>: everything that one decides for oneself.

import { Element_, define, h } from "core/dom.js";
import { t } from "core/i18n.js";
import { route } from "core/router.js";
import { effect } from "core/signals.js";
import { screenHeader } from "views/parts/header.js";
import { appearance } from "views/settings/appearance.js";
import { data } from "views/settings/data.js";
import { notifications } from "views/settings/notifications.js";
import { password } from "views/settings/password.js";
import { privacy } from "views/settings/privacy.js";
import { profile } from "views/settings/profile.js";
import { sessions } from "views/settings/sessions.js";
import { openShortcuts } from "views/shortcuts.js";

const SECTIONS = [
  ["profile", profile], ["appearance", appearance], ["notifications", notifications],
  ["privacy", privacy], ["password", password], ["sessions", sessions], ["data", data],
];

/** `#/settings/<section>` scrolls to that section. */
class Settings extends Element_ {
  render() {
    const parts = new Map(SECTIONS.map(([name, make]) => [name, section(name, make())]));
    effect(() => {
      const { name, params } = route.value;
      if (name !== "settings" || !parts.has(params.section)) return;
      const found = parts.get(params.section);
      requestAnimationFrame(() => found.scrollIntoView({ block: "start" }));
    });
    return [
      screenHeader(() => t("settings.title"), { back: "#/" }),
      h("div", { class: "scroll screen-scroll", tabindex: "-1" },
        h("div", { class: "settings column" },
          h("nav", { class: "settings-nav", "aria-label": () => t("settings.sections") },
            SECTIONS.map(([name]) => h("a", { href: `#/settings/${name}` },
              () => t(`settings.section_${name}`))),
            h("button", { type: "button", "on:click": openShortcuts }, () => t("keys.title"))),
          [...parts.values()])),
    ];
  }
}

function section(name, body) {
  return h("section", { class: "card settings-section", "aria-labelledby": `settings-${name}` },
    h("h2", { id: `settings-${name}` }, () => t(`settings.section_${name}`)), body);
}

define("hi-settings", Settings);
