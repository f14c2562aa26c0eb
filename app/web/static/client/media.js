// Addresses of files: asked for many at a time, kept until shortly before they end.

const AT_ONCE = 200;
const GATHER = 10; // ms for which questions wait for each other
const EARLY = 60_000; // ms before its end from which on an address is not given any more
const MOST = 2000;

export class Media {
  #known = new Map(); // id -> what the server says of it
  #wanted = new Map(); // id -> {promise, resolve, reject}
  #timer = null;

  constructor({ api }) {
    this.api = api;
  }

  reset() {
    this.#known.clear();
  }

  /**
   * The address of a file, or of its thumbnail ("small" | "large"; where there is none, of the file).
   * null: this user may not read it (any more). Throws ApiError.
   */
  async addressOf(id, size) {
    const found = await this.of(id);
    return found && ((size && found[size]) || found.url);
  }

  /** All that the server says of a file: {id, media, type, name, size, url, small, large, ...}. */
  of(id) {
    const held = this.#known.get(id);
    if (held && (held.expires_at ?? Infinity) * 1000 - EARLY > Date.now()) return Promise.resolve(held);
    if (!this.#wanted.has(id)) {
      this.#wanted.set(id, promised());
      this.#timer ??= setTimeout(() => this.#fetch(), GATHER);
    }
    return this.#wanted.get(id).promise;
  }

  know(medium) {
    this.#known.set(medium.id, medium);
    for (const id of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(id);
    }
  }

  async #fetch() {
    this.#timer = null;
    const asked = [...this.#wanted].slice(0, AT_ONCE);
    for (const [id] of asked) this.#wanted.delete(id);
    if (this.#wanted.size) this.#timer = setTimeout(() => this.#fetch(), GATHER);
    try {
      const ids = asked.map(([id]) => id);
      const { media } = await this.api.post("/v2/media/addresses", { ids });
      for (const medium of media) this.know(medium);
      for (const [id, { resolve }] of asked) resolve(this.#known.get(id) ?? null);
    } catch (error) {
      for (const [, { reject }] of asked) reject(error);
    }
  }
}

function promised() {
  const made = {}; // Promise.withResolvers is too new for some browsers
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
