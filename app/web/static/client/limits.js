// What this server allows, as far as one wants to know before one tries: GET /v2/limits.

import { signal } from "core/signals.js";
import { call } from "client/http.js";

const KEY = "hichat.limits";
// Of a server that nobody has changed; good until this one has answered for the first time.
const USUAL = { password_min_chars: 8, max_content_chars: 10_000, edit_seconds: 86_400, recall_seconds: 120 };

/** `known`: a signal of the limits; kept in this browser. `ask()`: how they are now. */
export function createLimits({ origin, storage }) {
  const known = signal({ ...USUAL, ...read(storage) });
  let ahead = 0; // ms by which the server's clock is before ours

  return {
    known,
    async ask() {
      try {
        const { at, ...limits } = await call(origin, "GET", "/v2/limits");
        ahead = at - Date.now();
        known.value = { ...USUAL, ...limits };
        storage.set(KEY, JSON.stringify(limits));
      } catch {
        // What is known stays: the server has the last word anyway.
      }
    },
    /** Whether a message of that time (ms, the server's) may be changed still: `what` is "edit" or "recall". */
    isInTime: (what, at) => Date.now() + ahead - at < 1000 * known.peek()[`${what}_seconds`],
  };
}

function read(storage) {
  try {
    return JSON.parse(storage.get(KEY) ?? "{}");
  } catch {
    return {}; // somebody else's text
  }
}
