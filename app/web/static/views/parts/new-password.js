// The field for a password that is to be: it says how long that must be, here.

import { t } from "core/i18n.js";
import { client } from "views/client.js";
import { Wrong, passwordField } from "views/parts/form.js";

const least = () => client.limits.known.value.password_min_chars;

/** `hint`: the key of the words below it. */
export function newPasswordField(label, hint) {
  return passwordField(label, { name: "password", autocomplete: "new-password", minlength: least },
    { hint: () => t(hint, { least: least() }) });
}

/** Throws Wrong. */
export function checkNew(password) {
  if ([...password].length < least()) throw new Wrong("password", t("auth.password_short", { least: least() }));
}
