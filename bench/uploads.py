"""The scenario `uploads`: chat alone, then the same while users upload pictures all the time."""

from __future__ import annotations

import io
import select
import socket
from collections.abc import Callable, Iterator
from itertools import count
from time import perf_counter
from typing import Any

from PIL import Image, ImageChops

from .client import Swarm, Trouble
from .dialects import Member
from .job import Job
from .loops import Open, pair_up, percentiles
from .proc import Meter

SIZE, SHAPES = (4000, 3000), (250, 188)
QUALITY = 90
ORIENTATION, TURNED = 0x0112, 6
"""EXIF of a phone that is held upright."""

TABLE = b"\xff\xdb\x00\x43"
TABLE_BYTES = 64
BOUNDARY = "bench-of-uploads"
SLICE = 65_536
"""Bytes that are sent before the chat has its turn again."""

PATIENCE = 120.0
"""Seconds for the uploads that are under way at the end."""


def photograph() -> bytes:
    """A JPEG of 12 megapixels as a phone makes it: soft shapes under the noise of a sensor."""
    noise = Image.effect_noise(SIZE, 14)
    channels = [
        ImageChops.add(Image.effect_noise(SHAPES, 120).resize(SIZE), noise, offset=-128)
        for _ in range(3)
    ]
    exif, file = Image.Exif(), io.BytesIO()
    exif[ORIENTATION] = TURNED
    Image.merge("RGB", channels).save(file, "JPEG", quality=QUALITY, exif=exif)
    return file.getvalue()


def variants(picture: bytes) -> Iterator[bytes]:
    """The picture with the weight of its finest detail changed: no two become the same file."""
    last = picture.index(TABLE) + len(TABLE) + TABLE_BYTES
    for number in count():
        anew = bytearray(picture)
        anew[last], anew[last - 1] = 1 + number % 255, 1 + number // 255
        yield bytes(anew)


class Uploader:
    """A user with one kept-alive connection, on which one upload follows the other."""

    def __init__(self, port: int, member: Member, pictures: Iterator[bytes]) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.sock.setblocking(False)
        self.token = member.token
        self.pictures = pictures
        self.left = memoryview(b"")
        self.answer = b""
        self.begun = 0.0
        self.times: list[float] = []

    def begin(self) -> None:
        part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"'
        body = f"{part}\r\n\r\n".encode() + next(self.pictures) + f"\r\n--{BOUNDARY}--".encode()
        lines = (
            "POST /v2/media HTTP/1.1",
            "Host: bench",
            f"Authorization: Bearer {self.token}",
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {len(body)}",
        )
        self.left = memoryview("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.begun = perf_counter()

    def send(self) -> bool:
        """Send a slice; whether something is left."""
        self.left = self.left[self.sock.send(self.left[:SLICE]) :]
        return bool(self.left)

    def receive(self) -> bool:
        """Whether the upload is done. Raises Trouble if it was refused."""
        data = self.sock.recv(SLICE)
        self.answer += data
        if not data or not b"HTTP/1.1 201".startswith(self.answer[:12]):
            raise Trouble(f"an upload was refused: {self.answer[-300:].decode(errors='replace')}")
        if not self.answer.endswith(b"}"):  # of the JSON
            return False
        self.answer = b""
        self.times.append(perf_counter() - self.begun)
        return True


class Uploads:
    """All uploaders, in the loop of the chat's generator: a thread would make it late."""

    def __init__(self, port: int, members: list[Member], pictures: Iterator[bytes]) -> None:
        self._all = [Uploader(port, member, pictures) for member in members]
        self._by_fd = {uploader.sock.fileno(): uploader for uploader in self._all}
        self._poller = select.epoll()
        self._busy = 0
        self._goes_on = True
        for fd, uploader in self._by_fd.items():
            self._poller.register(fd)
            self._begin(fd, uploader)

    def _begin(self, fd: int, uploader: Uploader) -> None:
        uploader.begin()
        self._poller.modify(fd, select.EPOLLIN | select.EPOLLOUT)
        self._busy += 1

    def poll(self, timeout: float = 0.0) -> None:
        """Whatever can be done at once."""
        for fd, ready in self._poller.poll(timeout):
            uploader = self._by_fd[fd]
            if ready & select.EPOLLOUT and not uploader.send():
                self._poller.modify(fd, select.EPOLLIN)
            if ready & ~select.EPOLLOUT and uploader.receive():
                self._busy -= 1
                if self._goes_on:
                    self._begin(fd, uploader)

    def finish(self, swarm: Swarm) -> list[float]:
        """Wait for what is under way; the seconds that each upload took."""
        self._goes_on = False
        until = perf_counter() + PATIENCE
        while self._busy:
            if perf_counter() > until:
                raise Trouble(f"{self._busy} uploads never ended")
            self.poll(0.05)
            swarm.poll(0)
        for uploader in self._all:
            uploader.sock.close()
        self._poller.close()
        return [took for uploader in self._all for took in uploader.times]


class Chat:
    """Pairs on a fixed schedule, as in `latency`."""

    def __init__(self, job: Job) -> None:
        self.plan, self.pid, self.first = job.plan, job.pid, job.first
        self.swarm = job.swarm()
        self.swarm.open(job.crowd(job.plan.connections))
        pair_up(self.swarm)
        self.swarm.poll(0.3)

    def measure(self, beside: Callable[[], None]) -> dict[str, Any]:
        """Latencies while `beside` is called all the time, and what the server used meanwhile."""
        self._offer(self.plan.warmup, beside)
        meter = Meter(self.pid)
        offer, lost = self._offer(self.plan.seconds, beside)
        return meter.stop() | offer.figures(lost)

    def _offer(self, seconds: float, beside: Callable[[], None]) -> tuple[Open, int]:
        offer = Open(self.swarm, self.first, 1, "pair", beside)
        lost = offer.run(self.swarm.connections, self.plan.rate, seconds)
        self.first = next(offer.numbers)
        return offer, lost


def uploads(job: Job) -> dict[str, Any]:
    """The figures with uploads; `times` is p99 (of acks or deliveries: the worse) against alone."""
    picture, chat = photograph(), Chat(job)
    alone = chat.measure(lambda: None)
    users = Uploads(job.port, job.users[job.plan.connections :], variants(picture))
    began = perf_counter()
    found = chat.measure(users.poll)
    took = users.finish(chat.swarm)
    ended = perf_counter()
    chat.swarm.close()
    return found | {
        "lost": alone["lost"] + found["lost"],
        "alone": alone,
        "times": max(found[of]["p99"] / alone[of]["p99"] for of in ("ack_ms", "delivery_ms")),
        "picture_bytes": len(picture),
        "pictures": len(took),
        "pictures_per_second": len(took) / (ended - began),
        "upload_ms": percentiles(took),
    }
