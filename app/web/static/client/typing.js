// Who is typing where, for a few seconds.

import { signal } from "core/signals.js";

const SHOWN = 5000; // ms after the last word that somebody types
const REPEAT = 3000; // ms between two of ours

export class Typing {
  #conversations = new Map(); // id -> signal of user ids
  #timers = new Map(); // "conversation user" -> timer
  #told = new Map(); // id -> when we told it last

  constructor({ connection }) {
    this.connection = connection;
    connection.on("typing", ({ conversation, user }) => this.#heard(conversation, user));
    connection.on("event", ({ conversation, sender, type }) => {
      if (type === "message") this.#stopped(conversation, sender); // what they typed is here
    });
  }

  reset() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#told.clear();
    for (const users of this.#conversations.values()) users.value = [];
  }

  /** A signal of the ids of who is typing. */
  of(conversation) {
    if (!this.#conversations.has(conversation)) this.#conversations.set(conversation, signal([]));
    return this.#conversations.get(conversation);
  }

  /** The user is typing: call it at each key. */
  tell(conversation) {
    const now = Date.now();
    if (now - (this.#told.get(conversation) ?? 0) < REPEAT) return;
    if (this.connection.send({ op: "typing", conversation })) this.#told.set(conversation, now);
  }

  #heard(conversation, user) {
    const users = this.of(conversation);
    if (!users.peek().includes(user)) users.value = [...users.peek(), user];
    const key = `${conversation} ${user}`;
    clearTimeout(this.#timers.get(key));
    this.#timers.set(key, setTimeout(() => this.#stopped(conversation, user), SHOWN));
  }

  #stopped(conversation, user) {
    const users = this.#conversations.get(conversation);
    if (users?.peek().includes(user)) users.value = users.peek().filter((other) => other !== user);
    clearTimeout(this.#timers.get(`${conversation} ${user}`));
    this.#timers.delete(`${conversation} ${user}`);
  }
}
