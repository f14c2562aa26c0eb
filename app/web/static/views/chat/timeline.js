// <hi-timeline>: the messages of a conversation. Loads more as one scrolls, in both directions; keeps
// what one reads in its place; tells how far one has read.

import { Element_, define, each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { computed, effect, signal } from "core/signals.js";
import { formatDay } from "core/time.js";
import { client } from "views/client.js";
import { Anchor } from "views/chat/anchor.js";
import { messageRow } from "views/chat/message.js";
import { rowsOf } from "views/chat/rows.js";
import { listen } from "views/chat/selection.js";
import { Slices } from "views/chat/slices.js";
import { Toolbar } from "views/chat/toolbar.js";
import { explain } from "views/parts/errors.js";
import { icon } from "views/parts/icons.js";
import { happened } from "views/parts/summary.js";
import { toast } from "views/parts/toast.js";

const AHEAD = 1.5; // views: what is nearer to the edge is loaded before one gets there
const FLASH_MS = 1600;

/** Property `chat`: the ChatContext; set before it is put into the document. */
class Timeline extends Element_ {
  render() {
    this.timeline = this.chat.timeline;
    this.chat.view = this;
    this.unreadAfter = signal(null);
    this.away = signal(false); // from the end
    this.isOpen = false; // before it is at its first place, nothing has been seen
    const rows = this.#rows();
    this.slices = new Slices(rows);
    const { shown } = this.slices;
    this.list = h("div", { class: () => ["messages", this.chat.chosen.value && "choosing"] }, each(shown, (row) => row.key, (row) => this.#row(row)));
    this.scroller = h("div", {
      class: "timeline scroll", role: "log", "aria-live": "off", tabindex: "0", "aria-label": () => t("chat.messages"),
      "on:scroll": () => this.#onScroll(), "on:keydown": (event) => this.#onKey(event),
    }, this.list);
    // While rows are on their way, who was at the end stays there, and nobody else comes to it.
    const isLast = () => !this.timeline.hasNewer.peek() && (this.slices.isWhole || this.anchor.atEnd);
    this.anchor = new Anchor(this.scroller, this.list, isLast);
    this.own(() => this.anchor.disconnect());
    new Toolbar(this.list, this.chat);
    listen(this.list, this.chat);
    this.#followTheReader();
    effect(() => { shown.value; queueMicrotask(() => this.#look()); });
    queueMicrotask(() => this.#open());
    return [this.scroller, this.#loading(), this.#jumpButton(), this.#emptiness(rows)];
  }

  #rows() {
    let held = new Map();
    return computed(() => {
      const reader = {
        me: client.session.user.value?.id, unreadAfter: this.unreadAfter.value, whole: !this.timeline.hasOlder.value,
      };
      held = rowsOf(this.timeline.items.value, reader, held);
      return [...held.values()];
    });
  }

  #row(row) {
    const { kind, at } = row.peek();
    if (kind === "message") return messageRow(row, this.chat);
    if (kind === "day") return h("div", { class: "day", role: "separator" }, h("span", null, () => formatDay(at)));
    if (kind === "unread") {
      return h("div", { class: "unread-mark", role: "separator" }, h("span", null, () => t("chat.unread_mark")));
    }
    return h("div", { class: "happened", "data-seq": () => row.value.entry.seq },
      h("span", null, () => happened(row.value.entry.event)));
  }

  #loading() {
    return when(() => this.timeline.loading.value, () => h("div", { class: "timeline-loading", role: "status" },
      h("span", { class: "spinner" }), h("span", { class: "visually-hidden" }, () => t("common.loading"))));
  }

  #emptiness(rows) {
    const { loading, error, hasOlder } = this.timeline;
    const empty = () => !rows.value.length && !loading.value && !hasOlder.value;
    return when(empty, () => h("div", { class: "empty timeline-empty" }, () => (error.value ? [
      icon("alert"), h("p", null, explain(error.value)),
      h("button", { type: "button", class: "button", "on:click": () => this.timeline.toLatest() }, t("common.retry")),
    ] : [icon("chats"), h("p", null, t("chat.empty"))])));
  }

  #jumpButton() {
    const count = () => this.chat.row.value?.unread ?? 0;
    return when(() => this.away.value, () => h("button", {
      type: "button", class: "jump", "on:click": () => this.toLatest(),
      "aria-label": () => (count() ? t("chat.jump_unread", { count: count() }) : t("chat.jump")),
    }, icon("down"), when(() => count() > 0, () => h("span", { class: "badge" }, () => (count() > 99 ? "99+" : count())))));
  }

  /** Begin where the reader has stopped; an address that names a message goes there instead. */
  async #open() {
    const { unread = 0, read_seq: readSeq = 0 } = this.chat.row.peek() ?? {};
    if (this.chat.wanted.peek()) await this.jumpTo(this.chat.wanted.peek());
    else if (unread) {
      this.unreadAfter.value = readSeq;
      await this.#moved(this.timeline.jumpTo(readSeq + 1));
      const mark = this.list.querySelector(".unread-mark");
      if (mark) this.anchor.show(mark, 0.25);
    }
    this.isOpen = true;
    this.#look();
  }

  /** Load what comes into view soon, and mark as read what is in view. */
  #look() {
    if (!this.isConnected) return;
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const { timeline } = this;
    const below = scrollHeight - scrollTop - clientHeight;
    const isNear = (pixels) => pixels < AHEAD * clientHeight && this.slices.isWhole; // else more is on its way
    if (isNear(scrollTop) && timeline.hasOlder.peek()) timeline.loadOlder();
    else if (isNear(below) && timeline.hasNewer.peek()) timeline.loadNewer();
    timeline.follow(this.anchor.atEnd);
    this.away.value = !this.anchor.atEnd;
    this.#markRead();
  }

  #onScroll() {
    this.anchor.remember();
    this.#look();
  }

  #markRead() {
    if (!this.isOpen || document.visibilityState !== "visible" || !document.hasFocus()) return;
    const { row } = this.chat;
    const seq = this.anchor.atEnd ? row.peek()?.last_seq : Number(this.anchor.lastInView()?.dataset.seq ?? 0);
    if (seq > (row.peek()?.read_seq ?? 0)) client.conversations.markRead(this.chat.id, seq);
  }

  /** Whoever comes back to the window sees where they had stopped. */
  #followTheReader() {
    const onReturn = () => this.#look();
    const onLeave = () => {
      const row = this.chat.row.peek();
      if (row && !row.unread) this.unreadAfter.value = row.last_seq;
    };
    addEventListener("focus", onReturn);
    addEventListener("blur", onLeave);
    this.own(() => { removeEventListener("focus", onReturn); removeEventListener("blur", onLeave); });
    effect(() => { if (this.chat.wanted.value && this.isOpen) this.jumpTo(this.chat.wanted.value); });
  }

  /** Have the window of the timeline in the document when it has moved. */
  async #moved(moving) {
    await moving;
    this.slices.finish();
  }

  /** A message that is shown, or null. */
  messageOf(seq) {
    return this.list.querySelector(`[data-seq="${Number(seq)}"]`);
  }

  /** Its bubble. */
  bubbleOf(seq) {
    return this.messageOf(seq)?.querySelector(".bubble") ?? null;
  }

  /** Show a message in the middle, and mark it for a moment. */
  async jumpTo(seq) {
    if (!this.messageOf(seq)) await this.#moved(this.timeline.jumpTo(seq));
    if (this.chat.wanted.peek()) go(`/c/${this.chat.id}`, { replace: true }); // so that it can be asked for again
    const found = this.messageOf(seq);
    if (!found) {
      toast(t("message.not_there"));
      return;
    }
    this.anchor.show(found, 0.5);
    this.#onScroll();
    found.focus({ preventScroll: true });
    found.classList.add("flash");
    setTimeout(() => found.classList.remove("flash"), FLASH_MS);
  }

  /** Show the first message at or after a time (ms) at the top, below its day. */
  async jumpToDate(at) {
    await this.#moved(this.timeline.jumpToDate(at));
    const rows = [...this.list.querySelectorAll(".message")];
    const found = rows.find((row) => row.entry.peek().at >= at) ?? rows.at(-1);
    const day = found?.previousElementSibling;
    if (found) this.anchor.show(day?.matches(".day") ? day : found, 0);
    this.#onScroll();
  }

  async toLatest() {
    await this.#moved(this.timeline.toLatest());
    this.anchor.toEnd();
    this.#onScroll();
  }

  /** The arrows go from message to message. */
  #onKey(event) {
    const here = event.target.closest(".message");
    if (event.target !== here && event.target !== this.scroller) return;
    const messages = [...this.list.querySelectorAll(".message")];
    const at = here ? messages.indexOf(here) : messages.length;
    const next = { ArrowUp: messages[at - 1], ArrowDown: messages[at + 1], Home: messages[0], End: messages.at(-1) }[event.key];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
}

define("hi-timeline", Timeline);
