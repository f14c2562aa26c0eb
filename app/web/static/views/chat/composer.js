// <hi-composer>: where one writes. Enter sends, Shift+Enter breaks the line; on a touch screen Enter
// breaks it and the button sends.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed, effect, signal } from "core/signals.js";
import { client } from "views/client.js";
import { Completion } from "views/chat/completion.js";
import { edit, mayEdit } from "views/chat/menu.js";
import { roomLeft, sendAll } from "views/chat/outgoing.js";
import { addFiles, tray } from "views/chat/tray.js";
import { startVoice } from "views/chat/voice.js";
import { canRecord } from "views/chat/recorder.js";
import { openEmoji } from "views/emoji.js";
import { iconButton } from "views/parts/button.js";
import { attempt } from "views/parts/errors.js";
import { icon } from "views/parts/icons.js";
import { nameOf, summary } from "views/parts/summary.js";

const TALLEST = 0.35; // of the window
const NEAR_LIMIT = 500; // characters before the longest from which on the rest is shown

/** Property `chat`: the ChatContext; set before it is put into the document. */
class Composer extends Element_ {
  #chosen = new Map(); // name -> id of whom one has chosen to mention
  #unsaved = new Map(); // seq -> the text of an edit that the server has not taken

  render() {
    const { chat } = this;
    this.text = signal(chat.row.peek()?.draft ?? "");
    this.voice = signal(null); // a recording
    this.empty = computed(() => !this.text.value.trim() && !chat.files.value.length);
    this.left = computed(() => roomLeft(this.text.value));
    this.area = this.#textarea();
    this.completion = new Completion(this.area, {
      members: () => chat.members(), mentionAll: () => chat.kind.peek() === "group" && chat.isAdmin.peek(),
      mentioned: (name, id) => this.#chosen.set(name, id),
    });
    effect(() => {
      const active = this.completion.active.value;
      for (const [name, value] of [["aria-controls", active && "completion"], ["aria-activedescendant", active]]) {
        if (value) this.area.setAttribute(name, value);
        else this.area.removeAttribute(name);
      }
    });
    this.#followEditing();
    this.#followDraft();
    this.own(() => this.voice.peek()?.cancel());
    queueMicrotask(() => { this.#fit(); if (matchMedia("(pointer: fine)").matches) this.area.focus(); });
    return [
      this.completion.element,
      this.#strip(),
      tray(chat),
      when(() => this.voice.value === null, () => this.#line(), () => this.voice.peek().bar),
      this.#room(),
    ];
  }

  /** How much more one may write, when that is not much. */
  #room() {
    const words = () => (this.left.value < 0 ? t("composer.too_long", { count: -this.left.value })
      : t("composer.left", { count: this.left.value }));
    return when(() => this.left.value < NEAR_LIMIT,
      () => h("p", { class: () => ["composer-left", this.left.value < 0 && "over"], role: "status" }, words));
  }

  #textarea() {
    return h("textarea", {
      class: "composer-text", rows: 1, "aria-label": () => t("composer.message"), placeholder: () => t("composer.placeholder"),
      "aria-autocomplete": "list", dir: "auto", ".value": this.text.peek(),
      "on:input": () => this.#onInput(), "on:keydown": (event) => this.#onKey(event), "on:click": () => this.completion.look(),
      "on:blur": () => this.completion.close(), "on:paste": (event) => this.#onPaste(event),
    });
  }

  #line() {
    const { chat } = this;
    const take = () => {
      addFiles(chat, file.files);
      file.value = "";
      this.area.focus();
    };
    const file = h("input", { type: "file", multiple: true, hidden: true, "on:change": take });
    const pick = () => openEmoji(smile, (emoji) => this.#insert(emoji));
    const smile = iconButton(() => t("composer.emoji"), "smile", pick, { "aria-haspopup": "dialog" });
    return h("div", { class: "composer-line" },
      iconButton(() => t("composer.attach"), "attach", () => file.click()), file,
      this.area, smile,
      when(() => this.empty.value && !chat.editing.value && canRecord(),
        () => iconButton(() => t("composer.record"), "mic", () => this.#record()),
        () => iconButton(() => t("composer.send"), "send", () => this.#send(), {
          class: "icon-button primary", disabled: () => (this.empty.value || this.left.value < 0 ? true : null),
        })));
  }

  /** What one replies to, or edits. */
  #strip() {
    const { chat } = this;
    const about = computed(() => chat.editing.value ?? chat.replyTo.value);
    return when(() => about.value !== null, () => h("div", { class: "composer-strip" },
      () => icon(chat.editing.value ? "edit" : "reply"),
      h("div", { class: "grow" },
        h("bdi", { class: "strip-title ellipsis" }, () => (chat.editing.value ? t("composer.editing")
          : replying(about.value))),
        h("div", { class: "ellipsis muted small" }, () => (about.value ? summary(about.value.message) : ""))),
      iconButton(() => t("common.cancel"), "close", () => this.#cancel())));
  }

  #onInput() {
    this.text.value = this.area.value;
    this.#fit();
    this.completion.look();
    if (this.chat.editing.peek()) return;
    client.conversations.patch(this.chat.id, { draft: this.text.peek() });
    if (this.text.peek().trim()) client.typing.tell(this.chat.id);
  }

  #onKey(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method is at work: its keys are its own
    if (this.completion.onKey(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey && (event.ctrlKey || event.metaKey || !touch())) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "ArrowUp" && !this.area.value && !event.shiftKey && !this.chat.editing.peek()) {
      const entry = this.chat.latestOwn();
      if (!entry || !mayEdit(entry, this.chat)) return;
      event.preventDefault();
      edit(entry, this.chat);
    } else if (event.key === "Escape" && (this.chat.editing.peek() || this.chat.replyTo.peek())) {
      event.stopPropagation();
      this.#cancel();
    }
  }

  #onPaste(event) {
    const { files, types } = event.clipboardData;
    const isText = types.includes("text/plain") && types.includes("text/html"); // office programs add its picture
    if (!files.length || isText) return;
    event.preventDefault();
    addFiles(this.chat, files);
  }

