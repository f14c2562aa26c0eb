"""What a device has missed: everything behind a set of cursors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from app.errors import BadRequest
from app.store.asked import Asked
from app.store.database import Database, Row
from app.store.gathered import Gathered
from app.store.log.blanks import columns, seen
from app.store.log.events import Page, light
from app.store.log.rights import FLOOR

SPAN_EVENTS = 200  # in one answer of `read`
KEYS_AT_ONCE = 500
ASKS_AT_ONCE = 10  # in one statement: of the longest, 2,000 events or 5,000 conversations

Span = tuple[int, int, int]  # of a conversation the events behind one seq, up to another

_REACHES = f"""
    SELECT one, three, last_seq, {FLOOR} FROM {{asked}}
    JOIN member ON conversation_id = three AND user_id = two
    JOIN conversation ON conversation.id = three"""  # noqa: S608  # a constant of ours
_SPANS = f"""
    SELECT one, {{columns}} FROM {{asked}}
    JOIN member ON member.conversation_id = three AND member.user_id = two
    JOIN conversation ON conversation.id = three
    JOIN event ON event.conversation_id = three AND seq > four AND seq <= five AND seq > {FLOOR}
    ORDER BY one, three, seq"""  # noqa: S608  # a constant of ours


class Reach(NamedTuple):
    """The last seq of a conversation, and the one behind which a member sees it."""

    last: int
    floor: int


Ask = tuple[int, tuple[tuple[int, ...], ...]]  # a user, and what they want to know


class _Statement:
    """Of PostgreSQL, one for all users who ask at the same time.

    The columns it is asked with: the number of the ask, the user, `what`. The first one that it
    finds is that number again.
    """

    def __init__(self, database: Database, template: str, *what: str, **words: object) -> None:
        self._database = database
        self._asked = Asked(template, "one", "two", *what, **words)
        self._gathered = Gathered(self._rows_of, ASKS_AT_ONCE)

    def rows(self, user_id: int, wanted: Iterable[tuple[int, ...]]) -> list[Row]:
        """What it finds for the user, without the number."""
        ask = user_id, tuple(wanted)
        if self._database.embedded:
            return self._rows_of([ask]).get(ask, [])
        return self._gathered.get(ask) or []

    def _rows_of(self, asks: Sequence[Ask]) -> dict[Ask, list[Row]]:
        found: dict[Ask, list[Row]] = {}
        for number, *row in self._asked.read(self._database, [
            (number, user, *key) for number, (user, wanted) in enumerate(asks) for key in wanted
        ]):
            found.setdefault(asks[number], []).append(tuple(row))
        return found


class Missed:
    """Reads the logs of several conversations together, for who is in them."""

    def __init__(self, database: Database) -> None:
        self._reaches = _Statement(database, _REACHES, "three")
        self._spans = _Statement(
            database, _SPANS, "three", "four", "five",
            columns=columns("event", "two", database.embedded),
        )

    def reaches(self, user_id: int, conversations: Sequence[int]) -> dict[int, Reach]:
        """How far those of `conversations` (at most KEYS_AT_ONCE) go that the user is in."""
        rows = self._reaches.rows(user_id, ((key,) for key in conversations))
        return {key: Reach(last, floor) for key, last, floor in rows}

    def read(self, user_id: int, spans: Sequence[Span]) -> Page:
        """The events of these spans, by conversation, ascending; of a stranger none.

        At most SPAN_EVENTS are asked for. `more`: they are so large (events.PAGE_CHARS) that those
        behind the last one are left out.
        """
        entries = [seen(row) for row in self._spans.rows(user_id, spans)]
        events = light(entries)
        return Page(events, len(events) < len(entries))


def check_cursors(reaches: Mapping[int, Reach], cursors: Mapping[int, int]) -> None:
    """Raises BadRequest for a cursor behind the end: that device knows another history."""
    for conversation, reach in reaches.items():
        if cursors[conversation] > reach.last:
            raise BadRequest(
                f"The cursor {cursors[conversation]} of conversation {conversation} is beyond its"
                f" last seq {reach.last}: fetch this conversation anew."
            )
