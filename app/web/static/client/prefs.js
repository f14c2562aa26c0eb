// What somebody has chosen for this browser; every tab of it follows.

import { batch, effect, signal } from "core/signals.js";

const KEY = "hichat.prefs";
const DEFAULTS = { theme: "system", locale: null, sound: false, notify: false };

/** Signals: theme ("system" | "light" | "dark"), locale ("en" | "zh" | null), sound, notify. */
export function createPrefs({ storage }) {
  const prefs = Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, signal(value)]));

  const read = () => {
    let found = {};
    try {
      found = JSON.parse(storage.get(KEY) ?? "{}") ?? {};
    } catch {
      // somebody else's text: the defaults
    }
    batch(() => { for (const name in DEFAULTS) prefs[name].value = found[name] ?? DEFAULTS[name]; });
  };

  read();
  storage.watch((key) => { if (key === KEY || key === null) read(); });
  let first = true;
  effect(() => {
    const text = JSON.stringify(Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, prefs[name].value])));
    if (!first && storage.get(KEY) !== text) storage.set(KEY, text);
    first = false;
  });
  return prefs;
}
