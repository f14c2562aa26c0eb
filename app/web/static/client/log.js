// What a conversation is, made of its events: pure functions.
//
// A row is an event as a device keeps it: messages as they are now, `group` and `members` as they
// came, of all others only that they took place (seqs are dense, so their places count).
// The state of a conversation: {rows: Map of seq -> row, pins: Set of seqs}.

const SHOWN = ["message", "group", "members"]; // types whose content a row keeps

/** The row of an event. */
export function rowOf(event) {
  const { conversation, seq, type, sender, at } = event;
  const row = { conversation, seq, type, sender, at };
  if (SHOWN.includes(type) && event[type] !== undefined) row[type] = event[type];
  for (const name of ["reactions", "recalled", "removed"]) if (event[name]) row[name] = event[name];
  return row;
}

/** The seqs of the rows that an event changes, in its own conversation. */
export function targets(event) {
  const change = CHANGES[event.type] && event[event.type];
  return change?.seq ? [change.seq] : [];
}

/** A row after an event that changes it. */
export function changed(row, event) {
  return CHANGES[event.type](row, event[event.type], event);
}

/** A row that its reader has deleted for themself. */
export function removed(row) {
  return row.type === "message" ? { ...bare(row), removed: true } : row;
}

const CHANGES = {
  edit(row, change, event) {
    if (!row.message || !change.message || row.message.edited_seq > event.seq) return row;
    const message = { ...change.message, edited_at: change.edited_at, edited_seq: event.seq };
    return { ...row, message };
  },
  recall(row) {
    if (row.type !== "message" || row.removed) return row;
    return { ...bare(row), recalled: true };
  },
  reaction(row, { emoji, count, users }) {
    if (!row.message) return row;
    const { [emoji]: _, ...others } = row.reactions ?? {};
    const reactions = count ? { ...others, [emoji]: { count, users } } : others;
    return { ...row, reactions };
  },
  pin: (row) => row,
};

function bare({ conversation, seq, type, sender, at }) {
  return { conversation, seq, type, sender, at };
}

export function emptyState() {
  return { rows: new Map(), pins: new Set() };
}

/**
 * The state after events that came as pushes or by a sync: all of them, in the order of seqs; the
 * last one decides. A change of a message that is not here is for who has it.
 */
export function reduce(state, events) {
  const [rows, pins] = [new Map(state.rows), new Set(state.pins)];
  for (const event of events) {
    if (event.type === "removal") {
      for (const seq of event.removal.seqs) if (rows.has(seq)) rows.set(seq, removed(rows.get(seq)));
      continue;
    }
    rows.set(event.seq, rowOf(event));
    for (const seq of targets(event)) {
      if (rows.has(seq)) rows.set(seq, changed(rows.get(seq), event));
      if (event.type === "pin") (event.pin.on ? pins.add(seq) : pins.delete(seq));
      if (event.type === "recall") pins.delete(seq);
    }
  }
  return { rows, pins };
}

/**
 * The state with a page of the history: its messages are as they were when it was read; `since` are
 * the events that came after that was asked for, which may have changed them.
 */
export function withPage(state, page, since = []) {
  const rows = new Map(state.rows);
  for (const event of page) if (!rows.has(event.seq)) rows.set(event.seq, rowOf(event));
  const fresh = new Set(page.map((event) => event.seq));
  for (const event of since) {
    const seqs = event.type === "removal" ? event.removal.seqs : targets(event);
    for (const seq of seqs.filter((seq) => fresh.has(seq))) {
      rows.set(seq, event.type === "removal" ? removed(rows.get(seq)) : changed(rows.get(seq), event));
    }
  }
  return { rows, pins: state.pins };
}

/** Whether a row is something to show. */
export function isShown(row) {
  return SHOWN.includes(row.type) && !row.removed;
}
