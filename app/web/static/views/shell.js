// <hi-shell>: the frame of the signed-in app. A rail, a list, the main pane, details. On a phone one of
// them at a time: `data-open` says which.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go, openConversation, route } from "core/router.js";
import { computed, effect, signal } from "core/signals.js";
import { client } from "views/client.js";
import { attempt } from "views/parts/errors.js";
import { icon } from "views/parts/icons.js";
import "views/banner.js";
import "views/chat.js";
import "views/conversations.js";

// What is not seen first is not waited for: these elements come to life a moment later.
const LATER = ["contacts", "group", "invite", "new-group", "search", "settings"];
const LISTS = new Set(["home", "contacts"]);
const SCREENS = { settings: "hi-settings", "new-group": "hi-new-group", search: "hi-search", invite: "hi-invite" };
const ELSEWHERE = new Set(["login", "register", "unknown"]);

const TABS = [
  { name: "home", path: "#/", icon: "chats", badge: () => client.conversations.unreadTotal.value },
  { name: "contacts", path: "#/contacts", icon: "contacts", badge: () => client.contacts.waiting.value },
  { name: "search", path: "#/search", icon: "search" },
  { name: "settings", path: "#/settings", icon: "settings" },
];

/** A signal of whether a media query holds. */
function holds(query) {
  const list = matchMedia(query);
  const found = signal(list.matches);
  list.addEventListener("change", () => { found.value = list.matches; });
  return found;
}

// As layout.css has it: where the list, or the details, stand in place of the main pane.
const onlyOne = holds("(max-width: 759.98px)");
const onlyTwo = holds("(max-width: 1199.98px)");

class Shell extends Element_ {
  connectedCallback() {
    super.connectedCallback();
    setTimeout(() => { for (const name of LATER) import(`views/${name}.js`).catch(() => {}); });
  }

  render() {
    const name = computed(() => route.value.name);
    const open = computed(() => (LISTS.has(name.value) ? "list" : name.value === "group" ? "details" : "main"));
    effect(() => this.setAttribute("data-open", open.value));
    effect(() => this.#redirect());
    const conversation = computed(openConversation);
    return [
      h("hi-banner"),
      h("nav", { class: "rail", "aria-label": () => t("list.navigation") }, TABS.map((tab) => this.#tab(tab, name))),
      h("section", {
        class: "pane list-pane", "aria-label": () => t("list.pane"),
        role: () => (onlyOne.value && open.value === "list" ? "main" : null),
      },
        when(() => name.value === "contacts", () => h("hi-contacts"), () => h("hi-conversations"))),
      h("main", { class: "pane main-pane" },
        () => (conversation.value === null ? main(name.value)
          : h("hi-chat", { ".conversation": conversation.value }))),
      when(() => name.value === "group", () => h("aside", {
        class: "pane details-pane", role: () => (onlyTwo.value ? "main" : null),
      }, h("hi-group"))),
    ];
  }

  #tab({ name, path, icon: drawing, badge }, current) {
    const count = () => badge?.() ?? 0;
    const chosen = () => current.value === name || (name === "home" && ["chat", "group"].includes(current.value));
    return h("a", { class: "tab", href: path, "aria-current": () => (chosen() ? "page" : null) },
      icon(drawing),
      h("span", { class: "tab-label" }, () => t(`list.tab.${name}`)),
      when(() => count() > 0, () => h("span", { class: "badge" }, () => (count() > 99 ? "99+" : count()))));
  }

  #redirect() {
    const { name, params } = route.value;
    if (ELSEWHERE.has(name)) go("/", { replace: true });
    if (name === "user") openWith(params.user);
  }
}

async function openWith(user) {
  const id = await attempt(() => client.conversations.openWith(user));
  if (route.peek().params.user !== user) return; // one has gone elsewhere meanwhile
  go(id ? `/c/${id}` : "/", { replace: true });
}

const main = (name) => (name in SCREENS ? h(SCREENS[name]) : nothingOpen());

function nothingOpen() {
  return h("div", { class: "empty" }, icon("chats"),
    h("p", null, () => t("chat.nothing_open")),
    h("a", { class: "button", href: "#/contacts" }, () => t("list.new_chat")));
}

define("hi-shell", Shell);
