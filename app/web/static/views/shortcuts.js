// Keys that work everywhere, and the page that names them: `?`.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { go, openConversation } from "core/router.js";
import { client } from "views/client.js";
import { frame, openDialog } from "views/parts/dialog.js";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** Those that are carried out here: `keys` as they are shown, `fits` as they come. */
const GLOBAL = [
  { keys: ["Alt", "↓"], name: "keys.next", fits: (e) => alt(e, "ArrowDown"), run: () => step(1) },
  { keys: ["Alt", "↑"], name: "keys.previous", fits: (e) => alt(e, "ArrowUp"), run: () => step(-1) },
  { keys: ["Alt", "Shift", "↓"], name: "keys.next_unread", fits: (e) => alt(e, "ArrowDown", true),
    run: nextUnread },
  { keys: ["Ctrl", "Shift", "F"], name: "keys.search", fits: (e) => control(e, "f", true),
    run: () => go(searchPath()) },
  { keys: ["Ctrl", ","], name: "keys.settings", fits: (e) => control(e, ",", false),
    run: () => go("/settings") },
  { keys: ["?"], name: "keys.help", fits: (e) => e.key === "?" && !isWriting(e.target), run: openShortcuts },
  { keys: ["Ctrl", "/"], name: "keys.help_writing", fits: (e) => control(e, "/", false), run: openShortcuts },
];

/** All that the page names: those above, and those of the screens. */
const GROUPS = [
  ["keys.everywhere", [{ keys: ["Ctrl", "K"], name: "keys.switcher" }, ...GLOBAL,
    { keys: ["Esc"], name: "keys.escape" }]],
  ["keys.writing", [
    { keys: ["Enter"], name: "keys.send" }, { keys: ["Shift", "Enter"], name: "keys.line" },
    { keys: ["↑"], name: "keys.edit" }, { keys: [":"], name: "keys.emoji" }, { keys: ["@"], name: "keys.mention" },
  ]],
  ["keys.lists", [
    { keys: ["↑", "↓"], name: "keys.move" }, { keys: ["Enter"], name: "keys.open" },
    { keys: ["Shift", "F10"], name: "keys.menu" }, { keys: ["Space"], name: "keys.choose" },
  ]],
];

let isOpen = false;

export function start() {
  addEventListener("keydown", (event) => {
    if (event.isComposing || client.session.user.peek() === null) return;
    const found = GLOBAL.find((item) => item.fits(event));
    if (!found || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.stopPropagation();
    found.run();
  }, true); // before what has the focus: Alt and an arrow is no arrow
}

export function openShortcuts() {
  if (isOpen) return;
  isOpen = true;
  const body = () => frame(() => t("keys.title"), GROUPS.map(([title, items]) => h("section", null,
    h("h3", null, () => t(title)), h("dl", { class: "keys" }, items.map(line)))), [
    h("button", { type: "button", class: "button primary", "data-autofocus": "", "on:click": () => close() },
      () => t("common.close"))], { scrolls: true });
  const close = openDialog(body, { label: () => t("keys.title"), closed: () => { isOpen = false; } });
}

function line({ keys, name }) {
  return h("div", { class: "keys-line" }, h("dt", null, () => t(name)),
    h("dd", null, keys.map((key) => h("kbd", null, MAC && key === "Ctrl" ? "⌘" : key))));
}

function alt(event, key, shift = false) {
  return event.altKey && !event.ctrlKey && !event.metaKey && event.shiftKey === shift && event.key === key;
}

function control(event, key, shift) {
  return (event.ctrlKey || event.metaKey) && !event.altKey && event.shiftKey === shift
    && event.key.toLowerCase() === key;
}

function isWriting(element) {
  return element.matches("textarea, select, [contenteditable]")
    || (element.matches("input") && !["checkbox", "radio", "button"].includes(element.type));
}

/** The search, in the open conversation if there is one. */
function searchPath() {
  const conversation = openConversation();
  return conversation ? `/search?conversation=${conversation}` : "/search";
}

function shown() {
  return client.conversations.list.peek().filter((row) => !row.hidden);
}

/** To the conversation so many lines further down in the list. */
function step(by) {
  const rows = shown();
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.id === openConversation());
  const next = at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by));
  go(`/c/${rows[next].id}`);
}

function nextUnread() {
  const row = shown().find(({ id, unread }) => unread > 0 && id !== openConversation());
  if (row) go(`/c/${row.id}`);
}
