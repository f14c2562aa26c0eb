// The list of conversations, kept live by events.
//
// A row is what GET /v2/conversations says of a conversation, with its `title` and `avatar`. What
// cannot be told from an event (how many mentions are left behind a cursor) is asked for.

import { computed, effect, signal } from "core/signals.js";
import { Drafts } from "client/drafts.js";

const PAGE = 200;
const MOST_PAGES = 25;
const PUBLISH = 16; // ms for which changes of the list wait for each other
const ASK_AGAIN = 200; // ms for which reasons to ask for a row wait for each other

export class Conversations {
  list = signal([]);
  unreadTotal = computed(() => this.list.value.reduce((sum, row) => sum + (row.silent ? 0 : row.unread), 0));
  #rows = new Map(); // id -> row
  #signals = new Map(); // id -> signal of the row, for who has asked
  #stale = new Set(); // ids whose row must be asked for
  #drafts;
  #unsaved = new Set();
  #reading = new Set(); // for each reading of rows: the settings that were told since it began
  #publishing = null;
  #asking = null;

  constructor({ api, connection, limits, session, store, users }) {
    Object.assign(this, { api, connection, session, store, users, sync: null });
    this.#drafts = new Drafts({ api, connection, limits, store });
    connection.on("receipt", (receipt) => this.#receipt(receipt));
    connection.on("requests", ({ conversation, count }) => {
      this.#change(conversation, (row) => row.group && { group: { ...row.group, requests: count } });
    });
    connection.on("hello", (hello) => this.#greeted(hello));
    effect(() => { users.names.value; this.#publishSoon(); });
  }

  /** Paint from the store. */
  async load() {
    await this.#drafts.load();
    for (const row of await this.store.all("conversations")) this.#set(this.#drafted(row), false);
    this.#publish();
  }

  reset() {
    this.#drafts.reset();
    for (const held of [this.#rows, this.#stale, this.#unsaved]) held.clear();
    for (const row of this.#signals.values()) row.value = null;
    this.list.value = [];
  }

  /** A signal of one row; null where there is none (yet: it is asked for). */
  get(id) {
    if (!this.#signals.has(id)) {
      this.#signals.set(id, signal(this.#dressed(this.#rows.get(id))));
      if (!this.#rows.has(id)) this.askFor(id);
    }
    return this.#signals.get(id);
  }

  peek(id) {
    return this.#rows.get(id) ?? null;
  }

  /** The private conversation with a user that is known here; its id, or null. */
  withUser(user) {
    for (const row of this.#rows.values()) if (row.kind === "private" && row.user?.id === user) return row.id;
    return null;
  }

  /** The id of the private conversation with a user. Throws ApiError. */
  async openWith(user) {
    const known = this.withUser(user);
    if (known) return known;
    const row = await this.api.post("/v2/conversations", { user });
    this.adopt(row);
    return row.id;
  }

  // -- what the server tells ---------------------------------------------------------------

  async #greeted({ conversations }) {
    for (const { id, last_seq, read_seq } of conversations) {
      const row = this.#rows.get(id);
      if (!row) continue;
      const mine = Math.min(row.read_seq, last_seq);
      if (mine > read_seq) this.connection.send({ op: "read", conversation: id, seq: mine });
      else if (read_seq > row.read_seq) this.#receipt({ conversation: id, user: this.session.user.peek()?.id, seq: read_seq });
    }
    await this.refresh();
  }

  /** Read the list, from its beginning to the first page on which nothing is new. */
  refresh() {
    return this.#reads((since) => this.#read(since));
  }

  /** Run `read(since)`, whose rows may be older than the settings that are told meanwhile, `since`. */
  async #reads(read) {
    const since = [];
    this.#reading.add(since);
    try {
      await read(since);
    } finally {
      this.#reading.delete(since);
    }
  }

  async #read(since) {
    let before;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      let page;
      try {
        page = await this.api.get("/v2/conversations", { limit: PAGE, before });
      } catch {
        return; // the next greeting tries again
      }
      const fresh = this.#adopt(page.conversations);
      for (const setting of since) this.#applySetting(setting);
      before = page.next;
      if (!before || (!fresh.length && page.conversations.some((row) => !row.pinned))) return;
    }
  }

  /** Take a row that the server has sent. */
  adopt(row) {
    this.#adopt([row]);
  }

  /** Take rows; those that say anything new of their logs. */
  #adopt(rows) {
    this.users.know(...rows.map(({ user }) => user));
    this.sync.meet(rows.map(({ id, last_seq }) => [id, last_seq]));
    return rows.filter((row) => this.#merge(row));
  }

  #merge(row) {
    const held = this.#rows.get(row.id);
    if (held && held.last_seq > row.last_seq) return true; // events have overtaken it
    const read_seq = Math.max(row.read_seq, held?.read_seq ?? 0);
    const counted = read_seq > row.read_seq && read_seq >= row.last_seq ? { unread: 0, mentions: 0 } : {};
    this.#set(this.#drafted({ ...row, read_seq, ...counted }));
    return !held || held.last_seq !== row.last_seq || held.last_at !== row.last_at;
  }

  /** A row with the draft that stands on this device, if that is newer. */
  #drafted(row) {
    const draft = this.#drafts.of(row.id);
    return draft === undefined ? row : { ...row, draft };
  }

  /** Ask for a row; many reasons to do so are one question. */
  askFor(id) {
    this.#stale.add(id);
    this.#asking ??= setTimeout(async () => {
      this.#asking = null;
      const ids = [...this.#stale];
      this.#stale.clear();
      for (const asked of ids) {
        await this.#reads((since) => this.#readOne(asked, since));
      }
    }, ASK_AGAIN);
  }

  async #readOne(id, since) {
    try {
      this.adopt(await this.api.get(`/v2/conversations/${id}`));
      for (const setting of since) this.#applySetting(setting);
    } catch (error) {
      if (error.code === "not_a_member") this.sync.forget(id);
    }
  }

  /** Apply events of one conversation, ascending. */
  take(id, events) {
    for (const event of events) {
      const row = this.#rows.get(id);
      if (!row) return this.askFor(id);
      if (event.seq > row.last_seq) this.#append(row, event);
      this.#follow(event);
    }
  }

  #append(row, event) {
    const mine = event.sender === this.session.user.peek()?.id;
    const change = { last_seq: event.seq, last_at: event.at, last_event: event, hidden: false };
    if (event.type === "message") {
      change.last_message = event;
      if (!mine && event.seq > row.read_seq) {
        change.unread = Math.min(999, row.unread + 1);
        if (this.#names(event)) change.mentions = Math.min(999, row.mentions + 1);
      }
    }
    this.#set({ ...row, ...change });
  }

  #names({ message }) {
    return message?.mention_all || message?.mentions?.includes(this.session.user.peek()?.id);
  }

