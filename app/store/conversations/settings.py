"""What a user sets for a conversation of theirs: pinned, silent, hidden, the draft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import NotAMember, TooMany
from app.models import Conversation, Member
from app.models.message import ACCOUNT
from app.store.database import Database
from app.store.log.acts import own_log
from app.store.log.items import Appended

PINNED = 100  # conversations that a user may pin: they come first in every list


class Setting(Struct):
    """A user's settings of one conversation."""

    conversation: int
    pinned: bool
    silent: bool
    hidden: bool
    draft: str | None


class Changed(Struct):
    """The settings after a change, and the event that tells of it."""

    setting: Setting
    told: Sequence[Appended] = ()


class Settings:
    """The user's own columns of the `member` table, told to their devices by their own log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(
        self, user_id: int, conversation: int, values: dict[str, Any]
    ) -> Changed:
        """Set some of `pinned`, `silent`, `hidden` and `draft`; the settings as they are now.

        Hidden lasts until the conversation goes on. No event where nothing changes. Raises
        NotAMember, TooMany.
        """

        def work(session: Session) -> Changed:
            before = _setting(*_place(session, user_id, conversation))
            changed = {
                name: value for name, value in values.items() if getattr(before, name) != value
            }
            if not changed:
                return Changed(before)
            log = own_log(session, user_id)  # the user's other devices wait here
            member, found = _place(session, user_id, conversation, lock=True)
            if changed.get("pinned") and not member.pinned:
                _check_pins(session, user_id)
            for name, value in changed.items():
                if name != "hidden":
                    setattr(member, name, value)
            if "hidden" in changed:
                member.hidden_seq = found.last_seq if changed["hidden"] else -1
                changed["last_seq"] = found.last_seq  # hidden until there is one behind it
            told = log.append("setting", {"conversation": conversation, **changed})
            return Changed(_setting(member, found), [told])

        return self._database.write(work)


def _place(
    session: Session, user_id: int, conversation: int, lock: bool = False
) -> tuple[Member, Conversation]:
    """Raises NotAMember, also for the user's own log."""
    member = session.get(Member, (conversation, user_id), with_for_update=lock)
    found = session.get(Conversation, conversation, populate_existing=lock)
    if member is None or found is None or found.kind == ACCOUNT:
        raise NotAMember()
    return member, found


def _check_pins(session: Session, user_id: int) -> None:
    """Raises TooMany."""
    pinned = session.scalar(
        select(func.count()).select_from(Member).where(Member.user_id == user_id, Member.pinned)
    )
    if (pinned or 0) >= PINNED:
        raise TooMany(f"You have pinned {PINNED} conversations: let go of one first.")


def _setting(member: Member, found: Conversation) -> Setting:
    return Setting(
        found.id, member.pinned, member.silent, found.last_seq <= member.hidden_seq, member.draft
    )
