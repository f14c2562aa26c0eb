"""`/v2/groups`: make one."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from msgspec import Meta, Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.frames import Id
from app.http import answer, body
from app.message import bp
from app.message.conversations import limit_writing
from app.services import services
from app.store.groups import GroupInfo

MEMBERS_AT_ONCE = 1000
ROLES = ("member", "admin", "owner")

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Ids = Annotated[list[Id], Meta(max_length=MEMBERS_AT_ONCE)]


class NewGroup(Struct, forbid_unknown_fields=True):
    name: Name
    members: Ids = []


class GroupLine(Struct):
    """A group as its reader sees it. `role` is the reader's."""

    id: int
    name: str
    avatar: str
    announcement: str
    owner: int
    size: int
    role: str


@bp.post("/v2/groups")
@login_required
@limit_writing
def create_group() -> Response:
    """A new group of the asking user and `members`: 201."""
    who, given, found = tokens.current().user, body(NewGroup), services()
    told = found.store.groups.create(who, given.name, given.members)
    found.delivery.announce(told)
    return answer(_line(found.store.groups.get(who, told.entry.conversation_id)), 201)


@bp.get("/v2/groups/<id:group>")
@login_required
def group(group: int) -> Response:
    return answer(_line(services().store.groups.get(tokens.current().user, group)))


def _line(info: GroupInfo) -> GroupLine:
    found = info.group
    return GroupLine(
        found.conversation_id, found.name, found.avatar, found.announcement, found.owner_id,
        info.size, ROLES[info.role],
    )
