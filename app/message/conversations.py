"""`/v2/conversations`: list, open, history, send, read."""

from __future__ import annotations

import re

from flask import Response, request
from msgspec import Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.catching_up import event_of
from app.chat.frames import Event, Ref, Send
from app.chat.messages import MAX_ID, Id, Message, Seq
from app.errors import BadRequest
from app.extensions import limiter
from app.http import answer, body, limit, number, paged
from app.message import bp
from app.models.message import BROADCAST, GROUP, PRIVATE, ROLES
from app.services import services
from app.store.conversations.summaries import Summary
from app.store.log.events import Around
from app.user.profile import Profile

_PLACE = re.compile(r"([01])-([0-9]{1,16})-([0-9]{1,16})")
KINDS = {PRIVATE: "private", GROUP: "group", BROADCAST: "broadcast"}


def writing_rate() -> str:
    """Over HTTP as over a socket: the same steady rate, but counted for the user."""
    return f"{services().config.messages_per_second * 60} per minute"


limit_writing = limiter.shared_limit(writing_rate, "writing", key_func=tokens.user_key)


class GroupPart(Struct):
    """The group of a conversation; `role` is the reader's. `requests`: how many wait for them."""

    id: int
    name: str
    avatar: str
    size: int
    role: str
    requests: int | None


class ConversationLine(Struct):
    """A conversation as its reader sees it; `user` is the partner of a private one.

    `partner_read_seq` is how far the partner has read, where both show it.
    """

    id: int
    kind: str
    user: Profile | None
    last_seq: int
    read_seq: int
    last_at: int
    last_event: Event | None
    last_message: Event | None
    first_seq: int
    unread: int
    mentions: int
    group: GroupPart | None
    partner_read_seq: int | None
    pinned: bool
    silent: bool
    hidden: bool
    draft: str | None


class Open(Struct, forbid_unknown_fields=True):
    user: Id


class Post(Struct, forbid_unknown_fields=True):
    ref: Ref
    message: Message


class Cursor(Struct, forbid_unknown_fields=True):
    seq: Seq


@bp.get("/v2/conversations")
@login_required
def conversations() -> Response:
    """The pinned conversations, then the others, of each the latest first.

    `next` is the `before` of the next page.
    """
    size = limit(50, 200)
    found = services().store.conversations.listed(tokens.current().user, size + 1, _before())
    page, following = paged(found, size, _place)
    return answer({"conversations": [_line(item) for item in page], "next": following})


@bp.post("/v2/conversations")
@login_required
@limit_writing
def open_conversation() -> Response:
    """The private conversation with a user: 201 if it is new, else 200."""
    who, store = tokens.current().user, services().store.conversations
    conversation, new = store.open_private(who, body(Open).user)
    return answer(_line(store.get(who, conversation)), 201 if new else 200)


@bp.get("/v2/conversations/<id:conversation>")
@login_required
def conversation(conversation: int) -> Response:
    return answer(_line(services().store.conversations.get(tokens.current().user, conversation)))


@bp.get("/v2/conversations/<id:conversation>/events")
@login_required
def events(conversation: int) -> Response:
    """A page of the log, ascending: behind `after`, or before `before`, or the latest.

    Or around a seq, or around the first event `at` a time.
    """
    after = number("after", None, 0, MAX_ID)
    before = number("before", None, 0, MAX_ID)
    around = number("around", None, 1, MAX_ID)
    at = number("at", None, 0, MAX_ID)
    if sum(place is not None for place in (after, before, around, at)) > 1:
        raise BadRequest("Give one of `after`, `before`, `around` and `at`.")
    who, log = tokens.current().user, services().store.events
    if around is not None:
        return _around(log.around(who, conversation, limit(50, 500), around))
    if at is not None:
        return _around(log.at(who, conversation, limit(50, 500), at))
    page = log.page(who, conversation, limit(50, 500), after, before)
    return answer({"events": [event_of(entry) for entry in page.events], "more": page.more})


@bp.post("/v2/conversations/<id:conversation>/messages")
@login_required
@limit_writing
def send(conversation: int) -> Response:
    """Store a message: 201, or 200 with the original place for a repeated `ref`."""
    given = body(Post)
    stored = services().delivery.send(
        tokens.current().user, Send(given.ref, given.message, conversation=conversation)
    )
    return placed(given.ref, stored.conversation, stored.seq, stored.at, stored.fresh)


@bp.post("/v2/conversations/<id:conversation>/read")
@login_required
def read(conversation: int) -> Response:
    """Move the read cursor; the answer is where it is now. It never moves back."""
    marked = services().delivery.read(tokens.current().user, conversation, body(Cursor).seq)
    return answer({"conversation": conversation, "seq": marked.seq})


def placed(ref: str, conversation: int, seq: int, at: int, fresh: bool) -> Response:
    """Where something stands in a log: 201, or 200 if its `ref` is repeated."""
    place = {"ref": ref, "conversation": conversation, "seq": seq, "at": at}
    return answer(place, 201 if fresh else 200)


def _place(item: Summary) -> str:
    return f"{item.pinned:d}-{item.last_at}-{item.id}"


def _around(page: Around) -> Response:
    return answer({
        "events": [event_of(entry) for entry in page.events], "seq": page.seq,
        "more_before": page.more_before, "more_after": page.more_after,
    })


def _before() -> tuple[int, int, int] | None:
    text = request.args.get("before")
    if text is None:
        return None
    found = _PLACE.fullmatch(text)
    if found is None:
        raise BadRequest("`before` is the `next` of the page before.")
    pinned, at, key = map(int, found.groups())
    return pinned, min(at, MAX_ID), min(key, MAX_ID)


def _line(item: Summary) -> ConversationLine:
    return ConversationLine(
        item.id, KINDS[item.kind], Profile(*item.other) if item.other else None,
        item.last_seq, item.read_seq, item.last_at, event_of(item.last) if item.last else None,
        event_of(item.message) if item.message else None, item.joined_seq + 1,
        item.unread, item.mentions, group_of(item), item.seen_seq,
        item.pinned, item.silent, item.hidden, item.draft,
    )


def group_of(item: Summary) -> GroupPart | None:
    if item.name is None:
        return None
    return GroupPart(
        item.id, item.name, item.avatar or "", item.size, ROLES[item.role], item.requests
    )
