// Choose several people: one's contacts, and others by the beginning of their name.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed, signal } from "core/signals.js";
import { client } from "views/client.js";
import { search } from "views/parts/find.js";
import { knownAs } from "views/parts/person.js";

const SHOWN = 200; // rows: who is not among them is found by typing

/**
 * {element, chosen}: `chosen` is a signal of ids in the order in which they were chosen. `without(id)`
 * says who is not to choose from.
 */
export function picker({ without = () => false } = {}) {
  const query = signal("");
  const chosen = signal([]);
  const { users } = search(query);
  const me = client.session.user.peek()?.id;
  const words = computed(() => query.value.trim().toLocaleLowerCase());
  const ids = computed(() => {
    const friends = client.contacts.list.value
      .filter((row) => row.state === "friend" && !row.blocked).map((row) => row.user)
      .filter((id) => knownAs(id).toLocaleLowerCase().includes(words.value))
      .sort((one, other) => knownAs(one).localeCompare(knownAs(other)));
    const found = new Set([...friends, ...users.value.map((user) => user.id)]);
    return [...found].filter((id) => id !== me && !without(id)).slice(0, SHOWN);
  });
  const turn = (id, on) => {
    const others = chosen.peek().filter((item) => item !== id);
    chosen.value = on ? [...others, id] : others;
  };
  const element = h("fieldset", { class: "picker" },
    h("legend", null, () => t("group.choose"), " ",
      h("span", { class: "muted", role: "status" },
        () => (chosen.value.length ? t("group.chosen", { count: chosen.value.length }) : ""))),
    h("ul", { class: "picker-chips" }, each(chosen, (id) => id, (id) => chip(id.peek(), turn))),
    h("input", { type: "search", class: "input", autocomplete: "off",
      placeholder: () => t("group.find"), "aria-label": () => t("group.find"),
      "on:keydown": (event) => { if (event.key === "Enter") event.preventDefault(); },
      "on:input": (event) => { query.value = event.target.value; } }),
    h("ul", { class: "plain-list picker-list scroll", tabindex: "-1" },
      each(ids, (id) => id, (id) => row(id.peek(), chosen, turn))),
    when(() => ids.value.length === 0, () => h("p", { class: "muted small" },
      () => t(words.value ? "contacts.nobody" : "group.nobody_yet"))));
  return { element, chosen };
}

function chip(id, turn) {
  return h("li", null, h("button", { type: "button", class: "chip",
    "aria-label": () => t("group.unchoose", { name: knownAs(id) }), "on:click": () => turn(id, false) },
  h("span", { class: "ellipsis" }, () => knownAs(id)), h("span", { "aria-hidden": "true" }, "×")));
}

function row(id, chosen, turn) {
  return h("li", null, h("label", { class: "list-row" },
    h("input", { type: "checkbox", ".checked": () => chosen.value.includes(id),
      "on:change": (event) => turn(id, event.target.checked) }),
    h("hi-avatar", { ".user": id, size: "s" }),
    h("span", { class: "grow ellipsis" }, () => knownAs(id))));
}
