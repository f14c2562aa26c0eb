// What a message says, by its kind: text, picture, film, voice, file.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { atEnd, computed, effect, signal } from "core/signals.js";
import { formatSize } from "core/time.js";
import { client } from "views/client.js";
import { player } from "views/chat/player.js";
import { openViewer } from "views/chat/viewer.js";
import { icon } from "views/parts/icons.js";
import { isLargeEmoji, richText } from "views/parts/rich-text.js";
import { nameOf } from "views/parts/summary.js";

const LARGEST = 340; // pixels: the longer side of a picture in a message
const SMALLEST = 72;

/** Rendered anew when the message itself changes, not when its marks or reactions do. */
export function body(entry, chat) {
  const message = computed(() => entry.value.message);
  const recalled = computed(() => !message.value);
  return () => {
    if (recalled.value) return h("span", { class: "recalled" }, () => recalledBy(entry.value));
    if (message.value.expired) return h("span", { class: "recalled" }, () => t("message.expired"));
    return [attachment(message.value, entry, chat), text(message.value)];
  };
}

const recalledBy = (entry) => t("message.recalled_by", { name: nameOf(entry.sender) });

function text({ media, content, mentions = [], mention_all: all, attachment: file }) {
  if (!content || (media === "file" && content === file?.name)) return null;
  return () => {
    const names = new Map(mentions.map((user) => [client.users.name(user).value, user]));
    for (const user of mentions) names.set(client.users.of(user).value?.name ?? "", user);
    if (all) for (const word of EVERYBODY) names.set(word, null);
    names.delete("");
    return h("div", { class: ["text", isLargeEmoji(content) && !file && "large-emoji"], dir: "auto" }, richText(content, names));
  };
}

/** How people call everybody, in the languages of the interface. */
export const EVERYBODY = ["all", "所有人"];

function attachment({ media, attachment: file }, entry, chat) {
  const local = entry.peek().file; // not sent yet: the bytes are here
  if (!file && !local) return null;
  const about = { ...measuresOf(local), ...file };
  if (media === "image" || media === "emoji") return picture(about, local, entry, chat);
  if (media === "video") return film(about, local, entry);
  if (media === "audio") return h("div", { class: "sound" }, player(about, address(about, local)), progress(entry));
  return document_(about, local, entry);
}

const measuresOf = (local) => (local ? { name: local.name, size: local.size, ...local.measures } : {});

/** A signal of where the bytes are: "" until that is known. */
function address(about, local, size) {
  const found = signal("");
  const blob = local?.blob ?? local;
  if (blob instanceof Blob) {
    const made = URL.createObjectURL(blob);
    atEnd(() => URL.revokeObjectURL(made));
    found.value = made;
  } else if (about.id) {
    effect(() => {
      client.connection.state.value; // what could not be asked for offline is asked for afterwards
      if (!found.peek()) client.media.addressOf(about.id, size).then((url) => { found.value = url ?? ""; }, () => {});
    });
  }
  return found;
}

function picture(about, local, entry, chat) {
  const url = address(about, local, Math.max(about.width ?? 0, about.height ?? 0) > LARGEST ? "large" : undefined);
  const broken = signal(false);
  const frame = h("div", { class: "picture" }, h("button", {
    type: "button", class: "picture-open", "aria-label": () => t("message.open_picture", { name: about.name ?? "" }),
    "on:click": () => about.id && openViewer(chat, entry.peek().seq),
  }, when(() => url.value && !broken.value, () => h("img", {
    src: () => url.value, alt: "", decoding: "async", draggable: "false", "on:error": () => { broken.value = true; },
  }), () => icon("image"))), progress(entry));
  size(frame, about);
  return frame;
}

/** The place that a picture takes is known before it is there: nothing jumps. */
function size(frame, { width = 240, height = 180 }) {
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  frame.style.setProperty("--width", `${Math.max(SMALLEST, Math.round(width * scale))}px`);
  frame.style.aspectRatio = `${Math.max(width, height / 4)} / ${Math.max(height, width / 4)}`;
}

function film(about, local, entry) {
  const url = address(about, local);
  const frame = h("div", { class: "film" },
    when(() => url.value, () => h("video", {
      src: () => url.value, controls: true, preload: "metadata", playsinline: true,
      "aria-label": () => about.name || t("message.kind.video"),
    })), progress(entry));
  size(frame, { width: about.width || 320, height: about.height || 180 });
  return frame;
}

function document_(about, local, entry) {
  const url = address(about, local);
  return h("div", { class: "file" },
    h("span", { class: "file-icon" }, icon("file")),
    h("div", { class: "file-about" },
      h("bdi", { class: "file-name", title: about.name }, about.name || t("message.unnamed")),
      h("span", { class: "file-size" }, () => (about.size ? formatSize(about.size) : ""))),
    when(() => url.value && about.id, () => h("a", {
      class: "icon-button", href: () => url.value, download: about.name ?? true,
      "aria-label": () => t("message.download", { name: about.name ?? "" }),
    }, icon("download"))),
    progress(entry));
}

/** How much has been uploaded, and a button that stops it. */
function progress(entry) {
  return when(() => entry.value.state === "uploading", () => {
    const share = () => Math.round(100 * (entry.value.progress ?? 0));
    const ring = h("div", {
      class: "progress", role: "progressbar", "aria-label": () => t("message.uploading"),
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": share,
    }, h("button", {
      type: "button", class: "progress-cancel", "aria-label": () => t("message.cancel_upload"),
      "on:click": () => client.outbox.discard(entry.peek().ref),
    }, icon("close")));
    effect(() => ring.style.setProperty("--share", `${share()}%`));
    return ring;
  });
}
