// What was said here and is not in the log yet. Kept until there is an answer, and sent with the same
// `ref`: a reload or a dead network loses nothing, and doubles nothing. Keeping and sending begin at
// the same time: it is safe as soon as one of them is done, and IndexedDB writes in the order of calls,
// so that it never keeps what was sent and forgotten.
//
// An item: {ref, order, album, target: {conversation} | {user}, message, at, state, error, progress,
// file}. `state` is "pending", "uploading" (its file goes first) or "failed". Its message carries
// `sent_at`, different for each item of this device: by it an event is known to be the item's. Items
// of one `album` go in their order, whichever file is uploaded first.

import { batch, computed, signal } from "core/signals.js";
import { exclusive, pause, random } from "client/locks.js";
import { giveUp, upload } from "client/upload.js";

const REST = 1000; // ms to wait before a refusal that may pass is asked again; doubles
const LONGEST_REST = 30_000;
const OTHERS_TURN = 3000; // ms that the tab which made an item has to send it
const AS_TOLD = ["file", "emoji"]; // media that are the sender's word; others are what the file is
const KEYS = 500; // refs of sent items that are remembered, to know their entries again

export class Outbox {
  #items = signal(new Map()); // ref -> item, in the order in which they were said
  #kept = new Set(); // refs of items that IndexedDB has, or had until another tab has sent them
  #sent = new Map(); // "conversation seq" -> ref
  #uploads = new Map(); // ref -> AbortController
  #lastAt = 0;
  #channel = null;
  #name = "";
  #pumping = false;
  #again = false;

  constructor({ api, connection, environment, media, session, store }) {
    Object.assign(this, { api, connection, environment, media, session, store, sync: null });
    connection.on("hello", () => this.pump());
  }

  async load(account) {
    this.#name = `hichat.outbox.${account}`;
    this.#channel = this.environment.channel(this.#name, (told) => this.#heard(told));
    const items = await this.store.all("outbox");
    items.sort((a, b) => a.order - b.order);
    for (const { ref } of items) this.#kept.add(ref);
    const found = items.map((item) => [item.ref, { ...item, progress: 0 }]);
    this.#items.value = new Map([...found, ...this.#items.peek()]); // somebody may have been quicker
  }

