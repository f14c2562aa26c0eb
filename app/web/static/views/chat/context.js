// What the parts of one open conversation share.

import { computed, effect, signal } from "core/signals.js";
import { route } from "core/router.js";
import { client } from "views/client.js";

const TICK_MS = 15_000; // how soon the end of a muting shows

/** Made while a view renders: its effects end with that view. */
export class ChatContext {
  view = null; // the hi-timeline, once it is there: jumpTo(seq), toLatest(), bubbleOf(seq)
  #members = null; // Promise

  constructor(id) {
    this.id = id;
    this.row = client.conversations.get(id); // signal: as in the list; null until it is known
    this.timeline = client.timeline(id);
    this.replyTo = signal(null); // an entry
    this.editing = signal(null); // an entry
    this.chosen = signal(null); // Set of the seqs of messages that one chooses; null: one does not
    this.files = signal([]); // [{key, file}] that will be sent
    this.failure = signal(null); // why the conversation cannot be shown
    this.group = signal(null); // what GET /v2/groups says of it
    this.kind = computed(() => this.row.value?.kind ?? null);
    this.wanted = computed(() => this.#wanted()); // the seq that the address names
    this.isAdmin = computed(() => this.#isAdmin());
    this.mayWrite = computed(() => this.#mayWrite());
    this.now = signal(Date.now());
    this.#follow();
  }

  get me() {
    return client.session.user.peek()?.id;
  }

  #follow() {
    const known = computed(() => this.row.value?.group ?? null);
    effect(() => {
      this.#members = null;
      if (!known.value) return;
      client.groups.get(this.id).then((group) => { this.group.value = group; }, () => {}); // offline: as it was
    });
    effect(() => {
      const timer = setInterval(() => { this.now.value = Date.now(); }, TICK_MS);
      return () => clearInterval(timer);
    });
    if (!this.row.peek()) this.load();
  }

  /** Ask for a conversation that this device does not know. */
  async load() {
    this.failure.value = null;
    try {
      client.conversations.adopt(await client.api.get(`/v2/conversations/${this.id}`));
    } catch (error) {
      this.failure.value = error;
    }
  }

  #wanted() {
    const { name, params } = route.value;
    return name === "chat" && params.conversation === this.id ? params.seq ?? null : null;
  }

  #isAdmin() {
    if (this.kind.value === "broadcast") return Boolean(client.session.user.value?.admin);
    return ["owner", "admin"].includes(this.row.value?.group?.role);
  }

  #mayWrite() {
    if (this.isAdmin.value || this.kind.value === "private") return true;
    const { admins_only: adminsOnly = false, muted_until: until = 0 } = this.group.value ?? {};
    return this.kind.value === "group" && !adminsOnly && until <= this.now.value;
  }

  /** The members of the group, {id, name}[]; [] elsewhere. Asked for once, and again when they change. */
  async members() {
    if (this.kind.peek() !== "group") return [];
    this.#members ??= client.api.all(`/v2/groups/${this.id}/members`, "members", { limit: 500 }).catch(() => []);
    const found = (await this.#members).map(({ user }) => user).filter((user) => user.id !== this.me);
    client.users.know(...found);
    return found.map(({ id }) => ({ id, name: client.users.nameOf(id) })).filter(({ name }) => name);
  }

  /** The entry that Up edits: one's own latest that says something. */
  latestOwn() {
    return this.timeline.items.peek().findLast((entry) => entry.seq && entry.sender === this.me && entry.message?.content);
  }

  close() {
    this.timeline.close();
  }
}
