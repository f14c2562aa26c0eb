"""GIFs: read into their frames, each decoded and encoded anew, written with nothing else.

Indexes, palettes, places, delays and disposals stay as they were, so nothing is lost. One frame
is in memory at a time.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from PIL import GifImagePlugin, Image

from app.content.skeletons import BROKEN, LADEN, MOST_METADATA, TRUNCATED
from app.errors import BadMedia

MOST_FRAMES = 2_000
MOST_BLOCKS = 1_000_000  # pieces of up to 255 bytes
GRAYS = bytes(value for value in range(256) for _ in range(3))  # where a GIF has no palette
EXTENSION, FRAME, END, NOTHING = 0x21, 0x2C, 0x3B, 0x00
CONTROL, APPLICATION = 0xF9, 0xFF


@dataclass
class Frame:
    """`code` is its compressed data, with the size of the first code before it."""

    box: tuple[int, int, int, int]  # left, top, width, height
    interlaced: bool
    table: bytes | None  # its own palette, RGB
    code: bytes
    delay: int = 0  # hundredths of a second
    disposal: int = 0
    transparent: int | None = None


@dataclass
class Gif:
    width: int
    height: int
    table: bytes | None  # the palette of the frames that have none
    loop: int | None = None  # times; 0: for ever; None: it does not say
    frames: list[Frame] = field(default_factory=list)


def read(data: bytes) -> Gif:
    """The frames of a whole GIF, not decoded. Raises BadMedia."""
    try:
        return _Reader(data).gif()
    except (struct.error, IndexError) as error:
        raise BadMedia(TRUNCATED) from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._blocks, self._dropped = data, 6, 0, 0

    def gif(self) -> Gif:
        width, height, flags = self._take("<HHBxx")
        gif = Gif(width, height, self._table(flags))
        control = (0, 0, 0)
        while (sign := self._take("B")[0]) != END:
            if sign == EXTENSION:
                control = self._extension(gif) or control
            elif sign == FRAME:
                gif.frames.append(self._frame(*control))
                control = (0, 0, 0)
            elif sign != NOTHING:
                raise BadMedia(BROKEN)
            if len(gif.frames) > MOST_FRAMES:
                raise BadMedia(f"This animation has over {MOST_FRAMES:,} frames: make it shorter.")
        return _with_room(gif)

    def _take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def _table(self, flags: int) -> bytes | None:
        if not flags & 0x80:
            return None
        start, self._at = self._at, self._at + 3 * (2 << (flags & 7))
        return self._data[start:self._at]

    def _skip(self) -> None:
        """Over pieces, to behind the empty one that ends them."""
        while size := self._data[self._at]:
            self._at += 1 + size
            self._blocks += 1
            if self._blocks > MOST_BLOCKS:
                raise BadMedia(BROKEN)
        self._at += 1

    def _extension(self, gif: Gif) -> tuple[int, int, int] | None:
        """What it says of the next frame: flags, delay, transparent index."""
        (label,), start = self._take("B"), self._at
        self._skip()
        body = self._data[start:self._at]
        if label == CONTROL and body[0] >= 4:
            flags, delay, transparent = struct.unpack_from("<BHB", body, 1)
            return flags, delay, transparent
        if label == APPLICATION and body[1:12] == b"NETSCAPE2.0" and body[12:14] == b"\3\1":
            (gif.loop,) = struct.unpack_from("<H", body, 14)
        self._dropped += len(body)
        if self._dropped > MOST_METADATA:
            raise BadMedia(LADEN)
        return None

    def _frame(self, control: int, delay: int, transparent: int) -> Frame:
        *box, flags = self._take("<HHHHB")
        table, start = self._table(flags), self._at
        self._at += 1
        self._skip()
        return Frame(
            (box[0], box[1], box[2], box[3]), bool(flags & 0x40), table,
            self._data[start:self._at], delay, control >> 2 & 7,
            transparent if control & 1 else None,
        )


def _with_room(gif: Gif) -> Gif:
    """Some GIFs have frames that are larger than what they say of themselves."""
    if not gif.frames or not all(frame.box[2] and frame.box[3] for frame in gif.frames):
        raise BadMedia(BROKEN)
    gif.width = max(gif.width, *(frame.box[0] + frame.box[2] for frame in gif.frames))
    gif.height = max(gif.height, *(frame.box[1] + frame.box[3] for frame in gif.frames))
    return gif


def write(gif: Gif, file: BinaryIO) -> None:
    """The same GIF, of nothing but its frames. Raises BadMedia for one that cannot be decoded."""
    flags = _flags(gif.table)
    file.write(struct.pack("<6sHHBBB", b"GIF89a", gif.width, gif.height, flags, 0, 0))
    file.write(gif.table or b"")
    if gif.loop is not None and len(gif.frames) > 1:
        file.write(b"\x21\xff\x0bNETSCAPE2.0\3\1" + struct.pack("<H", gif.loop) + b"\0")
    for frame in gif.frames:
        left, top, _, _ = frame.box
        own = frame.table is not None or gif.table is None
        for piece in GifImagePlugin.getdata(
            decoded(gif, frame), (left, top), duration=frame.delay * 10, disposal=frame.disposal,
            transparency=frame.transparent, include_color_table=own,
        ):
            file.write(piece)
    file.write(b";")


def decoded(gif: Gif, frame: Frame) -> Image.Image:
    """The pixels of a frame, as indexes into its palette."""
    _, _, width, height = frame.box
    table = frame.table or gif.table or GRAYS
    alone = b"".join((
        struct.pack("<6sHHBBB", b"GIF89a", width, height, _flags(table), 0, 0), table,
        struct.pack("<cHHHHB", b",", 0, 0, width, height, 0x40 if frame.interlaced else 0),
        frame.code, b";",
    ))
    with Image.open(io.BytesIO(alone), formats=["GIF"]) as image:
        image.load()
        pixels = Image.new("P", image.size, None)
        pixels.im = image.im  # its mode is L where the palette is one of grays
    pixels.putpalette(table)
    return pixels


def first(gif: Gif) -> Image.Image:
    """What is seen at the beginning, RGBA."""
    frame = gif.frames[0]
    pixels = decoded(gif, frame)
    if frame.transparent is not None:
        pixels.info["transparency"] = frame.transparent
    seen = Image.new("RGBA", (gif.width, gif.height))
    seen.paste(pixels.convert("RGBA"), frame.box[:2])
    return seen


def _flags(table: bytes | None) -> int:
    """Whether there is a palette, and of what size."""
    return 0x80 | (len(table) // 3).bit_length() - 2 if table else 0
