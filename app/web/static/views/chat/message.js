// One message of a timeline: who, what, when, how far it has come.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed } from "core/signals.js";
import { formatFull, formatTime } from "core/time.js";
import { client } from "views/client.js";
import { body } from "views/chat/body.js";
import { messageMenu } from "views/chat/menu.js";
import { reactions } from "views/chat/reactions.js";
import { box } from "views/chat/selection.js";
import { explain } from "views/parts/errors.js";
import { icon } from "views/parts/icons.js";
import { knownAs, showPerson } from "views/parts/person.js";
import { nameOf, summary } from "views/parts/summary.js";
import "views/parts/avatar.js";

const MARKS = { pending: "clock", uploading: "clock", sent: "check", delivered: "checks", read: "checks", failed: "alert" };

/** @param {Source} row - of rows.js, kind "message" */
export function messageRow(row, chat) {
  const entry = computed(() => row.value.entry);
  const { sender } = entry.peek();
  const own = sender === chat.me;
  const state = computed(() => entry.value.state);
  const gone = computed(() => !entry.value.message || Boolean(entry.value.message.expired));
  const article = h("article", {
    class: () => ["message", own ? "own" : "other", row.value.first && "first", row.value.last && "last",
      state.value === "failed" && "failed", gone.value && "gone", chat.chosen.value?.has(entry.value.seq) && "chosen"],
    tabindex: "-1", "data-seq": () => entry.value.seq,
    "aria-label": () => t("message.by", { name: nameOf(sender), time: formatTime(entry.value.at) }),
    "on:contextmenu": (event) => onContextMenu(event, article, chat),
    "on:keydown": (event) => onKey(event, article, chat),
  },
  when(() => chat.chosen.value !== null, () => box(entry, chat)),
  gutter(row, sender, own, chat),
  h("div", { class: "message-stack" },
    when(() => !own && row.value.first && chat.kind.value !== "private", () => author(sender)),
    h("div", { class: "bubble" },
      () => quote(entry, chat),
      () => forwarded(entry.value.message?.forwarded),
      body(entry, chat), " ", // the space is for who copies it, and for screen readers
      foot(entry, state, own, gone)),
    reactions(entry, chat),
    when(() => state.value === "failed", () => failure(entry))));
  article.entry = entry; // for the toolbar and the menu, which serve all messages
  return article;
}

function gutter(row, sender, own, chat) {
  return when(() => !own && chat.kind.value !== "private", () => h("div", { class: "message-gutter" },
    when(() => row.value.last, () => h("button", {
      type: "button", class: "avatar-button", tabindex: "-1", "aria-hidden": "true", "on:click": () => showPerson(sender),
    }, h("hi-avatar", { ".user": sender, size: "s" })))));
}

function author(sender) {
  return h("button", { type: "button", class: "author ellipsis", tabindex: "-1", "on:click": () => showPerson(sender) },
    h("bdi", null, client.users.name(sender)));
}

function quote(entry, chat) {
  const seq = entry.value.message?.reply_to;
  if (!seq) return null;
  const original = chat.timeline.quoted(seq);
  const words = () => {
    const found = original.value;
    return found ? summary(found.message ?? null) : t("message.original");
  };
  const visit = () => chat.view.jumpTo(seq);
  return h("button", { type: "button", class: "quote", "on:click": visit, title: () => t("message.to_original") },
    h("span", { class: "visually-hidden" }, () => t("message.to_original")),
    h("bdi", { class: "quote-name ellipsis" }, () => (original.value ? nameOf(original.value.sender) : "")),
    h("span", { class: "quote-text" }, words));
}

function forwarded(origin) {
  const words = () => t("message.forwarded", { name: knownAs(origin.sender) });
  return origin && h("div", { class: "forwarded" }, icon("forward"), h("span", null, words));
}

function foot(entry, state, own, gone) {
  const { at } = entry.peek();
  return h("span", { class: "foot" },
    when(() => entry.value.pinned, () => h("span", { title: () => t("message.pinned") }, icon("pin"))),
    when(() => !gone.value && entry.value.edited_at,
      () => h("span", { title: () => formatFull(entry.value.edited_at) }, () => t("message.edited"))),
    h("time", { title: () => formatFull(entry.value.at), datetime: new Date(at).toISOString() }, () => formatTime(entry.value.at)),
    when(() => own && !gone.value && MARKS[state.value], () => mark(state)));
}

function mark(state) {
  return () => h("span", { class: `mark ${state.value}`, title: t(`message.state.${state.value}`) }, icon(MARKS[state.value]),
    h("span", { class: "visually-hidden" }, t(`message.state.${state.value}`)));
}

function failure(entry) {
  const { ref } = entry.peek();
  const discard = () => client.outbox.discard(ref);
  return h("div", { class: "failure", role: "alert" },
    h("span", null, () => t("message.failed"), " ", () => (entry.value.error ? explain(entry.value.error) : "")),
    h("button", { type: "button", class: "link-button", "on:click": () => client.outbox.retry(ref) }, () => t("common.retry")),
    h("button", { type: "button", class: "link-button danger", "on:click": discard }, () => t("message.discard")));
}

function onContextMenu(event, article, chat) {
  if (event.target.closest("a, input, video, pre") || String(getSelection())) return; // the browser's own serves better
  event.preventDefault();
  messageMenu(article.entry.peek(), chat, { x: event.clientX, y: event.clientY });
}

function onKey(event, article, chat) {
  if (event.target !== article) return;
  if (event.key !== "Enter" && event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
  event.preventDefault();
  messageMenu(article.entry.peek(), chat, article.querySelector(".bubble"));
}
