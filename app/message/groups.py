"""`/v2/groups`: make one, look at it, change it, disband it."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Annotated, Any, Literal

from flask import Response
from msgspec import UNSET, Meta, Struct, UnsetType

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import Id, check_nul
from app.errors import BadRequest
from app.extensions import limiter
from app.http import answer, body, empty, sent
from app.message import bp
from app.message.conversations import limit_writing
from app.models.group import POLICIES
from app.models.message import ADMINS_WRITE, OPEN_HISTORY, ROLES
from app.services import services
from app.store.accounts.users import name_key
from app.store.groups.groups import GroupInfo
from app.store.log.items import Appended
from app.user.accounts import KEY_CHARS, check_profile, printable

# What can put a thousand rows into the database costs more than a message.
GROWTH = "60 per minute; 1000 per day"
limit_growth = limiter.shared_limit(GROWTH, "groups", key_func=tokens.user_key)
MEMBERS_AT_ONCE = 1000
NAME_CHARS = 64
TEXT_CHARS = 2000  # of a description or an announcement

Ids = Annotated[list[Id], Meta(max_length=MEMBERS_AT_ONCE)]
Text = Annotated[str, Meta(max_length=TEXT_CHARS)]
Policy = Literal["open", "approval", "invite"]


class Settings(Struct, forbid_unknown_fields=True):
    """What a group may be given; what is left out stays as it is."""

    name: str | UnsetType = UNSET
    avatar: str | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    announcement: Text | UnsetType = UNSET
    join: Policy | UnsetType = UNSET
    open_history: bool | UnsetType = UNSET


class NewGroup(Settings, kw_only=True):
    name: str
    members: Ids = []


class Changes(Settings):
    admins_only: bool | UnsetType = UNSET


class GroupLine(Struct):
    """A group as its reader sees it; `role` and `muted_until` are the reader's."""

    id: int
    name: str
    avatar: str
    description: str
    announcement: str
    owner: int
    size: int
    join: str
    open_history: bool
    admins_only: bool
    role: str
    muted_until: int


@bp.post("/v2/groups")
@login_required
@limit_growth
def create_group() -> Response:
    """A new group of the asking user and `members`: 201."""
    who, found, given = tokens.current().user, services(), body(NewGroup)
    settings = checked(who, given)
    del settings["members"]
    told = make(who, given.members, settings)
    return answer(line_of(found.store.groups.get(who, told.entry.conversation_id)), 201)


@bp.get("/v2/groups/<id:group>")
@login_required
def group(group: int) -> Response:
    return answer(line_of(services().store.groups.get(tokens.current().user, group)))


@bp.patch("/v2/groups/<id:group>")
@login_required
@limit_writing
def change_group(group: int) -> Response:
    """Change the settings, as an admin; the answer is the group as it is now."""
    who, found = tokens.current().user, services()
    asked = checked(who, body(Changes))
    found.delivery.change(partial(found.store.groups.change, who, group, asked))
    return answer(line_of(found.store.groups.get(who, group)))


@bp.delete("/v2/groups/<id:group>")
@login_required
@limit_writing
def disband_group(group: int) -> Response:
    """Disband it, as its owner: from here nobody writes or reads in it."""
    who, found = tokens.current().user, services()
    found.delivery.change(partial(found.store.groups.disband, who, group))
    return empty()


def make(
    owner: int, members: list[int], settings: dict[str, Any], **details: Any
) -> Appended:
    """A new group, announced. `settings` in the words of the wire, `details` as the store's."""
    found = services()
    if "join" in settings:
        details["join_policy"] = POLICIES.index(settings.pop("join"))
    name = settings.pop("name")
    told = found.delivery.change(partial(
        found.store.groups.create, owner, name, members, **settings, **details
    ))
    assert told is not None
    return told


def checked(user_id: int, given: Settings) -> dict[str, Any]:
    """What is set in `given`. Raises BadRequest that says the rule."""
    values = sent(given)
    if "name" in values:
        values["name"] = check_name(values["name"])
    if "avatar" in values:
        values |= check_profile(user_id, {"avatar": values["avatar"]})
    for key in ("description", "announcement"):
        check_nul(key, values.get(key, ""))
    return values


def check_name(name: str) -> str:
    """The name of a group as it is stored. Raises BadRequest that says the rule."""
    name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= NAME_CHARS or len(name_key(name)) > KEY_CHARS:
        raise BadRequest(f"A group's name has 1 to {NAME_CHARS} characters.")
    if name != name.strip() or not printable(name):
        raise BadRequest("A group's name has no spaces at its ends and no invisible characters.")
    return name


def line_of(info: GroupInfo) -> GroupLine:
    found, flags = info.group, info.flags
    return GroupLine(
        found.conversation_id, found.name, found.avatar, found.description, found.announcement,
        found.owner_id, info.size, POLICIES[found.join_policy], bool(flags & OPEN_HISTORY),
        bool(flags & ADMINS_WRITE), ROLES[info.role], info.muted_until,
    )
