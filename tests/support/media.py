"""Uploads over HTTP, as the tests make and read them."""

from __future__ import annotations

import io
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from app import services
from app.store.clock import now_ms
from tests.support.web import Account


def png(width: int = 60, height: int = 40, color: str = "teal", **options: Any) -> bytes:
    return picture("PNG", width, height, color, **options)


def picture(kind: str, width: int, height: int, color: str = "teal", **options: Any) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), color).save(file, kind, **options)
    return file.getvalue()


def upload(
    who: Account, data: bytes, name: str = "file", type: str = "application/octet-stream",
    **fields: Any,
) -> TestResponse:
    form = {"file": (io.BytesIO(data), name, type), **{k: str(v) for k, v in fields.items()}}
    return who.request("POST", "/v2/media", data=form, content_type="multipart/form-data")


def uploaded(who: Account, data: bytes | None = None, **options: Any) -> dict[str, Any]:
    """A new upload: a picture that no other test has, unless `data` says what."""
    answer = upload(who, png() if data is None else data, **options)
    assert answer.status_code == 201, answer.text
    found = answer.json
    assert found is not None
    return dict(found)


def send(who: Account, conversation: int, medium: str, media: str = "image") -> TestResponse:
    """A message that carries an upload."""
    return who.post(
        f"/v2/conversations/{conversation}/messages", ref=f"carry-{medium}-{conversation}",
        message={"media": media, "attachment": {"id": medium}},
    )


def fetch(who: Account, medium: str, **query: Any) -> TestResponse:
    return who.get(f"/v2/media/{medium}", **query)


def sweep(app: Flask, days: int) -> None:
    """As if so many days had gone by."""
    with app.app_context():
        services.of(app).sweeper.sweep(now_ms() + days * 86_400_000)


def files(app: Flask) -> set[str]:
    """The files in the data folder that hold what users have uploaded."""
    base = services.of(app).config.data_path
    return {
        str(path.relative_to(base)) for folder in ("media", "scratch", "uploads")
        for path in (base / folder).rglob("*") if path.is_file()
    }
