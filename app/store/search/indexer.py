"""Bringing the index of words up to the log, behind the messages: storing one costs nothing more.

The index follows each conversation's log by seq, up to the one in `search_place`, which moves in
the transaction that changes the index. That is no row of the conversation: messages would wait for
it. A message adds its words, an `edit` puts others in their place, a `recall` takes them out. What
is in the index of a message is always what one event has said, the message itself or the edit that
`indexed` names: so it can be taken out again without keeping a second copy of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import gevent
import structlog
from sqlalchemy import Connection, delete
from sqlalchemy.orm import Session

from app.errors import HiChatError
from app.models import Conversation, Event
from app.models.message import ACCOUNT
from app.models.search import Indexed
from app.store.asked import Asked
from app.store.database import Contested, Database, Failed, run, run_each
from app.store.log.said import Said, change_of, said, said_by
from app.store.search import words
from app.store.search.wordindex import MOST_ID, MOST_SEQ, Doc, WordIndex, word_index

STEP_EVENTS = 200  # at most, in one transaction: on SQLite messages wait for the same writer
EVENT_CHARS = 100  # of each of them, on average; a step with longer ones has fewer
SLICE_CHARS = 4000  # that are split before others get their turn
HEADS_AT_ONCE = 200
IDS_AT_ONCE = 2000  # rows that one look for what was left behind may read

_HEADS = """
    SELECT id, coalesce(seq, 0), last_seq
    FROM conversation LEFT JOIN search_place ON conversation_id = id
    WHERE id {among} AND coalesce(seq, 0) < last_seq AND kind <> ?"""
_HEADS_SQLITE = _HEADS.format(among="IN (SELECT value FROM json_each(?))")
_HEADS_POSTGRESQL = _HEADS.format(among="= ANY(?)")
_EVENTS = Asked("""
    SELECT one, seq, type, sender_id, body FROM {asked}
    JOIN event ON conversation_id = one AND seq > two AND seq <= three ORDER BY one, seq""",
    "one", "two", "three")
_ONE = "SELECT sender_id, body FROM event WHERE conversation_id = ? AND seq = ?"
_SOURCE = "SELECT source FROM indexed WHERE conversation_id = ? AND seq = ?"
_MARKS = Asked("""
    SELECT one, seq FROM {asked}
    JOIN indexed ON conversation_id = one AND seq > two AND seq <= three""", "one", "two", "three")
_TAKE_MARKS = Asked("""
    DELETE FROM indexed WHERE (conversation_id, seq) IN (
        SELECT conversation_id, seq FROM {asked}
        JOIN indexed ON conversation_id = one AND seq > two AND seq <= three
    ) RETURNING 1""", "one", "two", "three")
_SET_SOURCE = """
    INSERT INTO indexed (conversation_id, seq, source) VALUES (?, ?, ?)
    ON CONFLICT (conversation_id, seq) DO UPDATE SET source = excluded.source"""
# Who has held a place moves it; others wait, each in the order of the ids: nobody deadlocks.
_HOLD = Asked("""
    INSERT INTO search_place (conversation_id, seq)
    SELECT one, 0 FROM {asked} WHERE true ORDER BY one
    ON CONFLICT (conversation_id) DO UPDATE SET seq = search_place.seq
    RETURNING conversation_id, seq""", "one")
_MOVE = Asked("""
    UPDATE search_place SET seq = two FROM {asked} WHERE conversation_id = one RETURNING 1""",
    "one", "two")
_BEHIND = """
    SELECT id FROM conversation LEFT JOIN search_place ON conversation_id = id
    WHERE id > ? AND id <= ? AND coalesce(seq, 0) < last_seq AND kind <> ?"""
_BEGUN = "SELECT 1 FROM search_place LIMIT 1"
_LAST_ID = "SELECT coalesce(max(id), 0) FROM conversation"

log = structlog.get_logger()


class Overtaken(Exception):
    """Somebody else has indexed, or forgotten, what this step had read. It has not happened."""


class Head(NamedTuple):
    """A conversation whose index is behind."""

    id: int
    indexed_seq: int
    last_seq: int


class Part:
    """The next piece of one conversation's log, and what it does to the index."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.until = head.indexed_seq
        self.events = 0
        self.chars = 0
        self.removed: dict[int, Doc] = {}
        self.added: dict[int, Doc] = {}
        self.sources: dict[int, int] = {}  # as in Indexed
        self.marks: set[int] = set()  # messages that were forgotten before they were indexed
        self.seen: dict[int, int | None] = {}  # what `indexed` said of those that are changed


