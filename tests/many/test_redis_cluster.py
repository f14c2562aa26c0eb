"""Where Redis is a cluster, each channel is at the server that has its slot, wherever that goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.crc import key_slot

from tests.many.conftest import AGAIN, Pair, all_well, pair_of
from tests.many.test_loss import PATIENCE, all_heard, talking
from tests.many.test_rights import opens, ticket, watch
from tests.support.chat import both_talk, collect
from tests.support.client import Person
from tests.support.groups import new_group
from tests.support.process import wait_until
from tests.support.valkey import Valkey
from tests.support.valkey_cluster import MASTERS, Member, ValkeyCluster
from tests.test_metrics import numbers
from tests.test_rate_limits_redis import GUESSES, guess


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    made = ValkeyCluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def _spread(
    tmp_path_factory: pytest.TempPathFactory, cluster: ValkeyCluster
) -> Iterator[Pair]:
    with pair_of(tmp_path_factory.mktemp("spread"), HICHAT_REDIS_URL=cluster.url) as made:
        yield made


@pytest.fixture
def pair(_spread: Pair, cluster: ValkeyCluster) -> Pair:
    """Two servers over the cluster, all of which is well."""
    for member in cluster.members:
        if member.process is None:
            member.start()
    cluster.wait()
    all_well(_spread)
    return _spread


def recovered(pair: Pair) -> list[float]:
    """How many events each server had to read from the log."""
    return [numbers(server)["hichat_events_recovered_total"] for server in pair]


def leads(cluster: ValkeyCluster, name: str) -> Member:
    """The master that the channel of this name is subscribed to at."""
    [found] = [one for one in cluster.leaders() if name in one.channels()]
    return found


def channel(cluster: ValkeyCluster, person: Person) -> str:
    """The name of a connected user's own channel."""
    [found] = {
        name for one in cluster.leaders() for name in one.channels()
        if name.endswith(f":u:{person.id}")
    }
    return found


def letters_arrive(pair: Pair, alice: Person, bob: Person) -> None:
    """What one says here, the other hears there through Redis, and not out of the log."""
    all_well(pair)
    with alice.device() as a, bob.device() as b:
        a.text("warm", bob.id)
        b.expect("event")
        before = recovered(pair)
        for number in range(20):
            a.text(str(number), bob.id)
            assert b.expect("event")["message"]["content"] == str(number)
        assert recovered(pair) == before


def test_channels_are_spread_over_the_masters_and_nothing_is_broadcast(
    cluster: ValkeyCluster, pair: Pair, alice: Person, bob: Person
) -> None:
    others = [Person(pair[1]) for _ in range(30)]
    devices = [other.device() for other in others]
    for device in devices:
        device.__enter__()
    try:
        found = [
            {other.id for other in others if any(name.endswith(f":u:{other.id}") for name in names)}
            for names in (master.channels() for master in cluster.leaders())
        ]
        assert all(found)
        assert sum(map(len, found)) == len(others)
        assert all(one.ask("PUBSUB", "CHANNELS") == [] for one in cluster.members)
        assert [numbers(server)["hichat_bus_servers"] for server in pair] == [MASTERS, MASTERS]
    finally:
        for device in devices:
            device.__exit__(None, None, None)
    letters_arrive(pair, alice, bob)


def test_a_single_server_is_asked_once_and_hears_plain_commands(
    own_pair: Pair, valkey: Valkey
) -> None:
    def calls() -> dict[str, int]:
        with Redis(port=valkey.port, protocol=2) as client:
            stats = client.info("commandstats")
        return {name.removeprefix("cmdstat_"): found["calls"] for name, found in stats.items()}

    alice, bob = (Person(server) for server in own_pair)
    letters_arrive(own_pair, alice, bob)
    before = calls()
    letters_arrive(own_pair, alice, bob)
    after = calls()
    assert [numbers(server)["hichat_bus_servers"] for server in own_pair] == [1, 1]
    assert before["hello"] == after["hello"]
    assert {"eval", "publish", "subscribe"} <= after.keys()
    assert not after.keys() & {"cluster|slots", "spublish", "ssubscribe"}


