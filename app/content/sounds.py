"""How long sounds and videos are, and what a browser may say of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app.content import containers
from app.content.kinds import Kind
from app.errors import BadRequest

LONGEST = containers.LONGEST
WIDEST = 16_384  # pixels of a video's side
WAVEFORM = re.compile(r"(?:[0-9a-fA-F]{2}){1,100}")


@dataclass(frozen=True)
class Measures:
    """Milliseconds; loudness, a byte for each part of the time, in hex; pixels. None: unknown."""

    duration: int | None = None
    waveform: str | None = None
    width: int | None = None
    height: int | None = None


def check_waveform(text: str) -> None:
    """Raises BadRequest."""
    if not WAVEFORM.fullmatch(text):
        raise BadRequest("waveform: 1 to 100 bytes in hex, as 00407fff.")


def check_declared(said: Measures) -> None:
    """Whether what a browser has measured is possible at all. Raises BadRequest."""
    if said.duration is not None and not 0 < said.duration <= LONGEST:
        raise BadRequest(f"duration: milliseconds, 1 to {LONGEST}.")
    for side in (said.width, said.height):
        if side is not None and not 0 < side <= WIDEST:
            raise BadRequest(f"width and height: pixels, 1 to {WIDEST}.")
    if (said.width is None) != (said.height is None):
        raise BadRequest("width and height: both, or none.")
    if said.waveform is not None:
        check_waveform(said.waveform)


def measured(path: Path, kind: Kind, said: Measures) -> Measures:
    """What holds of a file of this kind: what its container tells, else what its sender `said`.

    `kind` is what `kind_of` has said of this file. Pictures and downloads have none of these.
    """
    if kind.media not in ("audio", "video"):
        return Measures()
    found = containers.look(path, kind.type.partition("/")[2])
    duration = found.duration or said.duration
    if kind.media == "audio":
        return Measures(duration, said.waveform)
    if found.width and found.height and max(found.width, found.height) <= WIDEST:
        return Measures(duration, None, found.width, found.height)
    return Measures(duration, None, said.width, said.height)
