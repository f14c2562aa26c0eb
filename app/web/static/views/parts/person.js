// What one can do with a person: as a menu on a row, and as a card of their own.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { confirm, openDialog, prompt } from "views/parts/dialog.js";
import { icon } from "views/parts/icons.js";
import { presenceText } from "views/parts/presence.js";

const NOTE_CHARS = 200;
const REMARK_CHARS = 64;

/** The contact row about a user, or one that says that there is none. Reactive. */
export function contactOf(id) {
  return client.contacts.of(id).value ?? { user: id, state: "none", blocked: false, remark: "", note: "" };
}

/** The user's name as the reader knows them. Reactive. */
export function knownAs(id) {
  return client.users.name(id).value || t("common.unknown_user");
}

export function writeTo(id) {
  go(`/u/${id}`);
}

/** Ask to be a contact, with a word about who one is. */
export async function askContact(id) {
  const note = await prompt({
    title: t("contacts.ask_title", { name: knownAs(id) }), label: t("contacts.note"),
    hint: t("contacts.note_hint"), ok: t("contacts.ask"), most: NOTE_CHARS,
  });
  if (note !== null) await attempt(() => client.contacts.request(id, note), t("contacts.asked"));
}

export async function rename(id) {
  const remark = await prompt({
    title: t("contacts.rename"), label: t("contacts.remark"), value: contactOf(id).remark,
    hint: t("contacts.remark_hint"), most: REMARK_CHARS,
  });
  if (remark !== null) await attempt(() => client.contacts.remark(id, remark));
}

export async function block(id) {
  const name = knownAs(id);
  const sure = await confirm({
    title: t("contacts.block_title", { name }), text: t("contacts.block_text"),
    ok: t("contacts.block"), danger: true,
  });
  if (sure) await attempt(() => client.contacts.block(id), t("contacts.blocked_now", { name }));
}

export async function remove(id) {
  const name = knownAs(id);
  const sure = await confirm({
    title: t("contacts.remove_title", { name }), text: t("contacts.remove_text"),
    ok: t("contacts.remove"), danger: true,
  });
  if (sure) await attempt(() => client.contacts.remove(id), t("contacts.removed_now", { name }));
}

/** The entries of openMenu() that fit how one stands with this person now. */
export function personMenu(id) {
  const { state, blocked } = contactOf(id);
  const known = state === "friend";
  return [
    { label: t("contacts.write"), icon: "chats", run: () => writeTo(id) },
    { label: t("contacts.card"), icon: "user", run: () => showPerson(id) },
    ...(known ? [{ label: t("contacts.rename"), icon: "edit", run: () => rename(id) }] : []),
    null,
    blocked
      ? { label: t("contacts.unblock"), icon: "eye", run: () => unblock(id) }
      : { label: t("contacts.block"), icon: "eye-off", danger: true, run: () => block(id) },
    ...(known ? [{ label: t("contacts.remove"), icon: "trash", danger: true, run: () => remove(id) }] : []),
  ];
}

export function unblock(id) {
  return attempt(() => client.contacts.unblock(id), t("contacts.unblocked_now", { name: knownAs(id) }));
}

export function accept(id) {
  return attempt(() => client.contacts.accept(id), t("contacts.accepted", { name: knownAs(id) }));
}

export function refuse(id) {
  return attempt(() => client.contacts.refuse(id));
}

/** The card of a person, in a dialog. */
export function showPerson(id) {
  const close = openDialog(() => card(id, () => close()), { label: () => knownAs(id), kind: "small" });
}

function card(id, close) {
  const isMe = id === client.session.user.peek()?.id;
  const then = (act) => () => { close(); act(id); };
  const is = (state) => () => !isMe && contactOf(id).state === state;
  return h("div", { class: "person-card" },
    h("button", { type: "button", class: "icon-button dialog-close", "aria-label": () => t("common.close"),
      "on:click": close }, icon("close")),
    h("hi-avatar", { ".user": id, size: "l", presence: true }),
    h("h2", null, () => knownAs(id)),
    when(() => contactOf(id).remark !== "", () => h("p", { class: "muted" },
      () => t("contacts.real_name", { name: client.users.of(id).value?.name ?? "" }))),
    h("p", { class: "muted" }, () => (isMe ? t("common.you") : presenceText(id))),
    h("p", { class: "muted small" }, () => t("contacts.number", { id: String(id) })),
    when(is("asked"), () => h("div", { class: "person-note" },
      h("p", null, () => contactOf(id).note || t("contacts.asks_you")),
      buttons(
        button("contacts.accept", then(accept), "primary"),
        button("contacts.refuse", then(refuse))))),
    when(is("asking"), () => h("p", { class: "muted" }, () => t("contacts.waiting_for_them"))),
    isMe ? null : buttons(
      button("contacts.write", then(writeTo), "primary"),
      when(is("none"), () => button("contacts.add", then(askContact))),
      when(is("friend"), () => button("contacts.rename", then(rename))),
      when(is("asking"), () => button("contacts.withdraw",
        () => attempt(() => client.contacts.remove(id)))),
      when(() => contactOf(id).blocked, () => button("contacts.unblock", () => unblock(id)),
        () => button("contacts.block", then(block), "danger"))));
}

function buttons(...children) {
  return h("div", { class: "person-buttons" }, children);
}

function button(key, run, kind = "") {
  return h("button", { type: "button", class: `button ${kind}`, "on:click": run }, () => t(key));
}