  /** What an event changes beside the end of the log. */
  #follow(event) {
    const { conversation: id, type } = event;
    const row = this.#rows.get(id);
    const target = event[type]?.seq;
    const last = row.last_message;
    if (type === "recall" && last?.seq === target) {
      const { message, reactions, ...rest } = last;
      this.#set({ ...row, last_message: { ...rest, recalled: true } });
    } else if (type === "edit" && last?.seq === target && last.message && event.edit.message) {
      this.#set({ ...row, last_message: { ...last, message: event.edit.message } });
    }
    if (type === "group" || type === "members") this.#changedGroup(row, event);
  }

  #changedGroup(row, event) {
    const me = this.session.user.peek()?.id;
    const change = event[event.type] ?? {};
    if (change.disbanded || change.removed?.includes(me) || change.left?.includes(me)) {
      this.sync.forget(row.id);
    } else {
      this.askFor(row.id); // its size, one's role, how far back one sees
    }
  }

  /** A setting that one of the user's devices has changed. */
  takeSetting(setting) {
    if (setting.expired) {
      this.refresh();
      return;
    }
    for (const since of this.#reading) since.push(setting);
    this.#applySetting(setting);
  }

  #applySetting({ conversation: id, ...changed }) {
    if ("draft" in changed && !this.#drafts.yields(id)) delete changed.draft; // somebody types here: it will be told
    this.#change(id, (row) => {
      const hidden = changed.hidden === undefined ? row.hidden : changed.hidden && row.last_seq <= changed.last_seq;
      const { last_seq, ...settings } = changed;
      return { ...settings, hidden };
    });
  }

  /** Messages that the user has deleted for themself may have been the last one, or unread. */
  takeRemoval({ conversation, seqs }) {
    const row = this.#rows.get(conversation);
    if (row && seqs.some((seq) => seq > row.read_seq || seq === row.last_message?.seq)) this.askFor(conversation);
  }

  drop(id) {
    this.#drafts.drop(id);
    for (const held of [this.#rows, this.#unsaved]) held.delete(id);
    if (this.#signals.has(id)) this.#signals.get(id).value = null;
    this.#publishSoon();
  }

  #receipt({ conversation, user, seq }) {
    const mine = user === this.session.user.peek()?.id;
    this.#change(conversation, (row) => {
      if (mine) return this.#readTo(row, seq);
      if (row.kind === "private") return seq > (row.partner_read_seq ?? 0) && { partner_read_seq: seq };
      return seq > (row.others_read_seq ?? 0) && { others_read_seq: seq };
    });
  }

  #readTo(row, seq) {
    if (seq <= row.read_seq) return null;
    if (seq < row.last_seq && row.unread) this.askFor(row.id);
    return seq < row.last_seq ? { read_seq: seq } : { read_seq: seq, unread: 0, mentions: 0 };
  }

  // -- what the user does --------------------------------------------------------------------

  /** Everything up to `seq` was seen. Told to the server now, or when there is a connection. */
  markRead(id, seq) {
    const row = this.#rows.get(id);
    if (!row || seq <= row.read_seq) return;
    this.#change(id, (found) => this.#readTo(found, Math.min(seq, found.last_seq)));
    this.connection.send({ op: "read", conversation: id, seq: Math.min(seq, row.last_seq) });
  }

  /** Change settings: {pinned, silent, hidden, draft}. Shown at once. Throws ApiError. */
  async patch(id, { draft, ...settings }) {
    if (draft !== undefined) this.#setDraft(id, draft || null);
    if (!Object.keys(settings).length) return;
    const before = this.#rows.get(id);
    this.#change(id, () => settings);
    try {
      await this.api.patch(`/v2/conversations/${id}`, settings);
    } catch (error) {
      const undo = Object.fromEntries(Object.keys(settings).map((name) => [name, before?.[name]]));
      this.#change(id, () => undo);
      throw error;
    }
  }

  #setDraft(id, draft) {
    if ((this.#rows.get(id)?.draft ?? null) === draft) return;
    this.#change(id, () => ({ draft }));
    this.#drafts.set(id, draft);
  }

  // -- rows ----------------------------------------------------------------------------------

  #change(id, change) {
    const row = this.#rows.get(id);
    const changed = row && change(row);
    if (changed) this.#set({ ...row, ...changed });
  }

  #set(row, save = true) {
    this.#rows.set(row.id, row);
    if (this.#signals.has(row.id)) this.#signals.get(row.id).value = this.#dressed(row);
    if (save) this.#unsaved.add(row.id);
    this.#publishSoon();
  }

  #publishSoon() {
    this.#publishing ??= setTimeout(() => this.#publish(), PUBLISH);
  }

  #publish() {
    clearTimeout(this.#publishing);
    this.#publishing = null;
    const shown = [...this.#rows.values()].map((row) => this.#dressed(row));
    shown.sort((a, b) => b.pinned - a.pinned || b.last_at - a.last_at || b.id - a.id);
    this.list.value = shown;
    for (const row of shown) if (this.#signals.has(row.id)) this.#signals.get(row.id).value = row;
    const unsaved = [...this.#unsaved].map((id) => this.#rows.get(id)).filter(Boolean);
    this.#unsaved.clear();
    this.store.put("conversations", ...unsaved);
  }

  /** The row with its title and avatar; the same object as before where nothing has changed. */
  #dressed(row) {
    if (!row) return null;
    const { title, avatar } = this.#named(row);
    const before = dressed.get(row);
    if (before && before.title === title && before.avatar === avatar) return before;
    const made = { ...row, title, avatar };
    dressed.set(row, made);
    return made;
  }

  #named(row) {
    if (row.kind === "private") {
      const user = this.users.peek(row.user?.id) ?? row.user;
      return { title: this.users.nameOf(row.user?.id) || user?.name || "", avatar: user?.avatar ?? "" };
    }
    return { title: row.group?.name ?? "", avatar: row.group?.avatar ?? "" };
  }
}

const dressed = new WeakMap(); // row -> what was made of it last
