"""The index of words, in SQLite (FTS5) and in PostgreSQL (tsvector and GIN), behind one interface.

A conversation's log is divided into shelves of SHELF seqs, and every word is indexed with its shelf
before it: `12.0:hello`. So what a search reads is of its user's own conversations only, however
often others have said the same, and one look at one shelf is bounded. A word consists of letters,
digits, marks and emoji (words.py): nothing in it can be taken for syntax.

The index knows messages by conversation and seq, and no text. It may hold too much for a moment,
never too little up to where `search_place` says: who asks compares each hit with the message as it
is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import gevent
import msgspec
from sqlalchemy import Connection

from app.store.database import Database
from app.store.search.words import Phrase, Query

SHELF_BITS = 14
SEQ_BITS = 32  # of a SQLite row's number; the conversation's id is above them
MOST_SEQ, MOST_ID = 2**SEQ_BITS - 1, 2**31 - 1
PROBED = 8  # words of a query that the index is asked for; the text is compared with all
MERGE_PAGES = 64
SPANS_AT_ONCE = 8  # looked at before others get their turn
POSITIONS = 256  # of one word in one message, as far as a tsvector keeps them
CROWDED = "!"  # marks a message in which a word stands more often

# The newest matching messages of a span, without those that the user has removed for themself.
_SQLITE = """
    SELECT event.seq, sender_id, at, coalesce(revised, body)
    FROM search CROSS JOIN event
    ON event.conversation_id = ? AND event.seq = search.rowid & 4294967295
    WHERE search MATCH ? AND search.rowid BETWEEN ? AND ? AND type = 'message' AND NOT EXISTS (
        SELECT 1 FROM removal WHERE removal.user_id = ?
        AND removal.conversation_id = event.conversation_id AND removal.seq = event.seq)
    ORDER BY search.rowid DESC LIMIT ?"""
# OFFSET 0 keeps the planner from looking at the words later than at anything else: they alone
# say shelf and message together.
_POSTGRESQL = """
    SELECT place, found.seq, sender_id, at, said
    FROM unnest(?::bigint[], ?::text[], ?::bigint[], ?::bigint[])
        WITH ORDINALITY AS span (conversation, query, low, high, place)
    CROSS JOIN LATERAL (
        SELECT event.seq, sender_id, at, coalesce(revised, body) AS said
        FROM (SELECT seq FROM search WHERE words @@ span.query::tsquery OFFSET 0) AS hit
        JOIN event ON event.conversation_id = span.conversation AND event.seq = hit.seq
        WHERE hit.seq BETWEEN span.low AND span.high AND type = 'message' AND NOT EXISTS (
            SELECT 1 FROM removal WHERE removal.user_id = ?
            AND removal.conversation_id = event.conversation_id AND removal.seq = event.seq)
        ORDER BY event.seq DESC LIMIT ?) AS found
    ORDER BY place, found.seq DESC"""

_TAKE_OUT = """
    DELETE FROM search USING jsonb_array_elements(%s::jsonb) AS old
    WHERE conversation_id = (old->>0)::bigint AND seq = (old->>1)::bigint"""
_PUT_IN = """
    INSERT INTO search (conversation_id, seq, words)
    SELECT (new->>0)::bigint, (new->>1)::bigint, (new->>2)::tsvector
    FROM jsonb_array_elements(%s::jsonb) AS new
    ON CONFLICT (conversation_id, seq) DO UPDATE SET words = excluded.words"""
_encode = msgspec.json.Encoder().encode


class Doc(NamedTuple):
    """The words of one message."""

    conversation: int
    seq: int
    sender: int
    media: str
    words: Sequence[str]


class Span(NamedTuple):
    """The seqs `low` to `high` of a conversation, all on one shelf."""

    conversation: int
    low: int
    high: int


class Ask(NamedTuple):
    """What to look for. `user` is who asks; `sender` and `media` are None for any."""

    user: int
    query: Query
    sender: int | None = None
    media: str | None = None


class Hit(NamedTuple):
    """A message that may match, as it is now."""

    seq: int
    sender: int
    at: int
    body: str


class WordIndex(Protocol):
    def put(self, connection: Connection, removed: Iterable[Doc], added: Iterable[Doc]) -> None:
        """Take out `removed`, exactly as they were put in, then put in `added`."""

    def look(self, spans: Sequence[Span], ask: Ask, limit: int) -> list[list[Hit]]:
        """For each span its newest hits, at most `limit`."""

    def tidy(self) -> None:
        """A small step of maintenance, after something was put in."""

    def clear(self, connection: Connection) -> None:
        """Take out everything."""


def word_index(database: Database) -> WordIndex:
    return SQLiteIndex(database) if database.embedded else PostgresIndex(database)


def is_index_table(name: str | None) -> bool:
    """Whether a table is the index's own: migrations make it, and no model knows it."""
    return name is not None and (name == "search" or name.startswith("search_"))


def floor_of_shelf(seq: int) -> int:
    """The first seq of the shelf that `seq` stands on."""
    return seq >> SHELF_BITS << SHELF_BITS


