// Files that wait above the composer to be sent: chosen, pasted or dropped.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { atEnd } from "core/signals.js";
import { formatSize } from "core/time.js";
import { kindOf } from "views/chat/measure.js";
import { iconButton } from "views/parts/button.js";
import { icon } from "views/parts/icons.js";
import { toast } from "views/parts/toast.js";

const MOST = 20;
const ICONS = { image: "image", video: "video", audio: "volume", file: "file" };
let count = 0;

/** Put files into the tray of a chat. Folders and what is too much are left out, and said. */
export function addFiles(chat, files) {
  const usable = [...files].filter((file) => file.size > 0);
  if (usable.length < files.length) toast(t("composer.empty_file"), { kind: "error" });
  const room = MOST - chat.files.peek().length;
  if (usable.length > room) toast(t("composer.too_many_files", { count: MOST }), { kind: "error" });
  const added = usable.slice(0, room).map((file) => ({ key: ++count, file }));
  if (added.length) chat.files.update((held) => [...held, ...added]);
}

export function tray(chat) {
  return when(() => chat.files.value.length > 0, () => h("ul", { class: "tray", "aria-label": () => t("composer.files") },
    each(chat.files, ({ key }) => key, (item) => waiting(item.peek(), chat))));
}

function waiting({ key, file }, chat) {
  const kind = kindOf(file);
  const remove = () => chat.files.update((held) => held.filter((one) => one.key !== key));
  return h("li", { class: "tray-file" },
    kind === "image" ? thumbnail(file) : h("span", { class: "tray-picture" }, icon(ICONS[kind])),
    h("div", { class: "tray-about" },
      h("bdi", { class: "ellipsis", title: file.name }, file.name),
      h("span", { class: "small muted" }, () => formatSize(file.size))),
    iconButton(() => t("composer.remove_file", { name: file.name }), "close", remove));
}

function thumbnail(file) {
  const url = URL.createObjectURL(file);
  atEnd(() => URL.revokeObjectURL(url));
  return h("img", { class: "tray-picture", src: url, alt: "" });
}

/** Files that are dropped anywhere on `place` go into the tray; a veil says so meanwhile. */
export function acceptDrops(place, chat) {
  const veil = h("div", { class: "drop-veil", hidden: true, "aria-hidden": "true" },
    icon("attach"), h("p", null, () => t("composer.drop")));
  const carries = (event) => event.dataTransfer?.types.includes("Files") && chat.mayWrite.peek();
  const show = (on) => { veil.hidden = !on; };
  place.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    show(true);
  });
  place.addEventListener("dragleave", (event) => { if (!place.contains(event.relatedTarget)) show(false); });
  place.addEventListener("drop", (event) => {
    show(false);
    if (!carries(event)) return;
    event.preventDefault();
    addFiles(chat, event.dataTransfer.files);
  });
  return veil;
}
