// What is pinned in each conversation that somebody looks at: [{seq, user, at, event}].

import { signal } from "core/signals.js";

export class Pins {
  #conversations = new Map(); // id -> signal

  constructor({ api, connection }) {
    this.api = api;
    connection.on("hello", () => { for (const id of this.#conversations.keys()) this.#load(id); });
  }

  reset() {
    for (const pins of this.#conversations.values()) pins.value = [];
    this.#conversations.clear();
  }

  /** A signal of the pinned messages, by seq. */
  of(id) {
    if (!this.#conversations.has(id)) {
      this.#conversations.set(id, signal([]));
      this.#load(id);
    }
    return this.#conversations.get(id);
  }

  /** An event of a conversation: a pin, or the recall of what may be pinned. */
  take(id, { type }) {
    if ((type === "pin" || type === "recall") && this.#conversations.has(id)) this.#load(id);
  }

  async #load(id) {
    const pins = this.#conversations.get(id);
    try {
      pins.value = (await this.api.get(`/v2/conversations/${id}/pins`)).pins;
    } catch {
      // offline, or not one's conversation any more: the next greeting asks again
    }
  }
}
