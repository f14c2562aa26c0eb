"""What a file is, by its content; and a name for it that is safe to show and to save."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import filetype

from app.content import containers

HEAD = 8192  # bytes that tell what a file is
UNKNOWN = "application/octet-stream"
LONGEST_NAME = 255  # bytes of UTF-8
NAMELESS = "file"

# What browsers show in their own page, and the endings that its names may have, the usual first.
INLINE = {
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/png": ("png", "apng"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "audio/mpeg": ("mp3",),
    "audio/ogg": ("ogg", "oga", "opus"),
    "audio/wav": ("wav",),
    "audio/mp4": ("m4a", "mp4"),
    "audio/webm": ("webm", "weba"),
    "video/mp4": ("mp4", "m4v"),
    "video/webm": ("webm",),
}
# The types of downloads that are told. All else, and whatever a browser might run, is UNKNOWN.
TOLD = frozenset({
    "application/epub+zip", "application/gzip", "application/msword", "application/pdf",
    "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/x-7z-compressed",
    "application/x-bzip2", "application/x-rar-compressed", "application/x-tar", "application/x-xz",
    "application/zip", "application/zstd",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "audio/amr", "audio/midi", "audio/x-flac", "image/avif", "image/heic", "image/tiff",
    "video/quicktime", "video/x-matroska", "video/x-msvideo",
})
ENDING = re.compile(r"\.(?=[0-9]*[A-Za-z])([A-Za-z0-9]{1,10})$")
EDGES = re.compile(r"^[\s.]+|[\s.]+$")
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories of characters that show nothing, or mislead


@dataclass(frozen=True)
class Kind:
    """`media` is one of image, audio, video and file; `type` a MIME type."""

    media: str
    type: str

    @property
    def inline(self) -> bool:
        """Whether a browser may show it in a page. Anything else is only ever saved."""
        return self.media != "file"


def kind_of(path: Path, declared: str) -> Kind:
    """What a file is. `declared`, its uploader's MIME type, chooses between audio and video where
    a container has both, and nothing else.

    Pictures are told by their heads only: `pictures.prepare` says whether they are whole.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    picture = _picture(head)
    if picture:
        return Kind("image", picture)
    container = _container(head)
    playable = _playable(path, container, declared) if container else None
    return playable or Kind("file", _told(head))


def _picture(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:15] == b"WEBPVP8":
        return "image/webp"
    return None


def _container(head: bytes) -> str | None:
    """As which container the file is to be read: only that tells whether it is one."""
    if head[4:8] == b"ftyp":
        return "mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    layer_3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
    return "mpeg" if head.startswith(b"ID3") or layer_3 else None


def _playable(path: Path, container: str, declared: str) -> Kind | None:
    try:
        found = containers.look(path, container)
    except containers.Broken:
        return None
    media = "video" if found.video else "audio"
    if found.video and found.audio and declared.lower().startswith("audio/"):
        media = "audio"
    type = f"{media}/{container}"
    return Kind(media, type) if (found.video or found.audio) and type in INLINE else None


def _told(head: bytes) -> str:
    try:
        guess = filetype.guess_mime(head)
    except Exception:  # its matchers index and recurse as the bytes tell them
        return UNKNOWN
    return guess if guess in TOLD else UNKNOWN


def file_name(given: str, kind: Kind) -> str:
    """A name to show and to save under: no path, nothing invisible, NFC, at most 255 bytes.

    What is shown inline ends as its type does. Where nothing is left, the name is `file`.
    """
    seen = "".join(c for c in given if unicodedata.category(c) not in HIDDEN)
    name = _trimmed(unicodedata.normalize("NFC", re.split(r"[/\\]", seen)[-1])) or NAMELESS
    ending = ENDING.search(name)
    stem, last = (name[:ending.start()], ending[0]) if ending else (name, "")
    allowed = INLINE.get(kind.type, ()) if kind.inline else ()
    if allowed and last[1:].lower() not in allowed:
        last = f".{allowed[0]}"
    room = LONGEST_NAME - len(last)  # endings are ASCII
    stem = stem.encode()[:room].decode(errors="ignore")
    return (_trimmed(stem) or NAMELESS) + last


def _trimmed(name: str) -> str:
    """Leading dots hide a file, trailing dots and spaces are dropped by Windows."""
    return EDGES.sub("", name)
