"""Pictures are decoded and encoded anew: what comes out is pixels, whatever came in.

JPEG, PNG, GIF and WebP stay what they are. Colours become sRGB by the picture's own profile, which
is dropped then; so is everything else that is no pixel. An animated PNG keeps its first picture.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.content import gifs
from app.content.skeletons import BROKEN, Skeleton, skeleton
from app.errors import BadMedia, StorageFull

MOST_BYTES = 64 << 20  # of a picture; it is read whole
WEBP_WEIGHT = 2  # a pixel of WebP takes 20 bytes while it is decoded, of the others 8
WIDEST_WEBP = 16_383  # pixels; a decoder takes one more than the encoder
SMALL, LARGE = 320, 1280  # pixels, the longest side of the thumbnails
LARGE_PNG = 4 << 20  # bytes; photographs are, and gain nothing from a higher level
QUALITY = 88  # of JPEG, at most; where the source had less, its own
# The only ones of Pillow's plugins that ever see a file, beside GIF in gifs.py.
PLUGINS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": WebPImageFile.format}
# Modes whose colours a profile may be for, and what they become.
CONVERTED = {"L": "RGB", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}
# All that Pillow is known to raise for bytes that are no picture.
REFUSED = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, struct.error,
    zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}
# The mean of libjpeg's own table for brightness at quality 50.
MEAN_AT_50 = 57.625

warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """Files of their own, in the folder that was given. `large` is there if it is worth it."""

    shown: Path  # of the same type as the source
    small: Path  # a thumbnail, WebP, as is `large`
    large: Path | None
    width: int
    height: int


def prepare(source: Path, folder: Path, type: str, most_pixels: int) -> Picture:
    """Check a picture of a type and write it anew, with thumbnails, into `folder`.

    Raises BadMedia when it is none, not whole or too large; StorageFull.
    """
    Image.MAX_IMAGE_PIXELS = most_pixels  # a net below the counts of our own
    shown = folder / "shown"
    if type == "image/gif":
        image = _write_gif(_whole(source), shown, most_pixels)
    else:
        found = skeleton(_whole(source), type)
        _check_pixels(found.width, found.height, len(found.durations) or 1, most_pixels)
        if type == "image/webp":
            _check_pixels(found.width, found.height, 1, most_pixels // WEBP_WEIGHT)
            if max(found.width, found.height) > WIDEST_WEBP:
                raise BadMedia(f"A side has over {WIDEST_WEBP:,} pixels: make the picture smaller.")
        bare = b"".join(found.parts)
        found.parts.clear()  # and with them the file
        write = _write_animation if len(found.durations) > 1 else _write_still
        image = write(bare, found, type, shown)
    large = None
    width, height = image.size
    if max(image.size) > LARGE:
        large = folder / "large"
        image = _write_thumbnail(image, LARGE, large)
    small = folder / "small"
    _write_thumbnail(image, SMALL, small)
    return Picture(shown, small, large, width, height)


def _whole(source: Path) -> bytes:
    size = source.stat().st_size
    if not size:
        raise BadMedia("The file is empty: choose it again.")
    if size > MOST_BYTES:
        raise BadMedia(
            f"This picture has more than {MOST_BYTES >> 20} MiB: make it smaller, or put it into an"
            " archive."
        )
    return source.read_bytes()


def _check_pixels(width: int, height: int, frames: int, most: int) -> None:
    if width * height * frames > most:
        raise BadMedia(
            f"This picture has {width * height * frames:,} pixels in {frames:,} frame(s), and at"
            f" most {most:,} are taken: make it smaller."
        )


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except REFUSED as error:
        raise BadMedia(BROKEN) from error


@contextmanager
def _writing() -> Iterator[None]:
    """What has been decoded can be encoded: only the disk can refuse it."""
    try:
        yield
    except OSError as error:
        raise StorageFull() from error


def _write_gif(data: bytes, shown: Path, most_pixels: int) -> Image.Image:
    """Returns what is seen first, as all of these do."""
    gif = gifs.read(data)
    _check_pixels(gif.width, gif.height, len(gif.frames), most_pixels)
    anew = io.BytesIO()
    with _reading():
        gifs.write(gif, anew)
        image = gifs.first(gif)
    with _writing():
        shown.write_bytes(anew.getbuffer())
    return image


@contextmanager
def _opened(bare: bytes, found: Skeleton, type: str) -> Iterator[ImageFile.ImageFile]:
    with _reading(), Image.open(io.BytesIO(bare), formats=[PLUGINS[type]]) as image:
        if image.size != (found.width, found.height):
            raise BadMedia(BROKEN)  # it has misled one of two parsers
        yield image


def _write_still(bare: bytes, found: Skeleton, type: str, shown: Path) -> Image.Image:
    image, options = _decoded(bare, found, type)
    with _writing():
        image.save(shown, PLUGINS[type], **options)
    return image


def _decoded(bare: bytes, found: Skeleton, type: str) -> tuple[Image.Image, dict[str, Any]]:
    """The picture as it is to be saved, and how."""
    with _opened(bare, found, type) as opened:
        opened.load()
        image = _turned(_in_srgb(_plain(_alone(opened)), found.profile), found.orientation)
        return image, _options(opened, found, len(bare))


def _write_animation(bare: bytes, found: Skeleton, type: str, shown: Path) -> Image.Image:
    anew = io.BytesIO()
    with _opened(bare, found, type) as opened:
        opened.save(
            anew, PLUGINS[type], save_all=True, duration=found.durations,
            loop=opened.info["loop"], background=opened.info["background"],
            **_options(opened, found, len(bare)),
        )
        opened.seek(0)
        opened.load()
        image = _alone(opened)
    with _writing():
        shown.write_bytes(anew.getbuffer())
    return image


def _alone(opened: ImageFile.ImageFile) -> Image.Image:
    """The pixels without their decoder, which may hold four times as much as they do."""
    image = Image.new(opened.mode, opened.size, None)  # None: no memory is touched
    image.im, image.palette = opened.im, opened.palette
    if "transparency" in opened.info:
        image.info["transparency"] = opened.info["transparency"]
    return image


def _options(opened: ImageFile.ImageFile, found: Skeleton, size: int) -> dict[str, Any]:
    """How it is encoded. Levels are those behind which time grows and files do not shrink."""
    if isinstance(opened, JpegImageFile):
        return {"quality": _quality(opened.quantization), "progressive": True}
    if isinstance(opened, WebPImageFile):
        return {"lossless": True, "quality": 20} if found.lossless else {"quality": 80}
    return {"compress_level": 3 if size > LARGE_PNG else 6}


def _quality(tables: dict[int, list[int]]) -> int:
    """libjpeg's quality (1 to QUALITY) with about these tables: more would only be larger."""
    scale = 100 * sum(tables.get(0, [])) / 64 / MEAN_AT_50
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return min(QUALITY, max(1, round(quality)))


