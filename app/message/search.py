"""`/v2/search`: what was said in one's own conversations."""

from __future__ import annotations

import re
from typing import get_args

import msgspec
from flask import Response, request
from msgspec import Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.frames import MAX_ID, Media
from app.errors import BadRequest
from app.extensions import limiter
from app.http import answer, limit, number
from app.message import bp
from app.services import services
from app.store.search import Filters, Key, Result
from app.store.words import Snippet, parse

MEDIA = get_args(Media)
_KEY = re.compile("[0-9]{1,16}-[0-9]{1,16}-[0-9]{1,16}")


class ResultLine(Struct):
    """A message that was found, as it is now."""

    conversation: int
    seq: int
    sender: int
    at: int
    message: msgspec.Raw
    snippet: Snippet


@bp.get("/v2/search")
@login_required
@limiter.limit("10 per second; 200 per minute", key_func=tokens.user_key)
def search() -> Response:
    """Messages that have all the words of `q`, the newest first; `next` is the next `cursor`."""
    filters = Filters(
        parse(request.args.get("q", "")),
        number("conversation", None, 1, MAX_ID), number("sender", None, 1, MAX_ID), _media(),
        number("after", None, 0, MAX_ID), number("before", None, 0, MAX_ID),
    )
    found = services().store.search.find(tokens.current().user, filters, limit(20, 100), _cursor())
    return answer({
        "results": [_line(result) for result in found.results],
        "next": "-".join(map(str, found.next)) if found.next else None,
        "complete": found.complete,
    })


def _media() -> str | None:
    media = request.args.get("media")
    if media is not None and media not in MEDIA:
        raise BadRequest(f"media must be one of {', '.join(MEDIA)}.")
    return media


def _cursor() -> Key | None:
    text = request.args.get("cursor")
    if text is None:
        return None
    key = Key(*map(int, text.split("-"))) if _KEY.fullmatch(text) else None
    if key is None or max(key) > MAX_ID:
        raise BadRequest("`cursor` is the `next` of the page before.")
    return key


def _line(result: Result) -> ResultLine:
    entry = result.entry
    return ResultLine(
        entry.conversation_id, entry.seq, entry.sender_id, entry.at,
        msgspec.Raw(entry.body.encode()), result.snippet,
    )
