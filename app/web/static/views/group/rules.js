// How one comes into a group, and who may write: for its admins.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { select, toggle } from "views/parts/form.js";
import { POLICIES } from "views/group/policies.js";

export function rules(group) {
  const { id } = group.peek();
  const patch = (values) => client.groups.patch(id, values);
  return h("section", { class: "group-section", "aria-labelledby": "group-rules" },
    h("h3", { id: "group-rules" }, () => t("group.rules")),
    select(() => t("group.join"), POLICIES, () => group.value.join, (join) => attempt(() => patch({ join }))),
    toggle(() => t("group.open_history"), () => group.value.open_history,
      (on) => patch({ open_history: on }), { hint: () => t("group.open_history_hint") }),
    toggle(() => t("group.admins_only"), () => group.value.admins_only,
      (on) => patch({ admins_only: on }), { hint: () => t("group.admins_only_hint") }));
}
