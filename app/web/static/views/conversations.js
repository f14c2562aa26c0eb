// <hi-conversations>: the list of conversations, with a filter; only what is in view is in the document.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { computed, signal } from "core/signals.js";
import { client } from "views/client.js";
import { conversationRow } from "views/conversations/row.js";
import { icon } from "views/parts/icons.js";
import { openMenu } from "views/parts/menu.js";
import { titleOf } from "views/parts/summary.js";
import { virtualList } from "views/parts/virtual-list.js";

const ROW_REM = 4.25;
const KINDS = ["all", "unread", "groups"];

const OF_KIND = {
  all: () => true,
  unread: (row) => row.unread > 0,
  groups: (row) => row.kind === "group",
};

class Conversations extends Element_ {
  render() {
    const text = signal("");
    const kind = signal("all");
    const rows = computed(() => filtered(client.conversations.list.value, text.value, kind.value));
    return [
      h("header", { class: "list-header" },
        h("h1", null, () => t("list.title")),
        h("button", {
          type: "button", class: "icon-button", "aria-label": () => t("list.new"), "aria-haspopup": "menu",
          "on:click": (event) => newMenu(event.currentTarget),
        }, icon("plus"))),
      h("div", { class: "list-filter" },
        h("div", { class: "search-field" }, icon("search"),
          h("input", {
            type: "search", class: "input", "aria-label": () => t("list.filter"), placeholder: () => t("list.filter"),
            autocomplete: "off", "on:input": (event) => { text.value = event.target.value; },
            "on:keydown": (event) => this.#onFilterKey(event),
          })),
        h("div", { class: "chips", role: "group", "aria-label": () => t("list.show") },
          KINDS.map((name) => h("button", {
            type: "button", class: "chip", "aria-pressed": () => String(kind.value === name),
            "on:click": () => { kind.value = name; },
          }, () => t(`list.kind.${name}`))))),
      when(() => rows.value.length > 0,
        () => virtualList(() => rows.value, (row) => row.id, conversationRow, { rem: ROW_REM, label: () => t("list.title") }),
        () => nothing(text, kind)),
    ];
  }

  #onFilterKey(event) {
    if (event.key === "ArrowDown") this.querySelector(".conversation")?.focus();
    else if (event.key === "Escape" && event.target.value) {
      event.target.value = "";
      event.target.dispatchEvent(new Event("input"));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Hidden conversations are shown to who looks for them by name. */
function filtered(list, text, kind) {
  const wanted = text.trim().toLowerCase();
  return list.filter((row) => (wanted ? titleOf(row).toLowerCase().includes(wanted) : !row.hidden) && OF_KIND[kind](row));
}

function newMenu(button) {
  openMenu(button, [
    { label: t("list.new_chat"), icon: "user", run: () => go("/contacts") },
    { label: t("list.new_group"), icon: "contacts", run: () => go("/groups/new") },
  ]);
}

function nothing(text, kind) {
  return () => {
    if (text.value.trim()) {
      const q = text.value.trim();
      return h("div", { class: "empty" }, h("p", null, t("list.none_found", { text: q })),
        h("a", { class: "button", href: `#/search?q=${encodeURIComponent(q)}` }, t("list.search_messages")));
    }
    if (kind.value !== "all") return h("div", { class: "empty" }, h("p", null, t(`list.none.${kind.value}`)));
    return h("div", { class: "empty" }, icon("chats"), h("p", null, t("list.empty")),
      h("a", { class: "button primary", href: "#/contacts" }, t("list.new_chat")));
  };
}

define("hi-conversations", Conversations);
