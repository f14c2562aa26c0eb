"""Names of files are shown and saved: they hide nothing and lead nowhere."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content.kinds import Kind, file_name

FILE = Kind("file", "application/octet-stream")
PNG = Kind("image", "image/png")
SOUND = Kind("audio", "audio/webm")


@pytest.mark.parametrize(("given", "shown"), [
    ("report.pdf", "report.pdf"),
    ("公司 报告.docx", "公司 报告.docx"),
    ("../../etc/passwd", "passwd"),
    ("..\\..\\windows\\system32\\cmd.exe", "cmd.exe"),
    ("/", "file"), ("", "file"), (".", "file"), ("..", "file"), ("a/", "file"),
    ("\0", "file"), ("\u3000\u00a0", "file"),
    ("a.png\0.exe", "a.png.exe"),
    ("invoice\u202egpj.exe", "invoicegpj.exe"),
    ("a\u2066b\u200bc\ufeffd\u2028e", "abcde"),
    ("line\r\nbreak.txt", "linebreak.txt"),
    (".htaccess", "htaccess"),
    ("setup.exe. . ", "setup.exe"),
    ("e\u0301te\u0301.txt", "été.txt"),
    ("a\ud800b.txt", "ab.txt"),
])
def test_a_name_is_one_plain_name(given: str, shown: str) -> None:
    assert file_name(given, FILE) == shown


@pytest.mark.parametrize(("given", "kind", "shown"), [
    ("photo.png", PNG, "photo.png"), ("photo.PNG", PNG, "photo.PNG"),
    ("photo.exe", PNG, "photo.png"), ("photo.html", PNG, "photo.png"),
    ("photo", PNG, "photo.png"), ("", PNG, "file.png"), (".png", PNG, "png.png"),
    ("photo.png.exe", PNG, "photo.png.png"), ("Version 1.2", PNG, "Version 1.2.png"),
    ("photo.png\u202e.scr", PNG, "photo.png.png"),
    ("voice.weba", SOUND, "voice.weba"), ("voice.wav", SOUND, "voice.webm"),
    ("photo.exe", FILE, "photo.exe"),
])
def test_what_is_shown_inline_is_called_what_it_is(given: str, kind: Kind, shown: str) -> None:
    assert file_name(given, kind) == shown


def test_a_long_name_keeps_its_ending_and_whole_characters() -> None:
    name = file_name("公" * 200 + ".docx", FILE)
    assert name == "公" * 83 + ".docx"  # 254 bytes: a character more would be 257
    assert file_name("x" * 300 + ".exe", PNG) == "x" * 251 + ".png"


@given(st.text(max_size=300), st.sampled_from([FILE, PNG, SOUND]))
def test_whatever_is_given_the_name_is_safe(given: str, kind: Kind) -> None:
    name = file_name(given, kind)
    assert name and len(name.encode()) <= 255
    assert not set(name) & set("/\\\0") and name == name.strip() and name[0] != "."
    assert unicodedata.is_normalized("NFC", name)
    assert not {unicodedata.category(c) for c in name} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert kind is FILE or name.lower().endswith((".png", ".apng", ".webm", ".weba"))
    assert file_name(name, kind) == name
