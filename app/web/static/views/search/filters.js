// What narrows a search: where, by whom, what kind, when.

import { each, h, when } from "core/dom.js";
import { t } from "core/i18n.js";
import { signal } from "core/signals.js";
import { client } from "views/client.js";
import { icon } from "views/parts/icons.js";
import { knownAs } from "views/parts/person.js";
import { titleOf } from "views/parts/summary.js";

const MEDIA = ["text", "image", "file", "audio", "video", "emoji"];
const DAY = 86_400_000;
const OFFERED = 100; // conversations in the list of places

/** The filters of the wire, of what stands in the address. Days are the reader's. */
export function filtersOf({ conversation, sender, media, from, to, sort, q }) {
  const filters = {};
  if (/^\d+$/.test(conversation ?? "")) filters.conversation = Number(conversation);
  if (/^\d+$/.test(sender ?? "")) filters.sender = Number(sender);
  if (MEDIA.includes(media)) filters.media = media;
  if (midnight(from) !== null) filters.after = midnight(from);
  if (midnight(to) !== null) filters.before = midnight(to) + DAY;
  if (sort === "relevance" && q?.trim()) filters.sort = "relevance";
  return filters;
}

/** The beginning of a day "2026-05-03" by the reader's clock, in milliseconds, or null. */
function midnight(day) {
  const at = day ? new Date(`${day}T00:00:00`).getTime() : NaN;
  return Number.isNaN(at) ? null : at;
}

/** The controls; `ask(question)` is told of each change. Closed until asked for, or in use. */
export function filterBar(asked, ask) {
  const used = () => Object.keys(filtersOf(asked.value)).length;
  const open = signal(used() > 0);
  const set = (name) => (event) => ask({ ...asked.peek(), [name]: event.target.value });
  return h("div", { class: "search-filters" },
    h("button", { type: "button", class: "button small", "aria-expanded": () => String(open.value),
      "aria-controls": "search-filters", "on:click": () => { open.value = !open.value; } },
    icon("settings"), () => t("search.filters"),
    when(() => used() > 0, () => h("span", { class: "badge" }, used))),
    h("div", { id: "search-filters", class: "search-filter-grid", hidden: () => !open.value },
      choice("search.where", () => placesOf(asked.value.conversation),
        () => asked.value.conversation ?? "", set("conversation")),
      choice("search.who", () => peopleOf(asked.value.sender), () => asked.value.sender ?? "", set("sender")),
      choice("search.what", () => [["", t("search.everything")],
        ...MEDIA.map((media) => [media, t(`search.media_${media}`)])], () => asked.value.media ?? "", set("media")),
      day("search.from", () => asked.value.from ?? "", set("from")),
      day("search.to", () => asked.value.to ?? "", set("to")),
      choice("search.sort", () => [["", t("search.newest")], ["relevance", t("search.best")]],
        () => asked.value.sort ?? "", set("sort")),
      h("button", { type: "button", class: "button small", hidden: () => used() === 0,
        "on:click": () => ask({ q: asked.peek().q }) }, () => t("search.clear"))));
}

/** The latest conversations, and the one that is chosen: [id, name]. Reactive. */
function placesOf(chosen) {
  const rows = client.conversations.list.value.slice(0, OFFERED);
  const places = rows.map((row) => [String(row.id), titleOf(row)]);
  if (chosen && !places.some(([id]) => id === chosen)) {
    const row = client.conversations.get(Number(chosen)).value;
    places.push([chosen, row ? titleOf(row) : chosen]);
  }
  return [["", t("search.everywhere")], ...places];
}

/** Oneself, contacts, partners, and who is chosen: [id, name]. Reactive. */
function peopleOf(chosen) {
  const me = client.session.user.value?.id;
  const friends = client.contacts.list.value.filter((row) => row.state === "friend");
  const partners = client.conversations.list.value.filter((row) => row.user);
  const ids = new Set([me, chosen && Number(chosen), ...friends.map((row) => row.user),
    ...partners.map((row) => row.user.id)]);
  const people = [...ids].filter(Boolean).slice(0, OFFERED);
  return [["", t("search.everybody")],
    ...people.map((id) => [String(id), id === me ? t("common.you") : knownAs(id)])];
}

/** `options`: a function of [key, text] pairs. */
function choice(key, options, value, change) {
  return h("div", { class: "search-filter" }, h("label", { for: key }, () => t(key)),
    h("select", { id: key, class: "input", "on:change": change }, each(options, ([id]) => id,
      (item) => h("option", { value: item.peek()[0], ".selected": () => item.value[0] === value() },
        () => item.value[1]))));
}

function day(key, value, change) {
  return h("div", { class: "search-filter" }, h("label", { for: key }, () => t(key)),
    h("input", { id: key, type: "date", class: "input", ".value": value, "on:change": change }));
}
