// The profile: picture, name, and what only oneself and the server know.

import { h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { field, form, select } from "views/parts/form.js";
import { pictureButton, uploadAvatar } from "views/parts/picture.js";
import { toast } from "views/parts/toast.js";

const GENDERS = [["male", () => t("settings.male")], ["famale", () => t("settings.female")]];

export function profile() {
  const me = client.session.user.peek();
  const values = { gender: me.gender };
  return [picture(), form({
    submit: () => t("common.save"),
    fieldOf: { name_taken: "name" },
    run: async ({ name, email, phone }) => change({ name, email, phone, ...values }),
    done: () => toast(t("settings.saved")),
  },
  field(() => t("auth.name"), { name: "name", ".value": me.name, required: true, maxlength: 32,
    autocomplete: "nickname" }, { hint: () => t("settings.name_hint") }),
  field(() => t("settings.email"), { name: "email", type: "email", ".value": me.email,
    autocomplete: "email", maxlength: 254 }, { hint: () => t("settings.only_you") }),
  field(() => t("settings.phone"), { name: "phone", type: "tel", ".value": me.phone,
    autocomplete: "tel-national", maxlength: 11 }, { hint: () => t("settings.phone_hint") }),
  select(() => t("settings.gender"), GENDERS, () => values.gender, (value) => { values.gender = value; }))];
}

function picture() {
  const me = client.session.user;
  return h("div", { class: "settings-picture" },
    h("hi-avatar", { ".user": me.peek().id, size: "l" }),
    h("div", { class: "settings-picture-text" },
      h("strong", { class: "ellipsis" }, () => me.value?.name ?? ""),
      h("span", { class: "hint" }, () => t("settings.your_number", { id: me.value?.id ?? 0 }))),
    h("div", { class: "settings-picture-buttons" },
      pictureButton(() => t("settings.change_picture"), (file) => attempt(
        async () => change({ avatar: await uploadAvatar(file) }), t("settings.saved"))),
      when(() => Boolean(me.value?.avatar), () => h("button", { type: "button", class: "button",
        "on:click": () => attempt(() => change({ avatar: "" }), t("settings.saved")) },
      () => t("settings.remove_picture")))));
}

/** Tell the server; the answer is how one is now. */
export async function change(values) {
  client.session.know(await client.api.patch("/v2/users/me", values));
}
