// Completes what one types: an emoji behind a colon, a member behind an at sign. The list stands above
// the text; the arrows choose, Enter and Tab take, Escape leaves.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed, signal } from "core/signals.js";
import { findEmoji } from "views/parts/emoji-list.js";
import { EVERYBODY } from "views/chat/body.js";
import "views/parts/avatar.js";

const SHOWN = 8;
const EMOJI = /(?:^|[^\p{L}\d:])(:[\p{L}\d_]{2,24}:?)$/u;
const MEMBER = /(?:^|[^\w.@])(@[^\s@]{0,32})$/u;

/**
 * @param {HTMLTextAreaElement} textarea
 * @param {{members: () => Promise<{id, name}[]>, mentionAll: () => boolean, mentioned: (name, id) => void}} source -
 *   `members` of a group, none elsewhere; `mentioned` is told whom one has chosen
 */
export class Completion {
  #textarea;
  #source;
  #word = ""; // what is to be replaced: ":smi", "@an"
  #round = 0;

  constructor(textarea, source) {
    this.#textarea = textarea;
    this.#source = source;
    this.items = signal([]);
    this.chosen = signal(0);
    const chosenKey = computed(() => this.items.value[this.chosen.value]?.key ?? null);
    this.element = when(() => this.items.value.length > 0, () => h("ul", {
      class: "completion popover", role: "listbox", id: "completion", "aria-label": () => t("composer.suggestions"),
    }, each(this.items, ({ key }) => key, (item) => h("li", {
      role: "option", id: `completion-${item.peek().key}`, class: "completion-item",
      "aria-selected": () => String(chosenKey.value === item.value.key),
      "on:pointerdown": (event) => { event.preventDefault(); this.#take(item.peek()); },
    }, item.peek().face(), h("bdi", { class: "ellipsis" }, item.peek().label)))));
    this.active = computed(() => (chosenKey.value === null ? null : `completion-${chosenKey.value}`));
  }

  /** The text or the caret has changed. */
  async look() {
    const round = ++this.#round;
    const { value, selectionStart, selectionEnd } = this.#textarea;
    const before = selectionStart === selectionEnd ? value.slice(0, selectionStart) : "";
    const found = await this.#find(before);
    if (round !== this.#round) return; // typed on meanwhile
    this.items.value = found;
    this.chosen.value = 0;
  }

  async #find(before) {
    const emoji = EMOJI.exec(before)?.[1];
    if (emoji) return this.#emoji(emoji);
    const member = MEMBER.exec(before)?.[1];
    return member ? this.#members(member) : [];
  }

  #emoji(word) {
    this.#word = word;
    const name = word.slice(1).replace(/:$/, "");
    const found = findEmoji(name, SHOWN);
    if (word.endsWith(":")) { // typed to its end: taken at once
      const exact = found.find((one) => one.name === name);
      if (exact) this.#put(exact.emoji);
      return [];
    }
    return found.map((one) => ({
      key: one.name, label: `:${one.name}:`, text: one.emoji, face: () => h("span", { class: "emoji" }, one.emoji),
    }));
  }

  async #members(word) {
    this.#word = word;
    const wanted = word.slice(1).toLowerCase();
    const all = this.#source.mentionAll() ? EVERYBODY.filter((name) => name.startsWith(wanted)).slice(0, 1) : [];
    const horn = () => h("span", { class: "emoji" }, "📣");
    const members = (await this.#source.members()).filter(({ name }) => name.toLowerCase().includes(wanted));
    members.sort((a, b) => b.name.toLowerCase().startsWith(wanted) - a.name.toLowerCase().startsWith(wanted));
    return [
      ...all.map((name) => ({ key: "all", label: t("composer.everybody", { name }), text: `@${name} `, face: horn })),
      ...members.map(({ id, name }) => ({
        key: id, label: name, text: `@${name} `, mention: [name, id], face: () => h("hi-avatar", { ".user": id, size: "s" }),
      })),
    ].slice(0, SHOWN);
  }

  /** Whether the key was for the list. */
  onKey(event) {
    const { length } = this.items.peek();
    if (!length) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.chosen.update((at) => (at + step + length) % length);
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.items.peek()[this.chosen.peek()]);
    else if (event.key === "Escape") this.close();
    else return false;
    return true;
  }

  close() {
    this.#round += 1;
    this.items.value = [];
  }

  #take(item) {
    if (item.mention) this.#source.mentioned(...item.mention);
    this.#put(item.text);
    this.close();
  }

  #put(text) {
    const end = this.#textarea.selectionStart;
    this.#textarea.setRangeText(text, end - this.#word.length, end, "end");
    this.#textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
