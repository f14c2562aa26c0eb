// Who waits to be let in.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { effect, signal, untracked } from "core/signals.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { knownAs, showPerson } from "views/parts/person.js";

/** Follows the count of those who wait, which the server tells admins. */
export function requests(id) {
  const waiting = signal([]);
  const line = client.conversations.get(id);
  const load = () => attempt(async () => { waiting.value = (await client.groups.requests(id)).requests; });
  effect(() => {
    if (line.value?.group?.requests) untracked(load);
    else waiting.value = [];
  });
  return when(() => waiting.value.length > 0, () => h("section",
    { class: "group-section", "aria-labelledby": "group-requests" },
    h("h3", { id: "group-requests" }, () => t("group.requests"), " ",
      h("span", { class: "badge" }, () => line.value?.group?.requests ?? waiting.value.length)),
    h("ul", { class: "plain-list" }, each(waiting, (item) => item.user.id,
      (item) => row(id, item.peek(), load)))));
}

function row(id, { user, note }, load) {
  const answer = async (accept) => {
    await attempt(() => client.groups.answer(id, user.id, accept));
    await load();
  };
  return h("li", { class: "contact-request" },
    h("button", { type: "button", class: "list-row", "on:click": () => showPerson(user.id) },
      h("hi-avatar", { ".user": user.id, size: "m" }),
      h("span", { class: "grow" }, h("strong", { class: "row-title" }, () => knownAs(user.id)),
        h("span", { class: "contact-note muted" }, note || t("group.wants_in")))),
    h("div", { class: "contact-buttons" },
      h("button", { type: "button", class: "button primary small",
        "aria-label": () => t("group.let_in_of", { name: knownAs(user.id) }), "on:click": () => answer(true) },
      () => t("group.let_in")),
      h("button", { type: "button", class: "button small",
        "aria-label": () => t("contacts.refuse_of", { name: knownAs(user.id) }), "on:click": () => answer(false) },
      () => t("contacts.refuse"))));
}
