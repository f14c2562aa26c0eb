"""One server of two workers: a client cannot tell, and any of them may go at any time."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.support import topology
from tests.support.chat import collect, expect_silence, text
from tests.support.client import Person, Socket
from tests.support.process import descriptors, wait_until
from tests.support.server import Server, running

DEVICES = 12  # of one user
MOST_DEVICES = 200  # the kernel may give many in a row to the same worker
RESTART = 30.0  # seconds until a worker is replaced


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    settings = topology.shared() | {"WEB_CONCURRENCY": "2"}
    with running(tmp_path, **settings) as made:
        yield made


def sockets(pid: int) -> int:
    return sum(name.startswith("socket:") for name in descriptors(pid))


def test_devices_on_both_workers_hear_the_same(server: Server) -> None:
    alice, bob = Person(server), Person(server)
    before = {pid: sockets(pid) for pid in server.workers()}
    with ExitStack() as stack:
        devices = [stack.enter_context(bob.device()) for _ in range(DEVICES)]
        while not all(sockets(pid) > count for pid, count in before.items()):
            assert len(devices) < MOST_DEVICES, "a worker takes no connections"
            devices.append(stack.enter_context(bob.device()))
        with alice.device() as a:
            for number in range(20):
                a.text(str(number), bob.id)
        for device in devices:
            events = collect(device, 20, "event")
            assert [event["seq"] for event in events] == list(range(1, 21))
            expect_silence(device)


class Traveller:
    """A client as they should be: it comes back, repeats what was not acked, and syncs."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.cursor = 0
        self.heard: list[dict] = []
        self._stack = ExitStack()
        self.device = self._open()

    def _open(self) -> Socket:
        deadline = time.monotonic() + RESTART
        while True:
            try:
                return self._stack.enter_context(self.person.device())
            except (OSError, EOFError, WebSocketException):
                assert time.monotonic() < deadline, "the server did not come back"
                time.sleep(0.1)

    def come_back(self) -> None:
        self._stack.close()
        self._stack = ExitStack()
        self.device = self._open()

    def close(self) -> None:
        self._stack.close()

    def say(self, content: str, to: int) -> dict:
        ref = uuid.uuid4().hex
        while True:
            try:
                self.device.send(op="send", ref=ref, to={"user": to}, message=text(content))
                return self.device.expect("ack", ref=ref)
            except (ConnectionClosed, TimeoutError):
                self.come_back()

    def hear(self, chat: int, upto: int) -> list[int]:
        """Every event up to this seq, by push or by sync; their seqs, as they came."""
        seqs: list[int] = []
        while self.cursor < upto:
            try:
                event = self.device.expect("event", 2.0)
            except TimeoutError:
                raise AssertionError(f"{self.cursor + 1} of {upto} was not pushed") from None
            except ConnectionClosed:
                self.come_back()
                self.device.send(op="sync", ref="s", cursors={str(chat): self.cursor})
                continue
            if event["seq"] == self.cursor + 1:
                self.cursor += 1
                seqs.append(event["seq"])
            else:
                assert event["seq"] <= self.cursor, "a gap"
        return seqs


@pytest.mark.parametrize("how", ["one worker stops", "one worker is killed", "all are replaced"])
def test_a_worker_that_goes_takes_nothing_with_it(server: Server, how: str) -> None:
    alice, bob = Traveller(Person(server)), Traveller(Person(server))
    workers = server.workers()
    acks = []
    for number in range(60):
        if number == 20:
            go(server, how)
        acks.append(alice.say(str(number), bob.person.id))
        time.sleep(0.05)
    assert [ack["seq"] for ack in acks] == list(range(1, 61))
    assert bob.hear(acks[0]["conversation"], 60) == list(range(1, 61))
    wait_until(lambda: len(server.workers()) == 2 and server.workers() != workers, RESTART)
    alice.close()
    bob.close()


def go(server: Server, how: str) -> None:
    assert server.process is not None
    if how == "all are replaced":
        os.kill(server.process.pid, signal.SIGHUP)
    else:
        number = signal.SIGTERM if how == "one worker stops" else signal.SIGKILL
        os.kill(server.workers()[0], number)
