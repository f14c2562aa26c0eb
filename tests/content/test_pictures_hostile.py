"""Pictures that were made to hurt: refused before they are decoded, and told why."""

from __future__ import annotations

import ctypes
import io
import os
import struct
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.content import pictures
from app.content.pictures import prepare
from app.content.skeletons import BROKEN, LADEN, TRUNCATED
from app.errors import BadMedia
from tests.content.clean import CLEAN, parts
from tests.content.conftest import PIXELS, Prepare, Put
from tests.support import files
from tests.support.process import forget_peak, peak_memory

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


def refusal(prepared: Prepare, data: bytes, most_pixels: int = PIXELS) -> str:
    with pytest.raises(BadMedia) as caught:
        prepared(data, most_pixels)
    return caught.value.message


@pytest.mark.parametrize("make", [
    files.huge_png, files.many_frames, files.large_frames, files.profile_bomb,
    files.declared_text_png, files.many_scans, partial(files.animation, "WEBP", 12, 2500, 2000),
], ids=["30,000 x 30,000", "a million frames", "large frames", "profile", "text", "scans", "webp"])
def test_a_bomb_is_refused_before_it_is_decoded(
    put: Put, tmp_path: Path, make: Callable[[], bytes]
) -> None:
    """Decoded, the least of them would take 60 MB; what is read of the file itself is counted."""
    data = make()
    source = put(data)
    type = next(
        type for type, head in (
            ("image/png", b"\x89"), ("image/gif", b"G"), ("image/jpeg", b"\xff"),
            ("image/webp", b"R"),
        ) if data.startswith(head)
    )
    size = len(data)
    del data
    ctypes.CDLL(None).malloc_trim(0)  # what making it took is not there to be taken again
    forget_peak(os.getpid())
    before = peak_memory(os.getpid())
    with pytest.raises(BadMedia):
        prepare(source, tmp_path, type, PIXELS)
    assert peak_memory(os.getpid()) - before < 2 * size + (24 << 20)
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]


def test_a_refusal_names_the_remedy(prepared: Prepare) -> None:
    assert refusal(prepared, files.picture("PNG", 200, 100), 19_999).endswith(
        "20,000 pixels in 1 frame(s), and at most 19,999 are taken: make it smaller."
    )
    assert refusal(prepared, files.many_frames(3_000)).endswith("make it shorter.")
    assert refusal(prepared, files.picture("JPEG")[:-400]) == TRUNCATED
    assert refusal(prepared, files.profile_bomb()) == LADEN
    assert refusal(prepared, files.long_text_png(20 << 20)) == LADEN


@pytest.mark.parametrize("format", TYPES)
def test_pixels_are_counted_to_the_last_one(prepared: Prepare, format: str) -> None:
    data, most = files.picture(format, 60, 40), 2_400 * (2 if format == "WEBP" else 1)
    assert prepared(data, most).width == 60
    refusal(prepared, data, most - 1)


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_the_pixels_of_all_frames_count(prepared: Prepare, format: str) -> None:
    data = files.animation(format, frames=5)
    assert prepared(data, 5 * 40 * 30)
    refusal(prepared, data, 5 * 40 * 30 - 1)


