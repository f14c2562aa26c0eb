"""The one place that appends to the log: a batch of commands, one transaction, dense seqs.

Nothing here is of one database only. Conversations are locked in the order of their ids, so two
committers cannot deadlock; a batch that lost a race for a unique key has not happened and runs
again with the repeats looked up first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import Connection, insert, select, tuple_

from app.errors import BadRequest, HiChatError, NotAMember, RefConflict, Unavailable, UnknownUser
from app.models import Conversation, Event, Member, User
from app.models.message import PRIVATE
from app.store.database import Contested, Database, Failed
from app.store.users import now_ms

PAIRS_KEPT = 100_000
LOST_RACES = 5

log = structlog.get_logger(__name__)


class Draft(Struct, gc=False):
    """An event that wants to be stored. Exactly one of `conversation` and `to_user` is set."""

    sender: int
    ref: str | None
    body: str
    reply_to: int | None = None
    conversation: int | None = None
    to_user: int | None = None
    type: str = "message"


class Mark(Struct, gc=False):
    """A user has read a conversation up to `seq`."""

    user: int
    conversation: int
    seq: int


class Stored(Struct, gc=False):
    """Where a draft went. `fresh` is False for a repeat: nobody needs to be told again."""

    conversation: int
    kind: int
    low: int
    high: int
    seq: int
    at: int
    fresh: bool = True


class Marked(Struct, gc=False):
    """The read cursor as it is now; `moved` says whether this mark moved it."""

    conversation: int
    kind: int
    low: int
    high: int
    seq: int
    moved: bool


Item = Draft | Mark
Result = Stored | Marked | HiChatError

# The hot statements go to the driver as they are: SQLAlchemy's compiler would cost more than the
# database. Rows are tuples in the order of the columns named here.
_INSERT = """
    INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_ADVANCE = "UPDATE conversation SET last_seq = ?, last_at = ? WHERE id = ?"
_MARK_READ = "UPDATE member SET read_seq = ? WHERE conversation_id = ? AND user_id = ?"
_LOCK = """
    SELECT id, kind, low_id, high_id, last_seq, last_at, closed_at FROM conversation
    WHERE id {among} ORDER BY id{lock}"""
# A list of ids as one parameter: one text, prepared once, whatever their number.
_LOCK_SQLITE = _LOCK.format(among="IN (SELECT value FROM json_each(?))", lock="")
_LOCK_POSTGRESQL = _LOCK.format(among="= ANY(?)", lock=" FOR UPDATE")


class Head:
    """A conversation locked by the running batch."""

    __slots__ = ("advanced", "at", "closed", "high", "id", "kind", "low", "seq")

    def __init__(self, row: Any) -> None:
        self.id: int
        self.kind: int
        self.seq: int
        self.at: int
        self.id, self.kind, low, high, self.seq, self.at, closed = row
        self.low: int = low or 0
        self.high: int = high or 0
        self.closed: bool = closed is not None
        self.advanced = False