  async #send() {
    const { chat } = this;
    const text = this.area.value.trim();
    const editing = chat.editing.peek();
    if (this.left.peek() < 0 || this.empty.peek()) return;
    if (editing) {
      await this.#sendEdit(editing, text);
      return;
    }
    const files = chat.files.peek().map(({ file }) => file);
    const chosen = this.#chosen;
    this.#chosen = new Map();
    chat.files.value = [];
    this.#write("");
    client.conversations.patch(chat.id, { draft: "" });
    const sent = sendAll(chat, text, files, chosen);
    chat.view?.toLatest();
    await attempt(() => sent);
  }

  /** What is refused is open again, with its text; while another edit is open, when one comes back to it. */
  async #sendEdit(entry, text) {
    const { editing, id } = this.chat;
    this.#unsaved.delete(entry.seq);
    editing.value = null;
    if (text === entry.message.content || await attempt(() => client.actions.edit(id, entry.seq, text))) return;
    this.#unsaved.set(entry.seq, text);
    editing.value ??= entry;
  }

  async #record() {
    const voice = await attempt(() => startVoice(this.chat, () => { this.voice.value = null; this.area.focus(); }));
    if (voice) this.voice.value = voice;
  }

  #cancel() {
    this.#unsaved.delete(this.chat.editing.peek()?.seq);
    this.chat.replyTo.value = null;
    this.chat.editing.value = null;
    this.area.focus();
  }

  /** While one edits, the text is the message's; afterwards the draft is back. */
  #followEditing() {
    const { editing, replyTo } = this.chat;
    let before = null;
    effect(() => {
      const entry = editing.value;
      if (entry && before === null) before = this.area.value;
      if (entry) this.#write(this.#unsaved.get(entry.seq) ?? entry.message.content);
      else if (before !== null) {
        this.#write(before);
        before = null;
      }
      if (entry) this.area.focus();
    });
    effect(() => { if (replyTo.value) this.area.focus(); });
  }

  /** What was written on another device; not while one writes here. */
  #followDraft() {
    const draft = computed(() => this.chat.row.value?.draft ?? "");
    let known = draft.peek();
    effect(() => {
      const found = draft.value;
      if (found === known) return;
      const untouched = this.area.value === known && !this.chat.editing.peek();
      known = found;
      if (untouched) this.#write(found);
    });
  }

  #write(text) {
    this.area.value = this.text.value = text;
    this.area.setSelectionRange(text.length, text.length);
    this.completion.close();
    this.#fit();
  }

  #insert(text) {
    this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
    this.area.focus();
    this.#onInput();
  }

  /** As tall as the text, within bounds. */
  #fit() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, innerHeight * TALLEST)}px`;
  }
}

function replying(entry) {
  if (!entry) return "";
  if (entry.sender === client.session.user.value?.id) return t("composer.replying_own");
  return t("composer.replying", { name: nameOf(entry.sender) });
}

const touch = () => matchMedia("(pointer: coarse) and (hover: none)").matches;

define("hi-composer", Composer);
