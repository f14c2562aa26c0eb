"""Looking through the log itself, for a search without words: by sender, medium and time alone.

The index of words does not know messages without words, pictures most of all. The log does, in
the order of its seqs: a look reads a stretch of it by its key, and says what it has cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gevent

from app.store.database import Database
from app.store.search.wordindex import Ask, Hit, Span

STRETCH = 512  # seqs that one look reads
LOOK_EVENTS = 64  # of them, that cost as much as a look at the index of words
SPANS_AT_ONCE = 8  # looked at before others get their turn

# The medium is looked for in the text, which is cheap; whether it is the medium, the walk asks.
_WANTED = """
    type = 'message' AND body <> '' AND coalesce(revised, body) LIKE ? {sender} AND NOT EXISTS (
        SELECT 1 FROM removal WHERE removal.user_id = ?
        AND removal.conversation_id = event.conversation_id AND removal.seq = event.seq)
    ORDER BY event.seq DESC LIMIT ?"""
_SQLITE = """
    SELECT seq, sender_id, at, coalesce(revised, body) FROM event
    WHERE conversation_id = ? AND seq BETWEEN ? AND ? AND {wanted}"""
_POSTGRESQL = """
    SELECT place, found.seq, sender_id, at, said
    FROM unnest(?::bigint[], ?::bigint[], ?::bigint[])
        WITH ORDINALITY AS span (conversation, low, high, place)
    CROSS JOIN LATERAL (
        SELECT event.seq, sender_id, at, coalesce(revised, body) AS said FROM event
        WHERE event.conversation_id = span.conversation
            AND event.seq BETWEEN span.low AND span.high AND {wanted}) AS found
    ORDER BY place, found.seq DESC"""


def floor_of_stretch(seq: int) -> int:
    """The first seq of the stretch that `seq` is the last of."""
    return seq - STRETCH + 1


def cost(span: Span) -> int:
    """Of looking at it, in looks at the index of words."""
    return 1 + (span.high - span.low) // LOOK_EVENTS


class LogSearch:
    """What a walk without words asks, as others ask a WordIndex."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, spans: Sequence[Span], ask: Ask, limit: int) -> list[list[Hit]]:
        """For each span its newest hits, at most `limit`."""
        wanted: list[Any] = ["%" if ask.media is None else f'%"{ask.media}"%']
        if ask.sender is not None:
            wanted.append(ask.sender)
        wanted += [ask.user, limit]
        statement = (_SQLITE if self._database.embedded else _POSTGRESQL).format(
            wanted=_WANTED.format(sender="" if ask.sender is None else "AND sender_id = ?")
        )
        if not self._database.embedded:
            return self._together(statement, spans, wanted)
        found = []
        for count, span in enumerate(spans):
            if count % SPANS_AT_ONCE == SPANS_AT_ONCE - 1:
                gevent.sleep(0)  # a statement holds up everybody
            found.append([Hit(*row) for row in self._database.rows(statement, *span, *wanted)])
        return found

    def _together(
        self, statement: str, spans: Sequence[Span], wanted: Sequence[Any]
    ) -> list[list[Hit]]:
        found: list[list[Hit]] = [[] for _ in spans]
        columns = [list(column) for column in zip(*spans, strict=True)]
        for place, *row in self._database.rows(statement, *columns, *wanted):
            found[place - 1].append(Hit(*row))
        return found
