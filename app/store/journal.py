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
from sqlalchemy import bindparam as param
from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.errors import BadRequest, HiChatError, NotAMember, RefConflict, Unavailable, UnknownUser
from app.models import Conversation, Event, Member, User
from app.models.message import PRIVATE
from app.store.database import Database
from app.store.users import now_ms

PAIRS_KEPT = 100_000
LOST_RACES = 5

log = structlog.get_logger(__name__)


class Draft(Struct):
    """An event that wants to be stored. Exactly one of `conversation` and `to_user` is set."""

    sender: int
    ref: str | None
    body: str
    reply_to: int | None = None
    conversation: int | None = None
    to_user: int | None = None
    type: str = "message"

    def pair(self) -> tuple[int, int] | None:
        if self.to_user is None:
            return None
        return (min(self.sender, self.to_user), max(self.sender, self.to_user))


class Mark(Struct):
    """A user has read a conversation up to `seq`."""

    user: int
    conversation: int
    seq: int


class Stored(Struct):
    """Where a draft went. `fresh` is False for a repeat: nobody needs to be told again."""

    conversation: int
    kind: int
    low: int
    high: int
    seq: int
    at: int
    fresh: bool = True


class Marked(Struct):
    """The read cursor as it is now; `moved` says whether this mark moved it."""

    conversation: int
    kind: int
    low: int
    high: int
    seq: int
    moved: bool


Item = Draft | Mark
Result = Stored | Marked | HiChatError

_HEAD_COLUMNS = (
    Conversation.id, Conversation.kind, Conversation.low_id, Conversation.high_id,
    Conversation.last_seq, Conversation.last_at, Conversation.closed_at,
)
_conversation, _event, _member = (
    Conversation.__table__, Event.__table__, Member.__table__
)
_insert_event = insert(_event)
_advance = (
    update(_conversation).where(_conversation.c.id == param("key"))
    .values(last_seq=param("seq"), last_at=param("time"))
)
_mark_read = (
    update(_member)
    .where(_member.c.conversation_id == param("conv"), _member.c.user_id == param("reader"))
    .values(read_seq=param("seq"))
)


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
        except OperationalError:
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
                results = self._database.write(work.apply)
            except IntegrityError:
                continue
            if len(self._pairs) + len(work.new_pairs) > PAIRS_KEPT:
                self._pairs.clear()
            self._pairs.update(work.new_pairs)
            return results
        raise SQLAlchemyError("a unique key was contested too often")


