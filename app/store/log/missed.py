"""What a device has missed: everything behind a set of cursors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.errors import BadRequest
from app.store.asked import Asked
from app.store.database import Database
from app.store.log.blanks import columns, seen
from app.store.log.events import Page, light
from app.store.log.rights import FLOOR

SPAN_EVENTS = 200  # in one answer of `read`
KEYS_AT_ONCE = 500

Span = tuple[int, int, int]  # of a conversation the events behind one seq, up to another

_REACHES = Asked(f"""
    SELECT one, last_seq, {FLOOR} FROM {{asked}} JOIN member ON conversation_id = one
    JOIN conversation ON conversation.id = one WHERE user_id = ?""", "one")  # noqa: S608  # ours
_SPANS = f"""
    SELECT {{columns}} FROM {{asked}} JOIN member ON member.conversation_id = one
    JOIN conversation ON conversation.id = one
    JOIN event ON event.conversation_id = one AND seq > two AND seq <= three AND seq > {FLOOR}
    WHERE member.user_id = ? ORDER BY one, seq"""  # noqa: S608  # a constant of ours


class Reach(NamedTuple):
    """The last seq of a conversation, and the one behind which a member sees it."""

    last: int
    floor: int


class Missed:
    """Reads the logs of several conversations together, for who is in them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spans = Asked(
            _SPANS, "one", "two", "three", columns=columns("event", "?", database.embedded)
        )

    def reaches(self, user_id: int, conversations: Sequence[int]) -> dict[int, Reach]:
        """How far those of `conversations` (at most KEYS_AT_ONCE) go that the user is in."""
        keys = [(key,) for key in conversations]
        rows = _REACHES.read(self._database, keys, behind=(user_id,))
        return {key: Reach(last, floor) for key, last, floor in rows}

    def read(self, user_id: int, spans: Sequence[Span]) -> Page:
        """The events of these spans, by conversation, ascending; of a stranger none.

        At most SPAN_EVENTS are asked for. `more`: they are so large (events.PAGE_CHARS) that those
        behind the last one are left out.
        """
        rows = self._spans.read(self._database, spans, before=(user_id,), behind=(user_id,))
        entries = [seen(row) for row in rows]
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
