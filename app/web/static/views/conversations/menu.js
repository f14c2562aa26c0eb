// What one can do with a conversation in the list.

import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { openMenu } from "views/parts/menu.js";

/** `more`: further items, at its beginning. */
export function conversationMenu(row, anchor, more = []) {
  const set = (settings) => () => attempt(() => client.conversations.patch(row.id, settings));
  return openMenu(anchor, [
    ...more,
    row.unread > 0
      && { label: t("list.menu.read"), icon: "checks", run: () => client.conversations.markRead(row.id, row.last_seq) },
    { label: t(row.pinned ? "list.menu.unpin" : "list.menu.pin"), icon: "pin", run: set({ pinned: !row.pinned }) },
    row.silent ? { label: t("list.menu.unmute"), icon: "bell", run: set({ silent: false }) }
      : { label: t("list.menu.mute"), icon: "bell-off", run: set({ silent: true }) },
    row.hidden ? { label: t("list.menu.unhide"), icon: "eye", run: set({ hidden: false }) }
      : { label: t("list.menu.hide"), icon: "eye-off", run: set({ hidden: true }) },
  ].filter(Boolean));
}
