"""Invite links: `/v2/groups/{id}/invites` to make them, `/v2/invites/{code}` to come in by one."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated

from flask import Response
from msgspec import Meta, Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.errors import NotFound
from app.http import answer, body, empty
from app.message import bp
from app.message.conversations import limit_writing
from app.message.groups import line_of
from app.models import Invite
from app.models.group import POLICIES
from app.services import services

MINUTE, WEEK, YEAR = 60, 604_800, 31_536_000  # seconds
CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")


class NewInvite(Struct, forbid_unknown_fields=True):
    """`expires_in` is seconds; without `uses`, as many may come as like."""

    expires_in: Annotated[int, Meta(ge=MINUTE, le=YEAR)] = WEEK
    uses: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class InviteLine(Struct):
    """Times are milliseconds since 1970; `uses_left` None: without end."""

    code: str
    user: int
    expires_at: int
    uses_left: int | None
    created_at: int


class CardLine(Struct):
    """What a link shows of its group; `member`: the reader is in already."""

    id: int
    name: str
    avatar: str
    description: str
    size: int
    join: str
    expires_at: int
    member: bool


@bp.post("/v2/groups/<id:group>/invites")
@login_required
@limit_writing
def create_invite(group: int) -> Response:
    """A new link into the group: 201."""
    given = body(NewInvite)
    made = services().store.invites.create(
        tokens.current().user, group, given.expires_in * 1000, given.uses
    )
    return answer(_line(made), 201)


@bp.get("/v2/groups/<id:group>/invites")
@login_required
def invites(group: int) -> Response:
    """The links that have not expired, for admins."""
    listed = services().store.invites.listed(tokens.current().user, group)
    return answer({"invites": [_line(item) for item in listed]})


@bp.delete("/v2/groups/<id:group>/invites/<code>")
@login_required
@limit_writing
def revoke_invite(group: int, code: str) -> Response:
    services().store.invites.revoke(tokens.current().user, group, _checked(code))
    return empty()


@bp.get("/v2/invites/<code>")
@login_required
def invite(code: str) -> Response:
    """The card of the group that a link leads into."""
    card = services().store.invites.card(tokens.current().user, _checked(code))
    found = card.group
    return answer(CardLine(
        found.conversation_id, found.name, found.avatar, found.description, card.size,
        POLICIES[found.join_policy], card.expires_at, card.member,
    ))


@bp.post("/v2/invites/<code>")
@login_required
@limit_writing
def join_by_invite(code: str) -> Response:
    """Come in by a link; who is in already stays in, and uses nothing up."""
    who, found = tokens.current().user, services()
    joined = found.delivery.perform(partial(found.store.invites.redeem, who, _checked(code)))
    return answer(line_of(found.store.groups.get(who, joined.group)))


def _checked(code: str) -> str:
    """Raises NotFound for what no link can be."""
    if not CODE.fullmatch(code):
        raise NotFound("There is no such invitation.")
    return code


def _line(item: Invite) -> InviteLine:
    return InviteLine(
        item.code, item.user_id, item.expires_at, item.uses_left, item.created_at
    )
