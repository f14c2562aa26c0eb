"""A JPEG, PNG or WebP without whatever is not its pixels: all that the decoder gets to see.

No decoder runs here: sizes, frames and scans are counted from the headers, each walk is bounded.
EXIF, XMP, comments, texts, previews and what stands behind the picture are left out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from app.errors import BadMedia

MOST_PARTS = 100_000  # segments or chunks
MOST_SCANS = 100  # of a progressive JPEG; encoders write about ten
MOST_METADATA = 16 << 20  # bytes
MOST_PROFILE = 4 << 20  # bytes of a colour profile

TRUNCATED = "This picture ends too early: upload it again, whole."
BROKEN = "This is no picture that can be read: open it in an editor and save it anew."
LADEN = "This picture carries too much beside its pixels: save it anew, without metadata."

Part = bytes | memoryview


@dataclass
class Skeleton:
    """What a walk has found. `profile` is the ICC profile, `orientation` EXIF's 1 to 8.

    `durations` are those of an animation's frames in ms, empty where it is none.
    """

    width: int = 0
    height: int = 0
    parts: list[Part] = field(default_factory=list)
    orientation: int = 1
    profile: bytes | None = None
    lossless: bool = False
    durations: list[int] = field(default_factory=list)
    _passed: int = 0
    _dropped: int = 0

    def count(self, kept: bool, size: int) -> None:
        """One more part. Raises BadMedia when they are too many, or too much is no pixels."""
        self._passed += 1
        self._dropped += 0 if kept else size
        if self._passed > MOST_PARTS or self._dropped > MOST_METADATA:
            raise BadMedia(LADEN)


def skeleton(data: bytes, type: str) -> Skeleton:
    """Walk over a whole picture. Raises BadMedia."""
    found = Skeleton()
    try:
        WALKS[type](data, found)
    except (struct.error, IndexError) as error:
        raise BadMedia(TRUNCATED) from error
    if not found.width or not found.height:
        raise BadMedia(BROKEN)
    if found.profile is not None and len(found.profile) > MOST_PROFILE:
        raise BadMedia(LADEN)
    return found


def _orientation(exif: bytes) -> int:
    """The tag 0x0112 of the first directory of a TIFF header; 1 where there is none."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, value = struct.unpack_from(f"{order}H6xH", exif, entry)
            if tag == 0x0112:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


# JPEG: segments, and compressed data behind each start of a scan.

EOI, SOS = 0xD9, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
DECODING = FRAMES | {0xC4, 0xCC, 0xDB, 0xDD, SOS}  # and tables, restart intervals
PLAIN = frozenset({0x00, 0x01, 0xFF, *range(0xD0, 0xD9)})  # no segment begins with these


def _jpeg(data: bytes, found: Skeleton) -> None:
    view = memoryview(data)
    found.parts.append(b"\xff\xd8")
    profile: list[bytes] = []
    scans, at = 0, _next_marker(data, 2)
    while (code := data[at + 1]) != EOI:
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        if end > len(data):
            raise BadMedia(TRUNCATED)
        body = data[at + 4:end]
        if code in FRAMES:
            if found.width:
                raise BadMedia(BROKEN)
            found.height, found.width = struct.unpack_from(">HH", body, 1)
        elif code == 0xE1 and body.startswith(b"Exif\0\0"):
            found.orientation = _orientation(body[6:])
        elif code == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile.append(body[12:])
        elif code == SOS:
            scans, end = scans + 1, _next_marker(data, end)
            if scans > MOST_SCANS:
                raise BadMedia(BROKEN)
        kept = code in DECODING or _tells_colours(code, body)
        found.count(kept, len(body))
        if kept:
            found.parts.append(view[at:end])
        at = _next_marker(data, end)
    found.parts.append(b"\xff\xd9")
    if profile:
        found.profile = b"".join(part[2:] for part in sorted(profile))  # by their numbers


