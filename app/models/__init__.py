"""The tables and their invariants, nothing else. Times are milliseconds since 1970."""

from app.models.group import Group, Invite, JoinRequest
from app.models.media import Attachment, Blob, Medium, Upload
from app.models.message import Conversation, Event, Member, Mention, Pin, Reaction, Removal
from app.models.search import Indexed
from app.models.user import Contact, LoginSession, User

__all__ = [
    "Attachment", "Blob", "Contact", "Conversation", "Event", "Group", "Indexed", "Invite",
    "JoinRequest", "LoginSession", "Medium", "Member", "Mention", "Pin", "Reaction", "Removal",
    "Upload", "User",
]
