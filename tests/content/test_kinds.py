"""What a file is says its content, whatever its uploader says."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content import kinds
from app.content.kinds import Kind, kind_of
from tests.content.conftest import Put
from tests.support import files

UNKNOWN = Kind("file", "application/octet-stream")
PDF = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj"
BOMBED = struct.pack("<II", 0x184D2A50, 0) * 1024  # its matcher in filetype recurses at each


@pytest.mark.parametrize(("data", "media", "type"), [
    (files.picture("JPEG"), "image", "image/jpeg"),
    (files.picture("PNG"), "image", "image/png"),
    (files.animation("PNG"), "image", "image/png"),
    (files.picture("GIF"), "image", "image/gif"),
    (files.picture("WEBP"), "image", "image/webp"),
    (files.wav(), "audio", "audio/wav"),
    (files.mp3(), "audio", "audio/mpeg"),
    (files.mp3(tag=bytes(100)), "audio", "audio/mpeg"),
    (files.ogg(), "audio", "audio/ogg"),
    (files.m4a(), "audio", "audio/mp4"),
    (files.webm(), "audio", "audio/webm"),
    (files.mp4(), "video", "video/mp4"),
    (files.mp4(audio=False, brand=b"avc1"), "video", "video/mp4"),
    (files.webm(video=True), "video", "video/webm"),
])
def test_the_types_that_browsers_show_are_told_by_their_content(
    put: Put, data: bytes, media: str, type: str
) -> None:
    for declared in ("", "text/html", "image/svg+xml", "application/octet-stream"):
        found = kind_of(put(data), declared)
        assert found == Kind(media, type)
        assert found.inline


@pytest.mark.parametrize(("data", "type"), [
    (files.SVG, UNKNOWN.type), (b'<?xml version="1.0"?>' + files.SVG, UNKNOWN.type),
    (files.HTML, UNKNOWN.type), (b"#!/bin/sh\nrm -rf /\n", UNKNOWN.type),
    (b"alert(1)", UNKNOWN.type), (b"", UNKNOWN.type), (b"\0", UNKNOWN.type),
    (b"MZ" + bytes(100), UNKNOWN.type), (b"\x7fELF" + bytes(100), UNKNOWN.type),
    (b"FWS" + bytes(100), UNKNOWN.type), (b"BM for short: text", UNKNOWN.type),
    (b"GIFs are pictures", UNKNOWN.type), (b"ID3 is a kind of tag", UNKNOWN.type),
    (b"\xff\xfbno frame follows", UNKNOWN.type), (b"OggS" + bytes(100), UNKNOWN.type),
    (b"RIFF\0\0\0\0WAVE", UNKNOWN.type), (BOMBED, UNKNOWN.type),
    (PDF, "application/pdf"), (b"PK\x03\x04" + bytes(100), "application/zip"),
    (files.mp4(brand=b"qt  "), "video/quicktime"),
    (files.webm(kind=b"matroska"), UNKNOWN.type),
])
def test_everything_else_is_a_download_whatever_is_declared(
    put: Put, data: bytes, type: str
) -> None:
    for declared in ("", "image/png", "image/svg+xml", "text/html", "audio/webm", "video/mp4"):
        found = kind_of(put(data), declared)
        assert found == Kind("file", type)
        assert not found.inline


@pytest.mark.parametrize(("data", "type"), [
    (files.gif_js(), "image/gif"), (files.png_zip(), "image/png"),
    (files.jpeg_html(), "image/jpeg"), (files.mp3(tag=files.HTML), "audio/mpeg"),
])
def test_a_polyglot_is_what_its_head_says(put: Put, data: bytes, type: str) -> None:
    assert kind_of(put(data), "text/html").type == type


@pytest.mark.parametrize(("data", "container"), [
    (files.mp4(), "mp4"), (files.webm(video=True), "webm"),
])
def test_the_uploader_says_whether_a_container_of_both_is_a_sound(
    put: Put, data: bytes, container: str
) -> None:
    assert kind_of(put(data), f"audio/{container};codecs=opus").type == f"audio/{container}"
    assert kind_of(put(data), "AUDIO/x").type == f"audio/{container}"
    assert kind_of(put(data), f"video/{container}").type == f"video/{container}"


@pytest.mark.parametrize(("data", "type"), [
    (files.m4a(), "audio/mp4"), (files.webm(), "audio/webm"),
    (files.mp4(audio=False), "video/mp4"), (files.webm(audio=False, video=True), "video/webm"),
])
def test_the_uploader_has_no_say_where_a_container_has_one_of_them(
    put: Put, data: bytes, type: str
) -> None:
    for declared in ("audio/mp4", "video/mp4", "audio/webm", "video/webm", "image/png"):
        assert kind_of(put(data), declared).type == type


@pytest.mark.parametrize("data", [
    files.mp4(), files.m4a(), files.webm(), files.ogg(), files.wav(), files.mp3(),
], ids=["mp4", "m4a", "webm", "ogg", "wav", "mp3"])
def test_a_container_that_does_not_hold_together_is_a_download(put: Put, data: bytes) -> None:
    assert kind_of(put(data[:30]), "").media == "file"


def test_an_ogg_is_a_sound_or_a_download(put: Put) -> None:
    assert kind_of(put(files.ogg(video=True)), "video/ogg") == UNKNOWN
    assert kind_of(put(files.ogg(video=True)), "audio/ogg").type == "audio/ogg"


def test_boxes_in_boxes_cost_no_more_than_a_bounded_look(put: Put) -> None:
    """A video behind half a million empty tracks: who found it would have read them all."""
    tracks = files.box(b"trak", files.box(b"mdia")) * 500_000 + files.track(b"vide", 320, 180)
    data = files.box(b"ftyp", b"isom", bytes(8)) + files.box(b"moov", tracks)
    assert kind_of(put(data), "") == UNKNOWN


def test_a_pile_of_tags_is_no_sound(put: Put) -> None:
    tag = b"ID3\x04\0\0\0\0\0\1x"
    assert kind_of(put(tag * 3 + files.mp3()), "").type == "audio/mpeg"
    assert kind_of(put(tag * 100_000 + files.mp3()), "") == UNKNOWN


@given(st.sampled_from([
    b"", b"ID3\x04\0\0", b"\xff\xfb\x90\x00", b"OggS\0\2", b"RIFF\0\0\0\0WAVEfmt ",
    b"\0\0\0\x10ftypisom", b"\x1a\x45\xdf\xa3", b"\x50\x2a\x4d\x18", b"PK\x03\x04", b"BZh",
]), st.binary(max_size=400))
def test_no_head_makes_the_look_at_a_file_fail(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(head + rest)
    assert kind_of(path, "audio/webm").type in {UNKNOWN.type, *kinds.INLINE, *kinds.TOLD}


@given(
    st.sampled_from([files.mp4(), files.webm(video=True), files.ogg(), files.wav(), files.mp3()]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=20),
)
def test_no_change_of_a_container_makes_the_look_at_it_fail(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(data)
    for place, value in changes:
        changed[place % len(changed)] = value
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(changed)
    assert kind_of(path, "").media in ("audio", "video", "file", "image")