class JournalStore:
    """Commits batches. Used by one committer greenlet at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pairs: dict[tuple[int, int], int] = {}  # private conversations; ids never change

    def commit(self, batch: Sequence[Item]) -> list[Result]:
        """Store `batch`; one result for each item, in order. Never raises for a bad item."""
        try:
            return self._commit(batch)
        except Failed:
            log.exception("journal_failed", items=len(batch))
            return [Unavailable() for _ in batch]
        except Exception:
            # One item that the database cannot take must not cost the others theirs.
            if len(batch) > 1:
                return [result for item in batch for result in self.commit([item])]
            log.exception("journal_refused")
            return [Unavailable("The database cannot store this message.")]

    def _commit(self, batch: Sequence[Item]) -> list[Result]:
        # Repeats are rare: they are looked up only when the unique key has refused the batch.
        for attempt in range(LOST_RACES):
            work = _Batch(batch, self._pairs, look_up=attempt > 0)
            try:
                results = self._database.append(work.apply)
            except Contested:
                continue
            if len(self._pairs) + len(work.new_pairs) > PAIRS_KEPT:
                self._pairs.clear()
            self._pairs.update(work.new_pairs)
            return results
        raise Contested("a unique key was contested too often")


class _Batch:
    """One attempt at one transaction."""

    def __init__(
        self, items: Sequence[Item], pairs: dict[tuple[int, int], int], look_up: bool
    ) -> None:
        self.items = items
        self.pairs = pairs
        self.look_up = look_up
        self.new_pairs: dict[tuple[int, int], int] = {}
        self.keys: list[int] = []  # the conversation of each item; 0: there is none
        self.heads: dict[int, Head] = {}
        self.cursors: dict[tuple[int, int], int] = {}
        self.repeats: dict[tuple[int, str], tuple[Stored, str]] = {}
        self.rows: list[tuple[Any, ...]] = []
        self.marks: dict[tuple[int, int], int] = {}

    def apply(self, connection: Connection) -> list[Result]:
        self._find_conversations(connection)
        self._lock(connection)
        if self.look_up:
            self._find_repeats(connection, self.items)
        self._read_members(connection)
        now = now_ms()
        results = [
            self._append(connection, item, key, now) if isinstance(item, Draft)
            else self._mark(item)
            for item, key in zip(self.items, self.keys, strict=True)
        ]
        if not self.look_up:
            self._reconsider(connection, results)
        self._write(connection)
        return results

    def _reconsider(self, connection: Connection, results: list[Result]) -> None:
        """What was refused may be the repeat of something stored before the reason arose."""
        refused = [
            index for index, result in enumerate(results) if isinstance(result, HiChatError)
        ]
        if refused:
            self._find_repeats(connection, [self.items[index] for index in refused])
            for index in refused:
                item = self.items[index]
                if isinstance(item, Draft) and (again := self._repeat(item, self.keys[index])):
                    results[index] = again

    def _find_conversations(self, connection: Connection) -> None:
        wanted = [
            item.conversation if item.conversation is not None else _pair(item)
            for item in self.items
        ]
        missing = {key for key in wanted if isinstance(key, tuple) and key not in self.pairs}
        if missing:
            pair = tuple_(Conversation.low_id, Conversation.high_id)
            for row in connection.execute(
                select(Conversation.id, Conversation.low_id, Conversation.high_id)
                .where(pair.in_(sorted(missing)))
            ):
                self.new_pairs[row.low_id, row.high_id] = row.id
        self.keys = [
            key if isinstance(key, int) else self.pairs.get(key) or self.new_pairs.get(key, 0)
            for key in wanted
        ]

    def _open(self, connection: Connection, draft: Draft) -> Head | None:
        """Open the private conversation for its first message; None if there is no such user."""
        low, high = _pair(draft)
        key = self.new_pairs.get((low, high))  # opened by an earlier draft of this batch
        if key is None:
            alive = connection.scalars(
                select(User.id).where(User.id.in_((low, high)), User.deleted_at.is_(None))
            )
            if set(alive) != {low, high}:
                return None
            key = self.new_pairs[low, high] = open_pair(connection, low, high)
            self.heads[key] = Head((key, PRIVATE, low, high, 0, 0, None))
        return self.heads[key]

    def _lock(self, connection: Connection) -> None:
        ids = sorted(set(self.keys))
        cursor: Any = connection.connection.cursor()
        if connection.dialect.name == "sqlite":
            found = cursor.execute(_LOCK_SQLITE, (str(ids),))
        else:
            found = cursor.execute(_of(connection, _LOCK_POSTGRESQL), (ids,))
        self.heads = {row[0]: Head(row) for row in found.fetchall()}

    def _find_repeats(self, connection: Connection, items: Sequence[Item]) -> None:
        drafts = (item for item in items if isinstance(item, Draft))
        keys = sorted({(draft.sender, draft.ref) for draft in drafts if draft.ref is not None})
        if not keys:
            return
        query = (
            select(
                Event.sender_id, Event.ref, Event.seq, Event.at, Event.body,
                Conversation.id, Conversation.kind, Conversation.low_id, Conversation.high_id,
            )
            .join(Conversation, Conversation.id == Event.conversation_id)
            .where(tuple_(Event.sender_id, Event.ref).in_(keys))
        )
        for sender, ref, seq, at, body, key, kind, low, high in connection.execute(query):
            stored = Stored(key, kind, low or 0, high or 0, seq, at, fresh=False)
            self.repeats[sender, ref or ""] = stored, body

    def _read_members(self, connection: Connection) -> None:
        """Read cursors, and who is in, for every item that its head alone cannot decide."""
        pairs = set()
        for item, key in zip(self.items, self.keys, strict=True):
            head = self.heads.get(key)
            if head is None:
                continue
            if isinstance(item, Mark):
                pairs.add((key, item.user))
            elif head.kind != PRIVATE:
                pairs.add((key, item.sender))
        if not pairs:
            return
        key_of = tuple_(Member.conversation_id, Member.user_id)
        for row in connection.execute(
            select(Member.conversation_id, Member.user_id, Member.read_seq)
            .where(key_of.in_(sorted(pairs)))
        ):
            self.cursors[row.conversation_id, row.user_id] = row.read_seq

    def _repeat(self, draft: Draft, key: int) -> Result | None:
        """The answer to a draft whose ref is known: the original's place, or a conflict."""
        known = self.repeats.get((draft.sender, draft.ref or ""))
        if known is None or draft.ref is None:
            return None
        if not key and draft.to_user is not None:
            key = self.new_pairs.get(_pair(draft), 0)  # perhaps opened in this batch
        stored, body = known
        return stored if body == draft.body and stored.conversation == key else RefConflict()

    def _append(self, connection: Connection, draft: Draft, key: int, now: int) -> Result:
        """Give a draft its place. Repeats first: they stay true whatever has changed since."""
        ref, sender = draft.ref, draft.sender
        if (again := self._repeat(draft, key)) is not None:
            return again
        head = self.heads.get(key)
        if head is None and draft.to_user is None:
            return NotAMember()
        if head is not None and not self._may_write(head, sender):
            return NotAMember()
        if head is not None and head.closed:
            return UnknownUser("This account has been deleted.")
        if draft.reply_to is not None and draft.reply_to > (head.seq if head else 0):
            return BadRequest(f"reply_to is {draft.reply_to}, which is not there yet.")
        head = head or self._open(connection, draft)
        if head is None:
            return UnknownUser()
        head.seq = seq = head.seq + 1
        if now > head.at:  # time does not run backwards within a conversation
            head.at = now
        head.advanced = True
        self.rows.append((head.id, seq, draft.type, sender, ref, head.at, draft.body))
        if ref is not None:
            again = Stored(head.id, head.kind, head.low, head.high, seq, head.at, False)
            self.repeats[sender, ref] = again, draft.body
        return Stored(head.id, head.kind, head.low, head.high, seq, head.at)

    def _may_write(self, head: Head, user: int) -> bool:
        if head.kind == PRIVATE:
            return user in (head.low, head.high)
        return (head.id, user) in self.cursors

    def _mark(self, mark: Mark) -> Result:
        head = self.heads.get(mark.conversation)
        key = (mark.conversation, mark.user)
        if head is None or key not in self.cursors:
            return NotAMember()
        if mark.seq > head.seq:
            return BadRequest(f"seq is {mark.seq}; the last seq here is {head.seq}.")
        moved = mark.seq > self.cursors[key]
        if moved:
            self.cursors[key] = self.marks[key] = mark.seq
        return Marked(head.id, head.kind, head.low, head.high, self.cursors[key], moved)

    def _write(self, connection: Connection) -> None:
        cursor = connection.connection.cursor()
        if self.rows:
            cursor.executemany(_of(connection, _INSERT), self.rows)
            advanced = [(h.seq, h.at, h.id) for h in self.heads.values() if h.advanced]
            cursor.executemany(_of(connection, _ADVANCE), advanced)
        if self.marks:
            marks = [(seq, *key) for key, seq in sorted(self.marks.items())]
            cursor.executemany(_of(connection, _MARK_READ), marks)


def _pair(item: Item) -> tuple[int, int]:
    """The two users of a draft that names its receiver, ordered."""
    assert isinstance(item, Draft)
    one, two = item.sender, item.to_user or 0
    return (one, two) if one < two else (two, one)


def _of(connection: Connection, statement: str) -> str:
    """A hot statement with the driver's own mark for a parameter."""
    return statement if connection.dialect.name == "sqlite" else statement.replace("?", "%s")


def open_pair(connection: Connection, low: int, high: int) -> int:
    """Open the private conversation of two users; return its id."""
    now = now_ms()
    result = connection.execute(insert(Conversation).values(
        kind=PRIVATE, low_id=low, high_id=high, last_seq=0, last_at=now, created_at=now
    ))
    assert result.inserted_primary_key is not None
    conversation = int(result.inserted_primary_key[0])
    connection.execute(insert(Member), [
        {"conversation_id": conversation, "user_id": user, "read_seq": 0}
        for user in sorted({low, high})
    ])
    return conversation
