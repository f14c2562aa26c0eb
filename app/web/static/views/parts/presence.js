// Who is online, and when the others were: for headers and lists.

import { t } from "core/i18n.js";
import { formatAgo } from "core/time.js";
import { client } from "views/client.js";

/** How a user is now: {online, seen_at}, or null where that is not known. Reactive. */
export function presenceOf(userId) {
  return client.presence.of(userId).value;
}

/** "online", "last seen 5 minutes ago" or "": reactive. */
export function presenceText(userId) {
  const found = presenceOf(userId);
  if (!found) return "";
  if (found.online) return t("common.online");
  return found.seen_at ? t("common.last_seen", { when: formatAgo(found.seen_at) }) : "";
}
