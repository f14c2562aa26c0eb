// A message, or an event of a group, in one line: for lists, quotes, notices.

import { t } from "core/i18n.js";
import { formatDuration } from "core/time.js";
import { client } from "views/client.js";
import { oneLine } from "views/parts/rich-text.js";

/** What a message says, in a few words. `message` is the wire's; null: recalled. Reactive. */
export function summary(message) {
  if (!message) return t("message.recalled");
  if (message.expired) return t("message.expired");
  const { media, content, attachment } = message;
  const said = oneLine(content ?? "");
  if (media === "text" || (media === "emoji" && !attachment)) return said;
  if (media === "file") return t("message.kind.file", { name: attachment?.name || said });
  const kind = t(`message.kind.${media}`);
  if (media === "audio" && attachment?.duration) return `${kind} ${formatDuration(attachment.duration)}`;
  return said ? `${kind}: ${said}` : kind;
}

/** "You", or the name of a user; reactive. */
export function nameOf(user) {
  if (user === client.session.user.value?.id) return t("common.you");
  return client.users.name(user).value || t("common.unknown_user");
}

const MOST_NAMES = 5;

function names(users) {
  const shown = users.slice(0, MOST_NAMES).map(nameOf);
  const rest = users.length - shown.length;
  const list = shown.join(t("message.system.comma"));
  return rest > 0 ? t("message.system.and_more", { names: list, count: rest }) : list;
}

/** What has happened in a group, as a sentence; "" if it is nothing to tell. Reactive. */
export function happened(event) {
  const by = nameOf(event.sender);
  return event.type === "members" ? membersChanged(event.members ?? {}, by) : groupChanged(event.group ?? {}, by);
}

function groupChanged(change, by) {
  if (change.expired) return "";
  if (change.created) return t("message.system.created", { by, name: change.name });
  if (change.disbanded) return t("message.system.disbanded", { by });
  if ("name" in change) return t("message.system.renamed", { by, name: change.name });
  if (change.announcement) return t("message.system.announcement", { by, text: oneLine(change.announcement) });
  if ("avatar" in change) return t("message.system.avatar", { by });
  if ("admins_only" in change) return t(`message.system.admins_only.${change.admins_only ? "on" : "off"}`, { by });
  return t("message.system.settings", { by });
}

function membersChanged(change, by) {
  if (change.joined) {
    const alone = change.joined.length === 1 && change.joined[0] === change.by;
    const who = names(change.joined);
    return alone || !change.by ? t("message.system.joined", { who }) : t("message.system.added", { who, by: nameOf(change.by) });
  }
  if (change.left) return t("message.system.left", { who: names(change.left) });
  if (change.removed) return t("message.system.removed", { who: names(change.removed), by });
  if (change.owner) return t("message.system.owner", { who: nameOf(change.owner) });
  if (change.muted) return muted(Object.entries(change.muted));
  return roles(Object.entries(change.roles ?? {}));
}

function muted([[user, until] = []]) {
  return user ? t(`message.system.${until ? "muted" : "unmuted"}`, { who: nameOf(Number(user)) }) : "";
}

function roles([[user, role] = []]) {
  return user ? t(`message.system.role.${role}`, { who: nameOf(Number(user)) }) : "";
}

/** What a conversation is called: the partner, the group, everybody. Reactive. */
export function titleOf(row) {
  return row.title || t(row.kind === "broadcast" ? "list.broadcast" : "common.deleted_user");
}
