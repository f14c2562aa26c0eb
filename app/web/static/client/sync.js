// Where this device is in each log, and how it gets what it has missed.
//
// A push is a hint: an event that follows on the cursor is taken, a repeat is ignored, a jump means
// asking for what is behind the cursor. Whoever was away for long begins anew at the head: its
// conversations are read page by page, as on a new device.

import { pause } from "client/locks.js";

const FAR = 1000; // events behind the head from which on a conversation begins anew
const REST = 1000; // ms to wait before a refusal that may pass is asked again; doubles
const LONGEST_REST = 30_000;
const OWN = ["contact", "setting", "removal"]; // types of the user's own log

/**
 * `listeners`: events(conversation, events), own(event), restarted(conversation), gone(conversation),
 * unknown(conversation). All are called in the order of seqs, each event once.
 */
export class Sync {
  cursors = new Map(); // conversation -> the seq up to which everything was taken
  account = null; // id of the user's own log
  #heads = new Map(); // conversation -> the highest seq heard of
  #busy = new Set(); // conversations that are being asked for
  #unwritten = new Map(); // conversation -> events that the store does not have yet
  #writing = Promise.resolve();

  constructor(connection, store, listeners) {
    Object.assign(this, { connection, store, listeners });
    connection.on("event", (event) => this.take(event));
    connection.on("hello", (hello) => this.#greeted(hello));
  }

  async load() {
    for (const { id, cursor } of await this.store.all("cursors")) this.cursors.set(id, cursor);
    this.account = await this.store.thing("account") ?? null;
  }

  reset() {
    for (const held of [this.cursors, this.#heads, this.#busy, this.#unwritten]) held.clear();
    this.account = null;
  }

  /** Take an event that was pushed, or that an ack has told. */
  take(event) {
    const { conversation, seq } = event;
    if (OWN.includes(event.type)) this.#own(conversation, seq);
    const cursor = this.cursors.get(conversation);
    this.#heads.set(conversation, Math.max(seq, this.#heads.get(conversation) ?? 0));
    if (cursor === undefined) this.listeners.unknown(conversation);
    else if (seq === cursor + 1) this.#apply(event);
    else if (seq > cursor && !this.#busy.has(conversation)) this.#ask([conversation]);
  }

  /** Conversations were seen with these heads: [[id, seq], ...]. */
  meet(heads) {
    const known = heads.filter(([id]) => this.cursors.has(id));
    this.#begin(heads.filter(([id]) => !this.cursors.has(id)));
    this.#behind(new Map(known));
  }

  /** A conversation that is not the user's any more. */
  forget(id) {
    if (!this.cursors.delete(id)) return;
    this.#unwritten.delete(id);
    this.store.forget(id);
    this.listeners.gone(id);
  }

  #own(id, seq) {
    if (this.account === id) return;
    this.account = id;
    this.store.keep("account", id);
    if (!this.cursors.has(id)) this.cursors.set(id, seq - 1);
  }

  #greeted({ conversations, account, more }) {
    const heads = new Map(conversations.map(({ id, last_seq }) => [id, last_seq]));
    if (account) {
      this.#own(account.id, account.last_seq + 1);
      heads.set(account.id, account.last_seq);
    }
    // Those that are not named are lost, or begun since the greeting was made: a sync tells which.
    const unnamed = more ? [] : [...this.cursors.keys()].filter((id) => !heads.has(id) && id !== this.account);
    if (unnamed.length) this.#ask(unnamed);
    // A server that was restored from a backup knows less than this device did.
    for (const [id, head] of heads) if (this.cursors.get(id) > head) this.#restart(id, head);
    this.meet([...heads]);
  }

  #begin(places) {
    for (const [id, head] of places) this.cursors.set(id, head);
    this.store.put("cursors", ...places.map(([id, cursor]) => ({ id, cursor })));
    for (const [id] of places) this.listeners.restarted(id);
  }

  /** Catch up with heads that others have reached. */
  #behind(heads) {
    const near = [];
    for (const [id, head] of heads) {
      this.#heads.set(id, Math.max(head, this.#heads.get(id) ?? 0));
      const missing = head - this.cursors.get(id);
      if (missing > FAR) this.#restart(id, head);
      else if (missing > 0 && !this.#busy.has(id)) near.push(id);
    }
    if (near.length) this.#ask(near);
  }

  #restart(id, head) {
    this.cursors.set(id, head);
    this.#unwritten.delete(id);
    this.#write(() => this.store.restart(id, head));
    this.listeners.restarted(id);
    if (id !== this.account) return;
    // What was deleted meanwhile, for oneself, is not known: nothing that is kept can be shown.
    for (const [other, cursor] of this.cursors) if (other !== id) this.#restart(other, cursor);
  }

  async #ask(ids) {
    const before = new Map(ids.map((id) => [id, this.cursors.get(id)]));
    for (const id of ids) this.#busy.add(id);
    let left = Object.fromEntries(before);
    try {
      while (Object.keys(left).length) {
        const { behind, gone = [] } = await this.#missed(left);
        for (const id of gone) this.forget(id);
        left = behind;
      }
    } catch {
      return; // the connection is gone, or it is not for us: the next greeting tells where we are
    } finally {
      for (const id of ids) this.#busy.delete(id);
    }
    for (const id of ids) {
      const [cursor, head] = [this.cursors.get(id), this.#heads.get(id) ?? 0];
      if (cursor === undefined || cursor >= head) continue;
      // Something was pushed meanwhile; or what is missing is not for us to see (we came later).
      if (cursor > before.get(id)) this.#ask([id]);
      else this.#restart(id, head);
    }
  }

  /** Ask for what is behind these cursors until there is an answer. Throws ApiError. */
  async #missed(cursors) {
    for (let rest = REST;; rest = Math.min(2 * rest, LONGEST_REST)) {
      try {
        return await this.connection.request({ op: "sync", cursors });
      } catch (error) {
        if (error.status === 0 || !error.retry) throw error;
        await pause(rest);
      }
    }
  }

  #apply(event) {
    const { conversation, seq } = event;
    this.cursors.set(conversation, seq);
    if (!this.#unwritten.size) queueMicrotask(() => this.#save());
    if (!this.#unwritten.has(conversation)) this.#unwritten.set(conversation, []);
    this.#unwritten.get(conversation).push(event);
    if (OWN.includes(event.type)) this.listeners.own(event);
    else this.listeners.events(conversation, [event]);
  }

  #save() {
    const waiting = [...this.#unwritten];
    this.#unwritten.clear();
    for (const [id, events] of waiting) this.#write(() => this.store.apply(id, events));
  }

  /** Resolves when the store has all that was taken until now. */
  settled() {
    this.#save();
    return this.#writing;
  }

  /** One write behind the other. */
  #write(work) {
    this.#writing = this.#writing.then(work, work);
  }
}
