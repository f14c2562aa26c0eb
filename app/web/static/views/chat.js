// <hi-chat>: one open conversation. Header, pinned messages, timeline, who is typing, composer.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { client } from "views/client.js";
import { ChatContext } from "views/chat/context.js";
import { pinsBar } from "views/chat/pins.js";
import { acceptDrops } from "views/chat/tray.js";
import { end, selectionBar } from "views/chat/selection.js";
import { typingLine } from "views/chat/typing.js";
import { conversationMenu } from "views/conversations/menu.js";
import { face } from "views/conversations/row.js";
import { iconButton } from "views/parts/button.js";
import { prompt } from "views/parts/dialog.js";
import { attempt, explain } from "views/parts/errors.js";
import { icon } from "views/parts/icons.js";
import { showPerson } from "views/parts/person.js";
import { presenceText } from "views/parts/presence.js";
import { titleOf } from "views/parts/summary.js";
import "views/chat/composer.js";
import "views/chat/timeline.js";

/** Property `conversation`: its id; set before it is put into the document. */
class Chat extends Element_ {
  render() {
    const chat = new ChatContext(this.conversation);
    this.own(() => chat.close());
    this.addEventListener("keydown", (event) => { if (event.key === "Escape" && chat.chosen.peek()) end(chat); });
    return when(() => chat.row.value !== null, () => [
      header(chat),
      pinsBar(chat),
      h("hi-timeline", { ".chat": chat }),
      typingLine(chat),
      when(() => chat.chosen.value !== null, () => selectionBar(chat),
        () => when(chat.mayWrite, () => h("hi-composer", { ".chat": chat }), () => readOnly(chat))),
      acceptDrops(this, chat),
    ], () => when(() => chat.failure.value !== null, () => failed(chat), skeleton));
  }
}

function header(chat) {
  const { row } = chat;
  const title = () => (row.value ? titleOf(row.value) : "");
  const group = () => row.value?.kind === "group";
  const partner = () => row.value?.user?.id;
  const about = h("div", { class: "chat-about" },
    h("h1", { class: "ellipsis", title }, h("bdi", null, title)),
    h("div", { class: "chat-status ellipsis" }, () => status(row.value)));
  const more = iconButton(() => t("chat.menu"), "more", () => openMore(chat, more), { "aria-haspopup": "menu" });
  return h("header", { class: "screen-header chat-header" },
    h("a", { class: "icon-button back", href: "#/", "aria-label": () => t("chat.back") }, icon("back")),
    face(row),
    when(group, () => h("a", { class: "chat-open", href: `#/g/${chat.id}`, title: () => t("chat.details") }, about),
      () => h("button", {
        type: "button", class: "chat-open", disabled: () => (partner() ? null : true), "on:click": () => showPerson(partner()),
      }, about)),
    h("a", {
      class: "icon-button", href: `#/search?conversation=${chat.id}`,
      "aria-label": () => t("chat.search"), title: () => t("chat.search"),
    }, icon("search")),
    more);
}

function status(row) {
  if (row?.kind === "group") return t("chat.members", { count: row.group?.size ?? 0 });
  if (row?.kind === "broadcast") return t("chat.broadcast");
  return row?.user ? presenceText(row.user.id) : "";
}

function openMore(chat, button) {
  conversationMenu(chat.row.peek(), button, [{ label: t("chat.go_to_date"), icon: "calendar", run: () => goToDate(chat) }]);
}

async function goToDate(chat) {
  const day = await prompt({ title: t("chat.go_to_date"), label: t("chat.date"), type: "date", ok: t("chat.go") });
  if (!day) return;
  await attempt(() => chat.view.jumpToDate(new Date(`${day}T00:00`).getTime()));
}

/** Why one may only read here. */
function readOnly(chat) {
  return h("p", { class: "read-only", role: "note" }, () => {
    if (chat.kind.value === "broadcast") return t("chat.read_only_broadcast");
    return t(chat.group.value?.admins_only ? "chat.read_only_admins" : "chat.read_only_muted");
  });
}

function failed(chat) {
  return h("div", { class: "empty", role: "alert" }, icon("alert"),
    h("p", null, () => (chat.failure.value ? explain(chat.failure.value) : "")),
    h("div", { class: "empty-acts" },
      h("button", { type: "button", class: "button", "on:click": () => chat.load() }, () => t("common.retry")),
      h("button", { type: "button", class: "button", "on:click": () => go("/") }, () => t("chat.back"))));
}

function skeleton() {
  return h("div", { class: "chat-skeleton", role: "status", "aria-label": () => t("common.loading") },
    [60, 40, 75, 30, 55].map((width, i) => {
      const bar = h("div", { class: ["skeleton", i % 2 && "own"] });
      bar.style.width = `${width}%`;
      return bar;
    }));
}

define("hi-chat", Chat);
