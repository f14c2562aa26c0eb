"""Presence: who watches whom, what they see, and what is told when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import insert, text

from app.models import Contact
from app.models.user import FRIEND
from app.store import Database, Store
from tests.support.chat import expect_silence, open_chat, refused
from tests.support.client import Person, Socket
from tests.support.log import people
from tests.support.process import wait_until
from tests.support.server import Server, running


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where who has left is offline after a second."""
    with running(tmp_path_factory.mktemp("hasty"), HICHAT_PRESENCE_GRACE_SECONDS="1") as made:
        yield made


@pytest.fixture
def ann(hasty: Server) -> Person:
    return Person(hasty)


@pytest.fixture
def bert(hasty: Server, ann: Person) -> Person:
    """Somebody who shares a private conversation with ann."""
    found = Person(hasty)
    open_chat(ann, found)
    return found


def watch(device: Socket, *people: Person) -> list[bool]:
    """Watch these and no others; whether each is online."""
    device.send(op="watch", users=[person.id for person in people])
    states = [device.expect("presence") for _ in people]
    assert [state["user"] for state in states] == [person.id for person in people]
    return [state["online"] for state in states]


def asked(who: Person, *people: Person) -> list[dict[str, Any]]:
    users = ",".join(str(person.id) for person in people)
    found: list[dict[str, Any]] = who.get("/v2/presence", users=users)["presence"]
    return found


def wait_until_offline(who: Person, other: Person) -> dict[str, Any]:
    """What `who` then sees. Among several processes, one that ended is believed in for a while."""
    wait_until(lambda: not asked(who, other)[0]["online"])
    return asked(who, other)[0]


def show(person: Person, shows: bool) -> None:
    answer = person.request("PATCH", "/v2/users/me", json={"shows_presence": shows})
    assert answer.ok and answer.json()["shows_presence"] is shows


def test_a_watcher_hears_when_somebody_comes_and_goes(ann: Person, bert: Person) -> None:
    with ann.device() as a:
        assert watch(a, bert) == [False]
        before = time.time_ns() // 1_000_000
        with bert.device():
            online = {"op": "presence", "user": bert.id, "online": True}
            assert a.receive() == online
            # Of several processes, one that has just begun hears of the others a moment later.
            wait_until(lambda: asked(ann, bert) == [online])
        gone = a.receive()
        assert (gone["user"], gone["online"]) == (bert.id, False)
        assert before <= gone["seen_at"] <= time.time_ns() // 1_000_000
        assert asked(ann, bert) == [gone]
        assert watch(a, bert) == [False]
        assert a.frames[-1] == gone


def test_one_device_of_several_is_enough(ann: Person, bert: Person) -> None:
    with ann.device() as a, bert.seed_device():
        with bert.device():
            assert watch(a, bert) == [True]
        a.expect_nothing(1.5)
    assert asked(bert, ann)[0]["user"] == ann.id


def test_who_comes_back_at_once_was_never_away(ann: Person, bert: Person) -> None:
    with ann.device() as a, bert.device() as first:
        assert watch(a, bert) == [True]
        for _ in range(3):
            first.close()
            with bert.device() as first:
                expect_silence(first)
        with bert.device():
            a.expect_nothing(1.5)


def test_nobody_hears_of_users_they_do_not_watch(ann: Person, bert: Person) -> None:
    with ann.device() as a, ann.device() as other:
        assert watch(a, bert) == [False]
        with bert.device():
            a.expect("presence", online=True)
            assert watch(a) == []  # the new list replaces the old one
        wait_until(lambda: asked(ann, bert)[0]["online"] is False)
        expect_silence(a)
        expect_silence(other)


def test_a_stranger_sees_nothing(hasty: Server, ann: Person, bert: Person) -> None:
    eve = Person(hasty)
    ann.post("/v2/groups", name="all", members=[bert.id, eve.id])  # a group is not enough
    with eve.device() as e, ann.device() as a:
        assert watch(e, ann, bert) == [False, False]
        assert watch(a, bert) == [False]
        with bert.device():
            a.expect("presence", online=True)
            assert asked(eve, ann, bert) == [
                {"op": "presence", "user": person.id, "online": False} for person in (ann, bert)
            ]
        a.expect("presence", online=False)
        assert [frame for frame in e.frames if frame.get("online")] == []
        e.frames.clear()
        expect_silence(e)


def test_who_hides_is_offline_for_others_and_sees_nobody(ann: Person, bert: Person) -> None:
    with ann.device() as a, bert.device() as b:
        assert watch(a, bert) == watch(b, ann) == [True]
        show(bert, False)
        for device, other in ((a, bert), (b, ann)):
            assert device.receive() == {"op": "presence", "user": other.id, "online": False}
        assert asked(ann, bert) == [{"op": "presence", "user": bert.id, "online": False}]
        assert asked(bert, ann) == [{"op": "presence", "user": ann.id, "online": False}]
        show(bert, True)
        for device, other in ((a, bert), (b, ann)):
            assert device.receive() == {"op": "presence", "user": other.id, "online": True}


def test_a_blocked_user_hears_that_the_other_is_offline_and_then_nothing(
    ann: Person, bert: Person
) -> None:
    with ann.device() as a:
        with bert.device() as b:
            assert watch(a, bert) == watch(b, ann) == [True]
            assert bert.request("PUT", f"/v2/contacts/{ann.id}/block").ok
            # What is stored and what is not may overtake each other between workers.
            event, presence = sorted((b.receive(), b.receive()), key=lambda frame: frame["op"])
            assert event["type"] == "contact"
            assert presence == {"op": "presence", "user": ann.id, "online": False}
            assert a.receive() == {"op": "presence", "user": bert.id, "online": False}
        a.expect_nothing(1.5)
        with bert.device() as b:
            assert watch(b, ann) == [False]
            expect_silence(a)
            assert asked(ann, bert) == [{"op": "presence", "user": bert.id, "online": False}]


