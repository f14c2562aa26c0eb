"""The tables and their invariants, nothing else. Times are milliseconds since 1970."""

from app.models.group import Group, Invite, JoinRequest
from app.models.message import Conversation, Event, Member, Mention, Pin, Reaction, Removal
from app.models.search import Indexed
from app.models.user import Contact, LoginSession, User

__all__ = [
    "Contact", "Conversation", "Event", "Group", "Indexed", "Invite", "JoinRequest", "LoginSession",
    "Member", "Mention", "Pin", "Reaction", "Removal", "User",
]
