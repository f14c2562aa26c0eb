"""What ends on one process ends on all: sessions, tickets, memberships, what one may see."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import InvalidStatus

from tests.faults.proxy import Proxy
from tests.many.conftest import BUS_ONLY, Pair, pair_of
from tests.support import handshake
from tests.support.chat import expect_silence, open_chat, refused, text
from tests.support.client import PASSWORD, Person, Socket
from tests.support.groups import new_group
from tests.support.process import wait_until
from tests.support.valkey import Valkey
from tests.test_metrics import numbers

FAR = 0.2  # seconds to a Valkey that is far away, and as many back


def watch(device: Socket, person: Person) -> bool:
    device.send(op="watch", users=[person.id])
    return bool(device.expect("presence")["online"])


def test_a_log_out_closes_the_sockets_on_the_other_process(pair: Pair, alice: Person) -> None:
    with alice.device() as here, alice.at(pair[1]).device() as there:
        assert alice.request("POST", "/v2/auth/logout").status_code == 204
        assert here.expect_close() == there.expect_close() == 4500


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Pair]:
    """Two servers, the second one far from their Valkey."""
    wire = Proxy(valkey.port)
    url = {"HICHAT_REDIS_URL": f"redis://127.0.0.1:{wire.port}"}
    folder = tmp_path_factory.mktemp("apart")
    with pair_of(folder, BUS_ONLY, url, HICHAT_REDIS_URL=valkey.url) as made:
        wire.delay(FAR)
        yield made
    wire.stop()


def ended(person: Person) -> int:
    """The status that refuses a person a socket, or the code that closes it."""
    try:
        with person.device() as device:
            return device.expect_close()
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("moment", [0.0, FAR, 2 * FAR, 4 * FAR, 6 * FAR])
def test_a_log_out_while_a_socket_opens_on_the_other_process_ends_it(
    apart: Pair, moment: float
) -> None:
    alice = Person(apart[0])
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(ended, alice.at(apart[1]))
        wait_until(lambda: numbers(apart[1])["hichat_users"] == 1)
        time.sleep(moment)
        assert alice.request("POST", "/v2/auth/logout").status_code == 204
        assert opening.result() in (401, 4500)
    wait_until(lambda: numbers(apart[1])["hichat_users"] == 0)


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
