"""Groups: made over HTTP, talked in over sockets, by members only."""

from __future__ import annotations

import json

from tests.support.chat import collect, expect_silence, refused, text
from tests.support.client import Person
from tests.support.server import Server


def make(owner: Person, *members: Person, name: str = "walkers") -> int:
    answer = owner.post("/v2/groups", name=name, members=[person.id for person in members])
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def test_a_new_group_tells_its_members_and_carries_their_messages(
    alice: Person, bob: Person
) -> None:
    with alice.device() as hers, alice.device() as other, bob.device() as his:
        group = make(alice, bob)
        for device in (hers, other, his):
            [created] = collect(device, 1, "event")
            assert (created["conversation"], created["seq"], created["type"]) == (group, 1, "group")
            assert created["group"] == {
                "created": True, "name": "walkers", "members": [alice.id, bob.id],
            }
        ack = hers.say("hello", group)
        assert (ack["conversation"], ack["seq"]) == (group, 2)
        for device in (other, his):
            [event] = collect(device, 1, "event")
            assert (event["seq"], event["sender"]) == (2, alice.id)
            assert event["message"] == text("hello")
        expect_silence(hers)


def test_a_device_that_connects_later_hears_its_groups(alice: Person, bob: Person) -> None:
    group = make(alice, bob)
    with alice.device() as hers, bob.device() as his:
        hello = his.frames[0]
        assert {"id": group, "last_seq": 1, "read_seq": 0} in hello["conversations"]
        hers.say("are you there?", group)
        assert his.expect("event")["message"] == text("are you there?")
        assert [event["seq"] for event in his.sync(**{f"c{group}": 0})] == [1, 2]


def test_a_stranger_neither_writes_nor_reads_nor_hears(
    alice: Person, bob: Person, server: Server
) -> None:
    eve = Person(server)
    group = make(alice, bob)
    with alice.device() as hers, eve.device() as device:
        hers.say("between us", group)
        refused(device, "not_a_member", op="send", conversation=group, message=text("hi"))
        refused(device, "not_a_member", op="read", conversation=group, seq=1)
        device.send(op="sync", ref="s", cursors={str(group): 0})
        assert device.expect("synced")["gone"] == [group]
        for path in (f"/v2/groups/{group}", f"/v2/conversations/{group}",
                     f"/v2/conversations/{group}/events"):
            assert eve.request("GET", path).status_code == 403
        assert all(frame["op"] != "event" for frame in device.frames)


def test_a_group_is_listed_among_the_conversations(alice: Person, bob: Person) -> None:
    group = make(alice, bob, name="徒步")
    [line] = bob.get("/v2/conversations")["conversations"]
    assert (line["id"], line["kind"], line["user"]) == (group, "group", None)
    assert line["last_event"]["group"]["name"] == "徒步"
    assert bob.get(f"/v2/groups/{group}") == {
        "id": group, "name": "徒步", "avatar": "", "description": "", "announcement": "",
        "owner": alice.id, "size": 2, "join": "invite", "open_history": False,
        "admins_only": False, "role": "member", "muted_until": 0,
    }


def test_nobody_can_put_an_unknown_user_into_a_group(alice: Person) -> None:
    answer = alice.post("/v2/groups", name="ghosts", members=[10**9])
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_user")
    assert alice.get("/v2/conversations")["conversations"] == []


def test_the_seeds_client_hears_a_group_and_its_own_words(alice: Person, bob: Person) -> None:
    group = make(alice, bob)
    with alice.seed_device() as hers, bob.seed_device() as his, bob.device() as new:
        hers.send(userId=alice.id, TargetId=group, Type=2, Media=1, Content="大家好")
        for device in (hers, his):
            found = json.loads(device.receive_text())
            assert (found["userId"], found["TargetId"], found["Type"], found["Content"]) == (
                alice.id, group, 2, "大家好",
            )
        assert new.expect("event")["message"]["content"] == "大家好"


def test_a_message_to_a_group_is_one_row(alice: Person, bob: Person) -> None:
    group = make(alice, bob)
    with alice.device() as hers:
        hers.say("once", group)
    assert [event["seq"] for event in alice.history(group)] == [1, 2]
    assert alice.history(group) == bob.history(group)
