"""`/v2/groups/{id}/members`: who is in a group, and what they may do there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from flask import Response
from msgspec import UNSET, Meta, Struct, UnsetType

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import MAX_ID, Id, Seq
from app.errors import BadRequest
from app.http import answer, body, empty, limit, number, paged
from app.message import bp
from app.message.conversations import limit_writing
from app.message.groups import MEMBERS_AT_ONCE, limit_growth
from app.models.message import ROLES
from app.services import services
from app.store.log.items import Appended
from app.user.profile import Profile, profile_of


class MemberLine(Struct):
    """A member; `muted_until` is milliseconds since 1970, 0: not muted."""

    user: Profile
    role: str
    muted_until: int


class Users(Struct, forbid_unknown_fields=True):
    users: Annotated[list[Id], Meta(min_length=1, max_length=MEMBERS_AT_ONCE)]


class Place(Struct, forbid_unknown_fields=True):
    """One of the two."""

    role: Literal["member", "admin"] | UnsetType = UNSET
    muted_until: Seq | UnsetType = UNSET


class Heir(Struct, forbid_unknown_fields=True):
    user: Id


@bp.get("/v2/groups/<id:group>/members")
@login_required
def members(group: int) -> Response:
    """A page of members in the order of their ids; `next` is the `after` of the next page."""
    size, after = limit(100, 500), number("after", 0, 0, MAX_ID)
    found = services().store.membership.page(tokens.current().user, group, size + 1, after)
    page, following = paged(found, size, lambda seat: seat.user.id)
    lines = [MemberLine(profile_of(s.user), ROLES[s.role], s.muted_until) for s in page]
    return answer({"members": lines, "next": following})


@bp.post("/v2/groups/<id:group>/members")
@login_required
@limit_growth
def add_members(group: int) -> Response:
    """Bring users in; `joined` are those who were not in before."""
    users = body(Users).users
    told = _change(services().store.membership.add, group, users)
    joined = told.joined if told is not None else ()
    return answer({"joined": joined})


@bp.patch("/v2/groups/<id:group>/members/<id:member>")
@login_required
@limit_writing
def change_member(group: int, member: int) -> Response:
    """Give or take the admin's role (the owner), or mute (admins)."""
    given, store = body(Place), services().store.membership
    if (given.role is UNSET) == (given.muted_until is UNSET):
        raise BadRequest("Give `role` or `muted_until`, one of the two.")
    if given.role is not UNSET:
        _change(store.set_role, group, member, ROLES.index(given.role))
    elif given.muted_until is not UNSET:
        _change(store.mute, group, member, given.muted_until)
    return empty()


@bp.delete("/v2/groups/<id:group>/members/<id:member>")
@login_required
@limit_writing
def remove_member(group: int, member: int) -> Response:
    """Remove a member: they neither write nor read from the moment of the answer on."""
    _change(services().store.membership.remove, group, member)
    return empty()


@bp.post("/v2/groups/<id:group>/leave")
@login_required
@limit_writing
def leave_group(group: int) -> Response:
    """Leave; the last one disbands the group by it."""
    _change(services().store.membership.leave, group)
    return empty()


@bp.post("/v2/groups/<id:group>/transfer")
@login_required
@limit_writing
def transfer_group(group: int) -> Response:
    """Give the group to another member, as its owner, who is an admin from then on."""
    _change(services().store.membership.transfer, group, body(Heir).user)
    return empty()


def _change(
    act: Callable[..., Appended | None], group: int, *arguments: object
) -> Appended | None:
    """Let the asking user do something in a group, and tell it."""
    who = tokens.current().user
    return services().delivery.change(partial(act, who, group, *arguments))