def test_what_people_say_on_two_processes_is_heard_in_one_order(
    pair: Pair, alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b, alice.at(pair[1]).device() as third:
        both_talk(a, b, (alice.id, bob.id), third)


def test_groups_receipts_typing_and_presence_go_across(
    pair: Pair, alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        chat = a.text("hi", bob.id)["conversation"]
        b.expect("event")
        b.send(op="read", conversation=chat, seq=1)
        assert a.expect("receipt")["user"] == bob.id
        b.send(op="typing", conversation=chat)
        assert a.expect("typing")["user"] == bob.id
        assert watch(a, bob) is True
        group = new_group(alice, bob)
        assert b.expect("event")["group"]["created"] is True
        a.say("welcome", group)
        assert b.expect("event")["message"]["content"] == "welcome"
        b.close()
        assert a.expect("presence")["online"] is False


def test_sessions_end_and_tickets_work_once_on_both_processes(
    pair: Pair, alice: Person
) -> None:
    issued = ticket(alice)
    assert opens(alice, issued) == 101
    assert opens(alice.at(pair[1]), issued) == 401
    with alice.at(pair[1]).device() as there:
        assert alice.request("POST", "/v2/auth/logout").status_code == 204
        assert there.expect_close() == 4500


def test_guesses_are_counted_together(
    cluster: ValkeyCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("limited")
    settings = {"HICHAT_REDIS_URL": cluster.url, "HICHAT_RATE_LIMITS": "on"}
    with pair_of(folder, **settings) as pair:
        alice = Person(pair[0])
        there = alice.at(pair[1])
        assert [guess(one) for one in [alice, there] * (GUESSES // 2)] == [401] * GUESSES
        assert guess(alice) == guess(there) == 429


def test_a_channel_is_followed_to_the_master_that_its_slot_is_given_to(
    cluster: ValkeyCluster, pair: Pair, alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        a.text("before", bob.id)
        b.expect("event")
        name = channel(cluster, bob)
        origin = leads(cluster, name)
        to = next(one for one in cluster.leaders() if one is not origin)
        with talking(a, bob.id) as acks:
            cluster.move(key_slot(name.encode()), origin, to)
            wait_until(lambda: name in to.channels(), PATIENCE)
            time.sleep(1)
        events = collect(b, len(acks), "event")
        assert [event["seq"] for event in events] == [ack["seq"] for ack in acks]
        assert name not in origin.channels()
        before = recovered(pair)
        for number in range(20):
            a.text(str(number), bob.id)
            b.expect("event")
        assert recovered(pair) == before


@pytest.mark.parametrize("how", ["its replica leads", "it is started again", "it only hung"])
def test_a_master_that_goes_costs_no_message_and_no_ack(
    cluster: ValkeyCluster, pair: Pair, alice: Person, bob: Person, how: str
) -> None:
    """The second has no replica: its part of the cluster is away until it is back."""
    with alice.device() as a, bob.device() as b:
        with talking(a, bob.id) as acks:
            time.sleep(0.5)
            go(cluster, how)
            all_well(pair)
        all_heard(b, acks)
    letters_arrive(pair, alice, bob)


def go(cluster: ValkeyCluster, how: str) -> None:
    if how == "its replica leads":
        first = [cluster.masters[0], cluster.replica]
        [victim] = [one for one in first if one.leads()]
        [heir] = [one for one in first if one is not victim]
        victim.kill()
        wait_until(heir.leads, AGAIN)
    elif how == "it is started again":
        cluster.masters[1].kill()
        time.sleep(3)
        cluster.masters[1].start()
    else:
        cluster.masters[1].pause()
        time.sleep(3)
        cluster.masters[1].resume()
