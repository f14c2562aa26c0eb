// Who is who: profiles by id, asked for many at a time, and what this user calls them.

import { computed, signal } from "core/signals.js";

const AT_ONCE = 200;
const GATHER = 10; // ms for which questions wait for each other
const OLD = 86_400_000; // ms after which a profile is asked for again

export class Users {
  names = signal(0); // counts changes of names and avatars: read it to hear of them
  #users = new Map(); // id -> signal of a profile
  #remarks = new Map(); // id -> what the user calls them
  #wanted = new Set();
  #asked = new Map(); // id -> when it was asked for
  #timer = null;

  constructor({ api, store }) {
    Object.assign(this, { api, store });
  }

  async load() {
    for (const { seen, ...user } of await this.store.all("users")) {
      this.#take(user);
      if (Date.now() - seen < OLD) this.#asked.set(user.id, seen);
    }
  }

  reset() {
    for (const held of [this.#users, this.#remarks, this.#wanted, this.#asked]) held.clear();
    this.names.update((count) => count + 1);
  }

  /** A signal of {id, name, avatar, gender}; name "" while nobody knows, and of the deleted. */
  of(id) {
    const found = this.#signal(id);
    if (!this.#asked.has(id)) this.#ask(id);
    return found;
  }

  peek(id) {
    return this.#users.get(id)?.peek();
  }

  /** What this user calls them: a computed text. */
  name(id) {
    return computed(() => { this.names.value; return this.#remarks.get(id) || this.of(id).value.name; });
  }

  /** The same, now, without asking anybody. */
  nameOf(id) {
    return this.#remarks.get(id) || this.peek(id)?.name || "";
  }

  /** Take profiles that some answer has told; null is nobody. */
  know(...users) {
    const told = users.filter(Boolean);
    for (const user of told) {
      this.#asked.set(user.id, Date.now());
      this.#take(user);
    }
    this.store.put("users", ...told.map(({ id, name, avatar, gender }) => ({ id, name, avatar, gender, seen: Date.now() })));
  }

  /** Users whose names begin with `q`: {users, next}. Throws ApiError. */
  async search(q, after) {
    const found = await this.api.get("/v2/users", { q, after: after ?? undefined });
    this.know(...found.users);
    return found;
  }

  remark(id, text) {
    if ((this.#remarks.get(id) ?? "") === text) return;
    if (text) this.#remarks.set(id, text);
    else this.#remarks.delete(id);
    this.names.update((count) => count + 1);
  }

  #signal(id) {
    if (!this.#users.has(id)) this.#users.set(id, signal({ id, name: "", avatar: "", gender: "" }));
    return this.#users.get(id);
  }

  #take({ id, name, avatar, gender }) {
    const found = this.#signal(id);
    const before = found.peek();
    if (before.name === name && before.avatar === avatar && before.gender === gender) return;
    found.value = { id, name, avatar, gender };
    this.names.update((count) => count + 1);
  }

  #ask(id) {
    if (!Number.isSafeInteger(id) || id < 1) return;
    this.#asked.set(id, Date.now());
    this.#wanted.add(id);
    this.#timer ??= setTimeout(() => { this.#timer = null; this.#fetch(); }, GATHER);
  }

  async #fetch() {
    const ids = [...this.#wanted].slice(0, AT_ONCE);
    for (const id of ids) this.#wanted.delete(id);
    if (this.#wanted.size) this.#timer ??= setTimeout(() => { this.#timer = null; this.#fetch(); }, GATHER);
    try {
      this.know(...(await this.api.get("/v2/users", { ids: ids.join(",") })).users);
    } catch {
      for (const id of ids) this.#asked.delete(id); // asked again by the next who wants to know
    }
  }
}
