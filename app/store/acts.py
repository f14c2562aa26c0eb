"""What a member does to a conversation beside writing in it: one transaction, one event.

Messages go through the journal (batch.py), many in one transaction. These are rarer and richer:
each locks its conversation, checks who asks, changes its rows, and appends the event that tells
every device, in the writer's transaction that `Database.write` runs it in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Forbidden, NotAMember, RefConflict
from app.models import Conversation, Event, Member, User
from app.models.message import ACCOUNT, ADMIN
from app.store.items import ERASED, Appended, Entry
from app.store.users import now_ms

_encode = msgspec.json.Encoder().encode


class Act:
    """A change of one conversation by one of its members, in the running transaction.

    Making it locks the conversation until the end of the transaction. Raises NotAMember, also
    where the conversation is closed.
    """

    def __init__(self, session: Session, user_id: int, conversation: int) -> None:
        self.session = session
        self.user = user_id
        found = session.get(Conversation, conversation, with_for_update=True)
        member = session.get(Member, (conversation, user_id))
        if found is None or member is None or found.closed_at is not None:
            raise NotAMember()
        self.conversation = found
        self.member = member

    def need(self, role: int = ADMIN) -> None:
        """Raises Forbidden for who has a lower role."""
        if self.member.role < role:
            raise Forbidden()

    def repeated(self, ref: str | None, type: str, body: dict[str, Any]) -> Appended | None:
        """The event that this ref has already left; raises RefConflict if it says another thing."""
        return self.original(ref, type, _encode(body).decode().__eq__)

    def original(
        self, ref: str | None, type: str, same: Callable[[str], bool]
    ) -> Appended | None:
        """As `repeated`, for a body of which only a part was asked for: `same` compares it."""
        if ref is None:
            return None
        found = self.session.scalar(
            select(Event).where(Event.ref == ref, Event.sender_id == self.user)
        )
        if found is None:
            return None
        if (found.conversation_id, found.type) != (self.conversation.id, type):
            raise RefConflict()
        if found.body not in ERASED and not same(found.body):
            raise RefConflict()
        return self._told(found, (), (), fresh=False)

    def append(
        self, type: str, body: dict[str, Any], ref: str | None = None,
        joined: Sequence[int] = (), left: Sequence[int] = (),
    ) -> Appended:
        """Append an event to the log. `joined` and `left` are who came and went by it."""
        log = self.conversation
        log.last_seq += 1
        if type == "message":
            log.message_seq = log.last_seq
        log.last_at = max(log.last_at, now_ms())
        found = Event(
            conversation_id=log.id, seq=log.last_seq, type=type, sender_id=self.user, ref=ref,
            at=log.last_at, body=_encode(body).decode(),
        )
        self.session.add(found)
        return self._told(found, joined, left, fresh=True)

    def _told(
        self, event: Event, joined: Sequence[int], left: Sequence[int], fresh: bool
    ) -> Appended:
        log = self.conversation
        entry = Entry(log.id, event.seq, event.type, event.sender_id, event.at, event.body)
        return Appended(
            entry, log.kind, log.low_id or 0, log.high_id or 0, joined, left, fresh
        )


def own_log(session: Session, user_id: int) -> Act:
    """An act in the user's own log, which begins with the first one."""
    # Locked: two devices that are the first at once must not begin two logs.
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
    key = session.scalar(
        select(Conversation.id).where(
            Conversation.low_id == user_id, Conversation.high_id.is_(None)
        )
    )
    if key is None:
        now = now_ms()
        log = Conversation(
            kind=ACCOUNT, low_id=user_id, last_seq=0, last_at=now, created_at=now, size=1
        )
        session.add(log)
        session.flush()
        session.add(Member(conversation_id=log.id, user_id=user_id, read_seq=0))
        session.flush()
        key = log.id
    return Act(session, user_id, key)
