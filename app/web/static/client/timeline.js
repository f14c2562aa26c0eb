// A window on a conversation: some hundred entries of it, however long it is. Seqs are dense, so a
// window is a range of seqs, and any place of the log is one request away.

import { effect, signal, untracked } from "core/signals.js";
import { entries } from "client/entries.js";
import { emptyState, isShown, reduce, targets, withPage } from "client/log.js";

const PAGE = 100; // events asked for at once
const MOST = 400; // entries that a window holds
const PAGES = 5; // that are read in a row, where they have nothing to show
const REST = 2000; // ms after a failure for which nothing is asked

export class Timeline {
  items = signal([]); // entries (entries.js), ascending, then what is not sent yet
  hasOlder = signal(false);
  hasNewer = signal(false);
  loading = signal(null); // null | "latest" | "older" | "newer" | "jump"
  error = signal(null); // the last failure, until something succeeds
  #state = emptyState();
  #low = 1; // the window is from #low to #high, both in it
  #high = 0;
  #isOpen = false;
  #following = true;
  #version = signal(0);
  #during = null; // events that came since the request under way was made
  #chain = Promise.resolve();
  #failedAt = 0;
  #isClosed = false;
  #quoted = new Map(); // seq -> signal of a row outside of the window
  #dispose;

  /** `parts`: the client's. */
  constructor(parts, id) {
    this.parts = parts;
    this.id = id;
    const show = entries(parts, id);
    const dispose = effect(() => {
      this.#version.value;
      const shown = show(untracked(() => this.#rows()));
      untracked(() => this.#publish(shown));
    });
    const off = parts.connection.on("hello", () => {
      this.#failedAt = 0;
      // Looked at when it is its turn: the first run may have opened it, and a jump led away since.
      if (!this.#isOpen) this.#run("latest", () => (this.#isOpen ? undefined : this.#open()));
    });
    this.#dispose = () => { dispose(); off(); };
    this.#run("latest", () => this.#open());
  }

  close() {
    this.#isClosed = true;
    this.#dispose();
    this.parts.timelines.delete(this);
  }

  /** Whether the view shows the end: then what comes in pushes out what is oldest. */
  follow(following) {
    this.#following = following;
  }

  loadOlder() {
    if (!this.hasOlder.peek() || !this.#mayAsk()) return Promise.resolve();
    return this.#run("older", async () => {
      for (let page = 0, before = this.#shown(); page < PAGES && this.#shown() === before; page += 1) {
        if (!(await this.#older())) return;
      }
      this.#trim("newest");
    });
  }

  loadNewer() {
    if (!this.hasNewer.peek() || !this.#mayAsk()) return Promise.resolve();
    return this.#run("newer", async () => {
      for (let page = 0, before = this.#shown(); page < PAGES && this.#shown() === before; page += 1) {
        if (!(await this.#newer())) return;
      }
      this.#trim("oldest");
    });
  }

  /** Show the place around a seq; whether it is in the window then. */
  jumpTo(seq) {
    if (this.#has(seq)) return Promise.resolve(true);
    return this.#run("jump", async () => {
      if (this.#has(seq)) return true;
      const low = Math.max(this.#first(), seq - PAGE / 2);
      const kept = await this.#kept(low, Math.min(low + PAGE - 1, this.#head()));
      const page = kept ?? (await this.#page({ around: Math.min(seq, this.#head()), limit: PAGE })).events;
      this.#show(page, Boolean(kept));
      return this.#has(seq);
    });
  }

  /** Show the first event at or after a time; its seq, or null where there is none since. */
  jumpToDate(ms) {
    return this.#run("jump", async () => {
      const { events, seq } = await this.#page({ at: ms, limit: PAGE });
      this.#show(events);
      return seq;
    });
  }

  toLatest() {
    if (this.#isOpen && !this.hasNewer.peek()) return Promise.resolve();
    return this.#run("latest", () => this.#open());
  }

  /** A signal of a row of this conversation by its seq (what a reply is to); null until known. */
  quoted(seq) {
    if (!this.#quoted.has(seq)) {
      if (this.#quoted.size >= MOST) this.#quoted.delete(this.#quoted.keys().next().value);
      this.#quoted.set(seq, signal(this.#state.rows.get(seq) ?? null));
      if (!this.#state.rows.has(seq)) this.#fetchQuoted(seq);
    }
    return this.#quoted.get(seq);
  }

  // -- what the client tells -----------------------------------------------------------------

  /** Events of this conversation, each once, in the order of seqs; or a removal of the own log. */
  take(event) {
    this.#during?.push(event);
    const follows = event.type !== "removal" && event.seq === this.#high + 1 && this.#isOpen;
    if (follows && (this.#following || this.#shown() < MOST)) {
      this.#state = reduce(this.#state, [event]);
      this.#high = event.seq;
      if (this.#following) this.#trim("oldest");
    } else {
      this.#touch(event);
    }
    this.#changed();
  }

  /** Changes were missed: what is shown is read anew. */
  restart() {
    const middle = this.hasNewer.peek() ? Math.floor((this.#low + this.#high) / 2) : null;
    this.#isOpen = false; // what is shown stays until there is something to show in its place
    if (middle) this.jumpTo(middle);
    else this.#run("latest", () => this.#open());
  }

  /** Apply a change to the rows of the window, without the event's own row. */
  #touch(event) {
    const seqs = event.type === "removal" ? event.removal.seqs : targets(event);
    const here = seqs.filter((seq) => this.#state.rows.has(seq));
    if (!here.length && event.type !== "pin") return;
    const { rows, pins } = reduce(this.#state, [event]);
    if (event.type !== "removal" && !this.#has(event.seq)) rows.delete(event.seq);
    this.#state = { rows, pins };
  }

  // -- reading -------------------------------------------------------------------------------

  async #open() {
    await this.parts.ready;
    const cursor = this.parts.sync.cursors.get(this.id);
    const kept = cursor === undefined ? [] : await this.#keptEnd(cursor);
    if (kept.length) this.#show(kept, true);
    if (kept.length && (kept.length === PAGE || kept[0].seq <= this.#first())) return;
    const { events } = await this.#page({ limit: PAGE });
    this.#show(events);
  }

  /** The rows at the end of the log that the store has without a gap. */
  async #keptEnd(cursor) {
    await this.parts.sync.settled();
    const rows = await this.parts.store.rows(this.id, Math.max(1, cursor - PAGE + 1), cursor);
    let start = rows.length;
    while (start > 0 && rows[start - 1].seq === cursor - (rows.length - start)) start -= 1;
    return rows.slice(start);
  }

  /** The rows of the store from `low` to `high`, or null where some are missing. */
  async #kept(low, high) {
    if (low > high) return null;
    await this.parts.sync.settled();
    const rows = await this.parts.store.rows(this.id, low, high);
    return rows.length === high - low + 1 ? rows : null;
  }

  #page(query) {
    return this.parts.api.get(`/v2/conversations/${this.id}/events`, query);
  }

  async #older() {
    const [low, high] = [Math.max(this.#first(), this.#low - PAGE), this.#low - 1];
    const kept = await this.#kept(low, high);
    const page = kept ?? (await this.#page({ before: this.#low, limit: PAGE })).events;
    if (!page.length) {
      this.#end = this.#low;
      return false;
    }
    this.#merge(page, Boolean(kept));
    this.#low = page[0].seq;
    return true;
  }

  async #newer() {
    const [low, high] = [this.#high + 1, Math.min(this.#high + PAGE, this.#head())];
    const kept = await this.#kept(low, high);
    const page = kept ?? (await this.#page({ after: this.#high, limit: PAGE })).events;
    if (!page.length) return false;
    this.#merge(page, Boolean(kept));
    this.#high = page.at(-1).seq;
    return true;
  }

  /** A page in place of the window. */
  #show(page, isKept = false) {
    this.#state = { rows: new Map(), pins: this.#state.pins };
    this.#merge(page, isKept);
    [this.#low, this.#high] = page.length ? [page[0].seq, page.at(-1).seq] : [this.#head() + 1, this.#head()];
    this.#isOpen = true;
    for (const event of this.#during ?? []) { // what was pushed behind the page meanwhile
      if (event.type === "removal" || event.seq !== this.#high + 1) continue;
      this.#state = reduce(this.#state, [event]);
      this.#high = event.seq;
    }
  }

  #merge(page, isKept) {
    this.#state = withPage(this.#state, page, this.#during);
    if (isKept || !page.length) return;
    const rows = page.map(({ seq }) => this.#state.rows.get(seq));
    const cursor = this.parts.sync.cursors.get(this.id);
    if (cursor !== undefined) this.parts.store.addRows(this.id, rows, cursor);
  }

  /** One request behind the other; `loading` says which. Its result; undefined if it failed. */
  #run(kind, work) {
    const mine = this.#chain.then(async () => {
      if (this.#isClosed) return undefined;
      this.loading.value = kind;
      this.#during = [];
      try {
        const found = await work();
        this.error.value = null;
        return found;
      } catch (error) {
        this.#failedAt = Date.now();
        this.error.value = error;
        return undefined;
      } finally {
        this.#during = null;
        this.loading.value = null;
        this.#changed();
      }
    });
    this.#chain = mine;
    return mine;
  }

  #mayAsk() {
    return !this.loading.peek() && this.#isOpen && Date.now() - this.#failedAt > REST;
  }

  async #fetchQuoted(seq) {
    const [kept] = await this.parts.store.rows(this.id, seq, seq);
    const found = kept ?? await this.#page({ after: seq - 1, limit: 1 }).then(({ events }) => events[0], () => null);
    const quoted = this.#quoted.get(seq);
    if (found?.seq === seq && quoted && !quoted.peek()) quoted.value = found;
  }

  // -- the window ----------------------------------------------------------------------------

  #end = 0; // nothing is to be read before this seq

  #first() {
    return Math.max(this.#end, this.parts.conversations.peek(this.id)?.first_seq ?? 1);
  }

  #head() {
    return this.parts.sync.cursors.get(this.id) ?? this.parts.conversations.peek(this.id)?.last_seq ?? this.#high;
  }

  #has(seq) {
    return this.#isOpen && seq >= this.#low && seq <= this.#high;
  }

  #rows() {
    const found = [];
    for (let seq = this.#low; seq <= this.#high; seq += 1) {
      const row = this.#state.rows.get(seq);
      if (row && isShown(row)) found.push(row);
    }
    return found;
  }

  #shown() {
    return this.#rows().length;
  }

  /** Let go of what the window has too much, at one of its ends. */
  #trim(end) {
    let over = this.#shown() - MOST;
    if (over <= 0) return;
    const rows = new Map(this.#state.rows);
    while (over > 0) {
      const seq = end === "oldest" ? this.#low++ : this.#high--;
      if (rows.has(seq) && isShown(rows.get(seq))) over -= 1;
      rows.delete(seq);
    }
    this.#state = { rows, pins: this.#state.pins };
  }

  #changed() {
    if (!this.#isClosed) this.#version.update((count) => count + 1);
  }

  #publish(shown) {
    this.items.value = shown;
    this.hasOlder.value = this.#isOpen && this.#low > this.#first();
    this.hasNewer.value = this.#isOpen && this.#high < this.#head();
    for (const [seq, row] of this.#quoted) if (this.#state.rows.has(seq)) row.value = this.#state.rows.get(seq);
  }
}
