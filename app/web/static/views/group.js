// <hi-group>: what a group is, who is in it, and what its reader may do there.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go, route } from "core/router.js";
import { computed, effect, signal, untracked } from "core/signals.js";
import { client } from "views/client.js";
import { about } from "views/group/about.js";
import { invites } from "views/group/invites.js";
import { leaving } from "views/group/leaving.js";
import { members } from "views/group/members.js";
import { leads } from "views/group/policies.js";
import { requests } from "views/group/requests.js";
import { rules } from "views/group/rules.js";
import { explain } from "views/parts/errors.js";
import { screenHeader } from "views/parts/header.js";

/** Rendered anew for another group, or when the reader's role changes; its texts follow the group. */
class Group extends Element_ {
  render() {
    const id = computed(() => route.value.params.group ?? null);
    const [group, failure] = [signal(null), signal("")];
    effect(() => {
      const wanted = id.value;
      return wanted === null ? null : untracked(() => follow(wanted, group, failure));
    });
    const shown = computed(() => {
      const { id: read, role, join } = group.value ?? {};
      return read === id.value ? `${read} ${role} ${join}` : "";
    });
    return [
      screenHeader(() => t("group.title"), { back: () => `#/c/${id.value}` }),
      h("div", { class: "scroll screen-scroll", tabindex: "-1" }, () => {
        if (failure.value) return h("p", { class: "notice error", role: "alert" }, failure.value);
        return shown.value ? h("div", { class: "group-panel" }, panel(group)) : skeleton();
      }),
    ];
  }
}

function panel(group) {
  const { id, role, join } = group.peek();
  return [
    about(group),
    leads(role) ? requests(id) : null,
    members(group),
    leads(role) || join === "open" ? invites(group) : null,
    leads(role) ? rules(group) : null,
    leaving(group),
  ];
}

function skeleton() {
  return h("div", { class: "group-panel", "aria-busy": "true" },
    [1, 2, 3].map(() => h("div", { class: "skeleton group-skeleton" })));
}

/** Read the group, and again when something happens in it. Returns what ends that. */
function follow(id, group, failure) {
  let live = true;
  const read = async () => {
    try {
      const found = await client.groups.get(id);
      if (live) group.value = found;
    } catch (error) {
      if (live) failure.value = explain(error);
    }
  };
  failure.value = "";
  read();
  const off = client.connection.on("event", (event) => {
    const { conversation, type } = event;
    if (conversation === id && (type === "group" || type === "members") && !isLast(event)) read();
  });
  return () => {
    live = false;
    off();
  };
}

/** Whether this event is the last that the reader hears of the group. */
function isLast({ group, members }) {
  const gone = [...members?.left ?? [], ...members?.removed ?? []];
  return Boolean(group?.disbanded) || gone.includes(client.session.user.peek()?.id);
}

define("hi-group", Group);
