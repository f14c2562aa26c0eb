"""`POST /v2/media`: one file as multipart/form-data, streamed to the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import gevent
import msgspec
from flask import Response, request
from msgspec import Struct
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from app.auth import tokens
from app.auth.addresses import Addresses
from app.auth.tokens import login_required
from app.errors import BadRequest, TooLong, TooSlow
from app.extensions import limiter
from app.http import answer
from app.media import bp
from app.media.body import SLICE, Body, room
from app.media.library import FORM_SECONDS, Hints, arriving, check_size, keep, scratch
from app.models import Medium
from app.services import services

FIELDS = 16  # parts of one form
FORM_MEMORY = 262_144  # bytes in memory: fields, and the parser's own buffer of 64 KiB
FORM_BYTES = 65_536  # what a form may have beside its file
DASHES = 80  # that a boundary may end with, and two more
LATE = "The form took too long: send a file of this size by /v2/uploads, which can be resumed."

UPLOADS = "60 per minute; 2000 per day"

limit_uploads = limiter.shared_limit(
    UPLOADS, "uploads", key_func=tokens.user_key
)


class FormBody(Body):
    """Werkzeug's parser adds a byte to a file if a slice ends within the last `--` of its form."""

    def read(self, size: int = SLICE) -> bytes:
        data = super().read(size)
        for _ in range(DASHES):
            if not data.endswith(b"-") or not (more := super().read(1)):
                break
            data += more
        return data


class MediumLine(Struct):
    """An upload as its owner sees it. The addresses end at `expires_at` (seconds since 1970)."""

    id: str
    media: str
    type: str
    name: str
    size: int
    width: int | None
    height: int | None
    duration: int | None
    waveform: str | None
    url: str
    small: str | None
    large: str | None
    expires_at: int


def line_of(medium: Medium, reader: int, addresses: Addresses) -> MediumLine:
    url = addresses.for_user(medium.id, reader)
    return MediumLine(
        medium.id, medium.media, medium.type, medium.name, medium.size, medium.width,
        medium.height, medium.duration, medium.waveform, url,
        f"{url}&size=small" if medium.small else None,
        f"{url}&size=large" if medium.large else None, addresses.expires_at(),
    )


@bp.post("/v2/media")
@login_required
@limit_uploads
def upload() -> Response:
    """Keep the file of the part `file`; further parts say what a browser has measured."""
    user = tokens.current().user
    return answer(line_of(received(user), user, services().addresses), 201)


def received(owner: int) -> Medium:
    """The one file of the form in the request's body, kept. Raises HiChatError."""
    if request.mimetype != "multipart/form-data":
        raise BadRequest("Send the file as multipart/form-data, in the part `file`.")
    most = services().config.media_file_bytes
    length = most if request.content_length is None else request.content_length
    check_size(max(1, length - FORM_BYTES))  # the least that the file can have
    with scratch() as folder, arriving(owner, min(length, most)):
        with room(), gevent.Timeout(FORM_SECONDS, TooSlow(LATE)):
            name, declared, fields = _read(folder / "file")
        return keep(owner, folder / "file", _hints(name, declared, fields))


def _read(path: Path) -> tuple[str, str, Mapping[str, str]]:
    """Stream the body's file to `path`; its name, its declared type, and the other fields."""
    request.max_content_length = services().config.media_file_bytes + FORM_BYTES
    seen = False

    with open(path, "w+b") as file:

        def stream(**_: Any) -> IO[bytes]:
            nonlocal seen
            if seen:
                raise BadRequest("Send one file at a time.")
            seen = True
            return file

        parser = FormDataParser(
            stream_factory=cast(Any, stream), max_form_memory_size=FORM_MEMORY,
            max_form_parts=FIELDS, silent=False,
        )
        try:
            _, form, files = parser.parse(
                cast(IO[bytes], FormBody(request.stream)), request.mimetype, request.content_length,
                request.mimetype_params,
            )
        except ValueError:
            raise BadRequest("This is no valid multipart/form-data.") from None
        except RequestEntityTooLarge:
            raise TooLong(
                f"A form has at most {FIELDS} parts, of a file of"
                f" {services().config.media_file_bytes} bytes and short texts."
            ) from None
    part = files.get("file")
    if part is None:
        raise BadRequest("Send the file in the part `file`.")
    return part.filename or "", part.mimetype, form


def _hints(name: str, declared: str, fields: Mapping[str, Any]) -> Hints:
    given = {key: fields[key] for key in Hints.__struct_fields__ if fields.get(key)}
    try:
        # A form has only strings: numbers are written in them.
        return msgspec.convert({"name": name, "type": declared} | given, Hints, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from None
