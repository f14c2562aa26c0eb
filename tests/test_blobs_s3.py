"""Bytes in a bucket: against a real server, one that is gone, and some that are not well."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

import config as configuration
from app import services
from app.errors import StorageFull, Unavailable
from app.store.media.s3 import PART, S3Blobs
from config import ConfigError
from tests.support.client import PATIENCE
from tests.support.disks import file_of, large_file, some_bytes
from tests.support.process import MIB
from tests.support.s3 import BUCKET, S3Server, answering, environ
from tests.support.server import ROOT

CONTENT = some_bytes(200_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEY = f"{DIGEST[:2]}/{DIGEST[2:]}"

Connect = Callable[..., S3Blobs]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Blobs in a bucket at an address."""

    def connected(url: str, bucket: str = BUCKET, silence: float = 5) -> S3Blobs:
        for name, value in environ(url).items():
            monkeypatch.setenv(name, value)
        return S3Blobs(bucket, "", silence)

    return connected


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return file_of(tmp_path / "source", CONTENT)[1]


@pytest.fixture
def own_s3(tmp_path: Path) -> Iterator[S3Server]:
    made = S3Server(tmp_path)
    yield made
    made.stop()


def refuse_all(blobs: S3Blobs, source: Path, error: type[Exception]) -> None:
    for attempt in (
        lambda: blobs.put(DIGEST, source), lambda: blobs.has(DIGEST), lambda: blobs.read(DIGEST),
        lambda: blobs.delete(DIGEST),
    ):
        with pytest.raises(error):
            attempt()


# -- what is there -----------------------------------------------------------------------------


