"""`/v2/search`: what was said in one's own conversations."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import get_args

import msgspec
from flask import Response, request
from msgspec import Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import MAX_ID, Media
from app.errors import BadRequest
from app.extensions import limiter
from app.http import answer, limit, number
from app.message import bp
from app.services import services
from app.store.search.search import Filters, Key, Rank, Result, Spot
from app.store.search.words import Query, Snippet, parse

MEDIA = get_args(Media)
FILTERS = ("conversation", "sender", "media", "after", "before")  # any of these may stand alone
_NUMBERS = re.compile("[0-9]{1,16}(-[0-9]{1,16}){2,6}")


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
    """Messages that have all the words of `q`, and what the filters say; the newest first.

    With `sort=relevance` the best of the newest. `next` is the next `cursor`.
    """
    filters = Filters(
        _query(),
        number("conversation", None, 1, MAX_ID), number("sender", None, 1, MAX_ID), _media(),
        number("after", None, 0, MAX_ID), number("before", None, 0, MAX_ID),
    )
    who, size, search = tokens.current().user, limit(20, 100), services().store.search
    if request.args.get("sort", "newest") == "newest":
        newest = search.find(who, filters, size, _key())
        return _page(newest.results, newest.next or (), newest.complete)
    if request.args["sort"] != "relevance" or not filters.query.phrases:
        raise BadRequest("sort is newest, or relevance together with q.")
    best = search.best(who, filters, size, _spot())
    place = (*best.next.end, *(best.next.last or ())) if best.next else ()
    return _page(best.results, place, best.complete)


def _page(results: Sequence[Result], place: Sequence[int], complete: bool) -> Response:
    return answer({
        "results": [_line(result) for result in results],
        "next": "-".join(map(str, place)) or None,
        "complete": complete,
    })


def _query() -> Query:
    """The words of `q`; none, where it is left out and a filter is given."""
    text = request.args.get("q")
    if text is None and not any(name in request.args for name in FILTERS):
        raise BadRequest(f"Give q, or at least one of {', '.join(FILTERS)}.")
    return parse(text) if text is not None else Query(())


def _media() -> str | None:
    media = request.args.get("media")
    if media is not None and media not in MEDIA:
        raise BadRequest(f"media must be one of {', '.join(MEDIA)}.")
    return media


def _key() -> Key | None:
    numbers = _cursor((3,))
    return Key(*numbers) if numbers else None


def _spot() -> Spot | None:
    """A window of candidates, and the last of them that was shown, if there was one."""
    numbers = _cursor((3, 7))
    if not numbers:
        return None
    return Spot(Key(*numbers[:3]), Rank(*numbers[3:]) if numbers[3:] else None)


def _cursor(lengths: Container[int]) -> list[int]:
    """The numbers of the cursor, as many as one of `lengths` says; without a cursor none."""
    text = request.args.get("cursor")
    if text is None:
        return []
    numbers = [*map(int, text.split("-"))] if _NUMBERS.fullmatch(text) else []
    if len(numbers) not in lengths or max(numbers) > MAX_ID:
        raise BadRequest("`cursor` is the `next` of the page before.")
    return numbers


def _line(result: Result) -> ResultLine:
    entry = result.entry
    return ResultLine(
        entry.conversation_id, entry.seq, entry.sender_id, entry.at,
        msgspec.Raw(entry.body.encode()), result.snippet,
    )
