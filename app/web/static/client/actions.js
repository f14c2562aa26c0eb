// What is done to messages. Over HTTP: what it changes comes back as an event, to this device too.

import { random } from "client/locks.js";

export class Actions {
  constructor({ api }) {
    this.api = api;
  }

  edit(conversation, seq, content) {
    return this.#act(conversation, "edits", { seq, message: { content } });
  }

  recall(conversation, seq) {
    return this.#act(conversation, "recalls", { seq });
  }

  react(conversation, seq, emoji, on) {
    return this.#act(conversation, "reactions", { seq, emoji, on });
  }

  pin(conversation, seq, on) {
    return this.#act(conversation, "pins", { seq, on });
  }

  /** Delete for oneself: 1 to 100 messages. */
  remove(conversation, seqs) {
    return this.#act(conversation, "removals", { seqs });
  }

  /** Copy 1 to 50 messages of a conversation into others. */
  async forward(from, seqs, to) {
    const targets = Array.isArray(to) ? to : [to];
    for (const target of targets) {
      await this.#act(target, "forwards", { from: { conversation: from, seqs } });
    }
  }

  /** A request whose answer was lost is repeated once: the ref makes it one change. */
  async #act(conversation, what, fields) {
    const path = `/v2/conversations/${conversation}/${what}`;
    const json = { ref: random(), ...fields };
    try {
      return await this.api.post(path, json);
    } catch (error) {
      if (error.status !== 0) throw error;
      return this.api.post(path, json);
    }
  }
}
