// What a timeline shows: an entry for each message and each change of a group, and for each message
// that waits to be sent.
//
// {key, seq, ref, type, sender, at, message, recalled, reactions, edited_at, pinned, state, error,
// progress, file, event}: `state`, of one's own messages: "pending" | "uploading" | "failed" | "sent"
// | "delivered" (the other was online since) | "read". The same object while nothing of it changes.

/** A function from rows to entries; it reads signals, so an effect that calls it follows them. */
export function entries(parts, id) {
  const { conversations, outbox, presence, session } = parts;
  const conversation = conversations.get(id);
  const pins = parts.pins.of(id);
  const pending = outbox.pendingOf(id);
  let held = new Map(); // key -> {row, state, pinned, entry}

  return (rows) => {
    const me = session.user.value?.id;
    const mark = marker(conversation.value, presence);
    const pinned = new Set(pins.value.map(({ seq }) => seq));
    const waiting = pending.value;
    const next = new Map();
    const mine = new Set(); // sent_at of one's own messages
    const keep = (key, row, state, isPinned, make) => {
      const before = held.get(key);
      const same = before && before.row === row && before.state === state && before.pinned === isPinned;
      next.set(key, same ? before : { row, state, pinned: isPinned, entry: make(key, row, state, isPinned) });
    };
    for (const row of rows) {
      const own = row.type === "message" && row.sender === me;
      if (own && row.message?.sent_at) mine.add(row.message.sent_at);
      keep(outbox.refOf(id, row.seq) ?? `#${row.seq}`, row, own ? mark(row) : null, pinned.has(row.seq), stored);
    }
    for (const item of waiting) {
      // Its ack was lost, but the message is here: it is shown once.
      if (!mine.has(item.message.sent_at)) keep(item.ref, item, item.state, false, unsent(me));
    }
    held = next;
    return [...next.values()].map(({ entry }) => entry);
  };
}

/** How far one's own messages have come, by the seqs and times of the others. */
function marker(conversation, presence) {
  const isPrivate = conversation?.kind === "private";
  const read = (isPrivate ? conversation?.partner_read_seq : conversation?.others_read_seq) ?? 0;
  const partner = isPrivate && conversation.user ? presence.of(conversation.user.id).value : null;
  return ({ seq, at }) => {
    if (seq <= read) return "read";
    return partner?.online || (partner?.seen_at ?? 0) >= at ? "delivered" : "sent";
  };
}

function stored(key, row, state, pinned) {
  return {
    key, seq: row.seq, ref: null, type: row.type, sender: row.sender, at: row.at,
    message: row.message ?? null, recalled: row.recalled ?? false, removed: row.removed ?? false,
    reactions: row.reactions ?? {}, edited_at: row.message?.edited_at ?? null, pinned, state,
    error: null, progress: null, file: null, event: row,
  };
}

const unsent = (me) => (key, item, state) => ({
  key, seq: null, ref: item.ref, type: "message", sender: me, at: item.at, message: item.message,
  recalled: false, removed: false, reactions: {}, edited_at: null, pinned: false, state,
  error: item.error, progress: item.progress, file: item.file, event: null,
});
