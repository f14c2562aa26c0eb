// Ctrl+K: to any conversation, person or screen by a few letters.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { computed, signal } from "core/signals.js";
import { client } from "views/client.js";
import { openDialog } from "views/parts/dialog.js";
import { search } from "views/parts/find.js";
import { icon } from "views/parts/icons.js";
import { titleOf } from "views/parts/summary.js";

const MOST = 12; // rows
const PLACES = [
  ["contacts", "/contacts", "contacts.title"], ["plus", "/groups/new", "group.new"],
  ["search", "/search", "search.title"], ["settings", "/settings", "settings.title"],
];

let isOpen = false;

export function start() {
  addEventListener("keydown", (event) => {
    const wanted = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey
      && event.key.toLowerCase() === "k";
    if (!wanted || client.session.user.peek() === null) return;
    event.preventDefault();
    openSwitcher();
  });
}

export function openSwitcher() {
  if (isOpen) return;
  isOpen = true;
  const close = openDialog(() => content(() => close()), {
    label: () => t("keys.switcher"), kind: "switcher", closed: () => { isOpen = false; },
  });
}

/** A combobox: the focus stays in the field, the arrows move through the list. */
function content(close) {
  const [query, at] = [signal(""), signal(0)];
  const { users } = search(query);
  const rows = computed(() => rowsFor(query.value.trim(), users.value));
  const active = computed(() => Math.min(at.value, rows.value.length - 1));
  const choose = (row) => {
    close();
    go(row.path);
  };
  const onKey = (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && rows.peek().length) {
      const count = rows.peek().length;
      at.value = (active.peek() + steps[event.key] + count) % count;
      document.getElementById(`switch-${at.peek()}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && !event.isComposing) {
      const row = rows.peek()[active.peek()];
      if (row) choose(row);
    } else return;
    event.preventDefault();
  };
  return [
    h("input", { type: "text", class: "switcher-input", role: "combobox", "data-autofocus": "",
      autocomplete: "off", spellcheck: "false", "aria-expanded": "true", "aria-controls": "switch-list",
      "aria-autocomplete": "list", "aria-label": () => t("keys.switcher"),
      placeholder: () => t("keys.switcher_hint"),
      "aria-activedescendant": () => (active.value >= 0 ? `switch-${active.value}` : null),
      "on:input": (event) => { query.value = event.target.value; at.value = 0; }, "on:keydown": onKey }),
    h("div", { id: "switch-list", class: "switcher-list scroll", role: "listbox",
      "aria-label": () => t("keys.switcher") },
    each(() => rows.value.map((row, index) => ({ ...row, index })), (row) => row.key,
      (row) => option(row, active, choose))),
    when(() => rows.value.length === 0, () => h("p", { class: "switcher-none muted" }, () => t("keys.switcher_none"))),
  ];
}

function option(row, active, choose) {
  const { picture, symbol } = row.peek();
  return h("div", { class: "list-row", role: "option", id: () => `switch-${row.value.index}`,
    "aria-selected": () => String(row.value.index === active.value), "on:click": () => choose(row.peek()) },
  symbol ? h("span", { class: "switcher-symbol" }, icon(symbol)) : h("hi-avatar", { ...picture, size: "s" }),
  h("span", { class: "grow ellipsis" }, () => row.value.text),
  when(() => row.value.unread > 0, () => h("span", { class: "badge" }, () => row.value.unread)));
}

/** Conversations first, those that begin so before those that have it somewhere; people; screens. */
function rowsFor(words, users) {
  const wanted = words.toLocaleLowerCase();
  const place = (text) => text.toLocaleLowerCase().indexOf(wanted);
  const fits = (row) => place(row.text) >= 0;
  const chats = client.conversations.list.value.map(chatRow).filter(fits);
  if (wanted) chats.sort((one, other) => (place(one.text) > 0) - (place(other.text) > 0));
  const inChats = new Set(chats.map((row) => row.user));
  const people = [...new Set([...friendsFor(wanted, place), ...(wanted ? users.map(({ id }) => id) : [])])]
    .filter((id) => !inChats.has(id) && id !== client.session.user.peek()?.id).map(personRow);
  const screens = PLACES.map(([symbol, path, key]) => ({ key: path, path, symbol, text: t(key) })).filter(fits);
  const inMessages = { key: "messages", symbol: "search", text: t("keys.search_for", { words }),
    path: `/search?${new URLSearchParams({ q: words })}` };
  return [...chats, ...people].slice(0, MOST).concat(wanted ? [...screens, inMessages] : []);
}

function friendsFor(wanted, place) {
  if (!wanted) return [];
  return client.contacts.list.value.filter((row) => row.state === "friend" && !row.blocked)
    .map((row) => row.user).filter((id) => place(client.users.name(id).value ?? "") >= 0);
}

function chatRow(row) {
  const { id, kind, user, group, unread } = row;
  const text = titleOf(row);
  const picture = kind === "private" ? { ".user": user?.id ?? 0 }
    : { ".group": group ?? { id, name: text, avatar: "" } };
  return { key: `c${id}`, path: `/c/${id}`, text, picture, unread, user: user?.id };
}

function personRow(id) {
  return { key: `u${id}`, path: `/u/${id}`, text: client.users.name(id).value ?? "", picture: { ".user": id } };
}
