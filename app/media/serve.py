"""Reading uploads: `GET /v2/media/{id}`, by a token or by a signed address."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import chain, islice
from typing import Annotated
from urllib.parse import quote

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
    found = (_readable(user, key) for key in dict.fromkeys(body(Asked).ids))
    return answer({"media": [line_of(medium, user, signed) for medium in found if medium]})


def _readable(user: int, medium: str) -> Medium | None:
    try:
        return services().store.media.readable(user, medium)
    except NotFound:
        return None


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
    start, end = _span(digest, size)
    if (start, end) != (0, size):
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.content_length = end - start
    if request.method != "HEAD":
        response.response = _begun(services().blobs.read(digest, start, end - start))
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


def _span(digest: str, size: int) -> tuple[int, int]:
    """The bytes asked for, from start to before end. Raises BadRange.

    One range only: of several, HTTP lets us send the whole.
    """
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return 0, size
    condition = parse_if_range_header(request.headers.get("If-Range"))
    if (condition.etag or condition.date) and condition.etag != digest:
        return 0, size
    found = wanted.range_for_length(size)
    if found is None:
        raise BadRange(size)
    return found


def _begun(parts: Iterator[bytes]) -> Iterator[bytes]:
    """What fails, fails now: behind the headers there is no way to say so."""
    return chain(list(islice(parts, 1)), parts)
