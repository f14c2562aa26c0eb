"""The seed's history route, `POST /v1/user/redisMsg`: indexes into a conversation."""

from __future__ import annotations

import msgspec
from flask import Response

from app.auth.tickets import Pass
from app.chat.catching_up import event_of
from app.chat.frames import PRIVATE, Address
from app.chat.messages import Told
from app.errors import BadRequest
from app.extensions import limiter
from app.http import field, whole
from app.message import bp
from app.services import services
from app.store.log.items import ERASED, Entry
from app.user.seed import envelope, refuse, seed_login_required, seed_user_key

MOST = 1000  # entries of one answer

limit_history = limiter.limit("20 per second; 600 per minute", key_func=seed_user_key)

_message = msgspec.json.Decoder(Told)


@bp.post("/v1/user/redisMsg")
@seed_login_required
@limit_history
def seed_history(who: Pass) -> Response:
    """Messages `start` to `end` (inclusive) of two users, each a string of JSON."""
    try:
        one, two = _index("userIdA"), _index("userIdB")
        start, stop = _index("start"), _index("end")
    except BadRequest:
        return refuse("参数不匹配")
    if who.user not in (one, two):
        return refuse("只能查看自己的消息")
    other = two if who.user == one else one
    newest_first = field("isRev").lower() not in ("true", "1")
    found = services().store.events.by_index(who.user, other, start, stop, newest_first, MOST)
    to = Address(0, PRIVATE, min(one, two), max(one, two))
    # What was recalled or forgotten since it was counted is left out.
    lines = [
        _line(entry, to) for entry in found
        if entry.type == "message" and entry.body not in ERASED
    ]
    return envelope(rows="ok", total=lines)


def _line(entry: Entry, to: Address) -> str:
    message = _message.decode(entry.body)
    return msgspec.json.encode(services().v1.seed_event(event_of(entry), message, to)).decode()


def _index(name: str) -> int:
    """A whole number of the form. Raises BadRequest."""
    text = field(name).strip()
    found = whole(text.removeprefix("-"))
    if found is None:
        raise BadRequest(f"{name} must be a whole number.")
    return -found if text.startswith("-") else found
