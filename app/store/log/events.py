"""Reading the log: pages of one conversation. missed.py reads what is behind a set of cursors."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from app.errors import BadRequest, NotAMember
from app.store.database import Database
from app.store.log.blanks import columns, seen
from app.store.log.dates import first_at
from app.store.log.items import Entry
from app.store.log.rights import FLOOR

MAX_SEQ = 2**62
PAGE_CHARS = 1_000_000  # of bodies in one page: encoding it must not hold up the others


class Page(Struct):
    """Events in ascending order; `more` says that there are others in the direction asked for."""

    events: list[Entry]
    more: bool


class Around(Struct):
    """Events in ascending order around the one at `seq`, which is None if there is no such one."""

    events: list[Entry]
    seq: int | None
    more_before: bool
    more_after: bool


_BOUNDS = f"""
    SELECT {FLOOR}, last_seq
    FROM member JOIN conversation ON id = conversation_id
    WHERE conversation_id = ? AND user_id = ?"""  # noqa: S608  # a constant of ours
_PAIR = "SELECT id, last_seq, expired_seq FROM conversation WHERE low_id = ? AND high_id = ?"
# What is no message, or no more, or not for its reader: ix_event_unsaid has the first two.
_UNSAID = """
    SELECT seq FROM event WHERE conversation_id = ? AND seq > ? AND (type <> 'message' OR body = '')
    UNION SELECT seq FROM removal WHERE user_id = ? AND conversation_id = ? AND seq > ?
    ORDER BY seq"""
_PAGE = "SELECT {columns} FROM event WHERE conversation_id = ? AND {where}"


class Pages(NamedTuple):
    """Statements that read events of one conversation; the first parameter is who reads."""

    after: str
    before: str
    between: str
    some: str


def _pages(embedded: bool) -> Pages:
    among = "IN (SELECT value FROM json_each(?))" if embedded else "= ANY(?)"
    return Pages(*(
        _PAGE.format(columns=columns("event", "?", embedded), where=where) for where in (
            "seq > ? ORDER BY seq LIMIT ?", "seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            "seq >= ? AND seq <= ? ORDER BY seq", f"seq > ? AND seq {among} ORDER BY seq",
        )
    ))


class Events:
    """The `event` table, for members only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pages = _pages(database.embedded)

    def page(
        self, user_id: int, conversation: int, limit: int,
        after: int | None = None, before: int | None = None,
    ) -> Page:
        """At most `limit` events behind `after`, or the last ones before `before`, or the last.

        Fewer where they are large (PAGE_CHARS). Raises NotAMember.
        """
        floor, _ = self._bounds(user_id, conversation)
        if after is not None:
            start = max(after, floor)
            entries = self._entries(self._pages.after, user_id, conversation, start, limit + 1)
        else:
            end = before if before is not None else MAX_SEQ
            entries = self._entries(
                self._pages.before, user_id, conversation, floor, end, limit + 1
            )
        events = light(entries[:limit])
        more = len(entries) > len(events)
        return Page(events if after is not None else events[::-1], more)

    def some(self, user_id: int, conversation: int, seqs: Sequence[int]) -> list[Entry]:
        """Those of `seqs` that the user can see, ascending. Raises NotAMember."""
        floor, _ = self._bounds(user_id, conversation)
        return self._among(user_id, conversation, floor, seqs)

    def _among(
        self, user_id: int, conversation: int, floor: int, seqs: Sequence[int]
    ) -> list[Entry]:
        listed = str(list(seqs)) if self._database.embedded else list(seqs)
        return self._entries(self._pages.some, user_id, conversation, floor, listed)

    def around(self, user_id: int, conversation: int, limit: int, seq: int) -> Around:
        """About `limit` events with `seq` in their middle, or as near to it as the user sees.

        Raises NotAMember, and BadRequest for a seq behind the last one.
        """
        floor, last = self._bounds(user_id, conversation)
        if seq > last:
            raise BadRequest(f"around is {seq}; the last seq here is {last}.")
        return self._around(user_id, conversation, floor, last, limit, max(seq, floor + 1))

    def at(self, user_id: int, conversation: int, limit: int, at: int) -> Around:
        """As `around`, for the first event at or after a time. Raises NotAMember.

        The latest page where nothing has happened since.
        """
        floor, last = self._bounds(user_id, conversation)
        seq = first_at(self._database, {conversation: (floor + 1, last, at)})[conversation]
        return self._around(user_id, conversation, floor, last, limit, seq)

    def _around(
        self, user_id: int, conversation: int, floor: int, last: int, limit: int, seq: int
    ) -> Around:
        # Seqs are dense: the page's ends can be counted.
        start = max(floor + 1, min(seq - limit // 2, last - limit + 1))
        entries = self._entries(
            self._pages.between, user_id, conversation, start, min(start + limit - 1, last)
        )
        events = _light_around(entries, seq)
        found = seq if any(entry.seq == seq for entry in events) else None
        if not events:
            return Around([], None, False, False)
        return Around(events, found, events[0].seq > floor + 1, events[-1].seq < last)

    def _bounds(self, user_id: int, conversation: int) -> tuple[int, int]:
        """The seq behind which the user sees the log, and the last one. Raises NotAMember."""
        for floor, last in self._database.rows(_BOUNDS, conversation, user_id):
            return floor, last
        raise NotAMember()

    def by_index(
        self, user_id: int, other_id: int, start: int, stop: int, newest_first: bool, limit: int,
    ) -> list[Entry]:
        """The messages of two users by index: 0 is the first in the chosen direction.

        What is not shown is not counted. `start` and `stop` are inclusive; negative ones count
        from the end. At most `limit`.
        """
        for key, last, expired in self._database.rows(_PAIR, *sorted((user_id, other_id))):
            unsaid = self._unsaid(user_id, key, expired)
            total = last - expired - len(unsaid)
            start = max(0, start + total if start < 0 else start)
            stop = min(total - 1, stop + total if stop < 0 else stop, start + limit - 1)
            seqs = [
                _nth(total - 1 - index if newest_first else index, expired, unsaid)
                for index in range(start, stop + 1)
            ]
            found = self._among(user_id, key, 0, seqs)
            return light(found[::-1] if newest_first else found)
        return []

    def _unsaid(self, user_id: int, conversation: int, expired: int) -> list[int]:
        """The seqs behind `expired` that the user is shown no message at, ascending."""
        found = self._database.rows_aside(
            _UNSAID, conversation, expired, user_id, conversation, expired
        )
        return [seq for seq, in found]

    def _entries(self, statement: str, *parameters: object) -> list[Entry]:
        return [seen(row) for row in self._database.rows(statement, *parameters)]


def _nth(index: int, start: int, unsaid: Sequence[int]) -> int:
    """The seq of the message with this index, from 0, among those behind `start`.

    Seqs are dense, so it is counted: an index costs the same anywhere in the history.
    """
    before = bisect_right(
        range(len(unsaid)), index, key=lambda place: unsaid[place] - start - 1 - place
    )
    return start + 1 + index + before


def light(entries: list[Entry]) -> list[Entry]:
    """The first of `entries` whose bodies are PAGE_CHARS together; at least one."""
    total = 0
    for index, entry in enumerate(entries):
        total += len(entry.body) + len(entry.reactions or "")
        if total > PAGE_CHARS:
            return entries[: max(1, index)]
    return entries


def _light_around(entries: list[Entry], seq: int) -> list[Entry]:
    """Those of `entries` nearest to `seq` whose bodies are PAGE_CHARS together; at least one."""
    total, low, high = 0, 0, len(entries)
    for entry in sorted(entries, key=lambda entry: abs(entry.seq - seq)):
        total += len(entry.body)
        if total > PAGE_CHARS and entry.seq != seq:
            if entry.seq < seq:
                low = max(low, entry.seq - entries[0].seq + 1)
            else:
                high = min(high, entry.seq - entries[0].seq)
    return entries[low:high]
