"""From a file that has arrived to a medium that can be sent: look, clean, name, keep."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from msgspec import Struct

from app.content.kinds import file_name, kind_of
from app.content.pictures import Picture, prepare
from app.content.sounds import Measures, check_declared, measured
from app.content.workshop import digest_of
from app.errors import BadMedia, HiChatError, TooLong
from app.models import Medium
from app.services import services
from app.store.users import now_ms


class Hints(Struct):
    """What the uploader says of a file. It is checked, and the content knows better."""

    name: str = ""
    type: str = ""
    width: int | None = None
    height: int | None = None
    duration: int | None = None  # milliseconds
    waveform: str | None = None


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


def check_size(owner: int, size: int) -> None:
    """Before anything of a file is taken. Raises TooLong, QuotaExceeded."""
    found = services()
    if size > found.config.media_file_bytes:
        raise TooLong(
            f"The file has {size} bytes; {found.config.media_file_bytes} may be uploaded."
        )
    found.store.media.check_room(owner, size)


def keep(owner: int, source: Path, hints: Hints, counted: bool = False) -> Medium:
    """Keep the file `source` as an upload of `owner`; `counted`: in its owner's account already.

    Raises BadMedia, BadRequest, TooLong, QuotaExceeded, StorageFull, Unavailable.
    """
    size = source.stat().st_size
    if not size:
        raise BadMedia("The file is empty.")
    if not counted:
        check_size(owner, size)
    said = Measures(hints.duration, hints.waveform, hints.width, hints.height)
    check_declared(said)
    with scratch() as folder:
        return _keep(owner, source, hints, said, folder, size if counted else 0)


def _keep(
    owner: int, source: Path, hints: Hints, said: Measures, folder: Path, counted: int
) -> Medium:
    found = services()
    work, now = found.workshop.run, now_ms()
    kind = work(kind_of, source, hints.type)
    picture = (
        work(prepare, source, folder, kind.type, found.config.media_pixels)
        if kind.media == "image" else None
    )
    parts = _parts(source, picture)
    digests = {part: work(digest_of, path) for part, path in parts.items()}
    measures = (
        Measures(width=picture.width, height=picture.height) if picture
        else work(measured, source, kind, said)
    )
    medium = Medium(
        id=secrets.token_urlsafe(16), owner_id=owner, media=kind.media, type=kind.type,
        name=file_name(hints.name, kind), size=parts["digest"].stat().st_size,
        width=measures.width, height=measures.height, duration=measures.duration,
        waveform=measures.waveform, public=False, created_at=now, loose_since=now, **digests,
    )
    sizes = {digests[part]: path.stat().st_size for part, path in parts.items()}
    found.store.media.add(medium, sizes, counted)
    try:
        for part, path in parts.items():
            found.blobs.put(digests[part], path)
    except HiChatError:
        found.store.media.drop(medium.id)
        raise
    return medium


def _parts(source: Path, picture: Picture | None) -> dict[str, Path]:
    """The files to keep, by the column of `medium` that names them."""
    if picture is None:
        return {"digest": source}
    parts = {"digest": picture.shown, "small": picture.small}
    return parts | ({"large": picture.large} if picture.large else {})
