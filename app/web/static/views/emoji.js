// <hi-emoji>: a panel of emoji with a search. openEmoji() shows it at an element.

import { Element_, define, h } from "core/dom.js";
import { t } from "core/i18n.js";
import { signal } from "core/signals.js";
import { QUICK, findEmoji, groups, nameOf } from "views/parts/emoji-list.js";
import { placed } from "views/parts/placed.js";

const RECENT = "hichat.emoji";
const MOST_RECENT = 16;

function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]").filter((one) => typeof one === "string").slice(0, MOST_RECENT);
  } catch {
    return [];
  }
}

function remember(emoji) {
  localStorage.setItem(RECENT, JSON.stringify([emoji, ...recent().filter((one) => one !== emoji)].slice(0, MOST_RECENT)));
}

/** Emits the event `choose` with the emoji as its detail. */
class Emoji extends Element_ {
  render() {
    const query = signal("");
    this.addEventListener("keydown", (event) => this.#onKey(event));
    return [
      h("input", {
        type: "search", class: "input", "aria-label": () => t("emoji.search"), placeholder: () => t("emoji.search"),
        autocomplete: "off", "on:input": (event) => { query.value = event.target.value.trim(); },
      }),
      h("div", { class: "scroll emoji-scroll" }, () => (query.value ? this.#found(query.value) : this.#all())),
    ];
  }

  #all() {
    const sections = groups.map(({ id, emoji }) => this.#section(id, emoji.map((one) => one.emoji)));
    const before = recent();
    return [this.#section("recent", before.length ? before : QUICK), ...sections];
  }

  #found(query) {
    const found = findEmoji(query).map((one) => one.emoji);
    return found.length ? this.#section("found", found) : h("p", { class: "emoji-none muted" }, () => t("emoji.none"));
  }

  #section(id, emoji) {
    return h("section", { "aria-label": () => t(`emoji.${id}`) },
      h("h3", { class: "emoji-title" }, () => t(`emoji.${id}`)),
      h("div", { class: "emoji-grid" }, emoji.map((one) => h("button", {
        type: "button", class: "emoji-button", title: nameOf(one), "aria-label": nameOf(one), "on:click": () => this.#choose(one),
      }, one))));
  }

  #choose(emoji) {
    remember(emoji);
    this.dispatchEvent(new CustomEvent("choose", { detail: emoji }));
  }

  /** The arrows go through the emoji, from the search too; Enter there takes the first. */
  #onKey(event) {
    const buttons = [...this.querySelectorAll(".emoji-button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Enter" && at < 0) buttons[0]?.click();
    else if (event.key === "ArrowDown") (at < 0 ? buttons[0] : below(buttons, at, 1))?.focus();
    else if (event.key === "ArrowUp" && at >= 0) (below(buttons, at, -1) ?? this.querySelector("input")).focus();
    else if (event.key === "ArrowRight" && at >= 0) buttons[at + 1]?.focus();
    else if (event.key === "ArrowLeft" && at > 0) buttons[at - 1].focus();
    else return;
    event.preventDefault();
  }
}

/** The next button in a direction that stands below (or above) this one. */
function below(buttons, at, direction) {
  const { offsetLeft, offsetTop } = buttons[at];
  for (let i = at + direction; buttons[i]; i += direction) {
    const other = buttons[i];
    if (other.offsetTop !== offsetTop && Math.abs(other.offsetLeft - offsetLeft) < 8) return other;
  }
  return null;
}

define("hi-emoji", Emoji);

/** Show the panel at an element; `choose(emoji)` is called for one, and it closes. */
export function openEmoji(anchor, choose) {
  const panel = h("hi-emoji", { class: "popover emoji-panel", popover: "auto", role: "dialog", "aria-label": t("emoji.title") });
  const close = placed(panel, anchor);
  panel.addEventListener("choose", ({ detail }) => { close(); choose(detail); });
  panel.querySelector("input").focus();
}
