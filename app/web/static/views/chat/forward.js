// Choose where messages go: a conversation from the list, by name.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { computed, signal } from "core/signals.js";
import { client } from "views/client.js";
import { face } from "views/conversations/row.js";
import { frame, openDialog } from "views/parts/dialog.js";
import { attempt } from "views/parts/errors.js";
import { titleOf } from "views/parts/summary.js";
import { toast } from "views/parts/toast.js";

const SHOWN = 100; // who is not among them is found by typing

/** `forwarded` is called once they are there. */
export function openForward(from, seqs, forwarded = () => {}) {
  const title = t("message.forward_title");
  const send = async (to) => {
    close();
    const done = await attempt(async () => { await client.actions.forward(from, seqs, to.id); return true; });
    if (!done) return;
    forwarded();
    const show = { label: t("message.show"), run: () => go(`/c/${to.id}`) };
    toast(t("message.forwarded_to", { name: titleOf(to) }), { action: show });
  };
  const cancel = h("button", { type: "button", class: "button", "on:click": () => close() }, t("common.cancel"));
  const close = openDialog(() => frame(title, targetList(send), cancel), { label: title });
}

function targetList(choose) {
  const text = signal("");
  const targets = computed(() => {
    const wanted = text.value.trim().toLowerCase();
    const isOpen = (row) => row.kind !== "broadcast" || client.session.user.value?.admin;
    const fits = (row) => isOpen(row) && titleOf(row).toLowerCase().includes(wanted);
    return client.conversations.list.value.filter(fits).slice(0, SHOWN);
  });
  return [
    h("input", {
      type: "search", class: "input", "data-autofocus": "", autocomplete: "off", "aria-label": () => t("message.forward_find"),
      placeholder: () => t("message.forward_find"), "on:input": (event) => { text.value = event.target.value; },
    }),
    h("ul", { class: "scroll forward-list" }, each(targets, (row) => row.id, (row) => h("li", null, h("button", {
      type: "button", class: "list-row", "on:click": () => choose(row.peek()),
    }, face(row, "s"), h("span", { class: "grow ellipsis" }, h("bdi", null, () => titleOf(row.value))))))),
    when(() => !targets.value.length, () => h("p", { class: "muted" }, () => t("list.none_found", { text: text.value }))),
  ];
}
