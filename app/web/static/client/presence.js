// Who is online. Who is asked about is watched, the 200 that were asked about last.

import { signal } from "core/signals.js";

const MOST = 200; // what one connection may watch
const GATHER = 50; // ms for which changes of the list wait for each other

export class Presence {
  #users = new Map(); // id -> signal of {online, seen_at} | null; the last asked for at the end
  #timer = null;

  constructor({ connection }) {
    this.connection = connection;
    connection.on("presence", ({ user, online, seen_at = null }) => {
      const found = this.#users.get(user);
      if (found) found.value = { online, seen_at };
    });
    connection.on("hello", () => this.#watch());
    connection.on("closed", () => { for (const found of this.#users.values()) found.value = null; });
  }

  reset() {
    for (const found of this.#users.values()) found.value = null;
    this.#users.clear();
  }

  /** A signal of {online, seen_at (ms, or null)}; null while nobody knows. */
  of(user) {
    const found = this.#users.get(user) ?? signal(null);
    const known = this.#users.delete(user);
    this.#users.set(user, found);
    if (!known) this.#timer ??= setTimeout(() => this.#watch(), GATHER);
    return found;
  }

  #watch() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const users = [...this.#users.keys()].slice(-MOST);
    if (users.length) this.connection.send({ op: "watch", users });
    for (const user of [...this.#users.keys()].slice(0, -MOST)) {
      this.#users.get(user).value = null;
      this.#users.delete(user);
    }
  }
}
