"""Messages that a user has deleted for themself: nobody else notices."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import NotAMember, NotFound
from app.models import Conversation, Event, Member, Removal
from app.models.message import ACCOUNT
from app.store.database import Database
from app.store.log.acts import original, own_log, saying
from app.store.log.items import Appended
from app.store.log.rights import floor


class Removals:
    """The `removal` table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remove(
        self, user_id: int, conversation: int, seqs: Sequence[int], ref: str
    ) -> Appended:
        """Show these messages to the user no more; their own log tells their other devices.

        All of them or none. Raises NotAMember, NotFound.
        """
        wanted = sorted(set(seqs))
        body = {"conversation": conversation, "seqs": wanted}

        def work(session: Session) -> Appended:
            # Its lock comes first: two devices that remove the same do it one after the other.
            act = own_log(session, user_id)
            again = original(
                session, user_id, act.conversation.id, ref, "removal", saying(body)
            )
            if again is not None:
                return again
            _check_seen(session, user_id, conversation, wanted)
            gone = set(session.scalars(select(Removal.seq).where(
                Removal.user_id == user_id, Removal.conversation_id == conversation,
                Removal.seq.in_(wanted),
            )))
            new = [seq for seq in wanted if seq not in gone]
            if new:
                session.execute(insert(Removal), [
                    {"user_id": user_id, "conversation_id": conversation, "seq": seq}
                    for seq in new
                ])
            return act.append("removal", body, ref)

        try:
            return self._database.write(work)
        except IntegrityError:
            return self._database.write(work)  # the ref was used elsewhere at the same moment


def _check_seen(
    session: Session, user_id: int, conversation: int, seqs: Sequence[int]
) -> None:
    """Raises NotAMember, or NotFound unless all of `seqs` are messages that the user can see."""
    row = session.execute(
        select(Conversation.flags, Member.joined_seq)
        .join(Member, Member.conversation_id == Conversation.id)
        .where(Conversation.id == conversation, Conversation.kind != ACCOUNT)
        .where(Member.user_id == user_id)
    ).first()
    if row is None:
        raise NotAMember()
    found = set(session.scalars(select(Event.seq).where(
        Event.conversation_id == conversation, Event.seq.in_(seqs),
        Event.seq > floor(row.flags, row.joined_seq), Event.type == "message",
    )))
    for seq in seqs:
        if seq not in found:
            raise NotFound(f"There is no message {seq} that you can see here.")
