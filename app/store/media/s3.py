"""Files in a bucket of an S3 server, through boto3, which is an extra (requirements-s3.txt).

Endpoint, region and credentials are boto3's own settings. The client runs in the greenlet that
asks: its sockets are gevent's, and whatever it reads of a file lets others have their turn.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import boto3
import gevent
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from app.errors import HiChatError, NotFound, StorageFull, Unavailable
from app.store.media.blobs import CHUNK, checked
from config import ConfigError

PART = 16_777_216  # bytes; larger files go up in such parts
PARTS = 10_000  # that an upload may have; still larger files have larger parts
ATTEMPTS = 3
CONNECT_SECONDS = 3
SILENCE_SECONDS = 20  # of a server in the middle of a request
CONNECTIONS = 100  # that are kept for the next request
MISSING = ("NoSuchKey", "404")  # the second is of a HEAD, which has no words
BEYOND = "InvalidRange"
INSUFFICIENT_STORAGE = 507
FULL = ("StorageFull", "QuotaExceeded")  # as MinIO and Ceph say it, whatever stands before

log = structlog.get_logger()


class S3Blobs:
    """Blobs in `bucket`, as `prefix/ab/cdef...`. Raises ConfigError if boto3 cannot be set up."""

    def __init__(self, bucket: str, prefix: str, silence: float = SILENCE_SECONDS) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        try:
            self._client: Any = boto3.session.Session().client("s3", config=Config(
                connect_timeout=min(CONNECT_SECONDS, silence), read_timeout=silence,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=CONNECTIONS,
                request_checksum_calculation="when_required",  # we give SHA-256 ourselves
            ))
        except (BotoCoreError, ValueError) as error:
            raise ConfigError(
                f"HICHAT_MEDIA_URL=s3://{bucket}: {error}. Mend the AWS_ variables (see"
                " docs/operations.md): AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ..."
            ) from error

    def put(self, digest: str, source: Path) -> None:
        name = self._name(digest)
        with _told(), open(source, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if self._size(name) == size:
                return
            if size > PART:
                self._put_parts(name, file, size)
                return
            self._client.put_object(
                **name, Body=Window(file, 0, size), ChecksumAlgorithm="SHA256",
                **_sums(bytes.fromhex(digest)),
            )

    def has(self, digest: str) -> bool:
        with _told():
            return self._size(self._name(digest)) is not None

    def read(self, digest: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        slices = self._slices(self._name(digest), start, size)
        next(slices)  # the answer has begun, and is closed whether anybody reads on or not
        return slices

    def delete(self, digest: str) -> None:
        with _told():
            self._client.delete_object(**self._name(digest))

    def _name(self, digest: str) -> dict[str, str]:
        key = f"{self._prefix}{checked(digest)[:2]}/{digest[2:]}"
        return {"Bucket": self._bucket, "Key": key}

    def _size(self, name: dict[str, str]) -> int | None:
        try:
            return int(self._client.head_object(**name)["ContentLength"])
        except ClientError as error:
            if _code(error) in MISSING:
                return None
            raise

    def _slices(self, name: dict[str, str], start: int, size: int | None) -> Iterator[bytes]:
        """First nothing, as soon as the answer begins; then what was asked for."""
        with _told(), closing(self._get(name, start, size)) as body:
            yield b""
            while piece := body.read(CHUNK):
                yield piece
                gevent.sleep(0)  # a network that is always ready would hold everybody up

    def _get(self, name: dict[str, str], start: int, size: int | None) -> Any:
        """The bytes that were asked for, as a stream."""
        if size == 0:  # which a Range cannot say
            self._client.head_object(**name)
            return BytesIO()
        last = "" if size is None else start + size - 1
        part = {"Range": f"bytes={start}-{last}"} if start or size is not None else {}
        try:
            return self._client.get_object(**name, **part)["Body"]
        except ClientError as error:
            if _code(error) == BEYOND:
                return BytesIO()
            raise

    def _put_parts(self, name: dict[str, str], file: BinaryIO, size: int) -> None:
        """One after the other; together they become the object, all at once."""
        upload = self._client.create_multipart_upload(**name, ChecksumAlgorithm="SHA256")
        name = {**name, "UploadId": upload["UploadId"]}
        step = max(PART, -(-size // PARTS))
        try:
            parts = []
            for number, start in enumerate(range(0, size, step), 1):
                window = Window(file, start, min(step, size - start))
                sums = _sums(window.digest())
                answer = self._client.upload_part(**name, PartNumber=number, Body=window, **sums)
                parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
            self._client.complete_multipart_upload(**name, MultipartUpload={"Parts": parts})
        except BaseException:
            with suppress(Exception):  # the first error counts
                self._client.abort_multipart_upload(**name)
            raise


class Window:
    """A part of an open file, as botocore reads a body. Each read lets others have their turn."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, amount: int | None = None) -> bytes:
        """At most CHUNK of them, unless it is to be all."""
        left = self._size - self._at
        wanted = left if amount is None or amount < 0 else min(amount, left, CHUNK)
        gevent.sleep(0)
        self._file.seek(self._start + self._at)
        found = self._file.read(wanted)
        self._at += len(found)
        return found

    def digest(self) -> bytes:
        """The SHA-256 of the whole of it, which is then to be read again."""
        found = sha256()
        while piece := self.read(CHUNK):
            found.update(piece)
        self.seek(0)
        return found.digest()


def _sums(digest: bytes) -> dict[str, str]:
    """What makes the server check that it got what we sent."""
    return {"ChecksumSHA256": b64encode(digest).decode()}


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))


def _meaning(error: Exception) -> HiChatError:
    """What a failure means to the user; the operator reads all of it in the log."""
    if isinstance(error, ClientError):
        if _code(error) in MISSING:
            return NotFound("This file is not kept here any more.")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == INSUFFICIENT_STORAGE or _code(error).endswith(FULL):
            return StorageFull()
    return Unavailable("The server cannot reach its files now: try again.")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, HTTPError, OSError) as error:
        meaning = _meaning(error)
        if not isinstance(meaning, NotFound):
            log.error("blobs_failed", error=str(error))
        raise meaning from error
