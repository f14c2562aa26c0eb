// The bar of pinned messages: shows one, a click goes to it, the next click to the one before.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed, signal } from "core/signals.js";
import { client } from "views/client.js";
import { iconButton } from "views/parts/button.js";
import { attempt } from "views/parts/errors.js";
import { icon } from "views/parts/icons.js";
import { summary } from "views/parts/summary.js";

export function pinsBar(chat) {
  const pins = client.pins.of(chat.id);
  const step = signal(0); // how many before the latest
  const index = computed(() => pins.value.length - 1 - (step.value % Math.max(1, pins.value.length)));
  const shown = computed(() => pins.value[index.value] ?? null);
  const mayUnpin = () => chat.mayWrite.value && (chat.kind.value === "private" || chat.isAdmin.value);
  const visit = () => {
    chat.view.jumpTo(shown.peek().seq);
    step.value += 1;
  };
  return when(() => shown.value !== null, () => h("div", { class: "pins-bar" },
    h("button", { type: "button", class: "pins-show", "on:click": visit },
      icon("pin"),
      h("span", { class: "pins-label" }, () => t("chat.pinned", { place: index.value + 1, total: pins.value.length })),
      h("bdi", { class: "ellipsis" }, () => (shown.value ? summary(shown.value.event?.message) : ""))),
    when(mayUnpin, () => iconButton(() => t("message.unpin"), "close",
      () => attempt(() => client.actions.pin(chat.id, shown.peek().seq, false))))));
}
