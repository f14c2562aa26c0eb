// The client of HiChat: everything that speaks `/v2`, and nothing that is seen.
//
// All state is in signals. `environment` is what differs from where it runs: origin, storage
// ({get, set, remove, watch(fn(key))}), channel(name, fn) between tabs, isOnline, watchOnline,
// watchVisible (views/environment.js is the browser's).

import { batch, effect, signal, untracked } from "core/signals.js";
import { Actions } from "client/actions.js";
import { createApi } from "client/api.js";
import { createConnection } from "client/connection.js";
import { Contacts } from "client/contacts.js";
import { Conversations } from "client/conversations.js";
import { Groups } from "client/groups.js";
import { createLimits } from "client/limits.js";
import { pause } from "client/locks.js";
import { Media } from "client/media.js";
import { Outbox } from "client/outbox.js";
import { Pins } from "client/pins.js";
import { createPrefs } from "client/prefs.js";
import { Presence } from "client/presence.js";
import { Search } from "client/search.js";
import { createSession } from "client/session.js";
import { Store } from "client/store.js";
import { Sync } from "client/sync.js";
import { Timeline } from "client/timeline.js";
import { Typing } from "client/typing.js";
import { Users } from "client/users.js";

const PATIENCE = 2000; // ms that a log-out waits for what is under way

export function createClient(environment) {
  const store = new Store();
  const session = createSession(environment, {
    get: () => store.thing("exchange"), set: (exchange) => store.keep("exchange", exchange),
  });
  const api = createApi(environment, session);
  const connection = createConnection(environment, session, api);
  const parts = { environment, session, api, connection, store, timelines: new Set(), ready: null };
  parts.prefs = createPrefs(environment);
  parts.limits = createLimits(environment);
  parts.users = new Users(parts);
  parts.contacts = new Contacts(parts);
  parts.conversations = new Conversations(parts);
  parts.pins = new Pins(parts);
  parts.presence = new Presence(parts);
  parts.typing = new Typing(parts);
  parts.media = new Media(parts);
  parts.outbox = new Outbox(parts);
  parts.groups = new Groups(parts);
  parts.actions = new Actions(parts);
  parts.search = new Search(parts);
  parts.sync = new Sync(connection, parts.store, listeners(parts));
  parts.conversations.sync = parts.outbox.sync = parts.sync;
  connection.on("hello", () => parts.limits.ask());
  followUser(parts);
  /** A window on a conversation; its view closes it. */
  parts.timeline = (conversation) => {
    const made = new Timeline(parts, conversation);
    parts.timelines.add(made);
    return made;
  };
  /** Log out, and forget what this device keeps of the account. */
  parts.signOut = async () => {
    // What is under way would be refused, and browsers write that down; what hangs is not waited for.
    const settled = () => Promise.all([connection.settled(), api.settled()]);
    await session.signOut(() => Promise.race([settled(), pause(PATIENCE)]));
    await parts.ready;
    if (!session.user.peek()) await parts.store.erase();
  };
  return parts;
}

/** What the logs tell, and who is told. */
function listeners({ contacts, conversations, pins, store, timelines }) {
  const of = (id) => [...timelines].filter((timeline) => timeline.id === id);
  return {
    events(id, events) {
      batch(() => {
        for (const timeline of of(id)) for (const event of events) timeline.take(event);
        conversations.take(id, events);
        for (const event of events) pins.take(id, event);
      });
    },
    own(event) {
      if (event.type === "contact") {
        const { state, user } = event.contact;
        contacts.take(event.contact);
        // Friends have a conversation from the acceptance on; nothing was said in it yet.
        if (state === "friend" && !conversations.withUser(user)) conversations.refresh();
      }
      if (event.type === "setting") conversations.takeSetting(event.setting);
      if (event.type !== "removal") return;
      store.applyRemoval(event.removal);
      conversations.takeRemoval(event.removal);
      for (const timeline of of(event.removal.conversation)) timeline.take(event);
    },
    restarted: (id) => { for (const timeline of of(id)) timeline.restart(); },
    gone: (id) => conversations.drop(id),
    unknown: (id) => conversations.askFor(id),
  };
}

/** Begin with whoever logs in, in this tab or another one; end with whoever logs out. */
function followUser(parts) {
  const { connection, session, store, timelines } = parts;
  const keepers = ["users", "contacts", "conversations", "sync", "outbox"].map((name) => parts[name]);
  const held = [...keepers, parts.pins, parts.presence, parts.typing, parts.media];
  let current = null;
  parts.painted = signal(false); // what is kept on this device was read: before that nothing may be asked or said
  parts.ready = Promise.resolve();

  async function begin(account, before) {
    await before;
    await store.open(account);
    for (const keeper of keepers) if (current === account) await keeper.load(account);
    if (current !== account) return;
    parts.painted.value = true;
    connection.start();
  }

  async function end(before) {
    const reset = () => { for (const part of held) part.reset(); };
    connection.stop();
    parts.painted.value = false;
    for (const timeline of [...timelines]) {
      timeline.close();
      timeline.items.value = [];
    }
    reset();
    await before; // what was being loaded for the one before
    reset();
    store.close();
  }

  effect(() => {
    const me = session.user.value;
    // An id alone may be another one's: a server that was set up anew begins at 1 again.
    const account = me && `${me.id}-${me.created_at}`;
    if (account === current) return;
    current = account;
    untracked(() => {
      const ended = end(parts.ready);
      parts.ready = account ? begin(account, ended) : ended;
    });
  });
  connection.on("hello", () => parts.api.get("/v2/users/me").then((me) => {
    session.know(me);
    parts.users.know(me);
  }, () => {})); // the next greeting asks again
}