  reset() {
    this.#channel?.close();
    this.#channel = null;
    for (const controller of this.#uploads.values()) controller.abort();
    for (const held of [this.#uploads, this.#sent, this.#kept]) held.clear();
    this.#items.value = new Map();
  }

  /** A computed of the items for a conversation, in the order in which they were said. */
  pendingOf(conversation) {
    return computed(() => [...this.#items.value.values()].filter(({ target }) => target.conversation === conversation));
  }

  /** The ref with which a message was sent from here; undefined for all others. */
  refOf(conversation, seq) {
    return this.#sent.get(`${conversation} ${seq}`);
  }

  /**
   * Say something: `target` {conversation} or {user}, `message` as the wire's, `file` {blob, name,
   * measures: {duration, waveform, width, height}} to be uploaded first; `album`, any text, names the
   * files that were chosen together. Returns its ref at once.
   */
  send(target, message, file = null, album = null) {
    const at = this.#lastAt = Math.max(Date.now(), this.#lastAt + 1);
    const item = {
      ref: random(), order: at, album, at, target, message: { ...message, sent_at: at }, file,
      state: file ? "uploading" : "pending", error: null, progress: 0,
    };
    this.#set(item);
    this.#keep(item).then(() => this.#tell("changed", item.ref));
    this.pump();
    return item.ref;
  }

  /** Try a failed item again. */
  async retry(ref) {
    const item = this.#items.peek().get(ref);
    if (item?.state !== "failed") return;
    const state = item.file && !item.message.attachment ? "uploading" : "pending";
    await this.#change(ref, { state, error: null });
    this.pump();
  }

  /** Give an item up. What is being sent at this moment may still arrive. */
  discard(ref) {
    const { file, medium } = this.#items.peek().get(ref) ?? {};
    this.#uploads.get(ref)?.abort();
    this.#remove(ref);
    this.store.delete("outbox", ref);
    this.#tell("gone", ref);
    if (file?.location && !medium) giveUp(this.api, file.location);
  }

  /** Send what waits, in its order; one tab at a time. */
  async pump() {
    for (const item of this.#items.peek().values()) if (item.state === "uploading") this.#upload(item.ref);
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        if (this.#next()) await exclusive(this.#name, () => this.#flush());
      } while (this.#again);
    } finally {
      this.#pumping = false;
    }
  }

  #next() {
    if (this.connection.state.peek() !== "online") return null;
    const held = new Set(); // albums of which a file is on its way still
    for (const item of this.#items.peek().values()) {
      if (item.state === "pending" && !held.has(item.album)) return item;
      if (item.state === "uploading" && item.album) held.add(item.album);
    }
    return null;
  }

  async #flush() {
    let rest = REST;
    for (let item; (item = this.#next());) {
      if (this.#kept.has(item.ref) && !(await this.store.one("outbox", item.ref, item))) {
        this.#remove(item.ref); // another tab has sent it while we waited for our turn: a read has shown that
        continue;
      }
      try {
        const { ref, message, target } = item;
        const where = target.conversation ? { conversation: target.conversation } : { to: { user: target.user } };
        const ack = await this.connection.request({ op: "send", ref, message, ...where });
        this.#done(item, ack);
        rest = REST;
      } catch (error) {
        if (error.status === 0) return; // the next greeting goes on
        if (error.retry) {
          await pause(rest);
          rest = Math.min(2 * rest, LONGEST_REST);
        } else {
          await this.#fail(item.ref, error);
        }
      }
    }
  }

  /** Its place in the log is known: the item goes, the event comes, in one change. */
  #done(item, { conversation, seq, at }) {
    const { ref, message, medium } = item;
    const sender = this.session.user.peek()?.id;
    const attachment = message.attachment && { ...message.attachment, ...told(medium) };
    const event = {
      op: "event", conversation, seq, type: "message", sender, at,
      message: attachment ? { ...message, attachment } : message,
    };
    this.#sent.set(`${conversation} ${seq}`, ref);
    if (this.#sent.size > KEYS) this.#sent.delete(this.#sent.keys().next().value);
    batch(() => {
      this.#remove(ref);
      this.sync.take(event);
    });
    this.store.delete("outbox", ref);
    this.#tell("gone", ref);
  }

  #upload(ref) {
    if (this.#uploads.has(ref)) return;
    const controller = new AbortController();
    this.#uploads.set(ref, controller);
    exclusive(`${this.#name}.${ref}`, () => this.#uploadNow(ref, controller.signal))
      .catch((error) => { if (!controller.signal.aborted) return this.#fail(ref, error); return null; })
      .finally(() => this.#uploads.delete(ref));
  }

  async #uploadNow(ref, signal) {
    for (let rest = REST; !signal.aborted; rest = Math.min(2 * rest, LONGEST_REST)) {
      const kept = await this.store.one("outbox", ref);
      const item = { ...this.#items.peek().get(ref), ...kept };
      if (item.state !== "uploading") return;
      try {
        const medium = await upload(this.api, this.environment.origin, item.file, {
          signal,
          begun: (location) => this.#change(ref, { file: { ...item.file, location } }),
          progress: (part) => this.#show(ref, { progress: part }),
        });
        this.media.know(medium);
        const media = AS_TOLD.includes(item.message.media) ? item.message.media : medium.media;
        const message = { ...item.message, media, attachment: { id: medium.id } };
        await this.#change(ref, { state: "pending", medium, message, progress: 1 });
        this.pump();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!error.retry && error.code !== "wrong_offset") throw error;
        await pause(rest);
      }
    }
  }

  #fail(ref, error) {
    const { code = "internal", message: detail } = error;
    return this.#change(ref, { state: "failed", error: { code, detail } });
  }

  // -- items ---------------------------------------------------------------------------------

  #set(item) {
    this.#items.value = new Map(this.#items.peek()).set(item.ref, item);
  }

  #show(ref, change) {
    const item = this.#items.peek().get(ref);
    if (item) this.#set({ ...item, ...change });
  }

  async #change(ref, change) {
    const item = this.#items.peek().get(ref);
    if (!item) return;
    this.#set({ ...item, ...change });
    await this.#keep({ ...item, ...change });
    this.#tell("changed", ref);
  }

  #remove(ref) {
    if (!this.#items.peek().has(ref)) return;
    const items = new Map(this.#items.peek());
    items.delete(ref);
    this.#kept.delete(ref);
    this.#items.value = items;
  }

  async #keep({ progress, ...item }) {
    const kept = await this.store.put("outbox", item);
    if (kept && this.#items.peek().has(item.ref)) this.#kept.add(item.ref);
  }

  // -- other tabs ----------------------------------------------------------------------------

  #tell(what, ref) {
    this.#channel?.post({ what, ref });
  }

  async #heard({ what, ref }) {
    if (what === "gone") {
      this.#uploads.get(ref)?.abort();
      this.#remove(ref);
      return;
    }
    const item = await this.store.one("outbox", ref);
    if (!item) return;
    this.#kept.add(ref);
    this.#set({ ...item, progress: this.#items.peek().get(ref)?.progress ?? 0 });
    setTimeout(() => { if (this.#items.peek().has(ref)) this.pump(); }, OTHERS_TURN);
  }
}

/** What the log tells of a file, of what the upload was answered with. */
function told(medium) {
  if (!medium) return {};
  const { id, name, type, size, width, height, duration, waveform } = medium;
  return Object.fromEntries(Object.entries({ id, name, type, size, width, height, duration, waveform })
    .filter(([, value]) => value !== null && value !== undefined));
}
