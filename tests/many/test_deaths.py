"""A process in which a background greenlet has died serves nobody: it ends, and is replaced."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

from tests.many.test_workers import RESTART, Traveller
from tests.support import topology
from tests.support.client import Person
from tests.support.process import wait_until
from tests.support.server import Server, running

TEXTS = 40


def let_fail(server: Server, part: str) -> int:
    """The id of the process in which it fails."""
    answer = requests.post(f"{server.http}/fail/{part}", timeout=10)
    assert answer.ok, answer.text
    return int(answer.json())


@pytest.mark.parametrize(("workers", "part"), [(1, "committer"), (2, "committer"), (2, "follower")])
def test_it_is_replaced_and_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, workers: int, part: str
) -> None:
    settings = {"WEB_CONCURRENCY": str(workers)}
    if workers > 1:
        settings |= topology.shared()
    with running(tmp_path, "tests.many.mortal:app", **settings) as server:
        alice, bob = Traveller(Person(server)), Traveller(Person(server))
        acks = []
        for number in range(TEXTS):
            if number == TEXTS // 2:
                victim = let_fail(server, part)
            acks.append(alice.say(str(number), bob.person.id))
            time.sleep(0.05)
        wait_until(lambda: victim not in server.workers(), RESTART)
        wait_until(lambda: len(server.workers()) == workers, RESTART)
        assert "background_greenlet_died" in server.log()
        assert [ack["seq"] for ack in acks] == list(range(1, TEXTS + 1))
        assert bob.hear(acks[0]["conversation"], TEXTS) == list(range(1, TEXTS + 1))
        alice.close()
        bob.close()
