"""What is in a file of sound or video: its tracks, its length. Bounded readers; pure.

Nothing of these files is decoded or changed here. A file that does not hold together is Broken.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mutagen import MutagenError
from mutagen.mp3 import MPEGInfo

MOST_WORK = 1 << 22  # bytes that are read of one file, each read costing
READ_COST = 512  # as many more
LONGEST = 7 * 24 * 3_600_000  # ms; what claims to be longer is not believed
UNKNOWN = -1


class Broken(Exception):
    """This is not what its head says, or only a part of it."""


@dataclass
class Found:
    """What a container says of itself. Milliseconds and pixels; None: it does not say."""

    audio: bool = False
    video: bool = False
    duration: int | None = None
    width: int | None = None
    height: int | None = None


def look(path: Path, container: str) -> Found:
    """Read a file as one of `mp4 webm ogg wav mpeg`, as MIME calls them. Raises Broken."""
    with path.open("rb") as file:
        try:
            found = READERS[container](Source(file))
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            raise Broken(str(error)) from error
    if found.duration is not None and not 0 < found.duration <= LONGEST:
        found.duration = None
    return found


class Source:
    """A file of which only so much is read, however its parts are nested."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size = file, os.fstat(file.fileno()).st_size
        self._left = MOST_WORK

    def read(self, start: int, count: int) -> bytes:
        """Exactly so many bytes. Raises Broken."""
        self._left -= max(0, count) + READ_COST
        if self._left < 0:
            raise Broken("too much to look at")
        if not 0 <= start <= start + count <= self.size:
            raise Broken("the file ends too early")
        self.file.seek(start)
        return self.file.read(count)


def _milliseconds(units: float, per_second: float) -> int | None:
    return round(units * 1000 / per_second) if units and per_second else None


# MP4: boxes in boxes.

