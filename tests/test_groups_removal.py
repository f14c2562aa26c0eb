"""Over sockets: a removal is the last that its user hears, and what follows it is refused."""

from __future__ import annotations

import threading
import uuid

import pytest

from tests.support.chat import collect, expect_silence, refused, text
from tests.support.client import Person, Socket
from tests.support.groups import new_group
from tests.support.server import Server


def about(device: Socket, group: int, upto: int) -> list[int]:
    """The seqs of the group's events that this device was pushed, when it has heard `upto`.

    And those that came behind it until now, if it was pushed any.
    """
    def heard() -> list[int]:
        return [
            frame["seq"] for frame in device.frames
            if frame["op"] == "event" and frame["conversation"] == group
        ]

    while upto not in heard():
        device.receive()
    ref = uuid.uuid4().hex
    device.send(op="sync", ref=ref, cursors={})
    device.expect("synced", ref=ref)
    return heard()


def remove(admin: Person, group: int, user: Person) -> None:
    assert admin.request("DELETE", f"/v2/groups/{group}/members/{user.id}").status_code == 204


def test_the_removal_is_the_last_event_that_the_removed_users_devices_hear(
    alice: Person, bob: Person, server: Server
) -> None:
    carol = Person(server)
    group = new_group(alice, bob, carol)
    with alice.device() as hers, bob.device() as one, bob.device() as two, carol.device() as third:
        hers.say("to all", group)
        remove(alice, group, bob)
        hers.say("among us", group)
        for device in (one, two):
            events = collect(device, 2, "event")
            assert [event["seq"] for event in events] == [2, 3]
            assert events[-1]["members"] == {"removed": [bob.id]}
            expect_silence(device)
            refused(device, "not_a_member", op="send", conversation=group, message=text("hey"))
            refused(device, "not_a_member", op="read", conversation=group, seq=1)
            device.send(op="sync", ref="s", cursors={str(group): 2})
            assert device.expect("synced")["gone"] == [group]
        assert [event["seq"] for event in collect(third, 3, "event")] == [2, 3, 4]
        with bob.device() as later:
            assert all(head["id"] != group for head in later.frames[0]["conversations"])


@pytest.mark.parametrize("round_number", range(5))
def test_what_a_removed_member_sends_at_the_same_time_stands_before_the_removal_or_nowhere(
    alice: Person, bob: Person, server: Server, round_number: int
) -> None:
    carol = Person(server)
    group = new_group(alice, bob, carol)
    with (
        bob.device() as his, bob.device() as other, carol.device() as hers,
        alice.device() as listener,
    ):
        said = [threading.Event(), threading.Event()]

        def flood(device: Socket, begun: threading.Event) -> None:
            for number in range(300):
                device.send(op="send", ref=uuid.uuid4().hex, conversation=group,
                            message=text(f"line {number}"))
                if number == 100 - 20 * round_number:
                    begun.set()

        writers = [
            threading.Thread(target=flood, args=pair)
            for pair in zip((his, hers), said, strict=True)
        ]
        for writer in writers:
            writer.start()
        for begun in said:
            begun.wait()
        remove(alice, group, bob)
        for writer in writers:
            writer.join()
        answers = collect(his, 300, "ack", "error")
        collect(hers, 300, "ack")
        log = alice.history(group)
        [removal] = [event for event in log if event["type"] == "members"]
        assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
        assert all(event["seq"] < removal["seq"] for event in log if event["sender"] == bob.id)
        codes = {answer["code"] for answer in answers if answer["op"] == "error"}
        assert codes <= {"not_a_member"}
        acked = [answer["seq"] for answer in answers if answer["op"] == "ack"]
        assert acked == [event["seq"] for event in log if event["sender"] == bob.id]
        # Both of his devices were told everything up to the removal, in order, and nothing behind.
        last = removal["seq"]
        whole = [event["seq"] for event in log[1:last]]
        assert about(other, group, last) == whole
        assert about(his, group, last) == [seq for seq in whole if seq not in acked]
        assert about(listener, group, len(log)) == list(range(2, len(log) + 1))


def test_the_answer_to_the_removal_comes_when_nothing_can_be_sent_any_more(
    alice: Person, bob: Person
) -> None:
    group = new_group(alice, bob)
    with bob.device() as his:
        his.say("still in", group)
        remove(alice, group, bob)
        his.send(op="send", ref="late", conversation=group, message=text("too late"))
        assert his.expect("error")["code"] == "not_a_member"
    path = f"/v2/conversations/{group}/messages"
    assert bob.post(path, ref="http", message=text("x")).status_code == 403
    assert [event["type"] for event in alice.history(group)] == ["group", "message", "members"]


def test_a_new_member_hears_the_group_from_their_joining_on_and_again_when_they_come_back(
    alice: Person, bob: Person
) -> None:
    group = new_group(alice, join="open")
    with alice.device() as hers, bob.device() as his:
        hers.say("before", group)
        for at in (3, 6):
            assert bob.post(f"/v2/groups/{group}/join").status_code == 200
            hers.say("hello", group)
            assert [event["seq"] for event in collect(his, 2, "event")] == [at, at + 1]
            assert bob.post(f"/v2/groups/{group}/leave").status_code == 204
            [last] = collect(his, 1, "event")
            assert (last["seq"], last["members"]) == (at + 2, {"left": [bob.id]})
        hers.say("after", group)
        expect_silence(his)
        assert bob.post(f"/v2/groups/{group}/join").status_code == 200
        assert his.expect("event")["seq"] == 10
        assert [event["seq"] for event in his.sync(**{f"c{group}": 0})] == [10]


def test_devices_hear_that_their_group_is_disbanded_and_nothing_of_it_again(
    alice: Person, bob: Person
) -> None:
    group = new_group(alice, bob)
    with alice.device() as hers, bob.device() as his:
        assert alice.request("DELETE", f"/v2/groups/{group}").status_code == 204
        for device in (hers, his):
            [last] = collect(device, 1, "event")
            assert (last["seq"], last["group"]) == (2, {"disbanded": True})
            refused(device, "not_a_member", op="send", conversation=group, message=text("hi"))
            device.send(op="sync", ref="s", cursors={str(group): 1})
            assert device.expect("synced")["gone"] == [group]


def test_a_muted_member_reads_and_does_not_write(alice: Person, bob: Person) -> None:
    group = new_group(alice, bob)
    with alice.device() as hers, bob.device() as his:
        path = f"/v2/groups/{group}/members/{bob.id}"
        assert alice.request("PATCH", path, json={"muted_until": 2**53}).status_code == 204
        assert his.expect("event")["members"] == {"muted": {str(bob.id): 2**53}}
        refused(his, "muted", op="send", conversation=group, message=text("hi"))
        hers.say("listen", group)
        assert his.expect("event")["message"]["content"] == "listen"


def test_the_members_of_a_deleted_owners_group_hear_who_has_it_now(
    alice: Person, bob: Person
) -> None:
    group = new_group(alice, bob)
    with bob.device() as his:
        assert alice.request("DELETE", "/v2/users/me").status_code == 204
        assert his.expect("event")["members"] == {"left": [alice.id], "owner": bob.id}
        his.say("mine", group)
