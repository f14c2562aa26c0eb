// <hi-contacts>: requests, friends, who has been asked, who is blocked; and the way to new people.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { computed, signal } from "core/signals.js";
import { client } from "views/client.js";
import { broadcastDialog } from "views/broadcast.js";
import { findPeople } from "views/parts/find.js";
import { growing } from "views/parts/growing.js";
import { icon } from "views/parts/icons.js";
import { openMenu } from "views/parts/menu.js";
import {
  accept, contactOf, knownAs, personMenu, refuse, showPerson, unblock, writeTo,
} from "views/parts/person.js";
import { presenceText } from "views/parts/presence.js";

class Contacts extends Element_ {
  #query = signal("");

  render() {
    const words = computed(() => this.#query.value.trim().toLocaleLowerCase());
    const rows = (fits) => computed(() => client.contacts.list.value.filter(fits)
      .filter(({ user }) => matches(user, words.value)).sort((a, b) => byName(a.user, b.user)));
    const waiting = rows((row) => row.state === "asked" && !row.blocked);
    const friends = rows((row) => row.state === "friend" && !row.blocked);
    const asking = rows((row) => row.state === "asking" && !row.blocked);
    const blocked = rows((row) => row.blocked);
    const people = findPeople(this.#query);
    return [
      header(),
      h("div", { class: "list-filter" }, h("div", { class: "search-field" }, icon("search"), h("input", {
        type: "search", class: "input", placeholder: () => t("contacts.search"),
        "aria-label": () => t("contacts.search"), autocomplete: "off",
        "on:input": (event) => { this.#query.value = event.target.value; },
      }))),
      h("div", { class: "scroll contacts-scroll", tabindex: "-1" },
        list("contacts.requests", waiting, requestRow),
        list("contacts.friends", friends, friendRow),
        list("contacts.asking", asking, askingRow),
        people.element,
        list("contacts.blocked", blocked, blockedRow),
        when(() => client.contacts.list.value.length === 0 && words.value === "", () => h("div", { class: "empty" },
          icon("contacts"), h("p", null, () => t("contacts.empty")))),
        when(() => words.value !== "" && people.nothing.value
          && ![waiting, friends, asking, blocked].some((found) => found.value.length),
        () => h("div", { class: "empty" }, h("p", null, () => t("contacts.nobody"))))),
    ];
  }
}

function header() {
  const isAdmin = () => Boolean(client.session.user.value?.admin);
  return h("header", { class: "list-header" },
    h("h1", null, () => t("contacts.title")),
    when(isAdmin, () => h("button", { type: "button", class: "icon-button",
      "aria-label": () => t("contacts.broadcast"), title: () => t("contacts.broadcast"),
      "on:click": broadcastDialog }, icon("broadcast"))),
    h("button", { type: "button", class: "icon-button", "aria-label": () => t("group.new"),
      title: () => t("group.new"), "on:click": () => go("/groups/new") }, icon("plus")));
}

function matches(user, words) {
  if (words === "") return true;
  const name = client.users.of(user).value?.name ?? "";
  return [knownAs(user), name].some((text) => text.toLocaleLowerCase().includes(words));
}

function byName(one, other) {
  return knownAs(one).localeCompare(knownAs(other));
}

function list(key, rows, render) {
  return when(() => rows.value.length > 0, () => h("section", { "aria-labelledby": key },
    h("h2", { class: "list-heading", id: key }, () => t(key),
      h("span", { class: "badge quiet" }, () => rows.value.length)),
    growing(() => rows.value, (row) => row.user, (row) => render(row.peek().user))));
}

function requestRow(id) {
  return h("li", { class: "contact-request" },
    h("button", { type: "button", class: "list-row", "on:click": () => showPerson(id) },
      h("hi-avatar", { ".user": id, size: "m" }),
      h("span", { class: "grow" }, h("strong", { class: "row-title" }, () => knownAs(id)),
        h("span", { class: "contact-note muted" }, () => contactOf(id).note || t("contacts.asks_you")))),
    h("div", { class: "contact-buttons" },
      h("button", { type: "button", class: "button primary small",
        "aria-label": () => t("contacts.accept_of", { name: knownAs(id) }), "on:click": () => accept(id) },
      () => t("contacts.accept")),
      h("button", { type: "button", class: "button small",
        "aria-label": () => t("contacts.refuse_of", { name: knownAs(id) }), "on:click": () => refuse(id) },
      () => t("contacts.refuse"))));
}

function friendRow(id) {
  const open = (event) => {
    event.preventDefault();
    openMenu(event.type === "contextmenu" ? { x: event.clientX, y: event.clientY }
      : event.currentTarget, personMenu(id));
  };
  return h("li", { class: "contact-row", "on:contextmenu": open },
    h("button", { type: "button", class: "list-row", "on:click": () => writeTo(id) },
      h("hi-avatar", { ".user": id, size: "m", presence: true }),
      h("span", { class: "grow" }, h("strong", { class: "row-title" }, () => knownAs(id)),
        h("span", { class: "row-line muted small" }, () => presenceText(id)))),
    h("button", { type: "button", class: "icon-button", "aria-haspopup": "menu",
      "aria-label": () => t("contacts.more_of", { name: knownAs(id) }), "on:click": open }, icon("more")));
}

function askingRow(id) {
  return h("li", { class: "contact-row" }, personButton(id, () => t("contacts.waiting_for_them")));
}

function blockedRow(id) {
  return h("li", { class: "contact-row" }, personButton(id, () => t("contacts.is_blocked")),
    h("button", { type: "button", class: "button small",
      "aria-label": () => t("contacts.unblock_of", { name: knownAs(id) }), "on:click": () => unblock(id) },
    () => t("contacts.unblock")));
}

/** A row that opens the card of a person. */
export function personButton(id, line) {
  return h("button", { type: "button", class: "list-row", "on:click": () => showPerson(id) },
    h("hi-avatar", { ".user": id, size: "m" }),
    h("span", { class: "grow" }, h("strong", { class: "row-title" }, () => knownAs(id)),
      h("span", { class: "row-line muted small" }, line)));
}

define("hi-contacts", Contacts);
