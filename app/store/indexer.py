"""Bringing the index of words up to the log, behind the messages: storing one costs nothing more.

The index follows each conversation's log by seq, up to `conversation.indexed_seq`, which moves in
the transaction that changes the index. A message adds its words, an `edit` puts others in their
place, a `recall` takes them out. What is in the index of a message is always what one event has
said, the message itself or the edit that `indexed` names: so it can be taken out again without
keeping a second copy of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import gevent
import structlog
from sqlalchemy import Connection, delete, update
from sqlalchemy.orm import Session

from app.errors import HiChatError
from app.models import Conversation, Event
from app.models.message import ACCOUNT
from app.models.search import Indexed
from app.store import words
from app.store.database import Contested, Database, Failed, spelled
from app.store.said import Said, change_of, said, said_by
from app.store.wordindex import MOST_ID, MOST_SEQ, Doc, WordIndex, word_index

STEP_EVENTS = 200  # in one transaction, which must be short: messages wait for the same writer
STEP_CHARS = 20_000
SLICE_CHARS = 4000  # that are split before others get their turn
HEADS_AT_ONCE = 200
IDS_AT_ONCE = 2000  # rows that one look for what was left behind may read

_HEADS = """
    SELECT id, indexed_seq, last_seq FROM conversation
    WHERE id {among} AND indexed_seq < last_seq AND kind <> ?"""
_HEADS_SQLITE = _HEADS.format(among="IN (SELECT value FROM json_each(?))")
_HEADS_POSTGRESQL = _HEADS.format(among="= ANY(?)")
_EVENTS = """
    SELECT seq, type, sender_id, body FROM event
    WHERE conversation_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"""
_ONE = "SELECT sender_id, body FROM event WHERE conversation_id = ? AND seq = ?"
_SOURCE = "SELECT source FROM indexed WHERE conversation_id = ? AND seq = ?"
_MARKS = "SELECT seq FROM indexed WHERE conversation_id = ? AND seq > ? AND seq <= ?"
_TAKE_MARKS = "DELETE FROM indexed WHERE conversation_id = ? AND seq > ? AND seq <= ?"
_SET_SOURCE = """
    INSERT INTO indexed (conversation_id, seq, source) VALUES (?, ?, ?)
    ON CONFLICT (conversation_id, seq) DO UPDATE SET source = excluded.source"""
_MOVE = "UPDATE conversation SET indexed_seq = ? WHERE id = ? AND indexed_seq = ?"
_BEHIND = """
    SELECT id FROM conversation
    WHERE id > ? AND id <= ? AND indexed_seq < last_seq AND kind <> ?"""
_INDEXED = "SELECT id FROM conversation WHERE id > ? AND id <= ? AND indexed_seq > 0 AND kind <> ?"
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

    def step(self, conversations: Sequence[int]) -> tuple[int, list[int]]:
        """One transaction: how many events it took, and which of `conversations` may lack some."""
        rest = list(conversations[HEADS_AT_ONCE:])
        heads = self._heads(conversations[:HEADS_AT_ONCE])
        parts: list[Part] = []
        events = chars = 0
        for place, head in enumerate(heads):
            if events >= STEP_EVENTS or chars >= STEP_CHARS:
                rest = [other.id for other in heads[place:]] + rest
                break
            part = self._read(head, STEP_EVENTS - events, STEP_CHARS - chars)
            parts.append(part)
            events += part.events
            chars += part.chars
            gevent.sleep(0)
        if parts:
            try:
                self.database.append(lambda connection: self._write(connection, parts))
            except Overtaken:
                return 0, list(conversations)
            self.index.tidy()
        return events, [part.head.id for part in parts if part.until < part.head.last_seq] + rest

    def behind(self) -> Iterator[list[int]]:
        """Which conversations lack something, slice by slice."""
        return self._slices(_BEHIND)

    def clear(self) -> None:
        """Empty the index, if there is anything in it."""
        if any(self._slices(_INDEXED)):
            self.database.write(self._clear)

    def forget(self, session: Session, conversation: int, seqs: Iterable[int]) -> None:
        """Take these messages out now, in the running transaction.

        For whoever is about to overwrite or delete their bodies, and those of their edits: later,
        nobody could say which words were theirs.
        """
        found = session.get_one(Conversation, conversation, with_for_update=True)
        until = min(found.indexed_seq + STEP_EVENTS, found.last_seq)
        removed = []
        for seq in seqs:
            mark = None
            if seq <= found.indexed_seq:
                mark = session.get(Indexed, (conversation, seq))
                source = mark.source if mark else seq
                event = session.get(Event, (conversation, source)) if source else None
                if event is not None:
                    text = said_by(event.body, source != seq)
                    removed.append(_doc(conversation, seq, event.sender_id, text))
            if found.indexed_seq < until and seq <= until:
                # An indexer may just have read it, or an edit of it: this tells it to read again.
                session.merge(Indexed(conversation_id=conversation, seq=seq, source=0))
            elif mark is not None:
                session.delete(mark)
        session.flush()
        self.index.put(session.connection(), _with_words(removed), ())

    def _heads(self, conversations: Sequence[int]) -> list[Head]:
        if self.database.embedded:
            rows = self.database.rows(_HEADS_SQLITE, str(list(conversations)), ACCOUNT)
        else:
            rows = self.database.rows(_HEADS_POSTGRESQL, list(conversations), ACCOUNT)
        order = {key: place for place, key in enumerate(conversations)}
        return sorted((Head(*row) for row in rows), key=lambda head: order[head.id])

    def _read(self, head: Head, events: int, chars: int) -> Part:
        part = Part(head)
        rows = self.database.rows(_EVENTS, head.id, head.indexed_seq, head.last_seq, events)
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
        if not rows:
            part.until = head.last_seq
        marks = self.database.rows(_MARKS, head.id, head.indexed_seq, part.until)
        part.marks = {seq for seq, in marks}
        return part

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
        """Raises Overtaken, and then nothing has happened."""
        removed = (doc for part in parts for doc in part.removed.values())
        added = (doc for part in parts for seq, doc in part.added.items() if seq not in part.marks)
        # The heads come last: messages wait for their locks.
        self.index.put(connection, _with_words(removed), _with_words(added))
        run, here = connection.exec_driver_sql, self.database.embedded
        ordered = sorted(parts, key=lambda part: part.head.id)  # nobody deadlocks
        moves = [(part.until, part.head.id, part.head.indexed_seq) for part in ordered]
        if run(spelled(_MOVE, here), moves).rowcount != len(moves):
            raise Overtaken
        ranges = [(part.head.id, part.head.indexed_seq, part.until) for part in ordered]
        taken = run(spelled(_TAKE_MARKS, here), ranges).rowcount
        if taken != sum(len(part.marks) for part in parts):
            raise Overtaken
        for part in ordered:
            for seq, source in part.seen.items():
                if run(spelled(_SOURCE, here), (part.head.id, seq)).scalar() != source:
                    raise Overtaken
        sources = [
            (part.head.id, seq, 0 if seq in part.marks else source)
            for part in ordered for seq, source in part.sources.items()
        ]
        if sources:
            run(spelled(_SET_SOURCE, here), sources)

    def _clear(self, session: Session) -> None:
        session.execute(
            update(Conversation).where(Conversation.indexed_seq > 0).values(indexed_seq=0)
        )
        session.execute(delete(Indexed))
        self.index.clear(session.connection())

    def _slices(self, statement: str) -> Iterator[list[int]]:
        [(last,)] = self.database.rows(_LAST_ID)
        for start in range(0, last, IDS_AT_ONCE):
            rows = self.database.rows(statement, start, start + IDS_AT_ONCE, ACCOUNT)
            if rows:
                yield [key for key, in rows]
            gevent.sleep(0)


def _doc(conversation: int, seq: int, sender: int, text: Said) -> Doc:
    forms = [word.form for word in words.split(text.text())]
    return Doc(conversation, seq, sender, text.media, forms)


def _with_words(docs: Iterable[Doc]) -> list[Doc]:
    """What is in the index at all: nothing finds a message that has no words."""
    return [doc for doc in docs if doc.words]
