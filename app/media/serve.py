"""Reading uploads: `GET /v2/media/{id}`, by a token or by a signed address."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from errno import ECONNRESET
from itertools import chain, islice
from typing import Annotated
from urllib.parse import quote

import gevent
from flask import Response, request
from msgspec import Meta, Struct
from werkzeug.http import dump_options_header, is_resource_modified, parse_if_range_header

from app.auth import tokens
from app.auth.addresses import CONVERSATION
from app.auth.tokens import login_required
from app.chat.messages import MediumId
from app.content.kinds import Kind
from app.errors import BadRange, BadRequest, NotFound
from app.http import answer, body
from app.media import bp
from app.media.upload import line_of
from app.models import Medium
from app.services import services

ASKED_AT_ONCE = 200
FOR_EVER = "private, max-age=31536000, immutable"
# Nothing of what users upload runs here, whatever it is.
HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": FOR_EVER, "Accept-Ranges": "bytes", "Referrer-Policy": "no-referrer",
}


class Asked(Struct, forbid_unknown_fields=True):
    ids: Annotated[list[MediumId], Meta(min_length=1, max_length=ASKED_AT_ONCE)]


@bp.post("/v2/media/addresses")
@login_required
def addresses() -> Response:
    """What these files are and where they can be read from; those one may not read are left out."""
    user, signed = tokens.current().user, services().addresses
    wanted = dict.fromkeys(body(Asked).ids)
    found = services().store.media.readable_of(user, wanted)
    return answer({"media": [line_of(found[key], user, signed) for key in wanted if key in found]})


@bp.get("/v2/media/<key>")
def medium(key: str) -> Response:
    """The bytes, or with `size=small|large` those of a thumbnail. Ranges are answered."""
    found = _asked_for(key)
    digest, mime, size = _part(found)
    response = Response(mimetype=mime, direct_passthrough=True)
    response.headers.update(HARMLESS)
    response.headers["Content-Disposition"] = _disposition(found, mime)
    response.set_etag(digest)
    if not is_resource_modified(request.environ, etag=digest):
        response.status_code = 304
        return response
    span = _span(digest, size)
    start, end = span or (0, size)
    if span:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.content_length = end - start
    if request.method != "HEAD":
        parts = _begun(services().blobs.read(digest, start, end - start))
        response.response = _taken(parts, services().config.send_timeout)
    return response


def _asked_for(key: str) -> Medium:
    """The medium, if who asks may read it. Raises NotFound, Unauthorized."""
    media, query = services().store.media, request.args
    if "key" in query:
        reader = services().addresses.reader(
            key, query.get("for", ""), query.get("until", ""), query["key"]
        )
        if reader is None:
            raise NotFound("This address is not good any more: ask for a new one.")
        kind, number = reader
        return media.carried(number, key) if kind == CONVERSATION else media.readable(number, key)
    try:
        return media.readable(None, key)
    except NotFound:
        return media.readable(tokens.logged_in().user, key)


def _part(found: Medium) -> tuple[str, str, int]:
    """Digest, type and size of what is asked for. Raises NotFound, BadRequest."""
    wanted = request.args.get("size")
    if wanted is None:
        return found.digest, found.type, found.size
    if wanted not in ("small", "large"):
        raise BadRequest("size must be small or large.")
    digest = found.small if wanted == "small" else found.large
    if digest is None:
        raise NotFound("There is no thumbnail of this size.")
    return digest, "image/webp", services().store.media.size(digest)


def _disposition(found: Medium, mime: str) -> str:
    """Show it or save it, under its name: in ASCII for old clients, and as it is (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", found.name).encode("ascii", "ignore").decode()
    names = {"filename": plain, "filename*": f"UTF-8''{quote(found.name, safe='')}"}
    inline = Kind(found.media, mime).inline
    return dump_options_header("inline" if inline else "attachment", names)


def _span(digest: str, size: int) -> tuple[int, int] | None:
    """The bytes asked for, from start to before end; None: all. Raises BadRange.

    One range only: of several, HTTP lets us send the whole.
    """
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    condition = parse_if_range_header(request.headers.get("If-Range"))
    if (condition.etag or condition.date) and condition.etag != digest:
        return None
    start, end = wanted.ranges[0]
    start = max(0, size + start) if start < 0 else start  # so many bytes at the end, or all
    end = size if end is None else min(end, size)
    if start >= end:
        raise BadRange(size)
    return start, end


def _taken(parts: Iterator[bytes], seconds: float) -> Iterator[bytes]:
    """Each part, to be taken within so many seconds: a reader that stands still has gone."""
    for part in parts:
        with gevent.Timeout(seconds, ConnectionResetError(ECONNRESET, "it does not read")):
            yield part


def _begun(parts: Iterator[bytes]) -> Iterator[bytes]:
    """What fails, fails now: behind the headers there is no way to say so."""
    return chain(list(islice(parts, 1)), parts)