@pytest.mark.parametrize("data", [
    *[files.picture(format) for format in TYPES], files.animation("GIF"), files.animation("WEBP"),
], ids=[*TYPES, "animated GIF", "animated WEBP"])
def test_a_picture_that_ends_too_early_is_refused(prepared: Prepare, data: bytes) -> None:
    for share in (1, 5, 20, 40, 60, 80, 95):
        cut = data[:max(16, len(data) * share // 100)]
        assert refusal(prepared, cut) in (TRUNCATED, BROKEN)
    refusal(prepared, data[:-1])


@pytest.mark.parametrize("type", TYPES.values())
def test_no_bytes_at_all_are_no_picture(put: Put, tmp_path: Path, type: str) -> None:
    with pytest.raises(BadMedia, match="empty"):
        prepare(put(b""), tmp_path, type, PIXELS)


@pytest.mark.parametrize("type", TYPES.values())
@pytest.mark.parametrize("data", [
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage",
    *[files.encoded(files.pattern(64, 48), format) for format in ("BMP", "TIFF", "ICO", "PPM")],
    files.SVG,
], ids=["EPS", "BMP", "TIFF", "ICO", "PPM", "SVG"])
def test_no_other_decoder_ever_sees_a_file(
    put: Put, tmp_path: Path, type: str, data: bytes
) -> None:
    with pytest.raises(BadMedia):
        prepare(put(data), tmp_path, type, PIXELS)


def test_a_file_that_the_walk_takes_for_a_png_is_read_as_nothing_else(
    put: Put, tmp_path: Path
) -> None:
    """To Pillow this is a whole QOI of the same size, if it is asked for any format."""
    header, pixels = struct.pack(">IIBBBBB", 20, 13, 8, 0, 0, 0, 0), bytes(2_000)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    data = b"qoif" + struct.pack(">I", 20) + b"".join(files.chunk(*parts) for parts in chunks)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("QOI", (20, 13))
    with pytest.raises(BadMedia):
        prepare(put(data), tmp_path, "image/png", PIXELS)


@pytest.mark.parametrize("type", TYPES.values())
@pytest.mark.parametrize("format", TYPES)
def test_a_picture_is_only_read_as_what_it_is(
    put: Put, tmp_path: Path, type: str, format: str
) -> None:
    source = put(files.picture(format))
    if TYPES[format] == type:
        assert prepare(source, tmp_path, type, PIXELS)
    else:
        with pytest.raises(BadMedia):
            prepare(source, tmp_path, type, PIXELS)


def test_a_file_that_is_too_large_is_not_read(put: Put, tmp_path: Path) -> None:
    source = put(files.picture("PNG"))
    with source.open("ab") as file:
        file.truncate(pictures.MOST_BYTES + 1)  # sparse
    with pytest.raises(BadMedia, match="64 MiB"):
        prepare(source, tmp_path, "image/png", PIXELS)


@pytest.mark.parametrize("name", [b"PLTE", b"IHDR"])
def test_a_png_without_what_it_is_read_by_is_refused(prepared: Prepare, name: bytes) -> None:
    """Pillow decodes one without its palette, and fails to write it."""
    data = files.picture("PNG", mode="P")
    assert prepared(data)
    at = data.index(name) - 4
    length = int.from_bytes(data[at:at + 4], "big")
    assert refusal(prepared, data[:at] + data[at + 12 + length:]) == BROKEN


def test_a_second_size_in_a_png_misleads_nobody(prepared: Prepare) -> None:
    data = files.picture("PNG")
    assert refusal(prepared, files.with_chunk(data, data[8:33])) == BROKEN


def test_a_second_size_in_a_jpeg_misleads_nobody(prepared: Prepare) -> None:
    data = files.picture("JPEG")
    at = data.index(b"\xff\xc0")
    again = bytearray(data[at:at + 19])
    again[5:9] = b"\xff\xdc\xff\xdc"
    assert refusal(prepared, data[:at + 19] + bytes(again) + data[at + 19:]) == BROKEN


def test_a_second_size_in_a_webp_misleads_nobody(prepared: Prepare) -> None:
    """A decoder takes the first: of this one 120,000 pixels, where the other says 1."""
    data = files.encoded(files.pattern(400, 300), "WEBP", lossless=True)[12:]
    data += files.riff_chunk(b"VP8X", bytes(10))
    whole = b"RIFF" + struct.pack("<I", 4 + len(data)) + b"WEBP" + data
    assert refusal(prepared, whole, 1_000) == BROKEN


def test_a_gif_whose_frames_leave_its_size_is_counted_as_it_is_shown(prepared: Prepare) -> None:
    data = bytearray(files.picture("GIF", 60, 40))
    data[6:10] = b"\1\0\1\0"
    made = prepared(bytes(data))
    assert (made.width, made.height) == (60, 40)
    refusal(prepared, bytes(data), 2_399)


def test_a_webp_wider_than_its_encoder_takes_is_refused_and_said_so(prepared: Prepare) -> None:
    data = bytearray(files.encoded(files.pattern(16_383, 1), "WEBP", lossless=True))
    data[21] |= 1  # the lowest bits of the width: 16,383 is written as 16,382
    assert "16,383" in refusal(prepared, bytes(data))


def changed(data: bytes, changes: list[tuple[int, int]], end: int) -> bytes:
    """Some bytes replaced, the rest behind `end` percent cut off."""
    anew = bytearray(data)
    for place, value in changes:
        anew[place % len(anew)] = value
    return bytes(anew[:max(1, len(anew) * end // 100)])


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from([
        *[files.picture(format, 20, 14) for format in TYPES], files.located("JPEG"),
        files.located("PNG"), files.located("WEBP"), files.animation("GIF", 3, 12, 8),
        files.animation("WEBP", 3, 12, 8), files.animation("PNG", 3, 12, 8),
        files.picture("PNG", 20, 14, "P"), files.picture("PNG", 20, 14, "RGBA"),
        files.picture("WEBP", 20, 14, "RGBA"), files.picture("JPEG", 20, 14, "CMYK"),
        files.profiled("PNG", bytes(200)), files.profiled("JPEG", bytes(200)),
        files.encoded(files.pattern(20, 14), "JPEG", progressive=True),
        files.encoded(files.pattern(20, 14), "WEBP", lossless=True),
    ]),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
    st.sampled_from([100, 100, 100, 99, 70]),
)
def test_whatever_is_changed_the_picture_is_clean_or_refused(
    tmp_path: Path, data: bytes, changes: list[tuple[int, int]], end: int
) -> None:
    source = tmp_path / "changed"
    source.write_bytes(changed(data, changes, end))
    type = {b"\xff": "image/jpeg", b"\x89": "image/png", b"G": "image/gif"}.get(
        data[:1], "image/webp"
    )
    try:
        made = prepare(source, tmp_path, type, 1_000_000)
    except BadMedia:
        return
    kept = made.shown.read_bytes()
    assert parts(kept, type) <= CLEAN[type]
    with Image.open(made.shown) as image:
        image.load()
        assert image.size == (made.width, made.height)


def test_two_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    done: list[int] = []

    def work(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        source = folder / "source"
        for size in range(40, 60):
            source.write_bytes(files.picture("GIF" if number else "JPEG", size, size))
            made = prepare(source, folder, "image/gif" if number else "image/jpeg", PIXELS)
            done.append(made.width)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted([*range(40, 60)] * 2)
