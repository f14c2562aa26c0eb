"""Uploads over HTTP that are refused: too large, too slow, too many bytes, no form."""

from __future__ import annotations

import io
from typing import Any

import gevent
import pytest
from flask import Flask

from app import services
from tests.support.media import files, upload, uploaded
from tests.support.web import Account, problem

BOTH_DATABASES = True


def test_a_file_that_is_too_large_is_refused(app: Flask, ada: Account) -> None:
    limited(app, media_file_bytes=1000)
    problem(upload(ada, b"%PDF-1.7" + bytes(100_000)), 413, "too_long")
    assert files(app) == set()


class Trickle(io.BytesIO):
    """A body of a megabyte that comes a byte at a time."""

    def __init__(self, pause: float) -> None:
        super().__init__(bytes(10**6))
        self._pause = pause

    def readinto(self, buffer: Any) -> int:
        gevent.sleep(self._pause)
        return super().readinto(memoryview(buffer)[:1])


@pytest.mark.parametrize(("limit", "pause"), [
    ("app.media.body.SLICE_SECONDS", 60), ("app.media.upload.FORM_SECONDS", 0.01),
])
def test_a_form_that_does_not_arrive_in_time_is_given_up_and_nothing_is_left(
    app: Flask, ada: Account, monkeypatch: pytest.MonkeyPatch, limit: str, pause: float
) -> None:
    monkeypatch.setattr(limit, 0.1)
    answer = ada.client.post(
        "/v2/media", headers={"Authorization": f"Bearer {ada.token}"},
        input_stream=Trickle(pause), content_type="multipart/form-data; boundary=x",
    )
    problem(answer, 408, "too_slow")
    assert files(app) == set()
    assert services.of(app).store.uploads.expired(2**60) == []


def test_a_user_uploads_so_much_in_a_day(ada: Account, app: Flask, ben: Account) -> None:
    services.of(app).store.media._day_bytes = 3000
    for number in range(2):
        uploaded(ada, b"%PDF-1.7" + bytes(1000) + bytes([number]))
    problem(upload(ada, b"%PDF-1.7" + bytes(1000)), 403, "quota_exceeded")
    uploaded(ben, b"%PDF-1.7" + bytes(1000))


@pytest.mark.parametrize("form", [{}, {"file": "text"}, {"other": b"x"}])
def test_a_form_without_a_file_is_refused(ada: Account, form: dict[str, Any]) -> None:
    form = {key: (io.BytesIO(said), "x") if isinstance(said, bytes) else said
            for key, said in form.items()}  # the client closes what it has sent
    answer = ada.request("POST", "/v2/media", data=form, content_type="multipart/form-data")
    problem(answer, 400, "bad_request")


def test_a_body_that_is_no_form_is_refused(ada: Account) -> None:
    problem(ada.post("/v2/media", file="x"), 400, "bad_request")
    answer = ada.request(
        "POST", "/v2/media", data=b"--x\r\nnothing", content_type="multipart/form-data; boundary=x"
    )
    problem(answer, 400, "bad_request")


def limited(app: Flask, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(services.of(app).config, name, value)
