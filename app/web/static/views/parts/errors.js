// What went wrong, in words that say how to go on.

import { knows, t } from "core/i18n.js";
import { toast } from "views/parts/toast.js";

/** A sentence for a person: the code's own, if we have one, else what the server said. */
export function explain(error) {
  const key = `error.${error.code}`;
  return error.code && knows(key) ? t(key) : error.detail || error.message;
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
