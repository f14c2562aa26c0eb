// What this device keeps of an account, in IndexedDB: so that the app paints before the network
// answers, and nothing that was sent is lost by a reload.
//
// The rows of a conversation are right up to its cursor. A tab writes only what follows on the
// cursor that it finds in the same transaction: tabs that hear the same events do no harm.
// Where there is no IndexedDB every read finds nothing, and every write is forgotten.

import { open, remove, result, transaction } from "client/db.js";
import { changed, removed, rowOf, targets } from "client/log.js";

const VERSION = 2; // a higher one drops the copies, not what is this device's own
const COPIES = { // of what the server has: by what their items are found
  events: ["conversation", "seq"], cursors: "id", conversations: "id", users: "id", things: "name",
};
const OWN = { outbox: "ref", drafts: "id" }; // what nobody else has
const KEPT = 500; // rows of a conversation, behind its cursor, where it goes on
const TRIM_EVERY = 100;
const MOST = 50_000; // rows altogether: what is over that at a start is forgotten, and read again

export class Store {
  #db = null;
  #name = "";

  async open(account) {
    this.#name = `hichat-${account}`;
    this.#db = await open(this.#name, VERSION, COPIES, OWN);
    await this.#run("readwrite", ["events"], undefined, async (events) => {
      if (await result(events.count()) > MOST) events.clear();
    });
  }

  close() {
    this.#db?.close();
    this.#db = null;
  }

  /** Forget everything that is kept of this account. */
  async erase() {
    this.close();
    await remove(this.#name);
  }

  /** Run over some stores. What fails (no room, closed by another tab) is as if it was not kept. */
  async #run(mode, stores, otherwise, work) {
    if (!this.#db) return otherwise;
    try {
      return await transaction(this.#db, mode, stores, work);
    } catch (error) {
      console.warn("hichat: not kept on this device:", error?.name ?? error);
      return otherwise;
    }
  }

  all(store) {
    return this.#run("readonly", [store], [], (found) => result(found.getAll()));
  }

  /** An item: undefined where there is none, `unread` where nobody can say. */
  one(store, key, unread) {
    return this.#run("readonly", [store], unread, (found) => result(found.get(key)));
  }

  /** Whether they are kept. */
  put(store, ...items) {
    if (!items.length) return Promise.resolve(true);
    return this.#run("readwrite", [store], false, (found) => {
      for (const item of items) found.put(item);
      return true;
    });
  }

  delete(store, ...keys) {
    return this.#run("readwrite", [store], undefined, (found) => { for (const key of keys) found.delete(key); });
  }

  /** Forget a draft that the server has now, unless another one stands there. */
  draftTold(id, told) {
    return this.#run("readwrite", ["drafts"], undefined, async (drafts) => {
      if ((await result(drafts.get(id)))?.draft === told) drafts.delete(id);
    });
  }

  /** Something small by its name: the value, undefined where there is none. */
  async thing(name) {
    return (await this.one("things", name))?.value;
  }

  keep(name, value) {
    return this.put("things", { name, value });
  }

  /** The rows of a conversation from seq `low` to `high`, those that are here, ascending. */
  rows(conversation, low, high) {
    if (low > high) return Promise.resolve([]);
    const range = IDBKeyRange.bound([conversation, low], [conversation, high]);
    return this.#run("readonly", ["events"], [], (events) => result(events.getAll(range)));
  }

  /** Apply events that a tab has heard, ascending and dense: those that follow on the cursor. */
  apply(conversation, events) {
    return this.#run("readwrite", ["events", "cursors"], undefined, async (rows, cursors) => {
      const place = await result(cursors.get(conversation));
      let cursor = place?.cursor ?? events[0].seq - 1;
      for (const event of events) {
        if (event.seq <= cursor) continue; // another tab was here first
        if (event.seq !== cursor + 1) break; // this one is not where the database is
        rows.put(rowOf(event));
        for (const seq of targets(event)) {
          const row = await result(rows.get([conversation, seq]));
          if (row) rows.put(changed(row, event));
        }
        cursor = event.seq;
      }
      cursors.put({ id: conversation, cursor });
      if (cursor > KEPT && Math.floor(cursor / TRIM_EVERY) !== Math.floor((events[0].seq - 1) / TRIM_EVERY)) {
        rows.delete(IDBKeyRange.bound([conversation, 0], [conversation, cursor - KEPT]));
      }
    });
  }

  /** Mark messages that this user has deleted for themself. */
  applyRemoval({ conversation, seqs }) {
    return this.#run("readwrite", ["events"], undefined, async (rows) => {
      for (const seq of seqs) {
        const row = await result(rows.get([conversation, seq]));
        if (row) rows.put(removed(row));
      }
    });
  }

  /** Keep rows of the history, right as of `cursor`, unless another tab knows of later changes. */
  addRows(conversation, rows, cursor) {
    return this.#run("readwrite", ["events", "cursors"], undefined, async (events, cursors) => {
      const place = await result(cursors.get(conversation));
      if (!place || place.cursor > cursor) return;
      for (const row of rows) if (row.seq <= place.cursor) events.put(row);
    });
  }

  /** Begin a conversation anew at a cursor: what was kept of it may be out of date. */
  restart(conversation, cursor) {
    return this.#run("readwrite", ["events", "cursors"], undefined, (events, cursors) => {
      events.delete(IDBKeyRange.bound([conversation, 0], [conversation, Infinity]));
      cursors.put({ id: conversation, cursor });
    });
  }

  forget(conversation) {
    return this.#run("readwrite", ["events", "cursors", "conversations"], undefined, (events, cursors, rows) => {
      events.delete(IDBKeyRange.bound([conversation, 0], [conversation, Infinity]));
      cursors.delete(conversation);
      rows.delete(conversation);
    });
  }
}
