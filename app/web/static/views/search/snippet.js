// A piece of a message with what was looked for in it.

import { h } from "core/dom.js";

/** `highlights` are ranges [start, end) of the text, in UTF-16 units, ascending. */
export function marked({ text, highlights }) {
  const parts = [];
  let at = 0;
  for (const [start, end] of highlights) {
    parts.push(text.slice(at, start), h("mark", null, text.slice(start, end)));
    at = end;
  }
  return [...parts, text.slice(at)];
}
