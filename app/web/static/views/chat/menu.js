// What one can do with a message: the menu, and the same acts for the toolbar and the keys.

import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { openForward } from "views/chat/forward.js";
import { openReaders } from "views/chat/readers.js";
import { react } from "views/chat/reactions.js";
import { choose } from "views/chat/selection.js";
import { openEmoji } from "views/emoji.js";
import { copyText } from "views/parts/copy.js";
import { confirm } from "views/parts/dialog.js";
import { attempt } from "views/parts/errors.js";
import { openMenu } from "views/parts/menu.js";

/** @param anchor - an element, or a point {x, y} */
export function messageMenu(entry, chat, anchor) {
  return openMenu(anchor, entry.seq ? sent(entry, chat, anchor) : waiting(entry));
}

function waiting({ ref, state }) {
  return [
    state === "failed" && { label: t("common.retry"), icon: "retry", run: () => client.outbox.retry(ref) },
    { label: t("message.discard"), icon: "trash", danger: true, run: () => client.outbox.discard(ref) },
  ].filter(Boolean);
}

function sent(entry, chat, anchor) {
  const { message } = entry;
  const own = entry.sender === chat.me;
  const whole = message && !message.expired;
  const mine = whole && own;
  const writes = chat.mayWrite.peek();
  const items = [
    whole && writes && { label: t("message.reply"), icon: "reply", run: () => reply(entry, chat) },
    whole && writes && { label: t("message.react"), icon: "smile", run: () => pickReaction(entry, chat, anchor) },
    whole && message.content && { label: t("message.copy"), icon: "copy", run: () => copy(message.content) },
    whole && { label: t("message.forward"), icon: "forward", run: () => openForward(chat.id, [entry.seq]) },
    mayEdit(entry, chat) && { label: t("message.edit"), icon: "edit", run: () => edit(entry, chat) },
    { label: t("selection.choose"), icon: "check", run: () => choose(entry, chat) },
    whole && mayPin(chat) && { label: t(entry.pinned ? "message.unpin" : "message.pin"), icon: "pin", run: () => pin(entry, chat) },
    mine && chat.kind.peek() === "group"
      && { label: t("message.readers"), icon: "checks", run: () => openReaders(chat.id, entry.seq) },
    null,
    ((mine && client.limits.isInTime("recall", entry.at)) || (whole && chat.isAdmin.peek()))
      && { label: t("message.recall"), icon: "recall", danger: true, run: () => recall(entry, chat) },
    { label: t("message.delete"), icon: "trash", danger: true, run: () => remove(entry, chat) },
  ];
  return items.filter((item, i) => item || (item === null && items.slice(0, i).some(Boolean)));
}

/** Whether a message that stands in the log is one that one may give other words now. */
export function mayEdit({ at, message, sender }, chat) {
  return Boolean(message?.content) && !message.expired && sender === chat.me && chat.mayWrite.peek()
    && client.limits.isInTime("edit", at);
}

const mayPin = (chat) => chat.mayWrite.peek() && (chat.kind.peek() === "private" || chat.isAdmin.peek());

export function reply(entry, chat) {
  chat.editing.value = null;
  chat.replyTo.value = entry;
}

export function edit(entry, chat) {
  chat.replyTo.value = null;
  chat.editing.value = entry;
}

export function pickReaction(entry, chat, anchor) {
  const element = anchor instanceof Element ? anchor : chat.view.bubbleOf(entry.seq);
  if (element) openEmoji(element, (emoji) => react(entry, chat, emoji));
}

const copy = (text) => attempt(() => copyText(text), t("message.copied"));

const pin = (entry, chat) => attempt(() => client.actions.pin(chat.id, entry.seq, !entry.pinned));

async function recall(entry, chat) {
  const [title, text, ok] = [t("message.recall_title"), t("message.recall_text"), t("message.recall")];
  if (await confirm({ title, text, ok, danger: true })) await attempt(() => client.actions.recall(chat.id, entry.seq));
}

async function remove(entry, chat) {
  const [title, text, ok] = [t("message.delete_title"), t("message.delete_text"), t("message.delete")];
  if (await confirm({ title, text, ok, danger: true })) await attempt(() => client.actions.remove(chat.id, [entry.seq]));
}
