// The words of the interface, by key, in the language that was chosen.
//
// A catalogue is one flat object: {"chat.send": "Send", "chat.unread.one": "{count} message", ...}.

import { signal } from "core/signals.js";

export const LOCALES = ["en", "zh"];

/** The language that `t` speaks; read it to follow it. */
export const locale = signal("en");

const catalogues = new Map(); // locale -> Promise of the catalogue
const words = signal({});
let wanted = null;

/** Speak another language. Resolves when it does; keeps the old one if it cannot be loaded. */
export async function setLocale(name) {
  wanted = LOCALES.includes(name) ? name : "en";
  const loading = wanted;
  if (!catalogues.has(loading)) catalogues.set(loading, load(loading));
  try {
    const found = await catalogues.get(loading);
    if (wanted !== loading) return; // another one was chosen meanwhile
    locale.value = loading;
    words.value = found;
  } catch (error) {
    catalogues.delete(loading);
    throw error;
  }
}

async function load(name) {
  const answer = await fetch(import.meta.resolve(`locales/${name}.json`));
  if (!answer.ok) throw new Error(`the catalogue ${name} is not there: ${answer.status}`);
  return answer.json();
}

/** Whether there are words for a key. */
export function knows(key) {
  return key in words.value;
}

/** The words for a key; `{name}` is replaced by a parameter, `count` chooses the plural. */
export function t(key, params = {}) {
  const text = words.value[plural(key, params)] ?? words.value[key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(locale.value) : String(value);
  });
}

function plural(key, { count }) {
  if (count === undefined) return key;
  return `${key}.${new Intl.PluralRules(locale.value).select(count)}`;
}

/** The language of ours that suits a browser's languages best. */
export function preferred(languages) {
  for (const language of languages) {
    const found = LOCALES.find((name) => language.toLowerCase().split("-")[0] === name);
    if (found) return found;
  }
  return "en";
}
