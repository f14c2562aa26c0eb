"""One transaction of the journal: lock, check, number, insert.

Nothing here is of one database only, but for the spelling of one statement. Conversations are
locked in the order of their ids and opened in the order of their users, so two committers cannot
deadlock; where they do meet (an account that is deleted), the transaction runs again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import BigInteger, Connection, String, and_, select

from app.errors import (
    BadRequest,
    Forbidden,
    HiChatError,
    NotAMember,
    Recalled,
    RefConflict,
    UnknownMedia,
    UnknownUser,
)
from app.models import Conversation, Event, User
from app.models.message import (
    ACCOUNT,
    ADMIN,
    HIGH_BLOCKS,
    LOW_BLOCKS,
    PRIVATE,
)
from app.store.asked import Asked
from app.store.clock import POSTGRESQL, clock
from app.store.database import Write, run
from app.store.log import rows
from app.store.log.items import (
    ERASED,
    EVERYBODY,
    Draft,
    Item,
    Mark,
    Marked,
    Result,
    Stored,
)
from app.store.log.pairs import flags_between, given, open_pairs
from app.store.log.places import Head, Seat
from app.store.log.references import replied
from app.store.log.rights import closed, floor, refusal_between, refusal_within
from app.store.media.media import attach, lock_media

# The hot statements go to the driver as they are: SQLAlchemy's compiler would cost more than the
# database. Rows are tuples in the order of the columns named here.
_LOCK = """
    SELECT id, kind, low_id, high_id, last_seq, last_at, closed_at, flags, size, message_seq, {now}
    FROM conversation WHERE id {among} ORDER BY id {lock}"""
# A list of ids as one parameter: one text, prepared once, whatever their number.
_LOCK_SQLITE = _LOCK.format(now="NULL", among="IN (SELECT value FROM json_each(?))", lock="")
# No key of a conversation changes: whoever only refers to one (a new member) need not wait.
_LOCK_POSTGRESQL = _LOCK.format(
    now=POSTGRESQL, among="= ANY(?)", lock="FOR NO KEY UPDATE"
)
_SEATS = Asked("""
    SELECT conversation_id, user_id, read_seq, role, muted_until, joined_seq FROM {asked}
    JOIN member ON conversation_id = one AND user_id = two""", "one", "two")


class Batch:
    """One run of one transaction. All is worked out in the constructor; `writes` is what to write.

    `results` is what comes of it.
    """

    def __init__(
        self,
        connection: Connection,
        items: Sequence[Item],
        pairs: dict[tuple[int, int], int],
        look_up: bool,
        contacts_only: bool = False,
    ) -> None:
        self.connection = connection
        self.items = items
        self.look_up = look_up
        self.contacts_only = contacts_only
        self.opened: dict[tuple[int, int], int] = {}  # pairs found or opened by this run
        self.heads: dict[int, Head] = {}
        self.new_heads: dict[tuple[int, int], Head] = {}  # of pairs that have no conversation yet
        self.seats: dict[tuple[int, int], Seat] = {}
        self.repeats: dict[tuple[int, str], tuple[Stored, str, str]] = {}
        self.replied: dict[tuple[int, int], tuple[str, bool]] | None = None  # read when needed
        self.mentions: list[tuple[Stored, tuple[int, ...]]] = []
        self.media: set[str] | None = None  # those that are there; read when needed
        self.carriers: list[tuple[Stored, str]] = []
        self.rows: list[tuple[Any, ...]] = []
        self.new_rows: list[tuple[Head, tuple[Any, ...]]] = []  # likewise, in new heads
        self.new_places: list[tuple[Head, Stored]] = []  # that must still hear their conversation
        self.marks: dict[tuple[int, int], int] = {}
        self.keys = self._find_conversations(pairs)  # of each item; 0: there is none yet
        self.now = self._lock()
        if look_up:
            self._find_repeats(items)
        self._read_seats()
        self.results = [
            self._append(item, key) if isinstance(item, Draft) else self._mark(item)
            for item, key in zip(items, self.keys, strict=True)
        ]
        if not look_up:
            self._reconsider()
        self._open_pairs()
        if self.carriers:
            attach(self.connection, [
                (to.conversation, to.seq, medium) for to, medium in self.carriers
            ])

    def _reconsider(self) -> None:
        """What was refused may be the repeat of something stored before the reason arose."""
        refused = [
            index for index, result in enumerate(self.results) if isinstance(result, HiChatError)
        ]
        if refused:
            self._find_repeats([self.items[index] for index in refused])
            for index in refused:
                item = self.items[index]
                if isinstance(item, Draft) and (again := self._repeat(item)):
                    self.results[index] = again

    def _find_conversations(self, pairs: dict[tuple[int, int], int]) -> list[int]:
        wanted = [
            item.conversation if item.conversation is not None else _pair(item)
            for item in self.items
        ]
        missing = {key for key in wanted if isinstance(key, tuple) and key not in pairs}
        if missing:
            self._find_pairs(missing)
        return [
            key if isinstance(key, int) else pairs.get(key) or self.opened.get(key, 0)
            for key in wanted
        ]

    def _find_pairs(self, missing: set[tuple[int, int]]) -> None:
        """Find the conversations of these pairs; prepare a head where both users are there."""
        asked = given(BigInteger, BigInteger, sorted(missing))
        same = and_(Conversation.low_id == asked.c.one, Conversation.high_id == asked.c.two)
        for row in self.connection.execute(
            select(Conversation.id, Conversation.low_id, Conversation.high_id)
            .select_from(asked).join(Conversation, same)
        ):
            self.opened[row.low_id, row.high_id] = row.id
        absent = missing - self.opened.keys()
        if not absent:
            return
        # Locked: an account that is being deleted meanwhile must find the new conversation, and
        # so must a block.
        alive = set(self.connection.scalars(
            select(User.id)
            .where(User.id.in_({user for both in absent for user in both}))
            .where(User.deleted_at.is_(None))
            .order_by(User.id).with_for_update(read=True)
        ))
        flags = flags_between(self.connection, sorted(absent))
        for low, high in absent:
            if low in alive and high in alive:
                head = Head((0, PRIVATE, low, high, 0, 0, None, flags[low, high], 0, 0))
                self.new_heads[low, high] = head

    def _open_pairs(self) -> None:
        """Open the conversations that got their first message, in order: nobody deadlocks."""
        wanted = sorted(pair for pair, head in self.new_heads.items() if head.advanced)
        if not wanted:
            return
        self.opened |= open_pairs(self.connection, wanted, self.now)
        for pair in wanted:
            head = self.new_heads[pair]
            head.id = self.opened[pair]
            self.heads[head.id] = head
        for head, stored in self.new_places:
            stored.conversation = head.id
        self.rows += [(head.id, *row) for head, row in self.new_rows]

    def _lock(self) -> int:
        """Lock the conversations; the time, not before the last lock was there."""
        ids = sorted(set(self.keys))
        if self.connection.dialect.name == "sqlite":
            found = run(self.connection, _LOCK_SQLITE, str(ids))
        else:
            found = run(self.connection, _LOCK_POSTGRESQL, ids)
        self.heads = {row[0]: Head(row[:-1]) for row in found}
        # The embedded one's statement says no time: None in each row.
        return max((row[-1] or 0 for row in found), default=0) or clock(self.connection)

    def _find_repeats(self, items: Sequence[Item]) -> None:
        drafts = (item for item in items if isinstance(item, Draft))
        keys = sorted({(draft.sender, draft.ref) for draft in drafts if draft.ref is not None})
        if not keys:
            return
        asked = given(BigInteger, String, keys)
        query = (
            select(
                Event.sender_id, Event.ref, Event.seq, Event.at, Event.type, Event.body,
                Conversation.id, Conversation.kind, Conversation.low_id, Conversation.high_id,
            )
            .select_from(asked)
            .join(Event, and_(Event.sender_id == asked.c.one, Event.ref == asked.c.two))
            .join(Conversation, Conversation.id == Event.conversation_id)
        )
        for row in self.connection.execute(query):
            sender, ref, seq, at, type, body, key, kind, low, high = row
            stored = Stored(key, kind, low or 0, high or 0, seq, at, fresh=False)
            self.repeats[sender, ref or ""] = stored, type, body

    def _read_seats(self) -> None:
        """Who is in, and how, for every item that its head alone cannot decide."""
        pairs = set()
        for item, key in zip(self.items, self.keys, strict=True):
            head = self.heads.get(key)
            if head is None:
                continue
            if isinstance(item, Mark):
                pairs.add((key, item.user))
            elif head.kind != PRIVATE:
                pairs.add((key, item.sender))
                pairs.update((key, user) for user in item.mentions)
        if not pairs:
            return
        rows = _SEATS.run(self.connection, sorted(pairs))
        self.seats = {(key, user): Seat(*seat) for key, user, *seat in rows}

    def _repeat(self, draft: Draft) -> Result | None:
        """The answer to a draft whose ref is known: the original's place, or a conflict."""
        known = self.repeats.get((draft.sender, draft.ref or ""))
        if known is None or draft.ref is None:
            return None
        stored, type, body = known
        same = (
            stored.conversation == draft.conversation if draft.to_user is None
            else (stored.low, stored.high) == _pair(draft)
        )
        same = same and type == draft.type
        return stored if same and body in (draft.body, *ERASED) else RefConflict()

    def _append(self, draft: Draft, key: int) -> Result:
        """Give a draft its place. Repeats first: they stay true whatever has changed since."""
        if (again := self._repeat(draft)) is not None:
            return again
        head = self.heads.get(key)
        if head is None:
            if draft.to_user is None:
                return NotAMember()
            head = self.new_heads.get(_pair(draft))
            if head is None:
                return UnknownUser()
        if (refusal := self._refusal(head, draft.sender)) is not None:
            return refusal
        if (draft.reply_to is not None or draft.mentions or draft.medium is not None) and (
            refusal := self._refusal_to_mention(draft, head)
            or self._refusal_to_reply(draft, head) or self._refusal_to_carry(draft)
        ):
            return refusal
        return self._place(draft, head)

    def _place(self, draft: Draft, head: Head) -> Stored:
        head.seq = seq = head.seq + 1
        if self.now > head.at:  # time does not run backwards within a conversation
            head.at = self.now
        head.advanced = True
        if draft.type == "message":
            head.said = seq
        row = (seq, draft.type, draft.sender, draft.ref, head.at, draft.body)
        stored = Stored(head.id, head.kind, head.low, head.high, seq, head.at)
        if head.id:
            self.rows.append((head.id, *row))
        else:
            self.new_rows.append((head, row))
            self.new_places.append((head, stored))
        if self.look_up and draft.ref is not None:
            # Its own repeat may stand in the same batch; else the unique key has told us.
            again = structs.replace(stored, fresh=False)
            self.repeats[draft.sender, draft.ref] = again, draft.type, draft.body
            self.new_places.append((head, again))
        if draft.mentions:
            self.mentions.append((stored, draft.mentions))
        if draft.medium is not None:
            self.carriers.append((stored, draft.medium))
        return stored

    def _refusal(self, head: Head, user: int) -> HiChatError | None:
        """Why `user` may not write here; None if they may."""
        if head.kind == PRIVATE:
            if user not in (head.low, head.high):
                return NotAMember()
            if head.closed:
                return closed(head.kind)
            if not (head.flags or self.contacts_only):
                return None
            return refusal_between(head.flags, head.low, head.high, user, self.contacts_only)
        seat = self.seats.get((head.id, user))
        if seat is None or head.closed or head.kind == ACCOUNT:
            return NotAMember()
        return refusal_within(head.flags, seat.role, seat.muted_until, self.now)

    def _refusal_to_mention(self, draft: Draft, head: Head) -> HiChatError | None:
        """Only members are mentioned, and everybody only by a group's admins."""
        for user in draft.mentions:
            if user == EVERYBODY:
                seat = self.seats.get((head.id, draft.sender))
                if seat is None or seat.role < ADMIN:
                    return Forbidden("Only the admins of a group mention everybody.")
            elif user not in (head.low, head.high) and (head.id, user) not in self.seats:
                return BadRequest(f"User {user} is no member here: mention members only.")
        return None

    def _refusal_to_reply(self, draft: Draft, head: Head) -> HiChatError | None:
        """Only to a message that the sender sees and that was not recalled."""
        seq = draft.reply_to
        if seq is None:
            return None
        if seq > head.seq:
            return BadRequest(f"reply_to is {seq}; the last seq here is {head.seq}.")
        if self.replied is None:
            self.replied = self._find_replied()
        # Seqs are dense: what is not in the table yet is a message of this very batch.
        type, recalled = self.replied.get((head.id, seq), ("message", False))
        seat = self.seats.get((head.id, draft.sender))
        unseen = seat is not None and seq <= floor(head.flags, seat.joined_seq)
        if type != "message" or unseen:
            return BadRequest(f"reply_to is {seq}, which is no message that you can see here.")
        return Recalled("The message that this replies to was recalled.") if recalled else None

    def _refusal_to_carry(self, draft: Draft) -> HiChatError | None:
        """Only files that are still there."""
        if draft.medium is None:
            return None
        if self.media is None:
            self.media = lock_media(self.connection, {
                item.medium for item in self.items if isinstance(item, Draft) and item.medium
            })
        return None if draft.medium in self.media else UnknownMedia()

    def _find_replied(self) -> dict[tuple[int, int], tuple[str, bool]]:
        asked = set()
        for item, key in zip(self.items, self.keys, strict=True):
            head = self.heads.get(key)
            if head and isinstance(item, Draft) and 0 < (item.reply_to or 0) <= head.seq:
                asked.add((key, item.reply_to or 0))
        return replied(self.connection, asked) if asked else {}

    def _mark(self, mark: Mark) -> Result:
        head = self.heads.get(mark.conversation)
        key = (mark.conversation, mark.user)
        seat = self.seats.get(key)
        if head is None or seat is None:
            return NotAMember()
        if mark.seq > head.seq:
            return BadRequest(f"seq is {mark.seq}; the last seq here is {head.seq}.")
        read = self.marks.get(key, seat.read_seq)
        if mark.seq > read:
            self.marks[key] = mark.seq
        now = max(read, mark.seq)
        blocked = head.kind == PRIVATE and bool(head.flags & (LOW_BLOCKS | HIGH_BLOCKS))
        return Marked(
            head.id, head.kind, head.low, head.high, now, now > read, head.size, blocked
        )

    def writes(self) -> list[Write]:
        found = []
        if self.rows:
            advanced = (head for head in self.heads.values() if head.advanced)
            found += [rows.append(self.rows), rows.advance(advanced)]
        if self.mentions:
            found.append(rows.mention([
                (to.conversation, user, to.seq) for to, users in self.mentions
                for user in set(users)
            ]))
        if self.marks:
            found.append(rows.mark_read([(seq, *key) for key, seq in sorted(self.marks.items())]))
        return found


def _pair(item: Item) -> tuple[int, int]:
    """The two users of a draft that names its receiver, ordered."""
    assert isinstance(item, Draft)
    one, two = item.sender, item.to_user or 0
    return (one, two) if one < two else (two, one)
