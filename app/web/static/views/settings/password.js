// A new password; every other device is signed out by it.

import { h } from "core/dom.js";
import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { Wrong, form, passwordField } from "views/parts/form.js";
import { checkNew, newPasswordField } from "views/parts/new-password.js";
import { toast } from "views/parts/toast.js";
import { change } from "views/settings/profile.js";

export function password() {
  const element = form({
    submit: () => t("settings.change_password"),
    fieldOf: { bad_credentials: "current_password" },
    run: async (values) => {
      if (!values.current_password) throw new Wrong("current_password", t("auth.password_missing"));
      checkNew(values.password);
      await change({ password: values.password, current_password: values.current_password });
    },
    done: () => {
      element.reset();
      toast(t("settings.password_changed"));
    },
  },
  // Password managers want to know whose password it is.
  h("input", { type: "text", name: "username", autocomplete: "username", readonly: true, hidden: true,
    ".value": client.session.user.peek().name }),
  passwordField(() => t("settings.current_password"), { name: "current_password",
    autocomplete: "current-password" }),
  newPasswordField(() => t("settings.new_password"), "settings.password_hint"));
  return element;
}
