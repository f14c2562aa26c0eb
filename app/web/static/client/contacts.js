// Whom this user knows. A row: {user, state, blocked, remark, note, at}, `user` an id.

import { computed, signal } from "core/signals.js";

export class Contacts {
  #rows = signal(new Map()); // user -> row
  list = computed(() => [...this.#rows.value.values()]);
  #since = null; // what the own log has told since the list was asked for
  /** How many wait for this user's answer. */
  waiting = computed(() => this.list.value.filter(({ state, blocked }) => state === "asked" && !blocked).length);

  constructor({ api, connection, store, users }) {
    Object.assign(this, { api, store, users });
    connection.on("hello", () => this.refresh());
  }

  async load() {
    this.#show(await this.store.thing("contacts") ?? []);
  }

  reset() {
    this.#since = null;
    this.#rows.value = new Map();
  }

  /** A computed of the row about a user; null where there is none. */
  of(user) {
    return computed(() => this.#rows.value.get(user) ?? null);
  }

  async refresh() {
    const since = this.#since = [];
    try {
      const found = await this.api.all("/v2/contacts", "contacts", { limit: 500 });
      if (this.#since !== since) return; // asked again meanwhile, or logged out
      this.users.know(...found.map(({ user }) => user));
      this.#show(found.map((row) => ({ ...row, user: row.user.id })));
      this.#since = null;
      for (const told of since) this.take(told);
      this.#save();
    } catch {
      if (this.#since === since) this.#since = null; // the next greeting tries again
    }
  }

  /** A row as the user's own log tells it: all of it. */
  take(told) {
    const rows = new Map(this.#rows.peek());
    this.#since?.push(told);
    const row = { at: Date.now(), ...rows.get(told.user), ...told };
    if (row.state === "none" && !row.blocked) rows.delete(row.user);
    else rows.set(row.user, row);
    this.#show(rows.values());
    this.#save();
  }

  request(user, note = "") {
    return this.#tell(this.api.post("/v2/contacts", { user, note }));
  }

  accept(user) {
    return this.#tell(this.api.post(`/v2/contacts/${user}/accept`));
  }

  async refuse(user) {
    await this.api.post(`/v2/contacts/${user}/refuse`);
    this.#without(user);
  }

  async remove(user) {
    await this.api.delete(`/v2/contacts/${user}`);
    this.#without(user);
  }

  remark(user, remark) {
    return this.#tell(this.api.patch(`/v2/contacts/${user}`, { remark }));
  }

  block(user) {
    return this.#tell(this.api.put(`/v2/contacts/${user}/block`));
  }

  async unblock(user) {
    await this.api.delete(`/v2/contacts/${user}/block`);
    const row = this.#rows.peek().get(user);
    if (row) this.take({ ...row, blocked: false });
  }

  /** Show what an answer tells; the push behind it says the same. */
  async #tell(answer) {
    const row = await answer;
    this.users.know(row.user);
    this.take({ ...row, user: row.user.id });
    return this.#rows.peek().get(row.user.id) ?? null;
  }

  #without(user) {
    const row = this.#rows.peek().get(user);
    if (row) this.take({ ...row, state: "none" });
  }

  #show(rows) {
    const shown = new Map([...rows].map((row) => [row.user, row]));
    for (const user of this.#rows.peek().keys()) if (!shown.has(user)) this.users.remark(user, "");
    for (const { user, remark } of shown.values()) this.users.remark(user, remark);
    this.#rows.value = shown;
  }

  #save() {
    this.store.keep("contacts", [...this.#rows.peek().values()]);
  }
}
