// One line of the list of conversations.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { openConversation } from "core/router.js";
import { computed } from "core/signals.js";
import { formatFull, formatShort } from "core/time.js";
import { client } from "views/client.js";
import { conversationMenu } from "views/conversations/menu.js";
import { icon } from "views/parts/icons.js";
import { happened, nameOf, summary, titleOf } from "views/parts/summary.js";
import "views/parts/avatar.js";

/** @param {Source} row - a signal of the conversation */
export function conversationRow(row) {
  const of = (name) => () => row.value[name];
  const title = () => titleOf(row.value);
  const current = computed(() => openConversation() === row.value.id);
  const typing = computed(() => client.typing.of(row.value.id).value.length > 0);
  const link = h("a", {
    class: () => ["list-row", "conversation", row.value.pinned && "pinned"],
    href: () => `#/c/${row.value.id}`, "aria-current": () => (current.value ? "true" : null),
    "on:contextmenu": (event) => { event.preventDefault(); conversationMenu(row.peek(), { x: event.clientX, y: event.clientY }); },
    "on:keydown": (event) => {
      if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
      event.preventDefault();
      conversationMenu(row.peek(), link);
    },
  },
  face(row),
  h("div", { class: "grow" },
    h("div", { class: "conversation-line" },
      h("span", { class: "conversation-title ellipsis", title }, h("bdi", null, title)),
      when(of("silent"), () => icon("bell-off")),
      when(of("pinned"), () => icon("pin")),
      h("time", { class: "conversation-time", title: () => full(row.value) }, () => short(row.value))),
    h("div", { class: "conversation-line" },
      h("span", { class: "conversation-last ellipsis" },
        () => (typing.value ? h("span", { class: "accent" }, t("list.typing")) : lastWords(row.value, current.value))),
      when(() => row.value.mentions > 0, () => h("span", { class: "badge mention", title: () => t("list.mentioned") }, "@",
        h("span", { class: "visually-hidden" }, () => t("list.mentioned")))),
      when(() => row.value.unread > 0, () => h("span", { class: () => ["badge", row.value.silent && "quiet"] },
        () => (row.value.unread > 99 ? "99+" : row.value.unread),
        h("span", { class: "visually-hidden" }, () => ` ${t("list.unread")}`))))));
  return link;
}

/** The picture of a conversation: of the partner with their presence, of the group, of the broadcast. */
export function face(row, size = "m") {
  return () => {
    const { kind, user, group, id, title: name } = row.value;
    if (kind === "private") return h("hi-avatar", { ".user": user?.id ?? 0, size, presence: true });
    if (kind === "group") return h("hi-avatar", { ".group": group ?? { id, name }, size });
    return h("span", { class: `broadcast-face ${size}`, "aria-hidden": "true" }, icon("broadcast"));
  };
}

const moment = ({ last_at: at, last_message: message }) => message?.at ?? at;
const short = (row) => (moment(row) ? formatShort(moment(row)) : "");
const full = (row) => (moment(row) ? formatFull(moment(row)) : "");

function lastWords({ draft, kind, last_message: last, last_event: event }, current) {
  if (draft && !current) return [h("span", { class: "accent" }, t("list.draft")), " ", draft.slice(0, 200)];
  const newer = event && ["group", "members"].includes(event.type) && event.seq > (last?.seq ?? 0);
  if (newer) return happened(event);
  if (!last) return h("span", { class: "faint" }, t("list.no_messages"));
  const mine = last.sender === client.session.user.value?.id;
  const words = summary(last.recalled ? null : last.message);
  return mine || kind === "group" ? [h("bdi", null, nameOf(last.sender)), `: ${words}`] : words;
}
