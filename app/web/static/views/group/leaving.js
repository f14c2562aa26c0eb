// The ways out of a group.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { go } from "core/router.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { confirm } from "views/parts/dialog.js";

/** An owner who is not alone gives the group to another one first. */
export function leaving(group) {
  const { id, role } = group.peek();
  const end = async (key) => {
    const sure = await confirm({ title: t(`group.out_${key}_title`, { name: group.peek().name }),
      text: t(`group.out_${key}_text`), ok: t(`group.out_${key}`), danger: true });
    if (sure) await attempt(async () => {
      await client.groups[key](id);
      go("/");
    });
  };
  return h("section", { class: "group-section group-leaving", "aria-label": () => t("group.leaving") },
    role === "owner"
      ? [h("p", { class: "muted small" }, () => t("group.owner_hint")),
        h("button", { type: "button", class: "button danger", "on:click": () => end("disband") },
          () => t("group.out_disband"))]
      : h("button", { type: "button", class: "button danger", "on:click": () => end("leave") },
        () => t("group.out_leave")));
}
