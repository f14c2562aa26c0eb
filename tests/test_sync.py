"""Catching up: a device that knows its cursors gets everything behind them, once, in order."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.chat import burst, expect_silence, heads, open_chat, refused
from tests.support.client import Person, Socket
from tests.support.server import Server, running

CAP = 7  # events in one answer of the small server
MANY = 3_000
TEN_KB = 10_000


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose answers to `sync` are cut after seven events."""
    with running(tmp_path_factory.mktemp("small"), HICHAT_SYNC_EVENTS=str(CAP)) as made:
        yield made


def answer(device: Socket, **cursors: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One round trip: the events that came, and the `synced` behind them."""
    ref = uuid.uuid4().hex
    asked = {key.removeprefix("c"): seq for key, seq in cursors.items()}
    device.send(op="sync", ref=ref, cursors=asked)
    events: list[dict[str, Any]] = []
    while (frame := device.receive())["op"] == "event":
        events.append(frame)
    assert (frame["op"], frame["ref"]) == ("synced", ref), frame
    return events, frame


def places(events: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(event["conversation"], event["seq"]) for event in events]


def test_everything_behind_a_cursor_comes_ascending_and_then_synced(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a:
        key = burst(a, bob.id, [str(n) for n in range(1, 11)])[0]["conversation"]
    with bob.device() as b:
        events, synced = answer(b, **{f"c{key}": 4})
        expect_silence(b)
    assert [event["seq"] for event in events] == [5, 6, 7, 8, 9, 10]
    assert events == bob.history(key)[4:]
    assert synced["behind"] == {} and "gone" not in synced


def test_an_event_is_the_same_by_push_by_sync_and_over_http(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        key = a.text("同じ", bob.id)["conversation"]
        pushed = b.expect("event")
        (synced,), _ = answer(b, **{f"c{key}": 0})
    assert pushed == synced == bob.history(key)[0]


def test_several_conversations_are_caught_up_with_in_one_answer(
    server: Server, alice: Person
) -> None:
    friends = [Person(server) for _ in range(4)]
    keys = []
    for number, friend in enumerate(friends, start=1):
        with friend.device() as f:
            keys.append(burst(f, alice.id, ["x"] * 3 * number)[0]["conversation"])
    with alice.device() as a:
        events, synced = answer(a, **{f"c{key}": 2 for key in keys})
    for number, key in enumerate(keys, start=1):
        found = [seq for conversation, seq in places(events) if conversation == key]
        assert found == list(range(3, 3 * number + 1))
    assert len(events) == sum(3 * number - 2 for number in range(1, 5))
    assert synced["behind"] == {}


def test_nothing_new_is_one_round_trip(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        key = a.text("hi", bob.id)["conversation"]
        b.expect("event")
        assert answer(b, **{f"c{key}": 1}) == ([], {"op": "synced", "ref": b.frames[-1]["ref"],
                                                    "behind": {}})
        assert answer(b)[0] == []


def test_an_answer_is_cut_at_the_cap_and_goes_on_from_where_it_says(small_server: Server) -> None:
    alice, bob = Person(small_server), Person(small_server)
    with alice.device() as a:
        key = burst(a, bob.id, [str(n) for n in range(2 * CAP + 3)])[0]["conversation"]
    seen: list[int] = []
    with bob.device() as b:
        cursor, sizes = 0, []
        while True:
            events, synced = answer(b, **{f"c{key}": cursor})
            seen += [event["seq"] for event in events]
            sizes.append(len(events))
            if not synced["behind"]:
                break
            assert synced["behind"] == {str(key): seen[-1]}
            cursor = synced["behind"][str(key)]
    assert sizes == [CAP, CAP, 3]
    assert seen == list(range(1, 2 * CAP + 4))


def test_an_answer_that_ends_exactly_at_the_cap_is_not_behind(small_server: Server) -> None:
    alice, bob = Person(small_server), Person(small_server)
    with alice.device() as a:
        key = burst(a, bob.id, ["x"] * CAP)[0]["conversation"]
    with bob.device() as b:
        events, synced = answer(b, **{f"c{key}": 0})
    assert (len(events), synced["behind"]) == (CAP, {})


def test_the_cap_counts_all_conversations_and_none_of_them_is_forgotten(
    small_server: Server,
) -> None:
    alice, *friends = (Person(small_server) for _ in range(5))
    sent = set()
    for friend in friends:
        with friend.device() as f:
            sent.update((ack["conversation"], ack["seq"]) for ack in burst(f, alice.id, ["x"] * 5))
    with alice.device() as a:
        first, synced = answer(a, **{f"c{key}": 0 for key, _ in sent})
        rest = a.sync(**{f"c{key}": seq for key, seq in synced["behind"].items()})
    assert len(first) == CAP
    assert len(synced["behind"]) == 3
    got = places(first) + places(rest)
    assert len(got) == len(sent) and set(got) == sent


def test_a_cursor_beyond_the_head_is_refused_in_words(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        key = a.text("hi", bob.id)["conversation"]
        b.expect("event")
        error = refused(b, "bad_request", op="sync", cursors={str(key): 2})
        expect_silence(b)
    assert str(key) in error["message"] and "beyond" in error["message"]


@pytest.mark.parametrize("cursors", [
    {"1": -1}, {"-1": 0}, {"one": 0}, {"": 0}, {"01": 0}, {"0": 0}, {"1.5": 0}, {" 1": 0},
    {"1\n": 0}, {"1": 1.5}, {"1": "0"}, {"1": None}, {"1": 2**63}, {"1": 2**53 + 1},
    {"9" * 17: 0}, {"9" * 5_000: 0}, {"١": 0}, [], "1", 1, None,
    {str(key): 0 for key in range(1, 10_002)},
], ids=lambda value: ascii(value)[:20])
def test_malformed_cursors_are_refused(alice: Person, cursors: Any) -> None:
    with alice.device() as a:
        refused(a, "bad_request", op="sync", cursors=cursors)
        expect_silence(a)


def test_foreign_and_unknown_conversations_are_gone_and_nothing_of_them_leaks(
    server: Server, alice: Person, bob: Person
) -> None:
    carol = Person(server)
    with alice.device() as a:
        own = a.text("for carol", carol.id)["conversation"]
        foreign = a.text("secret", bob.id)["conversation"]
    with carol.device() as c:
        cursors = {f"c{own}": 0, f"c{foreign}": 0, f"c{2**50}": 0}
        events, synced = answer(c, **cursors)
        beyond, _ = answer(c, **{f"c{foreign}": 99})  # not even how long it is
    assert places(events) == [(own, 1)] and beyond == []
    assert sorted(synced["gone"]) == sorted([foreign, 2**50])
    assert synced["behind"] == {}


def test_thirty_megabytes_reach_a_client_that_reads(alice: Person, bob: Person) -> None:
    content = [f"{number:05}".ljust(TEN_KB, ".") for number in range(MANY)]
    with alice.device() as a:
        key = burst(a, bob.id, content)[0]["conversation"]
    with bob.device() as b:
        events = b.sync(**{f"c{key}": 0})
        expect_silence(b)
    assert [event["seq"] for event in events] == list(range(1, MANY + 1))
    assert [event["message"]["content"] for event in events] == content


def test_a_device_that_was_away_ends_with_the_same_log_as_one_that_stayed(
    alice: Person, bob: Person
) -> None:
    key = open_chat(alice, bob)
    stayed: list[dict[str, Any]] = []
    returned: list[dict[str, Any]] = []
    with alice.device() as a, bob.device() as home:
        for _ in range(5):
            burst(a, bob.id, ["while it is away"] * 3)
            with bob.device() as phone:
                last = heads(phone)[key][0]
                returned += answer(phone, **{f"c{key}": len(returned)})[0]
                assert len(returned) == last
                a.text("while it is there", bob.id)
                returned.append(phone.expect("event"))
        while len(stayed) < len(returned):
            stayed.append(home.expect("event"))
        expect_silence(home)
    assert stayed == returned == bob.history(key)


def test_a_sync_while_others_go_on_sending_leaves_no_gap(alice: Person, bob: Person) -> None:
    before, during = 1_500, 500
    with alice.device() as a:
        key = burst(a, bob.id, ["before"] * before)[0]["conversation"]
        with ThreadPoolExecutor(1) as pool, bob.device() as b:
            talking = pool.submit(burst, a, bob.id, ["during"] * during)
            events = b.sync(**{f"c{key}": 0})
            while max(event["seq"] for event in events) < before + during:
                events.append(b.expect("event"))
            talking.result()
    unique = {event["seq"]: event for event in events}
    assert sorted(unique) == list(range(1, before + during + 1))
    assert all(event == unique[event["seq"]] for event in events)
