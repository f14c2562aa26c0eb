// The head of a group: picture, name, description, announcement; admins change them here.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { frame, openDialog } from "views/parts/dialog.js";
import { Wrong, field, form, toggle } from "views/parts/form.js";
import { pictureButton, uploadAvatar } from "views/parts/picture.js";
import { leads } from "views/group/policies.js";

const TEXT_CHARS = 2000;

export function about(group) {
  const { id, role } = group.peek();
  const isAdmin = leads(role);
  const line = client.conversations.get(id);
  return h("section", { class: "group-section group-about", "aria-label": () => t("group.about") },
    h("hi-avatar", { ".group": group, size: "l" }),
    h("h2", null, () => group.value.name),
    h("p", { class: "muted" }, () => t("group.members_count", { count: group.value.size })),
    when(() => group.value.description !== "", () => h("p", { class: "group-text" },
      () => group.value.description)),
    when(() => group.value.announcement !== "", () => h("div", { class: "group-announcement" },
      h("h3", null, () => t("group.announcement")), h("p", { class: "group-text" }, () => group.value.announcement))),
    isAdmin ? h("div", { class: "form-buttons" },
      h("button", { type: "button", class: "button small", "on:click": () => edit(group) }, () => t("group.edit")),
      pictureButton(() => t("settings.change_picture"), (file) => attempt(
        async () => client.groups.patch(id, { avatar: await uploadAvatar(file) })), "small")) : null,
    toggle(() => t("group.silent"), () => line.value?.silent ?? false,
      (on) => client.conversations.patch(id, { silent: on }), { hint: () => t("group.silent_hint") }));
}

/** Only what was changed is sent: two admins may edit different things. */
function edit(group) {
  const now = group.peek();
  const body = () => form({
    submit: () => t("common.save"),
    buttons: h("button", { type: "button", class: "button", "on:click": () => close() }, () => t("common.cancel")),
    run: async (values) => {
      if (!values.name) throw new Wrong("name", t("group.name_missing"));
      const changed = Object.entries(values).filter(([key, value]) => value !== now[key]);
      if (changed.length) await client.groups.patch(now.id, Object.fromEntries(changed));
    },
    done: () => close(),
  },
  field(() => t("group.name"), { name: "name", ".value": now.name, maxlength: 64, required: true,
    autocomplete: "off", "data-autofocus": "" }),
  field(() => t("group.description"), { name: "description", ".value": now.description, rows: 3,
    maxlength: TEXT_CHARS }, { area: true, hint: () => t("group.description_hint") }),
  field(() => t("group.announcement"), { name: "announcement", ".value": now.announcement, rows: 4,
    maxlength: TEXT_CHARS }, { area: true, hint: () => t("group.announcement_hint") }));
  const close = openDialog(() => frame(() => t("group.edit"), body()), { label: () => t("group.edit") });
}