class _Batch:
    """One attempt at one transaction."""

    def __init__(
        self, items: Sequence[Item], pairs: dict[tuple[int, int], int], look_up: bool
    ) -> None:
        self.items = items
        self.pairs = pairs
        self.look_up = look_up
        self.new_pairs: dict[tuple[int, int], int] = {}
        self.heads: dict[int, Head] = {}
        self.cursors: dict[tuple[int, int], int] = {}
        self.repeats: dict[tuple[int, str], tuple[Stored, str]] = {}
        self.rows: list[dict[str, Any]] = []
        self.marks: dict[tuple[int, int], int] = {}

    def apply(self, session: Session) -> list[Result]:
        drafts = [item for item in self.items if isinstance(item, Draft)]
        missing = {pair for d in drafts if (pair := d.pair()) and pair not in self.pairs}
        if missing:
            self._open_pairs(session, missing)
        self._lock(session)
        if self.look_up:
            self._find_repeats(session, drafts)
        self._read_members(session)
        now = now_ms()
        results = [
            self._append(item, now) if isinstance(item, Draft) else self._mark(item)
            for item in self.items
        ]
        self._write(session)
        return results

    def _conversation_of(self, item: Item) -> int | None:
        if isinstance(item, Mark):
            return item.conversation
        pair = item.pair()
        if pair is None:
            return item.conversation
        return self.pairs.get(pair) or self.new_pairs.get(pair)

    def _open_pairs(self, session: Session, missing: set[tuple[int, int]]) -> None:
        """Find the private conversations of these pairs; open those that do not exist yet."""
        pair = tuple_(Conversation.low_id, Conversation.high_id)
        for row in session.execute(
            select(Conversation.id, Conversation.low_id, Conversation.high_id)
            .where(pair.in_(sorted(missing)))
        ):
            self.new_pairs[row.low_id, row.high_id] = row.id
        absent = sorted(missing - self.new_pairs.keys())
        users = {user for both in absent for user in both}
        alive = set(session.scalars(
            select(User.id).where(User.id.in_(users), User.deleted_at.is_(None))
        )) if users else set()
        for low, high in absent:
            if low in alive and high in alive:
                self.new_pairs[low, high] = open_pair(session, low, high)

    def _lock(self, session: Session) -> None:
        ids = {key for item in self.items if (key := self._conversation_of(item))}
        if ids:
            query = select(*_HEAD_COLUMNS).where(Conversation.id.in_(ids))
            for row in session.execute(query.order_by(Conversation.id).with_for_update()):
                self.heads[row.id] = Head(row)

    def _find_repeats(self, session: Session, drafts: list[Draft]) -> None:
        keys = sorted({(d.sender, d.ref) for d in drafts if d.ref is not None})
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
        for sender, ref, seq, at, body, key, kind, low, high in session.execute(query):
            stored = Stored(key, kind, low or 0, high or 0, seq, at, fresh=False)
            self.repeats[sender, ref or ""] = stored, body

    def _read_members(self, session: Session) -> None:
        """Read cursors, and who is in, for every item that its head alone cannot decide."""
        pairs = set()
        for item in self.items:
            head = self.heads.get(self._conversation_of(item) or 0)
            if head is not None and isinstance(item, Mark):
                pairs.add((head.id, item.user))
            elif head is not None and head.kind != PRIVATE and isinstance(item, Draft):
                pairs.add((head.id, item.sender))
        if not pairs:
            return
        key = tuple_(Member.conversation_id, Member.user_id)
        for row in session.execute(
            select(Member.conversation_id, Member.user_id, Member.read_seq)
            .where(key.in_(sorted(pairs)))
        ):
            self.cursors[row.conversation_id, row.user_id] = row.read_seq

    def _append(self, draft: Draft, now: int) -> Result:
        """Give a draft its place. Repeats first: they stay true whatever has changed since."""
        if draft.ref is not None and (known := self.repeats.get((draft.sender, draft.ref))):
            stored, body = known
            same = body == draft.body and stored.conversation == self._conversation_of(draft)
            return stored if same else RefConflict()
        head = self.heads.get(self._conversation_of(draft) or 0)
        if head is None:
            return UnknownUser() if draft.to_user is not None else NotAMember()
        if not self._may_write(head, draft.sender):
            return NotAMember()
        if head.closed:
            return UnknownUser("This account has been deleted.")
        if draft.reply_to is not None and draft.reply_to > head.seq:
            return BadRequest(f"reply_to is {draft.reply_to}; the last seq here is {head.seq}.")
        head.seq += 1
        head.at = max(head.at, now)  # time does not run backwards within a conversation
        head.advanced = True
        self.rows.append({
            "conversation_id": head.id, "seq": head.seq, "type": draft.type,
            "sender_id": draft.sender, "ref": draft.ref, "at": head.at, "body": draft.body,
        })
        stored = Stored(head.id, head.kind, head.low, head.high, head.seq, head.at)
        if draft.ref is not None:
            again = Stored(head.id, head.kind, head.low, head.high, head.seq, head.at, fresh=False)
            self.repeats[draft.sender, draft.ref] = again, draft.body
        return stored

    def _may_write(self, head: Head, user: int) -> bool:
        if head.kind == PRIVATE:
            return user == head.low or user == head.high
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

    def _write(self, session: Session) -> None:
        connection = session.connection()
        if self.rows:
            connection.execute(_insert_event, self.rows)
            connection.execute(_advance, [
                {"key": head.id, "seq": head.seq, "time": head.at}
                for head in self.heads.values() if head.advanced
            ])
        if self.marks:
            connection.execute(_mark_read, [
                {"conv": conversation, "reader": user, "seq": seq}
                for (conversation, user), seq in sorted(self.marks.items())
            ])


def open_pair(session: Session, low: int, high: int) -> int:
    """Open the private conversation of two users; return its id."""
    now = now_ms()
    conversation = Conversation(
        kind=PRIVATE, low_id=low, high_id=high, last_seq=0, last_at=now, created_at=now
    )
    session.add(conversation)
    session.flush()
    session.add_all(
        Member(conversation_id=conversation.id, user_id=user, read_seq=0) for user in {low, high}
    )
    session.flush()
    return conversation.id
