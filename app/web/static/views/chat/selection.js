// Choosing several messages of a conversation, to forward or to delete them together. A box beside each
// message while one does, and a bar in place of the composer. `chat.chosen` is a signal of the seqs;
// null while nobody chooses.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed } from "core/signals.js";
import { client } from "views/client.js";
import { openForward } from "views/chat/forward.js";
import { iconButton } from "views/parts/button.js";
import { confirm } from "views/parts/dialog.js";
import { attempt } from "views/parts/errors.js";
import { icon } from "views/parts/icons.js";
import { toast } from "views/parts/toast.js";

const MOST = 50; // that the server forwards at once

/** Begin with one message. */
export function choose(entry, chat) {
  chat.chosen.value = new Set([entry.seq]);
  queueMicrotask(() => chat.view.messageOf(entry.seq)?.focus());
}

/** Take a message in, or out again. What is not sent yet cannot be chosen. */
export function toggle({ seq }, chat) {
  if (!seq) return;
  const chosen = new Set(chat.chosen.peek());
  const isOut = chosen.delete(seq);
  if (!isOut && chosen.size === MOST) {
    toast(t("selection.most", { most: MOST }), { kind: "error" });
    return;
  }
  if (!isOut) chosen.add(seq);
  chat.chosen.value = chosen;
}

export function end(chat) {
  chat.chosen.value = null;
}

/** The box beside a message; `entry` is a signal. */
export function box(entry, chat) {
  const isIn = () => chat.chosen.value?.has(entry.value.seq) ?? false;
  const onChange = ({ target }) => {
    toggle(entry.peek(), chat);
    target.checked = isIn();
  };
  return h("input", {
    type: "checkbox", class: "message-box", disabled: () => !entry.value.seq, "aria-label": () => t("selection.box"),
    ".checked": isIn, "on:change": onChange,
  });
}

/** While one chooses, a click anywhere on a message is one on its box, and Space and Enter are, too. */
export function listen(list, chat) {
  const onMessage = (event) => {
    const article = chat.chosen.peek() && event.target.closest(".message");
    if (!article || event.target.matches(".message-box") || (event.type === "keydown" && ![" ", "Enter"].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    toggle(article.entry.peek(), chat);
  };
  for (const name of ["click", "keydown", "contextmenu"]) list.addEventListener(name, onMessage, true);
}

/** What can be done with them. Escape, anywhere in the conversation, ends it. */
export function selectionBar(chat) {
  const count = computed(() => chat.chosen.value?.size ?? 0);
  const seqs = () => [...chat.chosen.peek()].sort((a, b) => a - b);
  const button = (key, drawing, run, kind = "") => h("button", {
    type: "button", class: ["button", kind], disabled: () => !count.value, "on:click": run,
  }, icon(drawing), h("span", null, () => t(key)));
  return h("div", { class: "selection-bar", role: "toolbar", "aria-label": () => t("selection.title") },
    iconButton(() => t("common.cancel"), "close", () => end(chat)),
    h("span", { class: "grow", role: "status" }, () => t("selection.count", { count: count.value })),
    button("message.forward", "forward", () => forward(chat, seqs())),
    button("message.delete", "trash", () => remove(chat, seqs()), "danger"));
}

/** Those that say something: what was recalled cannot be forwarded. */
function forward(chat, seqs) {
  const silent = new Set(chat.timeline.items.peek().filter(({ message }) => !message || message.expired).map(({ seq }) => seq));
  const said = seqs.filter((seq) => !silent.has(seq));
  if (said.length) openForward(chat.id, said, () => end(chat));
  else toast(t("selection.nothing"), { kind: "error" });
}

async function remove(chat, seqs) {
  const count = seqs.length;
  const [title, text, ok] = [t("selection.delete_title", { count }), t("selection.delete_text", { count }), t("message.delete")];
  if (!(await confirm({ title, text, ok, danger: true }))) return;
  if (await attempt(() => client.actions.remove(chat.id, seqs))) end(chat);
}
