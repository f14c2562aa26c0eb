// <hi-banner>: how the connection is, when it is not well.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { computed, effect, signal } from "core/signals.js";
import { client } from "views/client.js";

const PATIENCE_MS = 700; // a connection that comes about at once is not worth a line

class Banner extends Element_ {
  render() {
    const { state, retryAt } = client.connection;
    const shown = signal("online");
    const now = signal(Date.now());
    effect(() => {
      const next = state.value;
      if (next === "online" || next === "offline") { shown.value = next; return undefined; }
      const timer = setTimeout(() => { shown.value = next; }, PATIENCE_MS);
      return () => clearTimeout(timer);
    });
    effect(() => {
      if (shown.value !== "waiting") return undefined;
      const timer = setInterval(() => { now.value = Date.now(); }, 500);
      return () => clearInterval(timer);
    });
    const seconds = computed(() => Math.max(0, Math.ceil(((retryAt.value ?? 0) - now.value) / 1000)));
    return h("div", { role: "status", class: "banner-place" },
      when(() => shown.value !== "online", () => h("div", { class: () => `banner ${shown.value}` },
        when(() => shown.value === "connecting", () => h("span", { class: "spinner" })),
        h("span", null, () => t(`chat.connection.${shown.value}`)),
        when(() => shown.value === "waiting", () => [
          h("span", { class: "banner-time", "aria-hidden": "true" }, () => t("chat.connection.in", { seconds: seconds.value })),
          h("button", { type: "button", class: "link-button", "on:click": () => client.connection.retryNow() },
            () => t("chat.connection.now")),
        ]))));
  }
}

define("hi-banner", Banner);
