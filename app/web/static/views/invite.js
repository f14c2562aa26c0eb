// <hi-invite>: what a link leads into, before one follows it.

import { Element_, define, h } from "core/dom.js";
import { t } from "core/i18n.js";
import { go, route } from "core/router.js";
import { effect, signal, untracked } from "core/signals.js";
import { formatUntil } from "core/time.js";
import { client } from "views/client.js";
import { attempt, explain } from "views/parts/errors.js";
import { screenHeader } from "views/parts/header.js";

class Invite extends Element_ {
  render() {
    const [card, failure] = [signal(null), signal("")];
    effect(() => {
      const { name, params } = route.value;
      if (name === "invite") untracked(() => look(params.code, card, failure));
    });
    return [
      screenHeader(() => t("group.invitation"), { back: "#/" }),
      h("div", { class: "scroll screen-scroll", tabindex: "-1" }, h("div", { class: "column" }, () => {
        if (failure.value) return problem(failure.value);
        return card.value ? shown(card.value) : h("div", { class: "skeleton invite-skeleton" });
      })),
    ];
  }
}

async function look(code, card, failure) {
  card.value = null;
  failure.value = "";
  try {
    card.value = { code, ...await client.groups.lookInvite(code) };
  } catch (error) {
    failure.value = explain(error);
  }
}

function problem(text) {
  return h("div", { class: "card invite-card" },
    h("p", { role: "alert" }, text),
    h("a", { class: "button", href: "#/" }, () => t("group.to_chats")));
}

function shown(card) {
  const join = () => attempt(async () => {
    await client.groups.useInvite(card.code);
    go(`/c/${card.id}`);
  });
  return h("div", { class: "card invite-card" },
    h("hi-avatar", { ".group": card, size: "l" }),
    h("h2", null, card.name),
    h("p", { class: "muted" }, () => t("group.members_count", { count: card.size })),
    card.description ? h("p", { class: "invite-text" }, card.description) : null,
    h("p", { class: "muted small" }, () => t("group.invite_until", { when: formatUntil(card.expires_at) })),
    card.member
      ? h("a", { class: "button primary", href: `#/c/${card.id}` }, () => t("group.open"))
      : h("button", { type: "button", class: "button primary", "on:click": join }, () => t("group.join_now")));
}

define("hi-invite", Invite);
