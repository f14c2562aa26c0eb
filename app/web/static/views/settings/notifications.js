// Notifications and sound: off until somebody asks for them here.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { signal } from "core/signals.js";
import { client } from "views/client.js";
import { toggle } from "views/parts/form.js";
import { ding } from "views/parts/sound.js";

export function notifications() {
  const { notify, sound } = client.prefs;
  const permission = signal(globalThis.Notification?.permission ?? "unsupported");
  const allow = async (on) => {
    if (on && permission.peek() === "default") {
      permission.value = await Notification.requestPermission();
    }
    notify.value = on && permission.peek() === "granted";
  };
  return [
    toggle(() => t("settings.notify"), () => notify.value && permission.value === "granted", allow,
      { hint: () => t("settings.notify_hint") }),
    h("p", { class: "notice", role: "status",
      hidden: () => !["denied", "unsupported"].includes(permission.value) },
    () => t(permission.value === "denied" ? "settings.notify_denied" : "settings.notify_unsupported")),
    toggle(() => t("settings.sound"), () => sound.value, (on) => {
      sound.value = on;
      if (on) ding();
    }, { hint: () => t("settings.sound_hint") }),
  ];
}
