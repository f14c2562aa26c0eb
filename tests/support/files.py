"""Files of every sort, good and bad, made by code: pictures, sounds, videos and their likes.

The pictures are Pillow's; containers of sound are written box by box, with nothing audible in them.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, PngImagePlugin

TELLTALE = b"telltale-of-the-uploader"  # whatever is no pixel carries it
SCRIPT = b"<script>alert(document.domain)</script>" + TELLTALE
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"
HTML = b"<!doctype html><html><body>" + SCRIPT + b"</body></html>"
PIXEL = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"  # a frame of a GIF


# Pictures

def pattern(width: int, height: int, mode: str = "RGB", step: int = 0) -> Image.Image:
    """Soft slopes: red to the right, green downwards; `step` makes another frame of it."""
    red = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90).resize((width, height))
    green = Image.linear_gradient("L").resize((width, height))
    blue = Image.new("L", (width, height), 40 * step % 256)
    image = Image.merge("RGB", (red, green, blue))
    if mode in ("RGBA", "LA"):
        image.putalpha(red)
    return image.convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def picture(format: str = "JPEG", width: int = 64, height: int = 48, mode: str = "RGB") -> bytes:
    """A small valid picture: JPEG, PNG, GIF or WEBP."""
    return encoded(pattern(width, height, mode), format)


def animation(format: str, frames: int = 3, width: int = 40, height: int = 30) -> bytes:
    """PNG, GIF or WEBP; the frames last 100, 110, 120, ... ms."""
    first, *others = [pattern(width, height, step=step) for step in range(frames)]
    durations = [100 + 10 * step for step in range(frames)]
    return encoded(
        first, format, save_all=True, append_images=others, duration=durations, loop=0,
    )


def located(format: str = "JPEG", orientation: int = 6, image: Image.Image | None = None) -> bytes:
    """A picture of a phone that was held aside: EXIF with the place, XMP, a comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = TELLTALE.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    options: dict[str, Any] = {"exif": exif}
    if format in ("JPEG", "WEBP"):
        options["xmp"] = b"<x:xmpmeta>" + TELLTALE + b"</x:xmpmeta>"
    if format == "JPEG":
        options["comment"] = TELLTALE
    if format == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Comment", TELLTALE.decode())
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", TELLTALE.decode(), zip=True)
    return encoded(image or pattern(64, 48), format, **options)


def profiled(format: str, profile: bytes, mode: str = "RGB") -> bytes:
    return encoded(pattern(64, 48, mode), format, icc_profile=profile)


def chunk(name: bytes, body: bytes) -> bytes:
    """One of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def riff_chunk(name: bytes, body: bytes) -> bytes:
    """One of a WebP."""
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def with_chunk(png: bytes, added: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    return png[:33] + added + png[33:]


def huge_png(width: int = 30_000, height: int = 30_000) -> bytes:
    """A valid black picture of one bit per pixel: about a thousandth of its pixels in bytes."""
    packer, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row * 100) for _ in range(height // 100)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def many_frames(frames: int = 1_000_000) -> bytes:
    """A GIF of so many frames of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + PIXEL * frames + b";"