class SQLiteIndex:
    """FTS5 without contents: what is taken out must be named again, word by word."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: Connection, removed: Iterable[Doc], added: Iterable[Doc]) -> None:
        # In the order of the rows: each step back would end a segment of the index.
        old, new = (
            sorted((_row(doc.conversation, doc.seq), " ".join(_terms(doc))) for doc in docs)
            for docs in (removed, added)
        )
        if old:
            connection.exec_driver_sql(
                "INSERT INTO search (search, rowid, words) VALUES ('delete', ?, ?)", old
            )
        if new:
            connection.exec_driver_sql("INSERT INTO search (rowid, words) VALUES (?, ?)", new)

    def look(self, spans: Sequence[Span], ask: Ask, limit: int) -> list[list[Hit]]:
        found = []
        for count, span in enumerate(spans):
            if count % SPANS_AT_ONCE == SPANS_AT_ONCE - 1:
                gevent.sleep(0)  # a statement holds up everybody
            key = span.conversation
            rows = self._database.rows(
                _SQLITE, key, _sqlite_query(span, ask), _row(key, span.low), _row(key, span.high),
                ask.user, limit,
            )
            found.append([Hit(*row) for row in rows])
        return found

    def tidy(self) -> None:
        # Merged apart from what is put in: two short transactions instead of a long one.
        self._database.append(lambda connection: connection.exec_driver_sql(
            "INSERT INTO search (search, rank) VALUES ('merge', ?)", (MERGE_PAGES,)
        ).close())

    def clear(self, connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO search (search) VALUES ('delete-all')")


class PostgresIndex:
    """One row for each message. GIN finds it, the row's positions decide on phrases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: Connection, removed: Iterable[Doc], added: Iterable[Doc]) -> None:
        old = [(doc.conversation, doc.seq) for doc in removed]
        new = [(doc.conversation, doc.seq, _vector(doc)) for doc in added]
        for statement, rows in ((_TAKE_OUT, old), (_PUT_IN, new)):
            if rows:  # as one parameter: psycopg's executemany costs a command for each
                connection.exec_driver_sql(statement, (_encode(rows).decode(),)).close()

    def look(self, spans: Sequence[Span], ask: Ask, limit: int) -> list[list[Hit]]:
        found: list[list[Hit]] = [[] for _ in spans]
        queries = [_postgresql_query(span, ask) for span in spans]
        keys, lows, highs = ([span[column] for span in spans] for column in range(3))
        for place, *row in self._database.rows(
            _POSTGRESQL, keys, queries, lows, highs, ask.user, limit
        ):
            found[place - 1].append(Hit(*row))
        return found

    def tidy(self) -> None:
        pass  # autovacuum does it

    def clear(self, connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM search")


def _row(conversation: int, seq: int) -> int:
    return conversation << SEQ_BITS | seq


def _shelf(conversation: int, seq: int) -> str:
    return f"{conversation}.{seq >> SHELF_BITS}:"


def _terms(doc: Doc) -> list[str]:
    """A message's words, then its sender and medium, each with the shelf before it."""
    shelf = _shelf(doc.conversation, doc.seq)
    return [shelf + word for word in (*doc.words, f"@{doc.sender}", f"#{doc.media}")]


def _filters(ask: Ask) -> Iterator[str]:
    if ask.sender is not None:
        yield f"@{ask.sender}"
    if ask.media is not None:
        yield f"#{ask.media}"


def _probed(query: Query) -> Iterator[Phrase]:
    """The query's first words: enough to find what the text is then compared with."""
    left = PROBED
    for phrase in query.phrases:
        if left >= len(phrase.words):
            yield phrase
        elif left > 0:
            yield Phrase(phrase.words[:left], False)
        left -= len(phrase.words)


def _sqlite_query(span: Span, ask: Ask) -> str:
    shelf = _shelf(span.conversation, span.high)
    parts = []
    for phrase in _probed(ask.query):
        words = " ".join(shelf + word for word in phrase.words)
        parts.append(f'"{words}" *' if phrase.open else f'"{words}"')
    parts += [f'"{shelf}{term}"' for term in _filters(ask)]
    return " AND ".join(parts)


def _postgresql_query(span: Span, ask: Ask) -> str:
    shelf = _shelf(span.conversation, span.high)
    parts = []
    for phrase in _probed(ask.query):
        words = [_lexeme(shelf + word) for word in phrase.words]
        if phrase.open:
            words[-1] += ":*"
        if len(words) > 1:
            crowded = " & ".join((_lexeme(shelf + CROWDED), *words))
            parts.append(f"({' <-> '.join(words)} | {crowded})")
        else:
            parts += words
    parts += [_lexeme(shelf + term) for term in _filters(ask)]
    return " & ".join(parts)


def _vector(doc: Doc) -> str:
    """A message as the text of a tsvector, with the positions that phrases need."""
    places: dict[str, list[int]] = {}
    for place, term in enumerate(_terms(doc), 1):
        places.setdefault(term, []).append(place)
    parts = [
        f"{_lexeme(term)}:{','.join(map(str, found[:POSITIONS]))}"
        for term, found in places.items()
    ]
    if any(len(found) >= POSITIONS for found in places.values()):
        parts.append(_lexeme(_shelf(doc.conversation, doc.seq) + CROWDED))
    return " ".join(parts)


def _lexeme(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"
