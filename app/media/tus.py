"""`/v2/uploads`: resumable uploads by the tus protocol 1.0, for any stock tus client.

Extensions: creation, creation-with-upload, expiration, termination. How much is here, the file
itself says; an offset is acknowledged when it is flushed. Once all of it is here, the upload is
kept as `POST /v2/media` keeps one; `GET` gives the medium.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from socket import SHUT_RD, socket
from typing import IO

import gevent
import msgspec
from flask import Response, request

from app.auth import tokens
from app.auth.tokens import login_required
from app.content.sounds import check_declared
from app.errors import (
    BadRequest,
    HiChatError,
    Locked,
    NotFinished,
    TooLong,
    TusVersion,
    WrongOffset,
    WrongType,
)
from app.http import answer, empty
from app.media import bp
from app.media.body import Body, flush, room
from app.media.library import Hints, check_size, keep
from app.media.upload import limit_uploads, line_of
from app.models import Medium, Upload
from app.services import services

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
OFFSET_TYPE = "application/offset+octet-stream"
METADATA_CHARS = 4096
NAMES = {"filename": "name", "filetype": "type"}  # as tus clients call them
OVERRIDE = "X-HTTP-Method-Override"
LOCK_TRIES, LOCK_PAUSE = 100, 0.05  # seconds
WANTED = ".wanted"  # a file beside that of an upload: somebody else waits for it
LOOK_PAUSE = 0.25  # seconds until that is seen


@bp.after_request
def _say_version(response: Response) -> Response:
    if request.path.startswith("/v2/uploads"):
        response.headers["Tus-Resumable"] = VERSION
    return response


@bp.route("/v2/uploads", methods=["OPTIONS"], provide_automatic_options=False)
def capabilities() -> Response:
    response = empty()
    response.headers.update({
        "Tus-Version": VERSION, "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(services().config.media_file_bytes),
    })
    return response


@bp.post("/v2/uploads")
@login_required
@limit_uploads
def begin_upload() -> Response:
    """Begin an upload of `Upload-Length` bytes, perhaps with its first ones: 201."""
    _check_version()
    user, length, hints = tokens.current().user, _whole("Upload-Length"), _metadata()
    check_size(length)
    check_declared(hints.said)
    upload = services().store.uploads.begin(user, length, msgspec.json.encode(hints).decode())
    try:
        with _taken(upload) as file:
            if request.mimetype == OFFSET_TYPE:
                _append(upload, file)
                if _size(file) < (request.content_length or 0):
                    raise BadRequest("The connection has ended before the body.")
            response = _state(upload, _size(file), 201)
    except BaseException:
        _forget(upload)  # nobody has been told where to go on with it
        raise
    response.headers["Location"] = f"/v2/uploads/{upload.id}"
    return response


@bp.get("/v2/uploads/<key>")
@login_required
def get_upload(key: str) -> Response:
    """HEAD: how much of it is here. GET: the medium that it has become."""
    upload = services().store.uploads.get(tokens.current().user, key)
    if request.method == "HEAD":
        _check_version()
        if upload.medium_id is not None:
            return _state(upload, upload.length, 200)
        with _taken(upload) as file:
            return _state(upload, _size(file), 200)
    return answer(line_of(_medium(upload), upload.owner_id, services().addresses))


@bp.patch("/v2/uploads/<key>")
@login_required
def append(key: str) -> Response:
    """The next bytes, from `Upload-Offset` on: 204 with the new offset."""
    _check_version()
    upload = services().store.uploads.get(tokens.current().user, key)
    if request.mimetype != OFFSET_TYPE:
        raise WrongType(f"Send the bytes as {OFFSET_TYPE}.")
    offset = _whole("Upload-Offset")
    if upload.medium_id is not None:
        if offset != upload.length:
            raise WrongOffset(upload.length)
        return _state(upload, upload.length, 204)
    with _taken(upload) as file:
        if offset != _size(file):
            raise WrongOffset(_size(file))
        _append(upload, file)
        return _state(upload, _size(file), 204)


@bp.delete("/v2/uploads/<key>")
@login_required
def end_upload(key: str) -> Response:
    """Give it up. What has become a medium stays one."""
    _check_version()
    upload = services().store.uploads.get(tokens.current().user, key)
    if upload.medium_id is None:
        with _taken(upload):
            _forget(upload)
    return empty()


@bp.post("/v2/uploads/<key>")
@login_required
def override(key: str) -> Response:
    """For clients that can send nothing but POST: `X-HTTP-Method-Override`."""
    views = {"PATCH": append, "DELETE": end_upload}
    view = views.get(request.headers.get(OVERRIDE, "").upper())
    if view is None:
        raise BadRequest(f"{OVERRIDE} must be PATCH or DELETE here.")
    return view(key)


def _append(upload: Upload, file: IO[bytes]) -> None:
    """Add the body to the file; if that is all of it, keep it.

    What has arrived stays, whatever ends the body. Raises TooLong, StorageFull, and as `keep`.
    """
    left = upload.length - _size(file)
    if (request.content_length or 0) > left:
        raise TooLong(f"{left} bytes are left of this upload.")
    request.max_content_length = max(left, 1)  # not the one of all other routes
    body = Body(request.stream)
    try:
        with room():
            while left and (data := body.read(left)):
                file.write(data)
                left -= len(data)
    finally:
        with room():
            flush(file)
    if not left:
        _finish(upload, file)


def _finish(upload: Upload, file: IO[bytes]) -> Medium:
    """Keep what is complete. What can never be kept is forgotten; else GET tries again."""
    hints = msgspec.json.decode(upload.hints, type=Hints)
    try:
        medium = keep(upload.owner_id, Path(file.name), hints)
    except HiChatError as error:
        if not error.retry:
            _forget(upload)
        raise
    services().store.uploads.finish(upload.id, medium.id)
    os.unlink(file.name)
    return medium


def _medium(upload: Upload) -> Medium:
    """What an upload has become. Raises NotFinished, and as `keep`."""
    found = services().store.media
    if upload.medium_id is not None:
        return found.readable(upload.owner_id, upload.medium_id)
    path = _path(upload)
    if not path.exists() or path.stat().st_size < upload.length:
        raise NotFinished()  # who writes to it goes on
    with _taken(upload) as file:
        return _finish(upload, file)  # it was interrupted when all had arrived


def _forget(upload: Upload) -> None:
    _path(upload).unlink(missing_ok=True)  # first: who finds no row looks for no file
    services().store.uploads.end([upload.id])


@contextmanager
def _taken(upload: Upload) -> Iterator[IO[bytes]]:
    """The upload's file, this request's alone. Raises Locked while another one works on it."""
    path = _path(upload)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with room(), open(path, "ab") as file:  # closing writes, too
        _lock(file)
        if services().store.uploads.get(upload.owner_id, upload.id).medium_id != upload.medium_id:
            raise Locked()  # it was finished while we waited; the next look finds the medium
        mine = request.environ.get("gunicorn.socket")
        watch = gevent.spawn(_give_way, path, mine) if mine is not None else None
        try:
            yield file
        finally:
            if watch is not None:
                watch.kill(block=False)


def _give_way(path: Path, mine: socket) -> None:
    """Read no more from this connection once another request, in whichever process, wants the file.

    Whoever comes back takes over from the connection that died, of which this end may not know.
    """
    while not _wanted(path).exists():
        gevent.sleep(LOOK_PAUSE)
    with suppress(OSError):
        mine.shutdown(SHUT_RD)


def _lock(file: IO[bytes]) -> None:
    """Wait a little for whoever has it, who then gives way. Raises Locked."""
    wanted = _wanted(Path(file.name))
    for _ in range(LOCK_TRIES):
        try:
            flock(file, LOCK_EX | LOCK_NB)
            wanted.unlink(missing_ok=True)  # who still waits says so again
            return
        except BlockingIOError:
            wanted.touch(mode=0o600)
            gevent.sleep(LOCK_PAUSE)
    raise Locked()


def _wanted(path: Path) -> Path:
    return path.with_name(path.name + WANTED)


def _path(upload: Upload) -> Path:
    return services().config.data_path / "uploads" / upload.id


def _size(file: IO[bytes]) -> int:
    file.flush()
    return os.fstat(file.fileno()).st_size


def _state(upload: Upload, offset: int, status: int) -> Response:
    response = Response(status=status)
    response.headers.update({
        "Upload-Offset": str(offset), "Upload-Length": str(upload.length),
        "Upload-Expires": formatdate(upload.expires_at / 1000, usegmt=True),
        "Cache-Control": "no-store",
    })
    return response


def _check_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise TusVersion(VERSION)


def _whole(name: str) -> int:
    """A header's whole number. Raises BadRequest."""
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadRequest(f"{name} must be a whole number of bytes.")
    return int(text)


def _metadata() -> Hints:
    """`Upload-Metadata`: pairs of a name and base64, separated by commas. Raises BadRequest."""
    given = request.headers.get("Upload-Metadata", "")
    if len(given) > METADATA_CHARS:
        raise TooLong(f"Upload-Metadata may have {METADATA_CHARS} characters.")
    found = {}
    for pair in filter(None, map(str.strip, given.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[NAMES.get(name, name)] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise BadRequest(f"Upload-Metadata: {name} is no base64 of UTF-8.") from None
    try:
        return msgspec.convert(found, Hints, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from None
