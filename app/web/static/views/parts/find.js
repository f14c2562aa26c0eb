// People whom one does not know yet, by the beginning of their name.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed, effect, signal } from "core/signals.js";
import { client } from "views/client.js";
import { explain } from "views/parts/errors.js";
import { contactOf, showPerson } from "views/parts/person.js";

const PAUSE_MS = 250; // of typing, before the server is asked

/**
 * Ask the server for users by what `query`, a signal, says, when its author pauses. The answer is
 * {users, error, settled}: signals; an answer to an older question is never shown.
 */
export function search(query) {
  const [users, error, settled] = [signal([]), signal(""), signal(true)];
  effect(() => {
    const words = query.value.trim();
    let current = true;
    error.value = "";
    settled.value = words === "";
    users.value = [];
    if (words === "") return () => {};
    const ask = async () => {
      try {
        const found = await client.users.search(words);
        if (current) users.value = found.users;
      } catch (problem) {
        if (current) error.value = explain(problem);
      }
      if (current) settled.value = true;
    };
    const timer = setTimeout(ask, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  });
  return { users, error, settled };
}

/** The section of a list in which they are shown. `nothing`: the server was asked, and knows none. */
export function findPeople(query) {
  const { users, error, settled } = search(query);
  const me = client.session.user.peek()?.id;
  const strangers = computed(() => users.value
    .filter(({ id }) => id !== me && contactOf(id).state === "none" && !contactOf(id).blocked));
  const element = h("section", { "aria-labelledby": "people-heading",
    hidden: () => strangers.value.length === 0 && error.value === "" },
  h("h2", { class: "list-heading", id: "people-heading" }, () => t("contacts.people")),
  when(() => error.value !== "", () => h("p", { class: "notice error" }, () => error.value)),
  h("ul", { class: "plain-list" }, each(strangers, ({ id }) => id, (user) => stranger(user.peek()))));
  return {
    element,
    nothing: computed(() => settled.value && error.value === "" && strangers.value.length === 0),
  };
}

function stranger({ id, name }) {
  return h("li", { class: "contact-row" },
    h("button", { type: "button", class: "list-row", "on:click": () => showPerson(id) },
      h("hi-avatar", { ".user": id, size: "m" }),
      h("span", { class: "grow" }, h("strong", { class: "row-title" }, name),
        h("span", { class: "row-line muted small" }, () => t("contacts.number", { id: String(id) })))));
}
