"""What connections cost and leave behind: no database connection, no descriptor, no greenlet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.support.client import PASSWORD, PATIENCE, Person, Socket
from tests.support.process import MIB, descriptors, memory, threads, wait_until
from tests.support.raw import RawSocket, frame
from tests.support.server import Server, running

IDLE = 50  # more than the pool has connections
TEXT = 0x1
LEAVE_SECONDS = 5.0  # the longest that a stopping server may take


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tells what is alive in it."""
    with running(tmp_path_factory.mktemp("probed"), "tests.support.probe:app") as made:
        yield made


def probe(server: Server) -> dict[str, int]:
    found: dict[str, int] = requests.get(f"{server.http}/probe", timeout=PATIENCE).json()
    return found


def log_in(person: Person) -> Person:
    """The same person on another device: a session of its own."""
    answer = requests.post(
        f"{person.server.http}/v2/auth/login",
        json={"name": person.name, "password": PASSWORD}, timeout=PATIENCE,
    )
    again = Person.__new__(Person)
    again.__dict__.update(person.__dict__, token=answer.json()["access_token"])
    return again


# -- idle sockets ------------------------------------------------------------------------------


def test_idle_sockets_hold_no_database_connection(probed: Server) -> None:
    alice, bob = Person(probed), Person(probed)
    with ExitStack() as stack:
        for _ in range(IDLE):  # each uses the database for a send, a sync and a cursor
            device = stack.enter_context(alice.device())
            ack = device.text("x", bob.id, ref="the same: stored once, pushed once")
            device.sync(**{f"c{ack['conversation']}": 0})
            device.send(op="read", conversation=ack["conversation"], seq=1)
            device.expect("receipt")
        assert probe(probed)["nodes"] == IDLE
        assert probe(probed)["held"] == 0
        before = descriptors(probed.worker(), "hichat.db")
        for _ in range(IDLE):
            stack.enter_context(bob.device())
        assert descriptors(probed.worker(), "hichat.db") == before
        for _ in range(IDLE):
            assert alice.request("GET", "/v2/conversations").status_code == 200


# -- rude disconnects --------------------------------------------------------------------------


def leave_rudely(person: Person, count: int) -> None:
    """Connect and reset; every second one in the middle of a frame."""
    half = frame(TEXT, b'{"op":"sync","ref":"s","cursors":{}}')[:20]
    for number in range(count):
        raw = RawSocket(person)
        if number % 2:
            raw.send(half)
        raw.vanish()


def socket_lines(server: Server) -> Counter[str]:
    lines = (json.loads(line) for line in server.log().splitlines() if line.startswith("{"))
    return Counter(line["event"] for line in lines if line["event"].startswith("socket_"))


def test_a_thousand_rude_disconnects_leave_nothing_behind(probed: Server) -> None:
    alice, worker = Person(probed), probed.worker()
    leave_rudely(alice, 100)  # what is made once has been made
    wait_until(lambda: probe(probed)["nodes"] == 0)
    before, fds, lines = probe(probed), descriptors(worker), socket_lines(probed)
    running, resident = threads(worker), memory(worker)
    leave_rudely(alice, 1000)
    wait_until(lambda: all(count <= before[name] for name, count in probe(probed).items()))
    wait_until(lambda: len(descriptors(worker)) <= len(fds))
    assert threads(worker) == running
    assert memory(worker) - resident < 8 * MIB
    after = socket_lines(probed)
    assert after["socket_opened"] - lines["socket_opened"] == 1000
    assert after["socket_opened"] == after["socket_closed"]
    assert probed.worker() == worker


# -- the ways to end ---------------------------------------------------------------------------


def test_term_sends_1012_to_every_socket_and_the_process_leaves(own_server: Server) -> None:
    own_server.start()
    people = [Person(own_server) for _ in range(4)]
    with ExitStack() as stack:
        devices = [stack.enter_context(p.device()) for p in people for _ in range(10)]
        devices += [stack.enter_context(p.seed_device()) for p in people]
        seconds = own_server.terminate()
        assert {device.expect_close() for device in devices} == {1012}
    assert seconds < LEAVE_SECONDS


def test_term_does_not_wait_for_peers_that_never_answer(own_server: Server) -> None:
    own_server.start()
    alice, bob, carol = (Person(own_server) for _ in range(3))
    with ExitStack() as stack:
        deaf = [stack.enter_context(RawSocket(carol)) for _ in range(10)]
        slow = stack.enter_context(RawSocket(bob, receive_buffer=4096))
        device = stack.enter_context(alice.device())
        for _ in range(200):  # more than the kernel's buffers hold
            device.text("漢" * 9000, bob.id)
        assert own_server.terminate() < LEAVE_SECONDS
        assert device.expect_close() == 1012
        assert {raw.close_code() for raw in deaf} == {1012}
        for raw in (*deaf, slow):
            raw.wait_end()


def test_a_message_acked_before_term_is_there_after_the_restart(own_server: Server) -> None:
    own_server.start()
    alice, bob = Person(own_server), Person(own_server)
    with alice.device() as device:
        acks = [device.text(f"line {number}", bob.id) for number in range(50)]
        own_server.terminate()
    own_server.start()
    history = bob.history(acks[0]["conversation"])
    assert [event["seq"] for event in history] == [ack["seq"] for ack in acks]


def test_logging_out_closes_the_sockets_of_that_session_only(alice: Person) -> None:
    phone = log_in(alice)
    with alice.device() as a, alice.seed_device() as b, phone.device() as c:
        assert alice.request("POST", "/v2/auth/logout").status_code == 204
        assert a.expect_close() == b.expect_close() == 4500
        check_open(c)


def test_ending_another_session_closes_its_sockets_only(alice: Person) -> None:
    phone = log_in(alice)
    listed = alice.get("/v2/auth/sessions")["sessions"]
    other = next(line["id"] for line in listed if not line["current"])
    with alice.device() as a, phone.device() as b:
        assert alice.request("DELETE", f"/v2/auth/sessions/{other}").status_code == 204
        assert b.expect_close() == 4500
        check_open(a)


def test_deleting_the_account_closes_all_its_sockets(alice: Person, bob: Person) -> None:
    phone = log_in(alice)
    with alice.device() as a, alice.seed_device() as b, phone.device() as c, bob.device() as d:
        assert alice.request("DELETE", "/v2/users/me").status_code == 204
        assert a.expect_close() == b.expect_close() == c.expect_close() == 4500
        check_open(d)


def check_open(device: Socket) -> None:
    device.send(op="sync", ref="open", cursors={})
    device.expect("synced", ref="open")


def test_a_token_that_expires_closes_its_socket_with_4001(tmp_path: Path) -> None:
    settings = {"HICHAT_ACCESS_TOKEN_SECONDS": "2"}
    with running(tmp_path, **settings) as server, Person(server).device() as device:
        assert device.expect_close() == 4001
