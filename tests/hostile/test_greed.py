"""One client takes all that it can get; the others do not notice, and nothing of it is left."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from tests.support.client import PATIENCE, Person
from tests.support.raw import RawSocket, frame
from tests.support.server import Server

BYSTANDERS = 50  # requests of others while an attack lasts


@contextmanager
def attack(*workers: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run the workers in threads for as long as the block lasts."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker, args=(stop,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


def bystanders_are_served(server: Server) -> bool:
    """Whether others get their answers, one after the other; a stalled server gives none."""
    return all(
        requests.get(f"{server.http}/healthz", timeout=PATIENCE).ok for _ in range(BYSTANDERS)
    )


def test_pipelined_requests_of_one_connection_do_not_hold_up_the_others(server: Server) -> None:
    requests_at_once = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 500

    def pipeline(stop: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sock:
            sock.setblocking(False)
            while not stop.is_set():
                for step in (lambda: sock.send(requests_at_once), lambda: sock.recv(1 << 20)):
                    try:
                        step()
                    except BlockingIOError:
                        time.sleep(0)

    with attack(pipeline):
        assert bystanders_are_served(server)


def test_empty_fragments_without_end_do_not_hold_up_the_others(
    server: Server, alice: Person
) -> None:
    fragments = frame(0x0, b"", fin=False) * 5000

    def flood(stop: threading.Event) -> None:
        raw = RawSocket(alice)
        raw.send(frame(0x1, b"", fin=False))
        while not stop.is_set():
            raw.send(fragments)
        raw.vanish()

    with attack(flood, flood, flood):
        assert bystanders_are_served(server)


def test_a_peer_that_leaves_in_the_middle_of_a_sync_leaves_nothing_behind(
    server: Server, alice: Person, bob: Person
) -> None:
    with alice.device() as device:
        conversation = device.text("x" * 9000, bob.id)["conversation"]
        for _ in range(1199):  # more than the kernel takes for a peer that does not read
            device.text("x" * 9000, bob.id)
    opened = server.log().count(f'"user":{bob.id},')
    ask = json.dumps({"op": "sync", "ref": "s", "cursors": {str(conversation): 0}}).encode()
    for _ in range(20):
        raw = RawSocket(bob, receive_buffer=4096)
        raw.send(frame(0x1, ask))
        time.sleep(0.05)
        raw.vanish()
    deadline = time.monotonic() + PATIENCE
    while server.log().count(f'"user":{bob.id},') - opened < 40:  # a line to open, one to close
        assert time.monotonic() < deadline, "a reader still waits for a peer that has left"
        time.sleep(0.1)
