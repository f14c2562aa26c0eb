// What went wrong, in words that say how to go on.

import { h } from "core/dom.js";
import { knows, locale, t } from "core/i18n.js";
import { toast } from "views/parts/toast.js";

/**
 * Words for a person, as a child of an element: the code's own sentence, if we have one, else what the
 * server said. It speaks English: elsewhere that is the small print below a sentence of ours.
 */
export function explain(error) {
  const key = `error.${error.code}`;
  if (error.code && knows(key)) return t(key);
  const said = error.detail || error.message;
  return locale.value === "en" ? said : [t("error.refused"), h("small", { class: "said", lang: "en" }, said)];
}

/** Do something, and say so by the note `done`; an error is told as a note, and the result is undefined. */
export async function attempt(action, done = "") {
  try {
    const result = await action();
    if (done) toast(done);
    return result;
  } catch (error) {
    toast(explain(error), { kind: "error" });
    return undefined;
  }
}