def test_a_deleted_account_is_offline_and_was_never_seen(ann: Person, bert: Person) -> None:
    with ann.device() as a, bert.device():
        assert watch(a, bert) == [True]
        assert bert.request("DELETE", "/v2/users/me").status_code == 204
        assert a.receive() == {"op": "presence", "user": bert.id, "online": False}
    assert asked(ann, bert) == [{"op": "presence", "user": bert.id, "online": False}]


def test_nobody_is_online_after_a_crash(hasty: Server, ann: Person, bert: Person) -> None:
    with bert.device():
        assert asked(ann, bert)[0]["online"] is True
        hasty.kill()
    hasty.start()
    wait_until_offline(ann, bert)


def test_a_stop_notes_when_everybody_was_last_seen(
    hasty: Server, ann: Person, bert: Person
) -> None:
    with bert.device():
        before = time.time_ns() // 1_000_000
        hasty.terminate()
    hasty.start()
    state = wait_until_offline(ann, bert)
    assert before <= state["seen_at"] <= time.time_ns() // 1_000_000


def test_many_who_leave_at_once_are_all_noted(hasty: Server, ann: Person) -> None:
    friends = [Person(hasty) for _ in range(30)]
    for friend in friends:
        open_chat(ann, friend)
    with ann.device() as a:
        watch(a, *friends)
        devices = [friend.device() for friend in friends]
        for device in devices:
            device.__enter__()
        come = {a.expect("presence", online=True)["user"] for _ in friends}
        for device in devices:
            device.__exit__(None, None, None)
        gone = [a.expect("presence", online=False) for _ in friends]
    assert come == {state["user"] for state in gone} == {friend.id for friend in friends}
    assert all(state["seen_at"] for state in gone)


@pytest.mark.parametrize("users", [None, "1", [0], [-1], [2**53 + 1], ["1"], [None],
                                   list(range(1, 202))])
def test_a_watch_list_is_200_ids_at_most(ann: Person, users: Any) -> None:
    with ann.device() as a:
        refused(a, "bad_request", op="watch", users=users)
        a.send(op="watch", users=list(range(1, 201)))
        assert len([a.expect("presence") for _ in range(200)]) == 200


@pytest.mark.parametrize("users", [None, "", ",", "1,", "x", "-1", "0", "1 ,2", "٣", "9" * 40,
                                   str(2**53 + 1), ",".join(map(str, range(1, 202)))])
def test_presence_is_asked_for_by_ids(ann: Person, users: str | None) -> None:
    answer = ann.request("GET", "/v2/presence", params={"users": users} if users else {})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_a_user_is_named_once_and_unknown_ones_are_offline(ann: Person) -> None:
    found = ann.get("/v2/presence", users=f"{2**53},{2**53}")["presence"]
    assert found == [{"op": "presence", "user": 2**53, "online": False}]
    assert requests.get(f"{ann.server.http}/v2/presence?users=1", timeout=5).status_code == 401


# -- who may see whom, on both databases -----------------------------------------------------


def befriend(database: Database, one: int, two: int, blocked: bool = False) -> None:
    database.write(lambda session: session.execute(insert(Contact), [{
        "user_id": one, "other_id": two, "state": FRIEND, "blocked": blocked, "remark": "",
        "note": "", "at": 1,
    }]))


def test_contacts_and_partners_see_each_other(database: Database, store: Store) -> None:
    ada, ben, eve, dan = people(store, 4)
    befriend(database, ada, ben)
    store.conversations.open_private(eve, ada)
    pairs = [(ada, ben), (ada, eve), (eve, ada), (ada, dan), (dan, ada), (ben, eve), (ada, 10**9)]
    assert store.sightings.visible(pairs) == {(ada, ben): None, (ada, eve): None, (eve, ada): None}
    store.sightings.save({ben: 7, eve: 8, 10**9: 9})
    assert store.sightings.visible(pairs) == {(ada, ben): 7, (ada, eve): 8, (eve, ada): None}


@pytest.mark.parametrize("blocker", [0, 1])
def test_a_block_hides_both_from_each_other(
    database: Database, store: Store, blocker: int
) -> None:
    both = people(store, 2)
    store.conversations.open_private(*both)
    pairs = [(both[0], both[1]), (both[1], both[0])]
    assert len(store.sightings.visible(pairs)) == 2
    befriend(database, both[blocker], both[1 - blocker], blocked=True)
    assert store.sightings.visible(pairs) == {}


@pytest.mark.parametrize("hider", [0, 1])
def test_who_hides_neither_sees_nor_is_seen(store: Store, hider: int) -> None:
    both = people(store, 2)
    store.conversations.open_private(*both)
    store.users.change(both[hider], shows_presence=False)
    assert store.sightings.visible([(both[0], both[1]), (both[1], both[0])]) == {}


def test_a_deleted_user_is_not_seen_again(database: Database, store: Store) -> None:
    ada, ben = people(store, 2)
    store.conversations.open_private(ada, ben)
    store.sightings.save({ben: 7})
    store.users.delete(ben)
    store.sightings.save({ben: 8})
    assert store.sightings.visible([(ada, ben)]) == {}
    assert database.write(
        lambda session: session.scalar(text(f'SELECT seen_at FROM "user" WHERE id = {ben}'))
    ) is None
