"""A process hears what its nodes need and no more: Redis tells what it is subscribed to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.many.conftest import Pair, pair_of
from tests.support.client import Person
from tests.support.groups import new_group
from tests.support.process import wait_until
from tests.support.valkey import Valkey

LEFT = 60.0  # seconds until what nobody needs was not needed at two looks


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Pair]:
    with pair_of(tmp_path_factory.mktemp("alone"), HICHAT_REDIS_URL=valkey.url) as made:
        yield made


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    with Redis(port=valkey.port) as made:
        yield made


def heard(redis: Redis) -> dict[str, int]:
    """Each channel of users and groups (`u:5`, `g:7`), and how many processes are subscribed."""
    counts = redis.pubsub_numsub(*redis.pubsub_channels())
    found = {name.decode().partition(":")[2].partition(":")[2]: count for name, count in counts}
    return {name: count for name, count in found.items() if name[:2] in ("u:", "g:")}


def test_a_process_hears_its_users_and_their_groups_while_they_are_there(
    pair: Pair, redis: Redis, alice: Person, bob: Person
) -> None:
    assert heard(redis) == {}
    both, hers, his = new_group(alice, bob), new_group(alice), new_group(bob)
    assert heard(redis) == {}  # nobody is connected
    users = {f"u:{alice.id}": 1, f"u:{bob.id}": 1}
    with bob.device(), bob.device():
        with alice.device() as a:
            groups = {f"g:{both}": 2, f"g:{hers}": 1, f"g:{his}": 1}
            assert heard(redis) == users | groups
            with alice.at(pair[1]).device():
                assert heard(redis) == users | groups | {f"u:{alice.id}": 2, f"g:{hers}": 2}
            new = new_group(alice)
            a.expect("event", type="group")
            wait_until(lambda: heard(redis).get(f"g:{new}") == 1)
            assert alice.request("DELETE", f"/v2/groups/{hers}").status_code == 204
            left = users | {f"g:{both}": 2, f"g:{his}": 1, f"g:{new}": 1}
            wait_until(lambda: heard(redis) == left, LEFT)
        wait_until(
            lambda: heard(redis) == {f"u:{bob.id}": 1, f"g:{both}": 1, f"g:{his}": 1}, LEFT
        )
    wait_until(lambda: heard(redis) == {}, LEFT)
