// The members of a group, page by page, with what the reader may do about each.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { effect, signal, untracked } from "core/signals.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { confirm, frame, openDialog } from "views/parts/dialog.js";
import { icon } from "views/parts/icons.js";
import { sentinel } from "views/parts/growing.js";
import { openMenu } from "views/parts/menu.js";
import { knownAs, showPerson, writeTo } from "views/parts/person.js";
import { picker } from "views/parts/picker.js";
import { toast } from "views/parts/toast.js";
import { above, leads } from "views/group/policies.js";

const HOUR = 3_600_000;
const MUTES = [["group.mute_hour", HOUR], ["group.mute_day", 24 * HOUR], ["group.mute_week", 168 * HOUR]];
const FOR_EVER = Number.MAX_SAFE_INTEGER; // the server's latest moment

export function members(group) {
  const { id, role, join } = group.peek();
  const book = pages(id);
  effect(() => { if (group.value) untracked(book.reload); }); // something has happened in the group
  return h("section", { class: "group-section", "aria-labelledby": "group-members" },
    h("div", { class: "group-heading" },
      h("h3", { id: "group-members" }, () => t("group.members"), " ",
        h("span", { class: "badge quiet" }, () => group.value.size)),
      leads(role) || join === "open" ? h("button", { type: "button", class: "button small",
        "on:click": () => add(group, book) }, icon("plus"), () => t("group.add")) : null),
    h("ul", { class: "plain-list" },
      each(book.rows, (row) => row.user.id, (row) => line(group, row)),
      when(() => book.next.value !== null, () => sentinel(book.more))));
}

/** What was read of the list so far. A reload reads as much again. */
function pages(id) {
  const [rows, next] = [signal([]), signal(null)];
  let reading = Promise.resolve();
  const read = async (wanted) => {
    let [found, after] = [[], 0];
    do {
      const page = await client.groups.members(id, after);
      found = [...found, ...page.members];
      after = page.next;
    } while (after && found.length < wanted);
    rows.value = found;
    next.value = after;
  };
  const after = (act) => { reading = reading.then(() => attempt(act)); };
  return {
    rows, next,
    reload: () => after(() => read(rows.peek().length)),
    more: () => after(async () => {
      if (next.peek() === null) return;
      const page = await client.groups.members(id, next.peek());
      const known = new Set(rows.peek().map((row) => row.user.id));
      rows.value = [...rows.peek(), ...page.members.filter((row) => !known.has(row.user.id))];
      next.value = page.next;
    }),
  };
}

function line(group, row) {
  const { id } = row.peek().user;
  const isMuted = () => row.value.muted_until > Date.now();
  const isMe = id === client.session.user.peek()?.id;
  const open = (event) => {
    event.preventDefault();
    openMenu(event.type === "contextmenu" ? { x: event.clientX, y: event.clientY }
      : event.currentTarget, choices(group.peek(), row.peek()));
  };
  return h("li", { class: "contact-row", "on:contextmenu": isMe ? () => {} : open },
    h("button", { type: "button", class: "list-row", "on:click": () => showPerson(id) },
      h("hi-avatar", { ".user": id, size: "s", presence: true }),
      h("span", { class: "grow ellipsis" }, () => knownAs(id), isMe ? () => ` (${t("common.you")})` : null),
      when(isMuted, () => h("span", { class: "badge quiet" }, () => t("group.muted"))),
      when(() => row.value.role !== "member", () => h("span", { class: "badge role" },
        () => t(`group.role_${row.value.role}`)))),
    isMe ? null : h("button", { type: "button", class: "icon-button", "aria-haspopup": "menu",
      "aria-label": () => t("contacts.more_of", { name: knownAs(id) }), "on:click": open }, icon("more")));
}

function choices({ id, role }, { user, role: theirs, muted_until: muted }) {
  const act = (run) => () => attempt(run);
  const name = knownAs(user.id);
  const items = [
    { label: t("contacts.write"), icon: "chats", run: () => writeTo(user.id) },
    { label: t("contacts.card"), icon: "user", run: () => showPerson(user.id) },
  ];
  if (role === "owner") items.push(null, { icon: "lock",
    label: t(theirs === "admin" ? "group.make_member" : "group.make_admin"),
    run: act(() => client.groups.role(id, user.id, theirs === "admin" ? "member" : "admin")) },
  { label: t("group.transfer"), icon: "forward", run: () => transfer(id, user.id, name) });
  if (leads(role) && theirs === "member") {
    items.push(null, ...(muted > Date.now()
      ? [{ label: t("group.unmute"), icon: "volume", run: act(() => client.groups.mute(id, user.id, 0)) }]
      : [...MUTES.map(([key, time]) => ({ label: t(key), icon: "bell-off",
        run: act(() => client.groups.mute(id, user.id, Date.now() + time)) })),
      { label: t("group.mute"), icon: "bell-off", run: act(() => client.groups.mute(id, user.id, FOR_EVER)) }]));
  }
  if (leads(role) && above(role, theirs)) items.push(null, { label: t("group.kick"), icon: "log-out",
    danger: true, run: () => kick(id, user.id, name) });
  return items;
}

async function transfer(id, user, name) {
  if (await confirm({ title: t("group.transfer_title", { name }), text: t("group.transfer_text"),
    ok: t("group.transfer") })) await attempt(() => client.groups.transfer(id, user));
}

async function kick(id, user, name) {
  if (await confirm({ title: t("group.kick_title", { name }), text: t("group.kick_text"),
    ok: t("group.kick"), danger: true })) await attempt(() => client.groups.kick(id, user));
}

function add(group, book) {
  const body = () => {
    const known = new Set(book.rows.peek().map((row) => row.user.id));
    const people = picker({ without: (user) => known.has(user) });
    const save = () => attempt(async () => {
      const joined = await client.groups.add(group.peek().id, people.chosen.peek());
      close();
      toast(t("group.added", { count: joined.length }));
    });
    return frame(() => t("group.add"), people.element, [
      h("button", { type: "button", class: "button", "on:click": () => close() }, () => t("common.cancel")),
      h("button", { type: "button", class: "button primary",
        disabled: () => people.chosen.value.length === 0, "on:click": save }, () => t("group.add")),
    ]);
  };
  const close = openDialog(body, { label: () => t("group.add") });
}
