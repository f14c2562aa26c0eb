// The pictures of a conversation, one at a time, over everything.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed, effect, signal } from "core/signals.js";
import { formatDay, formatTime } from "core/time.js";
import { client } from "views/client.js";
import { openDialog } from "views/parts/dialog.js";
import { iconButton } from "views/parts/button.js";
import { icon } from "views/parts/icons.js";
import { nameOf } from "views/parts/summary.js";

const isPicture = ({ seq, message }) => seq && message?.media === "image" && message.attachment;

/** Show the picture of the message at `seq`; the arrows lead to those before and behind it. */
export function openViewer(chat, seq) {
  const close = openDialog(() => viewer(chat, seq, () => close()), { label: t("media.viewer"), kind: "viewer-dialog" });
}

function viewer(chat, seq, close) {
  const pictures = computed(() => chat.timeline.items.value.filter(isPicture));
  const at = signal(seq);
  const index = computed(() => pictures.value.findIndex((entry) => entry.seq === at.value));
  const current = computed(() => pictures.value[index.value] ?? null);
  const go = (step) => { at.value = pictures.peek()[index.peek() + step]?.seq ?? at.peek(); };
  const large = signal(false);
  const url = addressOf(current, large);
  const arrow = (step, label) => iconButton(label, "back", () => go(step), {
    class: `icon-button viewer-arrow ${step < 0 ? "before" : "behind"}`, disabled: () => !pictures.value[index.value + step],
  });
  const beside = (event) => { if (event.target === event.currentTarget) close(); };
  return h("div", { class: "viewer", "on:keydown": (event) => onKey(event, go) },
    h("header", { class: "viewer-header" },
      h("div", { class: "viewer-about" },
        h("bdi", { class: "ellipsis" }, () => (current.value ? nameOf(current.value.sender) : "")),
        h("span", { class: "small" }, () => (current.value ? moment(current.value.at) : ""))),
      h("a", {
        class: "icon-button", href: () => url.value || null, download: () => current.value?.message?.attachment.name || true,
        "aria-label": () => t("media.download"),
      }, icon("download")),
      iconButton(() => t("common.close"), "close", close, { "data-autofocus": "" })),
    h("div", { class: () => ["viewer-stage", large.value && "large"], "on:click": beside },
      when(() => url.value, () => h("img", {
        src: () => url.value, alt: () => current.value?.message?.content || t("message.kind.image"),
        "on:click": () => large.update((on) => !on),
      }), () => h("span", { class: "spinner" }))),
    arrow(-1, () => t("media.previous")), arrow(1, () => t("media.next")));
}

const moment = (at) => `${formatDay(at)} ${formatTime(at)}`;

/** A signal of where the whole picture is; "" until that is known. */
function addressOf(current, large) {
  const url = signal("");
  const id = computed(() => current.value?.message?.attachment?.id ?? null);
  effect(() => {
    let stale = false;
    url.value = "";
    large.value = false;
    if (id.value) client.media.addressOf(id.value).then((found) => { if (!stale) url.value = found ?? ""; }, () => {});
    return () => { stale = true; };
  });
  return url;
}

function onKey(event, go) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  go(step);
}
