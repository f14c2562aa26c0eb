"""The tables and their invariants, nothing else. Times are milliseconds since 1970."""

from app.models.message import Conversation, Event, Member
from app.models.user import LoginSession, User

__all__ = ["Conversation", "Event", "LoginSession", "Member", "User"]
