"""What is done to messages over HTTP: edits, recalls, reactions, pins, removals, forwards.

They are the socket's commands, with the conversation in the address. Each is answered by its place
in the log: 201, or 200 for a repeated `ref`.
"""

from __future__ import annotations

from typing import Annotated

from flask import Response, request
from msgspec import Meta, Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.catching_up import event_of
from app.chat.changes import check_emoji
from app.chat.frames import (
    REMOVED_AT_ONCE,
    Change,
    Edit,
    Event,
    Forward,
    Pin,
    React,
    Recall,
    Ref,
    Remove,
    Revision,
    Source,
)
from app.chat.messages import MAX_ID, Id
from app.errors import BadRequest
from app.extensions import limiter
from app.http import answer, asked, body, limit, number, paged
from app.message import bp
from app.message.conversations import limit_writing, placed, writing_rate
from app.services import services
from app.store.log.items import Appended


class EditBody(Struct, forbid_unknown_fields=True):
    ref: Ref
    seq: Id
    message: Revision


class RecallBody(Struct, forbid_unknown_fields=True):
    ref: Ref
    seq: Id


class ReactionBody(Struct, forbid_unknown_fields=True):
    ref: Ref
    seq: Id
    emoji: str
    on: bool


class PinBody(Struct, forbid_unknown_fields=True):
    ref: Ref
    seq: Id
    on: bool


class RemovalBody(Struct, forbid_unknown_fields=True):
    ref: Ref
    seqs: Annotated[list[Id], Meta(min_length=1, max_length=REMOVED_AT_ONCE)]


class ForwardBody(Struct, forbid_unknown_fields=True, rename={"source": "from"}):
    ref: Ref
    source: Source


class PinLine(Struct):
    """A pinned message; `user` pinned it."""

    seq: int
    user: int
    at: int
    event: Event


# As `limit_writing`, and out of the same budget: each copy is a message.
limit_forwarding = limiter.shared_limit(
    writing_rate, "writing", key_func=tokens.user_key,
    cost=lambda: asked(lambda: len(body(ForwardBody).source.seqs), 1),
)


@bp.post("/v2/conversations/<id:conversation>/edits")
@login_required
@limit_writing
def edit(conversation: int) -> Response:
    given = body(EditBody)
    return _change(Edit(given.ref, conversation, given.seq, given.message))


@bp.post("/v2/conversations/<id:conversation>/recalls")
@login_required
@limit_writing
def recall(conversation: int) -> Response:
    given = body(RecallBody)
    return _change(Recall(given.ref, conversation, given.seq))


@bp.post("/v2/conversations/<id:conversation>/reactions")
@login_required
@limit_writing
def react(conversation: int) -> Response:
    given = body(ReactionBody)
    return _change(React(given.ref, conversation, given.seq, given.emoji, given.on))


@bp.get("/v2/conversations/<id:conversation>/reactions")
@login_required
def reactions(conversation: int) -> Response:
    """Who has put `emoji` to the message `seq`; `next` is the `after` of the next page."""
    seq, emoji = number("seq", None, 1, MAX_ID), request.args.get("emoji", "")
    if seq is None:
        raise BadRequest("Give the seq of the message.")
    check_emoji(emoji)
    size, after = limit(100, 500), number("after", 0, 0, MAX_ID)
    found = services().store.changes.reactors(
        tokens.current().user, conversation, seq, emoji, after, size + 1
    )
    page, following = paged(found, size, lambda user: user)
    return answer({"users": page, "next": following})


@bp.post("/v2/conversations/<id:conversation>/pins")
@login_required
@limit_writing
def pin(conversation: int) -> Response:
    given = body(PinBody)
    return _change(Pin(given.ref, conversation, given.seq, given.on))


@bp.get("/v2/conversations/<id:conversation>/pins")
@login_required
def pins(conversation: int) -> Response:
    """The pinned messages, by seq."""
    found = services().store.changes.pins(tokens.current().user, conversation)
    return answer({"pins": [
        PinLine(item.entry.seq, item.user, item.at, event_of(item.entry)) for item in found
    ]})


@bp.post("/v2/conversations/<id:conversation>/removals")
@login_required
@limit_writing
def remove(conversation: int) -> Response:
    """Delete messages for oneself; the place is one in the user's own log."""
    given = body(RemovalBody)
    return _change(Remove(given.ref, conversation, given.seqs))


@bp.post("/v2/conversations/<id:conversation>/forwards")
@login_required
@limit_forwarding
def forward(conversation: int) -> Response:
    """Copy messages of another conversation, or of this one, in the order they are named in."""
    given = body(ForwardBody)
    places = services().delivery.forward(
        tokens.current().user, Forward(given.ref, conversation, given.source)
    )
    fresh = any(place.fresh for place in places)
    listed = [{"conversation": conversation, "seq": p.seq, "at": p.at} for p in places]
    return answer({"ref": given.ref, "forwarded": listed}, 201 if fresh else 200)


def _change(command: Change) -> Response:
    return _place(command.ref, services().delivery.act(tokens.current().user, command))


def _place(ref: str, told: Appended) -> Response:
    entry = told.entry
    return placed(ref, entry.conversation_id, entry.seq, entry.at, told.fresh)