def test_the_setting_says_which_bucket_and_where_in_it(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Path
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    for url, prefix in ((f"s3://{BUCKET}", ""), (f"s3://{BUCKET}/one/Two_3/", "one/Two_3/")):
        settings = {"HICHAT_MEDIA_URL": url, "HICHAT_DATA_DIR": str(tmp_path / "data")}
        blobs = services.blobs_of(configuration.load(settings))
        blobs.put(DIGEST, source)
        found = s3.client().get_object(Bucket=BUCKET, Key=f"{prefix}{KEY}")["Body"].read()
        assert found == CONTENT
        blobs.delete(DIGEST)
    assert not (tmp_path / "data").exists()


def test_the_server_checks_what_it_gets(s3: S3Server, connect: Connect, source: Path) -> None:
    blobs = connect(s3.url)
    blobs.put(DIGEST, source)
    found = s3.client().head_object(Bucket=BUCKET, Key=KEY, ChecksumMode="ENABLED")
    assert base64.b64decode(found["ChecksumSHA256"]).hex() == DIGEST
    blobs.delete(DIGEST)


def test_a_large_file_goes_up_in_parts_that_are_checked_each(
    s3: S3Server, connect: Connect, tmp_path: Path
) -> None:
    blobs = connect(s3.url)
    digest, file = large_file(tmp_path / "large", 2 * PART // MIB + 1)
    blobs.put(digest, file)
    found = s3.client().head_object(
        Bucket=BUCKET, Key=f"{digest[:2]}/{digest[2:]}", ChecksumMode="ENABLED"
    )
    content = file.read_bytes()
    parts = [content[start:start + PART] for start in range(0, len(content), PART)]
    sums = b"".join(hashlib.sha256(part).digest() for part in parts)
    expected = base64.b64encode(hashlib.sha256(sums).digest()).decode()
    assert found["ChecksumSHA256"].removesuffix("-3") == expected  # moto leaves the suffix out
    blobs.delete(digest)


def test_bytes_that_are_not_what_they_were_are_not_given_as_if_they_were(
    s3: S3Server, connect: Connect
) -> None:
    s3.client().put_object(
        Bucket=BUCKET, Key=KEY, Body=CONTENT[:-1] + b"!", ChecksumAlgorithm="SHA256",
        ChecksumSHA256=base64.b64encode(bytes.fromhex(DIGEST)).decode(),
    )
    blobs = connect(s3.url)
    with pytest.raises(Unavailable):
        list(blobs.read(DIGEST))
    blobs.delete(DIGEST)


def test_what_is_there_in_another_size_is_put_again(
    s3: S3Server, connect: Connect, source: Path
) -> None:
    s3.client().put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT[:-1])
    blobs = connect(s3.url)
    blobs.put(DIGEST, source)
    assert b"".join(blobs.read(DIGEST)) == CONTENT
    blobs.delete(DIGEST)


def test_an_upload_that_is_cut_off_leaves_no_parts(
    s3: S3Server, connect: Connect, tmp_path: Path
) -> None:
    def parts() -> list[object]:
        uploads = s3.client().list_multipart_uploads(Bucket=BUCKET)
        return list(uploads.get("Uploads", []))

    blobs = connect(s3.url)
    digest, file = large_file(tmp_path / "large", 2 * PART // MIB)
    put = gevent.spawn(blobs.put, digest, file)
    while not parts():
        assert not put.ready()
        gevent.sleep(0)
    put.kill()
    assert parts() == []
    assert not blobs.has(digest)


# -- what goes wrong ---------------------------------------------------------------------------


def test_a_server_that_is_gone_is_unavailable_until_it_is_back(
    own_s3: S3Server, connect: Connect, source: Path
) -> None:
    blobs = connect(own_s3.url)
    refuse_all(blobs, source, Unavailable)
    own_s3.start()
    blobs.put(DIGEST, source)
    assert b"".join(blobs.read(DIGEST)) == CONTENT
    own_s3.stop()
    refuse_all(blobs, source, Unavailable)
    own_s3.start()
    assert not blobs.has(DIGEST)  # this server forgets
    blobs.put(DIGEST, source)
    assert b"".join(blobs.read(DIGEST)) == CONTENT


def test_a_server_that_is_lost_in_the_middle_of_a_read_is_unavailable(
    own_s3: S3Server, connect: Connect, tmp_path: Path
) -> None:
    own_s3.start()
    blobs = connect(own_s3.url)
    digest, file = large_file(tmp_path / "large", PART // MIB)  # more than sockets hold
    blobs.put(digest, file)
    slices = blobs.read(digest)
    next(slices)
    own_s3.stop()
    with pytest.raises(Unavailable):
        list(slices)


def test_a_server_that_never_answers_is_unavailable(connect: Connect, source: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        blobs = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", silence=0.1)
        refuse_all(blobs, source, Unavailable)


@pytest.mark.parametrize(("status", "code"), [
    (507, "XMinioStorageFull"), (403, "QuotaExceeded"), (507, "InsufficientStorage"),
])
def test_a_server_that_is_full_says_so(
    connect: Connect, tmp_path: Path, status: int, code: str
) -> None:
    with answering(status, code) as url:
        blobs = connect(url)
        with pytest.raises(StorageFull):
            next(blobs.read(DIGEST))
        for mebibytes in (1, PART // MIB + 1):
            digest, file = large_file(tmp_path / "file", mebibytes)
            with pytest.raises(StorageFull):
                blobs.put(digest, file)


@pytest.mark.parametrize(("status", "code"), [
    (403, "AccessDenied"), (500, "InternalError"), (503, "SlowDown"), (404, "NoSuchBucket"),
])
def test_a_server_that_refuses_is_unavailable(
    connect: Connect, source: Path, status: int, code: str
) -> None:
    with answering(status, code) as url:
        blobs = connect(url)
        with pytest.raises(Unavailable):
            blobs.put(DIGEST, source)
        with pytest.raises(Unavailable):
            blobs.read(DIGEST)


def test_a_missing_bucket_is_not_a_missing_file(
    s3: S3Server, connect: Connect, source: Path
) -> None:
    blobs = connect(s3.url, bucket="nobody-made-this")
    with pytest.raises(Unavailable):
        blobs.put(DIGEST, source)
    with pytest.raises(Unavailable):
        blobs.read(DIGEST)


def test_an_address_that_is_none_is_refused_at_the_start(connect: Connect) -> None:
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL"):
        connect("nonsense")


# -- under gevent ------------------------------------------------------------------------------

PATCHED = """
from gevent import monkey
monkey.patch_all()
import hashlib, sys
import boto3
from pathlib import Path
from app.store.media.s3 import PART, S3Blobs
from tests.support.moto_server import server_on

server_on(int(sys.argv[1])).start()
boto3.client("s3").create_bucket(Bucket="bucket")
blobs = S3Blobs("bucket", "prefix", silence=20)
source = Path(sys.argv[2])
for size in (5, PART + 1):
    source.write_bytes(bytes(size))
    digest = hashlib.sha256(bytes(size)).hexdigest()
    blobs.put(digest, source)
    assert sum(map(len, blobs.read(digest))) == size
    blobs.delete(digest)
    assert not blobs.has(digest)
print("done")
"""


def test_whoever_waits_for_the_server_does_not_hold_up_the_process(tmp_path: Path) -> None:
    """The server is in the same thread: a client that blocks would wait for itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-c", PATCHED, str(port), str(tmp_path / uuid.uuid4().hex)], cwd=ROOT,
        env={**os.environ, **environ(f"http://127.0.0.1:{port}")}, capture_output=True, text=True,
        timeout=10 * PATIENCE,
    )
    assert done.stdout == "done\n", done.stderr
