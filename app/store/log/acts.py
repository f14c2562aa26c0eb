"""What a member does to a conversation beside writing in it: one transaction, one event.

Messages go through the journal (batch.py), many in one transaction. These are rarer and richer:
each locks its conversation, checks who asks, changes its rows, and appends the event that tells
every device, in the writer's transaction that `Database.write` runs it in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.errors import Forbidden, NotAMember, RefConflict
from app.models import Conversation, Event, JoinRequest, Member, User
from app.models.message import ACCOUNT, ADMIN
from app.store.clock import clock, column
from app.store.log.items import ERASED, Appended, Entry
from app.store.log.rights import closed

_encode = msgspec.json.Encoder().encode


class Act:
    """A change of one conversation by one of its members, in the running transaction.

    Making it locks the conversation until the end of the transaction; `now` is when that was, in
    milliseconds since 1970. Raises NotAMember, and UnknownUser where the partner's account has been
    deleted.
    """

    def __init__(self, session: Session, user_id: int, conversation: int) -> None:
        self.session = session
        self.user = user_id
        found = session.execute(
            select(Conversation, column(session.connection()))
            .where(Conversation.id == conversation).with_for_update(of=Conversation)
            .execution_options(populate_existing=True)
        ).one_or_none()
        member = session.get(Member, (conversation, user_id))
        if found is None or member is None:
            raise NotAMember()
        self.conversation: Conversation = found[0]
        self.now: int = found[1]
        if self.conversation.closed_at is not None:
            raise closed(self.conversation.kind)
        self.member = member

    def need(self, role: int = ADMIN) -> None:
        """Raises Forbidden for who has a lower role."""
        if self.member.role < role:
            raise Forbidden()

    def append(
        self, type: str, body: dict[str, Any], ref: str | None = None,
        joined: Sequence[int] = (), left: Sequence[int] = (),
    ) -> Appended:
        """Append an event to the log. `joined` and `left` are who came and went by it."""
        log = self.conversation
        log.last_seq += 1
        if type == "message":
            log.message_seq = log.last_seq
        log.last_at = max(log.last_at, self.now)
        found = Event(
            conversation_id=log.id, seq=log.last_seq, type=type, sender_id=self.user, ref=ref,
            at=log.last_at, body=_encode(body).decode(),
        )
        self.session.add(found)
        return Appended(
            _entry(found), log.kind, log.low_id or 0, log.high_id or 0, joined, left,
            answered=bool(joined) and self._answer(joined),
        )

    def _answer(self, joined: Sequence[int]) -> bool:
        """Who has come in, whichever way, waits no more; whether one of them did."""
        gone: Any = self.session.execute(delete(JoinRequest).where(
            JoinRequest.conversation_id == self.conversation.id, JoinRequest.user_id.in_(joined)
        ))
        return bool(gone.rowcount)


def original(
    session: Session, user_id: int, conversation: int, ref: str, type: str,
    same: Callable[[str], bool],
) -> Appended | None:
    """The event that this ref has already left. It stays true whatever has changed since.

    `same` compares the body with what is asked for. Raises RefConflict if it says another thing.
    Make the act first, though it may be refused: it locks.
    """
    found = session.scalar(select(Event).where(Event.ref == ref, Event.sender_id == user_id))
    if found is None:
        return None
    if (found.conversation_id, found.type) != (conversation, type):
        raise RefConflict()
    if found.body not in ERASED and not same(found.body):
        raise RefConflict()
    return Appended(_entry(found), 0, 0, 0, fresh=False)  # nobody is told again


def saying(body: dict[str, Any]) -> Callable[[str], bool]:
    """For `original`: whether an event says all of `body`, and no more."""
    return _encode(body).decode().__eq__


def _entry(event: Event) -> Entry:
    return Entry(
        event.conversation_id, event.seq, event.type, event.sender_id, event.at, event.body
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
        now = clock(session.connection())
        log = Conversation(
            kind=ACCOUNT, low_id=user_id, last_seq=0, last_at=now, created_at=now, size=1
        )
        session.add(log)
        session.flush()
        session.add(Member(conversation_id=log.id, user_id=user_id, read_seq=0))
        session.flush()
        key = log.id
    return Act(session, user_id, key)
