// Invite links: make one with an end, copy it, take it back.

import { each, h } from "core/dom.js";
import { t } from "core/i18n.js";
import { signal } from "core/signals.js";
import { formatUntil } from "core/time.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { frame, openDialog, prompt } from "views/parts/dialog.js";
import { Wrong, field, form, select } from "views/parts/form.js";
import { icon } from "views/parts/icons.js";
import { toast } from "views/parts/toast.js";
import { leads } from "views/group/policies.js";

const HOUR = 3600; // seconds
const LIVES = [[HOUR, "group.for_hour"], [24 * HOUR, "group.for_day"], [168 * HOUR, "group.for_week"],
  [720 * HOUR, "group.for_month"], [8760 * HOUR, "group.for_year"]];
const MOST_USES = 100_000;

/** Admins see all links; where it is open to all, members see those that they have just made. */
export function invites(group) {
  const { id, role } = group.peek();
  const links = signal([]);
  const load = async () => { links.value = await client.groups.invites(id); };
  if (leads(role)) attempt(load);
  const gone = (code) => { links.value = links.peek().filter((item) => item.code !== code); };
  const made = (link) => { links.value = [link, ...links.peek()]; };
  return h("section", { class: "group-section", "aria-labelledby": "group-invites" },
    h("div", { class: "group-heading" },
      h("h3", { id: "group-invites" }, () => t("group.invites")),
      h("button", { type: "button", class: "button small", "on:click": () => create(id, made) },
        icon("link"), () => t("group.invite_new"))),
    h("ul", { class: "plain-list" }, each(links, (link) => link.code,
      (link) => line(id, link.peek(), gone))));
}

/** What is passed on: the page of this site that shows the card of the group. */
export function addressOf(code) {
  return `${location.origin}${location.pathname}#/i/${code}`;
}

/** Where a page may not write to the clipboard, one copies the address oneself. */
async function copy(code) {
  const address = addressOf(code);
  try {
    await navigator.clipboard.writeText(address);
    toast(t("group.copied"));
  } catch {
    await prompt({ title: t("group.copy"), label: t("group.copy_yourself"), value: address,
      ok: t("common.close"), most: address.length });
  }
}

function line(id, link, gone) {
  const revoke = () => attempt(async () => {
    await client.groups.revoke(id, link.code);
    gone(link.code);
  }, t("group.revoked"));
  return h("li", { class: "invite-line" },
    h("div", { class: "invite-line-text" },
      h("code", { class: "ellipsis", title: addressOf(link.code) }, link.code),
      h("span", { class: "muted small" }, () => t("group.invite_until", { when: formatUntil(link.expires_at) })),
      h("span", { class: "muted small" }, () => (link.uses_left === null ? t("group.uses_without_end")
        : t("group.uses_left", { count: link.uses_left })))),
    h("button", { type: "button", class: "icon-button", "aria-label": () => t("group.copy_link", { code: link.code }),
      title: () => t("group.copy"), "on:click": () => copy(link.code) }, icon("copy")),
    h("button", { type: "button", class: "icon-button", "aria-label": () => t("group.revoke_link", { code: link.code }),
      title: () => t("group.revoke"), "on:click": revoke }, icon("trash")));
}

function create(id, made) {
  let life = 168 * HOUR;
  const body = () => form({
    submit: () => t("group.invite_make"),
    buttons: h("button", { type: "button", class: "button", "on:click": () => close() }, () => t("common.cancel")),
    run: async ({ uses }) => {
      const count = uses === "" ? null : Number(uses);
      if (count !== null && !(Number.isInteger(count) && count >= 1 && count <= MOST_USES)) {
        throw new Wrong("uses", t("group.uses_wrong"));
      }
      const link = await client.groups.invite(id, { expires_in: life, ...(count && { uses: count }) });
      made(link);
      close();
      await copy(link.code);
    },
  },
  select(() => t("group.lives"), LIVES.map(([seconds, key]) => [String(seconds), () => t(key)]),
    () => String(life), (value) => { life = Number(value); }),
  field(() => t("group.uses"), { name: "uses", type: "text", inputmode: "numeric", autocomplete: "off",
    placeholder: () => t("group.uses_without_end") }, { hint: () => t("group.uses_hint") }));
  const close = openDialog(() => frame(() => t("group.invite_new"), body()),
    { label: () => t("group.invite_new"), kind: "small" });
}
