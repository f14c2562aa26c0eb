// The devices that are signed in, and the door for each.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { signal } from "core/signals.js";
import { formatAgo, formatDay } from "core/time.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { confirm } from "views/parts/dialog.js";

export function sessions() {
  const list = signal(null);
  const load = async () => {
    const answer = await client.api.get("/v2/auth/sessions");
    list.value = answer.sessions.sort((a, b) => b.current - a.current || b.used_at - a.used_at);
  };
  attempt(load);
  return [
    h("p", { class: "hint" }, () => t("settings.sessions_hint")),
    when(() => list.value === null, () => h("div", { class: "skeleton" })),
    h("ul", { class: "plain-list" },
      each(() => list.value ?? [], (item) => item.id, (item) => line(item.peek(), load))),
    h("div", { class: "form-buttons" },
      h("button", { type: "button", class: "button", "on:click": () => client.signOut() },
        () => t("settings.sign_out"))),
  ];
}

function line(item, reload) {
  const name = deviceName(item.device);
  const end = async () => {
    if (!await confirm({ title: t("settings.end_title"), danger: true,
      text: t("settings.end_text", { device: name }), ok: t("settings.end_session") })) return;
    await attempt(() => client.api.delete(`/v2/auth/sessions/${item.id}`),
      t("settings.session_ended"));
    await attempt(reload);
  };
  return h("li", { class: "session" },
    h("div", { class: "session-text" },
      h("strong", { class: "ellipsis", title: item.device }, name),
      h("span", { class: "hint" }, () => (item.current ? t("settings.this_device")
        : t("settings.last_used", { when: formatAgo(item.used_at) }))),
      h("span", { class: "hint" }, () => t("settings.since", { when: formatDay(item.created_at) }))),
    item.current ? null : h("button", { type: "button", class: "button",
      "aria-label": () => t("settings.end_session_of", { device: name }), "on:click": end },
    () => t("settings.end_session")));
}

const BROWSERS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"],
  ["Windows", "Windows"], ["Mac OS", "macOS"], ["CrOS", "ChromeOS"], ["Linux", "Linux"]];

/** "Chrome, Linux" of what a browser says of itself; anything else as it is. */
export function deviceName(agent) {
  const browser = BROWSERS.find(([mark]) => agent.includes(mark))?.[1];
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))?.[1];
  if (browser && system) return `${browser}, ${system}`;
  return agent || t("settings.unknown_device");
}
