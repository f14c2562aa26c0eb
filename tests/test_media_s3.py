"""Uploads whose bytes are in a bucket: as on a disk, and when the S3 server is gone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.application import application
from tests.support.client import PATIENCE, Person
from tests.support.disks import files_below, some_bytes
from tests.support.media import png, sweep, uploaded
from tests.support.s3 import BUCKET, S3Server
from tests.support.server import running
from tests.support.web import person


@pytest.fixture
def prefix() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def own_s3(tmp_path: Path) -> Iterator[S3Server]:
    made = S3Server(tmp_path)
    made.start()
    yield made
    made.stop()


def objects(s3: S3Server, prefix: str) -> int:
    return int(s3.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)["KeyCount"])


def settings(s3: S3Server, prefix: str) -> dict[str, str]:
    return {**s3.environ, "HICHAT_MEDIA_URL": f"s3://{BUCKET}/{prefix}"}


def test_files_go_to_the_bucket_and_come_from_it(
    s3: S3Server, tmp_path: Path, prefix: str
) -> None:
    data = some_bytes(20_000_000)  # more than one part
    with running(tmp_path, **settings(s3, prefix)) as server:
        alice, bob = Person(server), Person(server)
        large, picture = alice.upload(data), alice.upload(png())
        assert bob.upload(data)["id"] != large["id"]
        assert objects(s3, prefix) == 3  # the file once, the picture, its thumbnail
        shown = requests.get(server.http + large["url"], timeout=PATIENCE)
        assert shown.content == data
        part = requests.get(
            server.http + large["url"], headers={"Range": "bytes=19999990-"}, timeout=PATIENCE
        )
        assert (part.status_code, part.content) == (206, data[-10:])
        small = requests.get(server.http + picture["small"], timeout=PATIENCE)
        assert small.headers["Content-Type"] == "image/webp"
        for folder in ("media", "scratch", "uploads"):
            assert files_below(tmp_path / folder) == []
        assert "Traceback" not in server.log()


def test_what_nobody_needs_goes_from_the_bucket(
    s3: S3Server, tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    with application(tmp_path, HICHAT_MEDIA_URL=f"s3://{BUCKET}/{prefix}") as app:
        ada = person(app.test_client(), "ada")
        uploaded(ada)
        assert objects(s3, prefix) == 2
        for days in (2, 4):
            sweep(app, days)
        assert objects(s3, prefix) == 0


def test_without_the_bucket_uploads_wait_and_the_chat_goes_on(
    own_s3: S3Server, tmp_path: Path, prefix: str
) -> None:
    with running(tmp_path, **settings(own_s3, prefix)) as server:
        alice, bob = Person(server), Person(server)
        url = alice.upload(b"%PDF-1.7 x")["url"]
        own_s3.stop()
        for answer in (
            alice.request("POST", "/v2/media", files={"file": b"%PDF-1.7 y"}),
            requests.get(server.http + url, timeout=PATIENCE),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert files_below(tmp_path / "scratch") == []
        with alice.device() as device:
            assert device.text("still here", bob.id)["seq"] == 1