class Indexer:
    """Changes the index, in steps that are short."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.index: WordIndex = word_index(database)

    def catch_up(self, conversations: Sequence[int], most: int) -> bool:
        """Index what these lack, about `most` events; whether nothing is lacking now."""
        left = list(conversations)
        try:
            while left and most > 0:
                events, left = self.step(left)
                most -= max(events, 1)
        except (HiChatError, Contested, Failed):
            log.exception("indexing_failed")
            return False  # a search still answers from what is there
        return not left

    def step(
        self, conversations: Sequence[int], most: int = STEP_EVENTS
    ) -> tuple[int, list[int]]:
        """One transaction: how many events it took, and which of `conversations` may lack some."""
        rest = list(conversations[HEADS_AT_ONCE:])
        heads = self._heads(conversations[:HEADS_AT_ONCE])
        if not heads:
            return 0, rest
        parts = self._read(heads, most)
        try:
            self.database.append(lambda connection: self._write(connection, parts))
        except Overtaken:
            return 0, list(conversations)
        self.index.tidy()
        left = [part.head.id for part in parts if part.until < part.head.last_seq]
        left += [head.id for head in heads[len(parts):]]
        return sum(part.events for part in parts), left + rest

    def behind(self) -> Iterator[list[int]]:
        """Which conversations lack something, slice by slice."""
        [(last,)] = self.database.rows(_LAST_ID)
        for start in range(0, last, IDS_AT_ONCE):
            rows = self.database.rows(_BEHIND, start, start + IDS_AT_ONCE, ACCOUNT)
            if rows:
                yield [key for key, in rows]
            gevent.sleep(0)

    def clear(self) -> None:
        """Empty the index, if there is anything in it."""
        if self.database.rows(_BEGUN):
            self.database.write(self._clear)

    def forget(self, session: Session, conversation: int, seqs: Iterable[int]) -> None:
        """Take these messages out now, in the running transaction.

        For whoever is about to overwrite or delete their bodies, and those of their edits: later,
        nobody could say which words were theirs.
        """
        last = session.get_one(Conversation, conversation).last_seq
        connection = session.connection()
        indexed = _held(connection, [conversation])[conversation]
        until = min(indexed + STEP_EVENTS, last)
        removed = []
        for seq in seqs:
            mark = None
            if seq <= indexed:
                mark = session.get(Indexed, (conversation, seq))
                source = mark.source if mark else seq
                event = session.get(Event, (conversation, source)) if source else None
                if event is not None:
                    text = said_by(event.body, source != seq)
                    removed.append(_doc(conversation, seq, event.sender_id, text))
            if indexed < until and seq <= until:
                # An indexer may just have read it, or an edit of it: this tells it to read again.
                session.merge(Indexed(conversation_id=conversation, seq=seq, source=0))
            elif mark is not None:
                session.delete(mark)
        session.flush()
        self.index.put(connection, _with_words(removed), ())

    def _heads(self, conversations: Sequence[int]) -> list[Head]:
        if self.database.embedded:
            rows = self.database.rows(_HEADS_SQLITE, str(list(conversations)), ACCOUNT)
        else:
            rows = self.database.rows(_HEADS_POSTGRESQL, list(conversations), ACCOUNT)
        order = {key: place for place, key in enumerate(conversations)}
        return sorted((Head(*row) for row in rows), key=lambda head: order[head.id])

    def _read(self, heads: Sequence[Head], most: int = STEP_EVENTS) -> list[Part]:
        """The next parts of the first of these, of which there is one, as many as a step takes."""
        spans: list[tuple[int, int, int]] = []
        room = most
        for head in heads:
            until = min(head.last_seq, head.indexed_seq + room)
            spans.append((head.id, head.indexed_seq, until))
            room -= until - head.indexed_seq
            if not room:
                break
        rows: dict[int, list[tuple[int, str, int, str]]] = {}
        for key, *row in _EVENTS.read(self.database, spans):
            rows.setdefault(key, []).append(tuple(row))
        parts: list[Part] = []
        chars = 0
        for head, (key, _, until) in zip(heads, spans, strict=False):
            if chars >= most * EVENT_CHARS:
                break
            part = Part(head)
            self._take(part, rows.get(key, ()), most * EVENT_CHARS - chars)
            if key not in rows:
                part.until = until  # its account was deleted
            parts.append(part)
            chars += part.chars
            gevent.sleep(0)
        read = {part.head.id: part for part in parts}
        taken = [(key, part.head.indexed_seq, part.until) for key, part in read.items()]
        for key, seq in _MARKS.read(self.database, taken):
            read[key].marks.add(seq)
        return parts

    def _take(
        self, part: Part, rows: Iterable[tuple[int, str, int, str]], chars: int
    ) -> None:
        """What the next events of its conversation do, up to so many characters."""
        head = part.head
        for seq, kind, sender, body in rows:
            if part.chars > chars:
                break
            part.until = seq
            part.events += 1
            if (part.chars + len(body)) // SLICE_CHARS > part.chars // SLICE_CHARS:
                gevent.sleep(0)  # splitting holds up everybody
            part.chars += len(body)
            if head.id > MOST_ID or seq > MOST_SEQ:
                continue  # beyond what the index can name
            if kind == "message":
                part.added[seq] = _doc(head.id, seq, sender, said(body))
            elif kind in ("edit", "recall"):
                self._change(part, seq, body)

    def _change(self, part: Part, seq: int, body: str) -> None:
        """An edit or a recall, at `seq`, of an earlier message."""
        change = change_of(body)
        if change is None or change.seq >= seq:
            return
        target, key = change.seq, part.head.id
        old = part.added.pop(target, None)
        if old is None and target not in part.removed:
            old = self._indexed(part, target)
            if old is not None:
                part.removed[target] = old
        old = old or part.removed.get(target)
        if old is not None and change.message is not None:
            part.added[target] = _doc(key, target, old.sender, change.message)
            part.sources[target] = seq
        else:
            part.sources[target] = 0

    def _indexed(self, part: Part, seq: int) -> Doc | None:
        """What the index holds of a message."""
        conversation = part.head.id
        marks = self.database.rows(_SOURCE, conversation, seq)
        part.seen[seq] = marks[0][0] if marks else None
        source = marks[0][0] if marks else seq
        rows = self.database.rows(_ONE, conversation, source) if source else []
        if not rows:
            return None
        [(sender, body)] = rows
        return _doc(conversation, seq, sender, said_by(body, source != seq))

    def _write(self, connection: Connection, parts: Sequence[Part]) -> None:
        """Raises Overtaken, and then nothing has happened: it is known before the words are put."""
        if _held(connection, [part.head.id for part in parts]) != {
            part.head.id: part.head.indexed_seq for part in parts
        }:
            raise Overtaken
        _MOVE.run(connection, [(part.head.id, part.until) for part in parts])
        ranges = [(part.head.id, part.head.indexed_seq, part.until) for part in parts]
        if len(_TAKE_MARKS.run(connection, ranges)) != sum(len(part.marks) for part in parts):
            raise Overtaken
        for part in parts:
            for seq, source in part.seen.items():
                marks = run(connection, _SOURCE, part.head.id, seq)
                if (marks[0][0] if marks else None) != source:
                    raise Overtaken
        sources = [
            (part.head.id, seq, 0 if seq in part.marks else source)
            for part in parts for seq, source in part.sources.items()
        ]
        if sources:
            run_each(connection, _SET_SOURCE, sources)
        removed = (doc for part in parts for doc in part.removed.values())
        added = (doc for part in parts for seq, doc in part.added.items() if seq not in part.marks)
        self.index.put(connection, _with_words(removed), _with_words(added))

    def _clear(self, session: Session) -> None:
        session.execute(delete(Indexed))
        connection = session.connection()
        connection.exec_driver_sql("DELETE FROM search_place").close()
        self.index.clear(connection)


def _held(connection: Connection, conversations: Sequence[int]) -> dict[int, int]:
    """How far the index goes in each of these: so far until the transaction ends."""
    return dict(_HOLD.run(connection, [(key,) for key in conversations]))


def _doc(conversation: int, seq: int, sender: int, text: Said) -> Doc:
    forms = [word.form for word in words.split(text.text())]
    return Doc(conversation, seq, sender, text.media, forms)


def _with_words(docs: Iterable[Doc]) -> list[Doc]:
    """What is in the index at all: nothing finds a message that has no words."""
    return [doc for doc in docs if doc.words]
