// <hi-search>: find what was said, and go to where it was said.

import { Element_, define, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { go, route } from "core/router.js";
import { batch, computed, effect, signal, untracked } from "core/signals.js";
import { formatFull, formatShort } from "core/time.js";
import { client } from "views/client.js";
import { explain } from "views/parts/errors.js";
import { growing } from "views/parts/growing.js";
import { screenHeader } from "views/parts/header.js";
import { icon } from "views/parts/icons.js";
import { nameOf, titleOf } from "views/parts/summary.js";
import { filterBar, filtersOf } from "views/search/filters.js";
import { marked } from "views/search/snippet.js";

const PAUSE_MS = 300; // of typing, before the server is asked

/** The question stands in the address, so that "back" and a reload find the same results. */
class Search extends Element_ {
  render() {
    const asked = computed(() => (route.value.name === "search" ? route.value.params : {}));
    const found = results(asked);
    let timer = 0;
    const input = h("input", { type: "search", class: "input", autocomplete: "off", "data-autofocus": "",
      "aria-label": () => t("search.label"), placeholder: () => t("search.label"), maxlength: 200,
      ".value": () => asked.value.q ?? "",
      "on:input": () => {
        clearTimeout(timer);
        timer = setTimeout(() => ask({ ...asked.peek(), q: input.value }), PAUSE_MS);
      } });
    requestAnimationFrame(() => input.focus());
    return [
      screenHeader(() => t("search.title"), { back: "#/" }),
      h("search", { class: "search-form" }, input, filterBar(asked, ask)),
      h("div", { class: "scroll screen-scroll", tabindex: "-1" },
        h("p", { class: "search-status muted small", role: "status" }, () => statusOf(found)),
        when(() => found.error.value !== "", () => h("p", { class: "notice error" }, () => found.error.value)),
        growing(() => found.rows.value, (row) => `${row.conversation}-${row.seq}`, (row) => result(row.peek()),
          { class: "plain-list search-results", "aria-label": () => t("search.results") }),
        when(() => found.next.value !== null, () => h("div", { class: "search-more" },
          h("button", { type: "button", class: "button", "on:click": found.more }, () => t("common.more")))),
        when(() => found.state.value === "idle", () => h("div", { class: "empty" },
          icon("search"), h("p", null, () => t("search.hint"))))),
    ];
  }
}

/** Ask anew, without a step in the history for each letter. */
function ask(question) {
  const kept = Object.entries(question).filter(([, value]) => value);
  go(`/search?${new URLSearchParams(kept)}`, { replace: true });
}

/** What the server has found for a question; `state`: idle, loading, done. */
function results(asked) {
  const [rows, next, error, state] = [signal([]), signal(null), signal(""), signal("idle")];
  const complete = signal(true);
  let turn = 0; // an answer to an older question is not shown
  const load = async (question, cursor) => {
    const mine = ++turn;
    state.value = "loading";
    error.value = "";
    try {
      const page = await client.search.messages(question.q?.trim() ?? "", filtersOf(question), cursor);
      if (mine !== turn) return;
      batch(() => {
        rows.value = cursor ? [...rows.peek(), ...page.results] : page.results;
        next.value = page.next;
        complete.value = page.complete;
      });
    } catch (problem) {
      if (mine === turn) error.value = explain(problem);
    }
    if (mine === turn) state.value = "done";
  };
  effect(() => {
    const question = asked.value;
    untracked(() => {
      if (question.q?.trim() || Object.keys(filtersOf(question)).length) load(question, null);
      else {
        turn += 1;
        batch(() => { rows.value = []; next.value = null; error.value = ""; state.value = "idle"; });
      }
    });
  });
  return { rows, next, error, state, complete, more: () => load(asked.peek(), next.peek()) };
}

function statusOf({ rows, next, error, state, complete }) {
  if (error.value || state.value === "idle") return "";
  if (state.value === "loading" && !rows.value.length) return t("search.searching");
  const count = rows.value.length;
  const words = count ? t(next.value ? "search.found_more" : "search.found", { count }) : t("search.nothing");
  return complete.value ? words : `${words} ${t("search.incomplete")}`;
}

function result(row) {
  const line = client.conversations.get(row.conversation);
  const text = row.snippet ?? { text: row.message.content, highlights: [] };
  return h("li", null, h("a", { class: "list-row search-result", href: `#/c/${row.conversation}/${row.seq}` },
    h("hi-avatar", { ".user": row.sender, size: "m" }),
    h("span", { class: "grow" },
      h("span", { class: "search-result-head" },
        h("strong", { class: "ellipsis" }, () => nameOf(row.sender)),
        h("span", { class: "muted small ellipsis" }, () => placeOf(line.value, row.sender)),
        h("time", { class: "muted small", title: () => formatFull(row.at) }, () => formatShort(row.at))),
      h("span", { class: "search-snippet" }, mediaName(row.message.media), marked(text)))));
}

/** Where it was said; nothing for what a partner has said in their private conversation. */
function placeOf(line, sender) {
  return line && line.user?.id !== sender ? titleOf(line) : "";
}

/** What is no text says what it is. */
function mediaName(media) {
  if (media === "text") return null;
  return h("span", { class: "badge quiet" }, () => t(`search.media_${media}`));
}

define("hi-search", Search);
