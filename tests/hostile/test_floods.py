"""Attacks with volume and with silence: pings without reading, slow readers, half-open peers.

The queue of a connection is bounded; what is dropped from it is in the log, so that a device that
comes back and syncs has everything.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.bystanders import Bystanders
from tests.support.chat import burst
from tests.support.client import PATIENCE, Person
from tests.support.handshake import HandMade
from tests.support.process import MIB, Growth, descriptors, wait_until
from tests.support.raw import RawSocket, frame
from tests.support.server import Server, running

TEXT, PING, PONG = 0x1, 0x9, 0xA
RESYNC = 4000
TINY = 4096  # a receive buffer that is soon full
LONGEST = "漢" * 10_000  # 30 KB on the wire
MANY = 400  # of the longest: 12 MB, of which the kernel's buffers take 4 at most


def closings(server: Server, user: int) -> list[dict[str, object]]:
    """What the log says of the connections of a user that have ended."""
    lines = (json.loads(line) for line in server.log().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == "socket_closed" and line["user"] == user]


@pytest.mark.parametrize("path", ["/v2/socket", "/v1/user/SendUserMsg?token={token}&userId={id}"])
def test_a_ping_flood_that_reads_no_pong_is_ended_in_bounded_memory(
    alice: Person, bystanders: Bystanders, path: str
) -> None:
    server = alice.server
    headers: dict[str, str | None] = {"Authorization": f"Bearer {alice.token}"}
    growth = Growth(server)
    pings = frame(PING, b"x" * 125) * 1000
    deadline = time.monotonic() + PATIENCE
    with HandMade(server, path.format(token=alice.token, id=alice.id), headers) as raw:
        assert raw.answer.status == 101
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < deadline:
                raw.send(pings)
    bystanders.chat_on()
    wait_until(lambda: len(closings(server, alice.id)) == 1)
    assert closings(server, alice.id)[0]["code"] == RESYNC
    assert growth.most() < 16 * MIB


def test_pings_whose_pongs_are_read_are_all_answered(alice: Person) -> None:
    with RawSocket(alice) as raw:
        raw.receive()  # hello
        for start in range(0, 3000, 100):
            numbers = [str(number).encode() for number in range(start, start + 100)]
            raw.send(b"".join(frame(PING, number) for number in numbers))
            assert [raw.receive() for _ in numbers] == [(PONG, number) for number in numbers]


def test_a_slow_reader_is_sent_away_and_finds_everything_when_it_comes_back(
    alice: Person, bob: Person, bystanders: Bystanders
) -> None:
    server = alice.server
    growth = Growth(server)
    acks = []
    with RawSocket(bob, receive_buffer=TINY) as slow, alice.device() as a:
        while len(acks) < MANY:
            acks += burst(a, bob.id, [f"{len(acks) + n} {LONGEST[4:]}" for n in range(20)])
            bystanders.chat_on()
        wait_until(lambda: len(closings(server, bob.id)) == 1)
        slow.wait_end()
    assert closings(server, bob.id)[0]["code"] == RESYNC
    assert growth.most() < 32 * MIB  # the database's cache keeps 12 of them
    with bob.device() as b:
        events = b.sync(**{f"c{acks[0]['conversation']}": 0})
    assert [event["seq"] for event in events] == [ack["seq"] for ack in acks]
    assert [event["message"]["content"].split()[0] for event in events] == [
        str(number) for number in range(len(acks))
    ]


def test_a_device_beside_the_slow_reader_gets_everything_at_once(
    alice: Person, bob: Person
) -> None:
    with RawSocket(bob, receive_buffer=TINY), alice.device() as a, bob.device() as b:
        for start in range(0, 200, 20):
            burst(a, bob.id, [f"{start + n} {LONGEST[4:]}" for n in range(20)])
            for number in range(20):
                content = b.receive()["message"]["content"]
                assert content.split()[0] == str(start + number)


# -- peers that fall silent ------------------------------------------------------------------


@pytest.fixture
def nervous(tmp_path: Path) -> Iterator[Server]:
    """A server that pings after a second of silence."""
    with running(tmp_path, HICHAT_HEARTBEAT_SECONDS="1") as made:
        yield made


def open_descriptors(server: Server) -> int:
    return sum(len(descriptors(worker)) for worker in server.workers())


def test_a_half_open_peer_is_dropped_and_its_descriptor_freed(nervous: Server) -> None:
    alice, bob = Person(nervous), Person(nervous)
    with ExitStack() as stack:
        b = stack.enter_context(bob.device())  # answers pings, as every WebSocket library does
        before = open_descriptors(nervous)
        silent = [stack.enter_context(RawSocket(alice)) for _ in range(5)]
        wait_until(lambda: len(closings(nervous, alice.id)) == 5)
        wait_until(lambda: open_descriptors(nervous) <= before)
        for raw in silent:
            received = []
            with pytest.raises((EOFError, ConnectionResetError)):
                while True:
                    received.append(raw.receive()[0])
            assert PING in received
        assert {line["reason"] for line in closings(nervous, alice.id)} == {"silent"}
        with alice.device() as a:
            a.text("still there?", bob.id)
        assert b.receive()["message"]["content"] == "still there?"
        assert closings(nervous, bob.id) == []
