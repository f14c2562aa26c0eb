// <hi-sign-in>: the way in, with a name and a password, for old and new people.

import { Element_, asset, define, h, when } from "core/dom.js";
import { locale, t } from "core/i18n.js";
import { go, route } from "core/router.js";
import { computed } from "core/signals.js";
import { client } from "views/client.js";
import { Wrong, field, form, passwordField } from "views/parts/form.js";
import { checkNew, newPasswordField } from "views/parts/new-password.js";

const OWN_ROUTES = new Set(["login", "register"]);

let wanted = "/"; // where somebody wanted to go who had to sign in first

class SignIn extends Element_ {
  render() {
    const isNew = computed(() => route.value.name === "register");
    client.limits.ask();
    if (!OWN_ROUTES.has(route.peek().name)) wanted = location.hash.slice(1) || "/";
    return h("main", { class: "sign-in" },
      h("div", { class: "sign-in-languages" }, language("en", "English"), language("zh", "中文")),
      h("div", { class: "sign-in-card card" },
        h("div", { class: "sign-in-brand" }, h("img", { src: asset("icons/favicon.svg"), alt: "" }),
          h("span", null, "HiChat")),
        h("h1", null, () => t(isNew.value ? "auth.new_title" : "auth.title")),
        h("p", { class: "notice", role: "status", hidden: () => !client.session.ended.value },
          () => (client.session.ended.value ? t("auth.ended") : "")),
        when(() => isNew.value, () => registration(), () => entrance()),
        h("p", { class: "sign-in-other" },
          h("span", null, () => t(isNew.value ? "auth.have_account" : "auth.no_account")), " ",
          h("a", { href: () => (isNew.value ? "#/login" : "#/register") },
            () => t(isNew.value ? "auth.sign_in" : "auth.register")))),
      h("p", { class: "sign-in-foot" }, () => t("auth.promise")));
  }
}

function language(code, name) {
  return h("button", { type: "button", class: "link-button", lang: code === "zh" ? "zh-CN" : "en",
    "aria-pressed": () => String(locale.value === code), "on:click": () => { client.prefs.locale.value = code; } }, name);
}

/** Names that a password manager knows. */
function nameField() {
  return field(() => t("auth.name"), {
    name: "username", autocomplete: "username", required: true, maxlength: 32,
    autocapitalize: "none", spellcheck: "false", enterkeyhint: "next",
  });
}

function entrance() {
  return form({
    submit: () => t("auth.sign_in"),
    fieldOf: { bad_credentials: "password" },
    run: async ({ username, password }) => {
      check(username, password);
      await enter(() => client.session.signIn(username, password));
    },
  },
  nameField(),
  passwordField(() => t("auth.password"), { name: "password", autocomplete: "current-password" }));
}

function registration() {
  return form({
    submit: () => t("auth.register"),
    fieldOf: { name_taken: "username" },
    run: async ({ username, password }) => {
      check(username, password);
      checkNew(password);
      if (password.toLowerCase() === username.toLowerCase()) {
        throw new Wrong("password", t("auth.password_is_name"));
      }
      await enter(() => client.session.register(username, password));
    },
  },
  nameField(),
  newPasswordField(() => t("auth.password"), "auth.password_hint"));
}

function check(name, password) {
  if (!name) throw new Wrong("username", t("auth.name_missing"));
  if (!password) throw new Wrong("password", t("auth.password_missing"));
}

/** And go on to where one wanted to go, if that is not where one is. */
async function enter(open) {
  const isHere = OWN_ROUTES.has(route.peek().name);
  await open();
  if (isHere) go(wanted, { replace: true });
  wanted = "/";
}

define("hi-sign-in", SignIn);
