// One's data: take all of it along, or leave.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { confirm, prompt } from "views/parts/dialog.js";
import { Wrong } from "views/parts/form.js";

const PATIENCE = 600_000; // ms: an export may be long

export function data() {
  return [
    h("div", { class: "toggle" },
      h("div", null, h("strong", null, () => t("settings.export")),
        h("p", { class: "hint" }, () => t("settings.export_hint"))),
      h("button", { type: "button", class: "button", "on:click": () => attempt(save) },
        () => t("settings.export_button"))),
    h("div", { class: "toggle" },
      h("div", null, h("strong", null, () => t("settings.delete")),
        h("p", { class: "hint" }, () => t("settings.delete_hint"))),
      h("button", { type: "button", class: "button danger", "on:click": () => attempt(leave) },
        () => t("settings.delete_button"))),
  ];
}

/** All of it, or nothing. */
async function save() {
  const found = await exported();
  const url = URL.createObjectURL(new Blob([JSON.stringify(found)], { type: "application/json" }));
  h("a", { href: url, download: `hichat-${client.session.user.peek().name}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** An answer without its end was cut off: it is no JSON. */
async function exported() {
  try {
    return await client.api.request("GET", "/v2/users/me/export", { signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    if (error.status) throw error;
    throw new Wrong("", t("settings.export_cut"));
  }
}

async function leave() {
  const { name } = client.session.user.peek();
  if (!await confirm({ title: t("settings.delete_title"), text: t("settings.delete_text"),
    ok: t("settings.delete_button"), danger: true })) return;
  const typed = await prompt({ title: t("settings.delete_title"), label: t("settings.delete_type", { name }),
    ok: t("settings.delete_button") });
  if (typed === null) return;
  if (typed !== name) throw new Wrong("", t("settings.delete_mistyped"));
  await client.api.delete("/v2/users/me");
  await client.signOut();
}