def _plain(image: Image.Image) -> Image.Image:
    """One of the modes 1, L, LA, P, RGB, RGBA, CMYK."""
    if image.mode == "I;16":
        return Image.frombytes("L", image.size, image.tobytes()[1::2])  # the upper bytes
    if image.mode in ("1", "L", "RGB") and "transparency" in image.info:
        return image.convert("RGBA" if image.mode == "RGB" else "LA")
    return image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A profile that cannot be read, or is not for these colours, counts for nothing."""
    if profile is not None and image.mode in (*CONVERTED, "P"):
        with suppress(ImageCms.PyCMSError, OSError):
            image = _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    return image.convert("RGB") if image.mode == "CMYK" else image


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    if ImageCms.getProfileDescription(profile).startswith("sRGB"):
        return image
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    into = CONVERTED[image.mode]
    transform = ImageCms.buildTransform(
        profile, ImageCms.createProfile("sRGB"), image.mode, into
    )
    # In place where it can be: a second copy of a large picture is 200 MB.
    anew = ImageCms.applyTransform(image, transform, inPlace=into == image.mode) or image
    del anew.info["icc_profile"]  # that of sRGB: with it, it would be saved
    return anew.convert("L") if image.mode == "L" else anew


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _write_thumbnail(image: Image.Image, side: int, path: Path) -> Image.Image:
    """A picture whose longest side has at most `side` pixels."""
    if image.mode in ("1", "P"):
        modes = {"1": "L", "P": "RGBA" if "transparency" in image.info else "RGB"}
        image = image.convert(modes[image.mode])
    ratio = side / max(image.size)
    if ratio < 1:
        size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    with _writing():
        image.save(path, "WEBP", quality=75)
    return image
