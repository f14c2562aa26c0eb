// The ways into a group, and what they are called.

import { t } from "core/i18n.js";

export const POLICIES = [
  ["invite", () => t("group.join_invite")],
  ["approval", () => t("group.join_approval")],
  ["open", () => t("group.join_open")],
];

const RANK = { member: 0, admin: 1, owner: 2 };

/** Whether a role may do what admins may. */
export function leads(role) {
  return RANK[role] > 0;
}

/** Whether one role stands above another. */
export function above(role, other) {
  return RANK[role] > RANK[other];
}