def _boxes(file: Source, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each box between two places: its name, where its content begins and ends."""
    while start < end:
        size, name = struct.unpack(">I4s", file.read(start, 8))
        head = 8
        if size == 1:
            (size,), head = struct.unpack(">Q", file.read(start + 8, 8)), 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise Broken("a box is larger than what holds it")
        yield name, start + head, start + size
        start += size


def _mp4(file: Source) -> Found:
    if file.read(8, 4) == b"qt  ":
        raise Broken("QuickTime, which browsers need not play")
    for name, start, end in _boxes(file, 0, file.size):
        if name == b"moov":
            return _movie(file, start, end)
    raise Broken("no movie in it")


def _movie(file: Source, start: int, end: int) -> Found:
    found = Found()
    for name, inner, stop in _boxes(file, start, end):
        if name == b"mvhd":
            found.duration = _length(file.read(inner, stop - inner))
        elif name == b"trak":
            _track(file, inner, stop, found)
    return found


def _length(header: bytes) -> int | None:
    """The duration of a movie's header; a stream that was recorded live has none."""
    form, at = (">IQ", 20) if header[0] else (">II", 12)
    scale, units = struct.unpack_from(form, header, at)
    return None if units in (2**32 - 1, 2**64 - 1) else _milliseconds(units, scale)


def _track(file: Source, start: int, end: int, found: Found) -> None:
    size = handler = b""
    for name, inner, stop in _boxes(file, start, end):
        if name == b"tkhd":
            size = file.read(inner, stop - inner)[-44:]  # matrix, width, height
        elif name == b"mdia":
            for part, at, last in _boxes(file, inner, stop):
                if part == b"hdlr":
                    handler = file.read(at, last - at)[8:12]
    if handler == b"soun":
        found.audio = True
    elif handler == b"vide":
        found.video = True
        turned, width, height = struct.unpack(">i32xII", size)
        sides = (width >> 16 or None, height >> 16 or None)
        found.width, found.height = sides if turned else sides[::-1]


# WebM: EBML elements in elements.

HEADER, DOCTYPE, SEGMENT, CLUSTER = 0x1A45DFA3, 0x4282, 0x18538067, 0x1F43B675
INFO, SCALE, DURATION = 0x1549A966, 0x2AD7B1, 0x4489
TRACKS, ENTRY, KIND, VIDEO, WIDTH, HEIGHT = 0x1654AE6B, 0xAE, 0x83, 0xE0, 0xB0, 0xBA
SOUND_TRACK, VIDEO_TRACK = 2, 1


def _elements(file: Source, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Each element between two places: its id, where its content begins and ends."""
    while start < end:
        name, start = _number(file, start, end, keeps_marker=True)
        size, start = _number(file, start, end)
        stop = end if size == UNKNOWN else start + size
        if stop > end:
            raise Broken("an element is larger than what holds it")
        yield name, start, stop
        start = stop


def _number(file: Source, start: int, end: int, keeps_marker: bool = False) -> tuple[int, int]:
    """A number of 1 to 8 bytes, whose first bit that is set tells how many; and what follows."""
    data = file.read(start, min(8, end - start))
    length = 9 - data[0].bit_length() if data else 9
    if length > len(data):
        raise Broken("no number")
    value = int.from_bytes(data[:length], "big")
    marker = 1 << 7 * length
    if not keeps_marker:
        value = UNKNOWN if value == 2 * marker - 1 else value - marker
    return value, start + length


def _webm(file: Source) -> Found:
    found, kind = Found(), b""
    for name, start, end in _elements(file, 0, file.size):
        if name == HEADER:
            kind = _values(file, start, end).get(DOCTYPE, b"").rstrip(b"\0")
        elif name == SEGMENT and kind == b"webm":
            _segment(file, start, end, found)
            return found
    raise Broken("no WebM")


def _segment(file: Source, start: int, end: int, found: Found) -> None:
    """What stands before the first cluster; all writers put the tracks there."""
    for name, inner, stop in _elements(file, start, end):
        if name == CLUSTER:
            return
        if name == INFO:
            said = _values(file, inner, stop)
            length = said.get(DURATION, b"")
            if len(length) in (4, 8):
                units = struct.unpack(">f" if len(length) == 4 else ">d", length)[0]
                scale = int.from_bytes(said.get(SCALE, b"\x0f\x42\x40"), "big")
                found.duration = _milliseconds(units * scale, 1e9)
        elif name == TRACKS:
            for track, at, last in _elements(file, inner, stop):
                if track == ENTRY:
                    _entry(file, at, last, found)


def _entry(file: Source, start: int, end: int, found: Found) -> None:
    for name, inner, stop in _elements(file, start, end):
        if name == KIND:
            kind = int.from_bytes(file.read(inner, stop - inner), "big")
            found.audio |= kind == SOUND_TRACK
            found.video |= kind == VIDEO_TRACK
        elif name == VIDEO:
            said = _values(file, inner, stop)
            found.width = int.from_bytes(said.get(WIDTH, b""), "big") or None
            found.height = int.from_bytes(said.get(HEIGHT, b""), "big") or None


def _values(file: Source, start: int, end: int) -> dict[int, bytes]:
    """The small elements of one that holds nothing else of interest."""
    return {
        name: file.read(inner, stop - inner)
        for name, inner, stop in _elements(file, start, end) if stop - inner <= 64
    }


# Ogg: pages. The first ones say what the streams are, the last one where they end.

OPUS_RATE = 48_000
LARGEST_PAGE = 27 + 255 + 255 * 255
BEGINS = 2


def _ogg(file: Source) -> Found:
    found, at = Found(), 0
    while True:
        magic, flags, serial, segments = struct.unpack("<4sxB8xI8xB", file.read(at, 27))
        if magic != b"OggS":
            raise Broken("no page of Ogg")
        if not flags & BEGINS:
            return found
        length = sum(file.read(at + 27, segments))
        body = file.read(at + 27 + segments, length)
        _stream(file, serial, body, found)
        at += 27 + segments + length


def _stream(file: Source, serial: int, head: bytes, found: Found) -> None:
    if head.startswith(b"OpusHead"):
        skip, rate = struct.unpack_from("<H", head, 10)[0], OPUS_RATE
    elif head.startswith(b"\x01vorbis"):
        skip, rate = 0, struct.unpack_from("<I", head, 12)[0]
    elif head.startswith((b"\x7fFLAC", b"Speex   ")):
        found.audio = True
        return
    else:
        found.video |= not head.startswith(b"fishead")  # Theora, or whatever
        return
    found.audio = True
    last = _last_position(file, serial)
    found.duration = _milliseconds(max(0, last - skip), rate)


def _last_position(file: Source, serial: int) -> int:
    """The samples at the end of a stream, 0 if the end of the file does not tell."""
    start = max(0, file.size - 2 * LARGEST_PAGE)
    tail = file.read(start, file.size - start)
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        if at + 18 <= len(tail):
            position, of = struct.unpack_from("<qI", tail, at + 6)
            if of == serial and position > 0:
                return int(position)
    return 0


# WAV: chunks.

def _wav(file: Source) -> Found:
    at, rate = 12, 0
    while True:
        name, length = struct.unpack("<4sI", file.read(at, 8))
        at += 8
        if name == b"fmt ":
            (rate,) = struct.unpack("<I", file.read(at + 8, 4))
        elif name == b"data":
            if not rate:
                raise Broken("samples without a format")
            return Found(audio=True, duration=_milliseconds(min(length, file.size - at), rate))
        at += length + length % 2


# MP3: frames, behind tags.

def _mp3(file: Source) -> Found:
    at = 0
    while file.read(at, 3) == b"ID3":  # mutagen would go through any number of tags
        digits = enumerate(reversed(file.read(at + 6, 4)))
        at += 10 + sum(digit << 7 * place for place, digit in digits)
    try:
        info = MPEGInfo(file.file, at)
    except MutagenError as error:
        raise Broken(str(error)) from error
    if info.sketchy or info.layer != 3:
        raise Broken("no run of frames")
    return Found(audio=True, duration=_milliseconds(info.length, 1))


READERS: dict[str, Callable[[Source], Found]] = {
    "mp4": _mp4, "webm": _webm, "ogg": _ogg, "wav": _wav, "mpeg": _mp3,
}
