"""Who may write where, and who sees the log from where on: rules that all ways to it share."""

from __future__ import annotations

from app.errors import Blocked, HiChatError, Muted, NotAContact, NotAMember, UnknownUser
from app.models.message import (
    ADMINS_WRITE,
    CONTACTS,
    HIGH_BLOCKS,
    LOW_BLOCKS,
    MEMBER,
    OPEN_HISTORY,
    PRIVATE,
)

# As `floor`, of a conversation and one of its members.
FLOOR = f"CASE WHEN flags & {OPEN_HISTORY} <> 0 THEN 0 ELSE joined_seq END"


def floor(flags: int, joined_seq: int) -> int:
    """The seq behind which a member sees the log."""
    return 0 if flags & OPEN_HISTORY else joined_seq


def closed(kind: int) -> HiChatError:
    """What a member gets who writes where nobody can any more."""
    return UnknownUser("This account has been deleted.") if kind == PRIVATE else NotAMember()


def refusal_between(
    flags: int, low: int, high: int, user: int, contacts_only: bool
) -> HiChatError | None:
    """Blocks, and the policy that only contacts write to each other; not for oneself."""
    if low == high:
        return None
    own, others = (LOW_BLOCKS, HIGH_BLOCKS) if user == low else (HIGH_BLOCKS, LOW_BLOCKS)
    if flags & others:
        return Blocked()
    if flags & own:
        return Blocked("You have blocked this user: unblock them to write to them.")
    return NotAContact() if contacts_only and not flags & CONTACTS else None


def refusal_within(flags: int, role: int, muted_until: int, now: int) -> HiChatError | None:
    """Of a group: what its admins have forbidden to its members."""
    if role == MEMBER and (flags & ADMINS_WRITE or muted_until > now):
        return Muted()
    return None
