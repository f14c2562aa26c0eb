// Who has read a message of a group.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { frame, openDialog } from "views/parts/dialog.js";
import { attempt } from "views/parts/errors.js";
import "views/parts/avatar.js";

export async function openReaders(conversation, seq) {
  const found = await attempt(() => client.groups.readers(conversation, seq));
  if (!found) return;
  const { count, readers } = found;
  const rows = readers.map(({ user }) => h("li", { class: "person-line" },
    h("hi-avatar", { ".user": user.id, size: "s" }), h("bdi", { class: "ellipsis" }, client.users.name(user.id))));
  const rest = count - readers.length;
  const body = count ? [h("ul", null, rows), rest > 0 && h("p", { class: "muted" }, t("message.system.more", { count: rest }))]
    : h("p", { class: "muted" }, t("message.no_readers"));
  const title = t("message.read_by", { count });
  const end = h("button", { type: "button", class: "button", "on:click": () => close() }, t("common.close"));
  const close = openDialog(frame(title, body, end), { label: title, kind: "small" });
}