def _next_marker(data: bytes, at: int) -> int:
    """Where the next segment begins: behind compressed data, or bytes that mean nothing."""
    while (at := data.find(b"\xff", at)) >= 0:
        follows = data[at + 1]
        if follows not in PLAIN:
            return at
        at += 1 if follows == 0xFF else 2
    raise BadMedia(TRUNCATED)


def _tells_colours(code: int, body: bytes) -> bool:
    """Whether a segment says in which colours the picture is."""
    return body.startswith({0xE0: b"JFIF\0", 0xEE: b"Adobe"}.get(code, b"\0none"))


# PNG: chunks.

INDEXED = 3  # type of colours: places in a palette
PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def _png(data: bytes, found: Skeleton) -> None:
    view = memoryview(data)
    found.parts.append(data[:8])
    at, name, palette = 8, b"", False
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise BadMedia(TRUNCATED)
        if (name == b"IHDR") != (at == 8):
            raise BadMedia(BROKEN)
        if name == b"IHDR":
            found.width, found.height = struct.unpack_from(">II", data, at + 8)
        elif name == b"iCCP":
            found.profile = _inflated(data[at + 8:end - 4])
        elif name == b"eXIf":
            found.orientation = _orientation(data[at + 8:end - 4])
        palette |= name == b"PLTE" and length > 0
        found.count(name in PIXELS, length)
        if name in PIXELS:
            found.parts.append(view[at:end])
        at = end
    if data[25] == INDEXED and not palette:
        raise BadMedia(BROKEN)


def _inflated(chunk: bytes) -> bytes | None:
    """The profile behind its name and a zero for zlib. Raises BadMedia when it is a bomb."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(chunk.partition(b"\0")[2][1:], MOST_PROFILE)
    except zlib.error:
        return None  # no profile, as for browsers
    if unpacker.unconsumed_tail:
        raise BadMedia(LADEN)
    return profile


# WebP: chunks of RIFF.

SHOWN = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"})


def _webp(data: bytes, found: Skeleton) -> None:
    view = memoryview(data)
    whole = 8 + struct.unpack_from("<I", data, 4)[0]
    if whole > len(data):
        raise BadMedia(TRUNCATED)
    at = 12
    while at < whole:
        name, length = struct.unpack_from("<4sI", data, at)
        body, end = at + 8, at + 8 + length + length % 2
        if body + length > whole:
            raise BadMedia(TRUNCATED)
        found.count(name in SHOWN, length)
        if name in SHOWN:
            found.parts.append(view[at:end])
        if name == b"VP8X":
            if at != 12:
                raise BadMedia(BROKEN)  # a decoder would not see it, and take another size
            found.width = 1 + int.from_bytes(data[body + 4:body + 7], "little")
            found.height = 1 + int.from_bytes(data[body + 7:body + 10], "little")
        elif name == b"ANMF":
            found.durations.append(int.from_bytes(data[body + 12:body + 15], "little"))
            found.lossless |= data[body + 16:body + 20] == b"VP8L"
        elif name in (b"VP8 ", b"VP8L"):
            found.lossless = name == b"VP8L"
            _webp_size(data, body, found)
        elif name == b"ICCP":
            found.profile = data[body:end]
        elif name == b"EXIF":
            found.orientation = _orientation(data[body:end].removeprefix(b"Exif\0\0"))
        at = end
    size = 4 + sum(len(part) for part in found.parts)
    found.parts.insert(0, struct.pack("<4sI4s", b"RIFF", size, b"WEBP"))


def _webp_size(data: bytes, body: int, found: Skeleton) -> None:
    """The size of a picture without VP8X, which would have told it."""
    if found.width:
        return
    if found.lossless:
        (bits,) = struct.unpack_from("<I", data, body + 1)
        found.width, found.height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = struct.unpack_from("<HH", data, body + 6)
        found.width, found.height = width & 0x3FFF, height & 0x3FFF


WALKS: dict[str, Callable[[bytes, Skeleton], None]] = {
    "image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp,
}
