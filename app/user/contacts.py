"""`/v2/contacts`: ask, accept, refuse, remove, name and block other users."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from flask import Response, request
from msgspec import Meta, Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import MAX_ID, Id, check_nul
from app.errors import BadRequest
from app.extensions import limiter
from app.http import answer, body, empty, limit, number, paged
from app.services import services
from app.store.conversations.acquaintance import STATES, Change, ContactInfo
from app.store.conversations.contacts import FILTERS
from app.user import bp
from app.user.profile import Profile, profile_of

Note = Annotated[str, Meta(max_length=200)]
Remark = Annotated[str, Meta(max_length=64)]

CONTACTS_RATE = "60 per minute; 2000 per day"
limit_contacts = limiter.shared_limit(CONTACTS_RATE, "contacts", key_func=tokens.user_key)


class ContactLine(Struct):
    """A contact as its user sees it; `note` is what the other said when they asked."""

    user: Profile
    state: str
    blocked: bool
    remark: str
    note: str
    at: int


class Asking(Struct, forbid_unknown_fields=True):
    user: Id
    note: Note = ""


class Naming(Struct, forbid_unknown_fields=True):
    remark: Remark


@bp.get("/v2/contacts")
@login_required
def contacts() -> Response:
    """A page of contacts, by the other's id; `next` is the `after` of the next page."""
    only = request.args.get("state")
    if only is not None and only not in FILTERS:
        raise BadRequest(f"state must be one of {', '.join(FILTERS)}.")
    size, after = limit(100, 500), number("after", 0, 0, MAX_ID)
    found = services().store.contacts.listed(tokens.current().user, size + 1, after, only)
    page, following = paged(found, size, lambda item: item.other.id)
    return answer({"contacts": [line_of(item) for item in page], "next": following})


@bp.post("/v2/contacts")
@login_required
@limit_contacts
def ask() -> Response:
    """Ask a user to be a contact: 201; 200 if that was done before."""
    given = body(Asking)
    check_nul("note", given.note)
    change = _change(services().store.contacts.ask, given.user, given.note)
    return answer(line_of(change.info), 201 if change.is_own else 200)


@bp.post("/v2/contacts/<id:user>/accept")
@login_required
@limit_contacts
def accept(user: int) -> Response:
    return answer(line_of(_change(services().store.contacts.accept, user).info))


@bp.post("/v2/contacts/<id:user>/refuse")
@login_required
@limit_contacts
def refuse(user: int) -> Response:
    _change(services().store.contacts.refuse, user)
    return empty()


@bp.delete("/v2/contacts/<id:user>")
@login_required
@limit_contacts
def remove(user: int) -> Response:
    """End the friendship, or the request of either; a block stays."""
    _change(services().store.contacts.remove, user)
    return empty()


@bp.patch("/v2/contacts/<id:user>")
@login_required
@limit_contacts
def name_contact(user: int) -> Response:
    """Give a contact a name of one's own; an empty one takes it away."""
    remark = body(Naming).remark.strip()
    check_nul("remark", remark)
    return answer(line_of(_change(services().store.contacts.remark, user, remark).info))


@bp.put("/v2/contacts/<id:user>/block")
@login_required
@limit_contacts
def block(user: int) -> Response:
    return answer(line_of(_change(services().store.contacts.block, user, True).info))


@bp.delete("/v2/contacts/<id:user>/block")
@login_required
@limit_contacts
def unblock(user: int) -> Response:
    _change(services().store.contacts.block, user, False)
    return empty()


def _change(act: Callable[..., Change], other: int, *arguments: object) -> Change:
    """Let the asking user do something about another one, and tell each side's devices."""
    return services().delivery.perform(partial(act, tokens.current().user, other, *arguments))


def line_of(item: ContactInfo) -> ContactLine:
    row = item.contact
    return ContactLine(
        profile_of(item.other), STATES[row.state], row.blocked, row.remark, row.note, row.at
    )
