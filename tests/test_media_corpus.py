"""Files that mean harm, uploaded to a real server: refused with a clear word, or made harmless."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.support import files
from tests.support.client import PATIENCE, Person
from tests.support.disks import files_below
from tests.support.server import Server, running

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
REFUSED: dict[str, Callable[[], bytes]] = {
    "no bytes": bytes,
    "30,000 x 30,000 pixels": files.huge_png,
    "an animated bomb of frames": files.many_frames,
    "an animated bomb of pixels": files.large_frames,
    "a profile that inflates": files.profile_bomb,
    "text without end": files.declared_text_png,
    "a scan too many": files.many_scans,
    "a truncated JPEG": lambda: files.picture("JPEG")[:-200],
    "a truncated PNG": lambda: files.picture("PNG")[:-20],
    "a truncated WebP": lambda: files.picture("WEBP")[:-20],
}
DOWNLOADS = {
    "SVG with a script": SVG, "HTML with a script": files.HTML,
    "a script": b"#!/bin/sh\nrm -rf /\n", "a program": b"MZ" + bytes(200),
}
CLEANED = {
    "GIF that is a script": files.gif_js(), "PNG that is an archive": files.png_zip(),
    "JPEG that is a page": files.jpeg_html(),
}


@pytest.fixture(scope="module")
def hit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("hit")) as server:
        yield server


@pytest.fixture(scope="module")
def mallory(hit: Server) -> Person:
    return Person(hit, "mallory")


def sent(who: Person, data: bytes, name: str = "x.png") -> requests.Response:
    return who.request("POST", "/v2/media", files={"file": (name, data, "image/png")})


def kept(server: Server) -> list[Path]:
    return [
        path for folder in ("media", "uploads", "scratch")
        for path in files_below(server.folder / folder)
    ]


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_picture_that_would_harm_is_refused_and_nothing_of_it_stays(
    hit: Server, mallory: Person, make: Callable[[], bytes]
) -> None:
    before = kept(hit)
    answer = sent(mallory, make())
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_media")
    assert answer.json()["detail"]
    assert kept(hit) == before


@pytest.mark.parametrize("data", DOWNLOADS.values(), ids=DOWNLOADS.keys())
def test_what_could_run_is_only_ever_saved(mallory: Person, data: bytes) -> None:
    found = sent(mallory, data).json()
    assert found["media"] == "file"
    answer = requests.get(mallory.server.http + found["url"], timeout=PATIENCE)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("data", CLEANED.values(), ids=CLEANED.keys())
def test_what_is_two_things_at_once_is_only_the_picture_then(
    mallory: Person, data: bytes
) -> None:
    assert files.TELLTALE in data
    found = sent(mallory, data).json()
    assert found["media"] == "image"
    for name in ("url", "small"):
        shown = requests.get(mallory.server.http + found[name], timeout=PATIENCE).content
        assert files.TELLTALE not in shown
        Image.open(io.BytesIO(shown)).load()


def test_where_a_picture_was_taken_is_nobodys_business(mallory: Person) -> None:
    data = files.located(orientation=6)
    assert Image.open(io.BytesIO(data)).getexif()
    found = sent(mallory, data).json()
    shown = requests.get(mallory.server.http + found["url"], timeout=PATIENCE).content
    picture = Image.open(io.BytesIO(shown))
    assert not picture.getexif()
    assert picture.size == Image.open(io.BytesIO(data)).size[::-1]


@pytest.mark.parametrize(("given", "shown"), [
    ("../../etc/passwd", "passwd.png"), ("..\\..\\boot.ini", "boot.png"),
    ("pic\u202egnp.exe", "picgnp.png"), ("", "file.png"), ("a/b.png", "b.png"),
])
def test_a_name_leads_nowhere(mallory: Person, given: str, shown: str) -> None:
    assert sent(mallory, files.picture("PNG"), given).json()["name"] == shown


@pytest.mark.parametrize(("given", "shown"), [
    (b"a\0b.png", "ab.png"), (b"a\0.exe", "a.png"), (b"\0", "file.png"),
    (b"x" * 5_000, "x" * 251 + ".png"),
    ("a\u2028b\u0085\u200f.png".encode(), "ab.png"), (b"..\\..\\a.png", "a.png"),
])
def test_bytes_that_no_browser_sends_lead_nowhere_either(
    mallory: Person, given: bytes, shown: str
) -> None:
    head = b'Content-Disposition: form-data; name="file"; filename="%b"' % given
    answer = sent_raw(mallory, head, files.picture("PNG"))
    assert (answer.status_code, answer.json()["name"]) == (201, shown)


def sent_raw(who: Person, head: bytes, data: bytes) -> requests.Response:
    """A form of one part, byte for byte."""
    return who.request(
        "POST", "/v2/media", data=b"--x\r\n%b\r\n\r\n%b\r\n--x--" % (head, data),
        headers={**who.headers, "Content-Type": "multipart/form-data; boundary=x"},
    )


def test_a_file_is_kept_to_the_byte_wherever_the_slices_of_its_form_end(mallory: Person) -> None:
    """And a form of 65,536 bytes, as many as it may have beside its file, has a file."""
    head = b'Content-Disposition: form-data; name="file"; filename="a"'
    around = len(b"--x\r\n" + head + b"\r\n\r\n\r\n--x--")
    for length in range(65_526, 65_548):
        data = b"-" * (length - around)
        answer = sent_raw(mallory, head, data)
        assert (answer.status_code, answer.json()["size"]) == (201, len(data))


@pytest.mark.parametrize("head", [
    b"Content-Disposition: form-data; name=\"file\"; filename=\"\xff\xfe\"", b"X: y", b"", b"\0",
    b"Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n" * 3 + b"x" * 300_000,
    b"Content-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x\r\n" * 17,
])
def test_a_part_that_is_none_is_refused(hit: Server, mallory: Person, head: bytes) -> None:
    before = kept(hit)
    answer = sent_raw(mallory, head, b"x")
    assert answer.status_code in (400, 413)
    assert len(answer.json()["detail"]) > 20
    assert kept(hit) == before


def test_the_server_is_still_there(hit: Server, mallory: Person) -> None:
    assert requests.get(f"{hit.http}/readyz", timeout=PATIENCE).ok
    assert "request_failed" not in hit.log()
    assert "Traceback" not in hit.log()
