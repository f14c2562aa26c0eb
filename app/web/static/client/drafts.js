// What somebody has begun to write on this device. It is told to the server a moment later, and kept
// until the server has it: neither an outage nor a reload takes it away, and no older draft of the
// server's takes its place. That one has sent it, null, is a draft like any other.

const TELL = 800; // ms of not typing until a draft is told
const REFUSED = [400, 403, 404]; // the conversation is not this user's any more, or no draft may be so
const SETTLED = 10_000; // ms behind that in which a row may come that was read before

export class Drafts {
  #held = new Map(); // conversation -> {draft, told, timer}: what is newer than anything that the server says

  constructor({ api, connection, limits, store }) {
    Object.assign(this, { api, limits, store });
    connection.on("hello", () => {
      for (const [id, { told }] of this.#held) if (!told) this.#tell(id);
    });
  }

  async load() {
    const found = (await this.store.all("drafts")).map(({ id, draft }) => [id, { draft, told: false }]);
    this.#held = new Map([...found, ...this.#held]); // somebody may have been quicker
  }

  reset() {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  /** The draft that stands here, null for none; undefined where the server's is as good. */
  of(id) {
    return this.#held.get(id)?.draft;
  }

  /** Another device has changed it: whether that counts more. It does once ours was told. */
  yields(id) {
    if (this.#held.get(id)?.told) this.drop(id);
    return !this.#held.has(id);
  }

  set(id, draft) {
    clearTimeout(this.#held.get(id)?.timer);
    this.#held.set(id, { draft, told: false, timer: setTimeout(() => this.#tell(id), TELL) });
    this.store.put("drafts", { id, draft });
  }

  /** Its conversation is not the user's any more. */
  drop(id) {
    clearTimeout(this.#held.get(id)?.timer);
    if (this.#held.delete(id)) this.store.delete("drafts", id);
  }

  async #tell(id) {
    const held = this.#held.get(id);
    clearTimeout(held.timer);
    if ([...held.draft ?? ""].length > this.limits.known.peek().max_content_chars) return; // told when it is shorter
    try {
      await this.api.patch(`/v2/conversations/${id}`, { draft: held.draft });
    } catch (error) {
      // The next greeting tells it, or the next key that is pressed; what is refused for good nobody.
      if (REFUSED.includes(error.status) && this.#held.get(id) === held) this.drop(id);
      return;
    }
    this.store.draftTold(id, held.draft);
    if (this.#held.get(id) !== held) return; // typed on meanwhile
    clearTimeout(held.timer);
    held.told = true;
    held.timer = setTimeout(() => this.#held.delete(id), SETTLED);
  }
}
