// What others may know, and whom one does not want to hear.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { toggle } from "views/parts/form.js";
import { change } from "views/settings/profile.js";

export function privacy() {
  const me = client.session.user;
  return [
    toggle(() => t("settings.shows_presence"), () => me.value?.shows_presence ?? true,
      (on) => change({ shows_presence: on }), { hint: () => t("settings.shows_presence_hint") }),
    toggle(() => t("settings.shows_reading"), () => me.value?.shows_reading ?? true,
      (on) => change({ shows_reading: on }), { hint: () => t("settings.shows_reading_hint") }),
    h("p", { class: "hint" }, () => t("settings.blocked_hint")),
  ];
}
