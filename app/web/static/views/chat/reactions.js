// The emoji below a message: how many have put each, and one's own.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed } from "core/signals.js";
import { client } from "views/client.js";
import { nameOf as emojiName } from "views/parts/emoji-list.js";
import { attempt } from "views/parts/errors.js";
import { nameOf } from "views/parts/summary.js";

const NAMED = 10;

export function reactions(entry, chat) {
  const chips = computed(() => Object.entries(entry.value.reactions ?? {})
    .map(([emoji, { count, users }]) => ({ emoji, count, users })).filter(({ count }) => count > 0));
  const group = { class: "reactions", role: "group", "aria-label": () => t("message.reactions") };
  return when(() => chips.value.length > 0, () => h("div", group,
    each(chips, ({ emoji }) => emoji, (chip) => h("button", {
      type: "button", class: "reaction", "aria-pressed": () => String(mine(chip.value, chat)), title: () => who(chip.value),
      "aria-label": () => t("message.reaction", { emoji: emojiName(chip.value.emoji), count: chip.value.count }),
      "on:click": () => react(entry.peek(), chat, chip.peek().emoji),
    }, h("span", { class: "emoji" }, () => chip.value.emoji), h("span", null, () => chip.value.count)))));
}

const mine = ({ users }, chat) => users.includes(chat.me);

function who({ users, count }) {
  const names = users.slice(0, NAMED).map(nameOf).join(t("message.system.comma"));
  return count > NAMED ? t("message.system.and_more", { names, count: count - NAMED }) : names;
}

/** Put an emoji to a message, or take one's own back. */
export function react(entry, chat, emoji) {
  const there = entry.reactions?.[emoji];
  return attempt(() => client.actions.react(chat.id, entry.seq, emoji, !(there && mine(there, chat))));
}
