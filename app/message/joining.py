"""`/v2/groups/{id}/join` and `requests`: ways in that the admins watch."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from flask import Response
from msgspec import Meta, Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import MAX_ID, check_nul
from app.http import answer, body, empty, limit, number, paged
from app.message import bp
from app.message.conversations import limit_writing
from app.message.groups import line_of
from app.services import services
from app.user.profile import Profile, profile_of

NOTE_CHARS = 200


class Asked(Struct, forbid_unknown_fields=True):
    note: Annotated[str, Meta(max_length=NOTE_CHARS)] = ""


class Decision(Struct, forbid_unknown_fields=True):
    accept: bool


class RequestLine(Struct):
    """Who waits to be let in, since when (milliseconds since 1970)."""

    user: Profile
    note: str
    at: int


@bp.post("/v2/groups/<id:group>/join")
@login_required
@limit_writing
def join_group(group: int) -> Response:
    """Come in (200), or wait for the admins (202); who is in already stays in (200)."""
    note = body(Asked).note
    check_nul("note", note)
    who, found = tokens.current().user, services()
    joined = found.delivery.request(partial(found.store.joining.join, who, group, note))
    if joined.waits:
        return answer({"requested": True}, 202)
    return answer(line_of(found.store.groups.get(who, group)))


@bp.delete("/v2/groups/<id:group>/join")
@login_required
@limit_writing
def withdraw_request(group: int) -> Response:
    """Wait no more."""
    who, found = tokens.current().user, services()
    found.delivery.request(partial(found.store.joining.withdraw, who, group))
    return empty()


@bp.get("/v2/groups/<id:group>/requests")
@login_required
def requests(group: int) -> Response:
    """Who waits, for admins, in the order of their ids; `next` is the next page's `after`."""
    size, after = limit(50, 200), number("after", 0, 0, MAX_ID)
    found = services().store.joining.requests(tokens.current().user, group, size + 1, after)
    page, following = paged(found, size, lambda item: item.user.id)
    lines = [RequestLine(profile_of(item.user), item.note, item.at) for item in page]
    return answer({"requests": lines, "next": following})


@bp.post("/v2/groups/<id:group>/requests/<id:user>")
@login_required
@limit_writing
def answer_request(group: int, user: int) -> Response:
    """Let somebody in who waits, or not."""
    who, found, accept = tokens.current().user, services(), body(Decision).accept
    found.delivery.request(partial(found.store.joining.answer, who, group, user, accept))
    return empty()
