// From the entries of a timeline to the rows that are shown: days, the mark of what is unread, which
// messages of an author stand together. Knows nothing of the document.

const APART_MS = 5 * 60_000; // longer apart, messages of one author are two groups

/**
 * @param {object[]} entries - of client.timeline, ascending
 * @param {{me: number, unreadAfter: number|null, whole: boolean}} reader - the mark stands before the
 *   first message of others behind the seq `unreadAfter`, if what is before it is here: an entry, or
 *   the beginning of the history (`whole`)
 * @param {Map} previous - the rows of the last time by key; those that say the same are kept as they are
 * @returns {Map<string, {key, kind: "day"|"unread"|"message"|"event", at, entry, first, last}>}
 */
export function rowsOf(entries, { me, unreadAfter, whole }, previous = new Map()) {
  const rows = new Map();
  const add = (row) => rows.set(row.key, same(previous.get(row.key), row));
  let before = null;
  let marked = unreadAfter === null;
  for (const [i, entry] of entries.entries()) {
    const newDay = !before || !sameDay(before.at, entry.at);
    if (newDay) add({ key: `day ${entry.key}`, kind: "day", at: entry.at });
    const mark = !marked && (before || whole) && entry.type === "message" && entry.sender !== me && entry.seq > unreadAfter;
    if (mark) {
      marked = true;
      add({ key: "unread", kind: "unread", at: entry.at });
    }
    const after = entries[i + 1];
    add({
      key: `entry ${entry.key}`, kind: entry.type === "message" ? "message" : "event", at: entry.at, entry,
      first: newDay || mark || !together(before, entry),
      last: !after || !sameDay(entry.at, after.at) || !together(entry, after),
    });
    before = entry;
  }
  return rows;
}

function same(old, row) {
  const keep = old && old.at === row.at && old.entry === row.entry && old.first === row.first && old.last === row.last;
  return keep ? old : row;
}

function together(one, other) {
  return one?.type === "message" && other.type === "message" && one.sender === other.sender
    && other.at - one.at < APART_MS;
}

function sameDay(one, other) {
  return new Date(one).toDateString() === new Date(other).toDateString();
}
