"""From a file that has arrived to a medium that can be sent: look, clean, name, keep."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import WeakValueDictionary

from gevent.lock import BoundedSemaphore
from msgspec import Struct

from app.content.kinds import Kind, file_name
from app.content.orders import Order
from app.content.sounds import Measures, check_declared
from app.errors import BadMedia, HiChatError, TooLong, Unavailable
from app.models import Medium
from app.services import services
from app.store.clock import now_ms

FORM_SECONDS = 7200  # within which a form must arrive

_turns: WeakValueDictionary[int, BoundedSemaphore] = WeakValueDictionary()


class Hints(Struct):
    """What the uploader says of a file. It is checked, and the content knows better."""

    name: str = ""
    type: str = ""
    width: int | None = None
    height: int | None = None
    duration: int | None = None  # milliseconds
    waveform: str | None = None

    @property
    def said(self) -> Measures:
        return Measures(self.duration, self.waveform, self.width, self.height)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for files under way; it is gone behind the block."""
    base = services().config.data_path / "scratch"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(mkdtemp(dir=base))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def check_size(size: int) -> None:
    """Raises BadMedia, TooLong."""
    if not size:
        raise BadMedia("The file is empty: choose it again.")
    most = services().config.media_file_bytes
    if size > most:
        raise TooLong(f"The file has {size} bytes; {most} may be uploaded.")


@contextmanager
def arriving(owner: int, size: int) -> Iterator[None]:
    """A form with at most so many bytes comes in: an open upload, which every process counts.

    It ends with the block; if this process dies, after FORM_SECONDS. Raises TooMany, QuotaExceeded.
    """
    uploads = services().store.uploads
    begun = uploads.begin(owner, size, "", FORM_SECONDS * 1000)
    try:
        yield
    finally:
        with suppress(Unavailable):  # then it expires
            uploads.end([begun.id])


def keep(owner: int, source: Path, hints: Hints) -> Medium:
    """Keep the file `source`, an open upload of `owner`.

    Raises BadMedia, BadRequest, TooLong, QuotaExceeded, StorageFull, Unavailable.
    """
    size = source.stat().st_size
    check_size(size)
    check_declared(hints.said)
    with _turn(owner), scratch() as folder:
        return _keep(owner, source, hints, folder, size)


def _turn(owner: int) -> BoundedSemaphore:
    """One file of a user after the other: an album holds up its sender, not everybody."""
    return _turns.setdefault(owner, BoundedSemaphore(1))


def _keep(owner: int, source: Path, hints: Hints, folder: Path, counted: int) -> Medium:
    found, now = services(), now_ms()
    seen = found.workshop.examine(
        Order(str(source), str(folder), hints.type, hints.said, found.config.media_pixels)
    )
    parts, measures = seen.parts, seen.measures
    medium = Medium(
        id=secrets.token_urlsafe(16), owner_id=owner, media=seen.media, type=seen.type,
        name=file_name(hints.name, Kind(seen.media, seen.type)), size=parts["digest"].size,
        width=measures.width, height=measures.height, duration=measures.duration,
        waveform=measures.waveform, public=False, created_at=now, loose_since=now,
        **{name: part.digest for name, part in parts.items()},
    )
    found.store.media.add(medium, {part.digest: part.size for part in parts.values()}, counted)
    try:
        for part in parts.values():
            found.blobs.put(part.digest, Path(part.path))
    except HiChatError:
        found.store.media.drop(medium.id)
        raise
    return medium
