"""What ends on one process ends on all: sessions, tickets, memberships, what one may see."""

from __future__ import annotations

import uuid

from tests.many.conftest import Pair
from tests.support import handshake
from tests.support.chat import expect_silence, open_chat, refused, text
from tests.support.client import PASSWORD, Person, Socket
from tests.support.groups import new_group


def watch(device: Socket, person: Person) -> bool:
    device.send(op="watch", users=[person.id])
    return bool(device.expect("presence")["online"])


def test_a_log_out_closes_the_sockets_on_the_other_process(pair: Pair, alice: Person) -> None:
    with alice.device() as here, alice.at(pair[1]).device() as there:
        assert alice.request("POST", "/v2/auth/logout").status_code == 204
        assert here.expect_close() == there.expect_close() == 4500


def test_one_session_is_ended_from_another_device_and_no_other(
    pair: Pair, alice: Person
) -> None:
    with alice.at(pair[1]).device() as there:
        [session] = alice.get("/v2/auth/sessions")["sessions"]
        answer = alice.request(
            "POST", "/v2/auth/login", json={"name": alice.name, "password": PASSWORD}
        )
        alice.token = answer.json()["access_token"]
        with alice.at(pair[1]).device() as kept:
            assert alice.request(
                "DELETE", f"/v2/auth/sessions/{session['id']}"
            ).status_code == 204
            assert there.expect_close() == 4500
            expect_silence(kept)


def test_a_deleted_account_is_gone_everywhere(pair: Pair, alice: Person, bob: Person) -> None:
    chat = open_chat(alice, bob)
    with alice.at(pair[1]).device() as there, bob.device() as b:
        assert alice.request("DELETE", "/v2/users/me").status_code == 204
        assert there.expect_close() == 4500
        refused(b, "unknown_user", op="send", conversation=chat, message=text("?"))


def test_a_block_counts_at_once_on_the_other_process(alice: Person, bob: Person) -> None:
    chat = open_chat(alice, bob)
    with alice.device() as a, bob.device() as b:
        assert watch(b, alice) is True
        b.send(op="typing", conversation=chat)
        a.expect("typing")
        assert alice.request("PUT", f"/v2/contacts/{bob.id}/block").status_code == 200
        assert b.receive() == {"op": "presence", "user": alice.id, "online": False}
        refused(b, "blocked", op="send", conversation=chat, message=text("?"))


def test_who_is_removed_hears_nothing_behind_it_while_others_talk(
    alice: Person, bob: Person
) -> None:
    group = new_group(alice, bob)
    with alice.device() as a, bob.device() as b:
        for number in range(20):
            message = text(str(number))
            a.send(op="send", ref=uuid.uuid4().hex, conversation=group, message=message)
        assert alice.request("DELETE", f"/v2/groups/{group}/members/{bob.id}").status_code == 204
        for number in range(20):
            a.say(f"behind {number}", group)
        events = [b.expect("event")]
        while events[-1]["type"] != "members":
            events.append(b.expect("event"))
        assert [event["seq"] for event in events] == list(range(2, 2 + len(events)))
        expect_silence(b)
        refused(b, "not_a_member", op="typing", conversation=group)


def test_who_hides_what_they_read_does_so_on_all_processes(
    pair: Pair, alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        chat = a.text("one", bob.id)["conversation"]
        b.expect("event")
        hidden = alice.at(pair[1]).request("PATCH", "/v2/users/me", json={"shows_reading": False})
        assert hidden.ok
        b.send(op="read", conversation=chat, seq=1)
        b.expect("receipt")
        expect_silence(a)


def ticket(person: Person) -> str:
    issued: str = person.request("POST", "/v2/auth/ticket").json()["ticket"]
    return issued


def opens(person: Person, ticket: str) -> int:
    """The status of an upgrade with this ticket, at this person's server."""
    offered = {"Sec-WebSocket-Protocol": f"hichat.v2, ticket.{ticket}"}
    return handshake.ask(person.server, "/v2/socket", offered).status


def test_a_ticket_of_one_process_opens_a_socket_on_the_other_once(
    pair: Pair, alice: Person
) -> None:
    issued = ticket(alice)
    assert opens(alice.at(pair[1]), issued) == 101
    assert opens(alice, issued) == 401
    assert opens(alice.at(pair[1]), issued) == 401


def test_a_ticket_cannot_be_made_up_or_changed(alice: Person, bob: Person) -> None:
    said, _, signature = ticket(alice).partition(".")
    others, _, _ = ticket(bob).partition(".")
    for forged in (f"{others}.{signature}", f"{said}.{signature[::-1]}", f"{said}.", said):
        assert opens(alice, forged) == 401


def test_presence_is_told_across_processes(pair: Pair, alice: Person, bob: Person) -> None:
    open_chat(alice, bob)
    with alice.device() as a:
        assert watch(a, bob) is False
        with bob.device():
            assert a.receive() == {"op": "presence", "user": bob.id, "online": True}
            asked = alice.get("/v2/presence", users=str(bob.id))["presence"]
            assert asked == [{"op": "presence", "user": bob.id, "online": True}]
        assert a.receive()["online"] is False


def test_who_is_on_two_processes_is_offline_when_both_are_left(
    pair: Pair, alice: Person, bob: Person
) -> None:
    open_chat(alice, bob)
    with alice.device() as a:
        with bob.device():
            with bob.at(pair[0]).device():
                assert watch(a, bob) is True
            a.expect_nothing(2)
        assert a.receive()["online"] is False


def test_who_hides_is_offline_on_all_processes(alice: Person, bob: Person) -> None:
    open_chat(alice, bob)
    with alice.device() as a, bob.device():
        assert watch(a, bob) is True
        assert bob.request("PATCH", "/v2/users/me", json={"shows_presence": False}).ok
        assert a.receive() == {"op": "presence", "user": bob.id, "online": False}