def large_frames(frames: int = 100, side: int = 5_000) -> bytes:
    """A GIF of so many empty frames of that size, in a few bytes each."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + PIXEL * frames + b";"


def long_text_png(size: int) -> bytes:
    """A valid PNG with a comment of so many bytes."""
    return with_chunk(picture("PNG"), chunk(b"tEXt", b"Comment\0" + b"x" * size))


def declared_text_png(size: int = 100 << 20) -> bytes:
    """A PNG that says so much text follows, and ends."""
    return picture("PNG")[:33] + struct.pack(">I4s", size, b"tEXt") + b"Comment\0"


def profile_bomb(size: int = 100 << 20) -> bytes:
    """A PNG whose colour profile inflates to so many bytes."""
    packed = zlib.compress(bytes(size), 9)
    return with_chunk(picture("PNG"), chunk(b"iCCP", b"bomb\0\0" + packed))


def many_scans(scans: int = 10_000) -> bytes:
    """A progressive JPEG that refines nothing so many times: each costs a pass over all of it."""
    whole = encoded(pattern(64, 48), "JPEG", progressive=True)
    start = whole.rindex(b"\xff\xda")
    return whole[:start] + whole[start:-2] * scans + whole[-2:]


def gif_js() -> bytes:
    """A GIF that is a script too: its width is the beginning of a comment, `/*`."""
    body = picture("GIF")
    return body[:6] + b"/*" + body[8:-1] + b";*/=1;alert('" + TELLTALE + b"')//"


def png_zip() -> bytes:
    file = io.BytesIO(picture("PNG"))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("evil.html", HTML)
    return file.getvalue()


def jpeg_html() -> bytes:
    """HTML in a comment and behind the end."""
    return encoded(pattern(64, 48), "JPEG", comment=HTML) + HTML


# Sounds and videos

def wav(milliseconds: int = 500) -> bytes:
    """8 bits, mono, 8,000 samples a second."""
    samples = b"\x80" * (8 * milliseconds)
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    body += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp3(frames: int = 40, tag: bytes = b"") -> bytes:
    """417 bytes, 26 ms a frame: 128 kbit/s. `tag`: what an ID3 tag before them holds."""
    size = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
    head = b"ID3\x04\0\0" + size + tag if tag else b""
    return head + (b"\xff\xfb\x90\xc4" + bytes(413)) * frames


def page(flags: int, position: int, number: int, body: bytes, serial: int = 7) -> bytes:
    """One of an Ogg; nobody here looks at its checksum."""
    assert len(body) < 255
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, serial, number, 0, 1)
    return head + bytes([len(body)]) + body


def ogg(milliseconds: int = 500, video: bool = False) -> bytes:
    """Opus, with a lead-in of 312 samples; `video`: Theora beside it."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    pages = [page(2, 0, 0, head)]
    if video:
        pages.append(page(2, 0, 0, b"\x80theora" + bytes(35), serial=8))
    pages.append(page(0, 0, 1, b"OpusTags" + struct.pack("<II", 0, 0)))
    return b"".join([*pages, page(4, 48 * milliseconds + 312, 2, bytes(20))])


def box(name: bytes, *parts: bytes) -> bytes:
    """One of an MP4."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def track(handler: bytes, width: int = 0, height: int = 0, turned: bool = False) -> bytes:
    """Of sound (`soun`) or of pictures (`vide`)."""
    across = 0 if turned else 1 << 16
    matrix = struct.pack(">9i", across, (1 << 16) - across, 0, 0, across, 0, 0, 0, 1 << 30)
    header = bytes(40) + matrix + struct.pack(">II", width << 16, height << 16)
    return box(b"trak", box(b"tkhd", header), box(
        b"mdia", box(b"hdlr", bytes(8) + handler + bytes(13)),
    ))


def mp4(
    milliseconds: int = 500, audio: bool = True, video: bool = True, width: int = 320,
    height: int = 180, turned: bool = False, brand: bytes = b"isom",
) -> bytes:
    """A movie without samples. Without video it is what phones call M4A."""
    tracks = [track(b"soun")] if audio else []
    tracks += [track(b"vide", width, height, turned)] if video else []
    header = struct.pack(">12xII", 1000, milliseconds) + bytes(80)
    return b"".join((
        box(b"ftyp", brand, bytes(4), brand), box(b"mdat", bytes(64)),
        box(b"moov", box(b"mvhd", header), *tracks),
    ))


def m4a(milliseconds: int = 500) -> bytes:
    return mp4(milliseconds, video=False, brand=b"M4A ")


def element(name: int, *parts: bytes, open_end: bool = False) -> bytes:
    """One of a WebM; `open_end`: of unknown length, as a recorder writes it."""
    body = b"".join(parts)
    size = b"\x01" + b"\xff" * 7 if open_end else struct.pack(">Q", len(body) | 1 << 56)
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size + body


def webm(
    milliseconds: int | None = 500, audio: bool = True, video: bool = False,
    kind: bytes = b"webm",
) -> bytes:
    """As a browser records it; without `milliseconds`, as it does live."""
    info = element(0x2AD7B1, b"\x0f\x42\x40")
    if milliseconds is not None:
        info += element(0x4489, struct.pack(">d", milliseconds))
    tracks = element(0xAE, element(0x83, b"\2")) if audio else b""
    if video:
        size = element(0xB0, b"\x01\x40") + element(0xBA, b"\xb4")
        tracks += element(0xAE, element(0x83, b"\1"), element(0xE0, size))
    return element(0x1A45DFA3, element(0x4282, kind)) + element(
        0x18538067, element(0x1549A966, info), element(0x1654AE6B, tracks),
        element(0x1F43B675, bytes(100), open_end=True), open_end=True,
    )
