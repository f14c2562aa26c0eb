"""What Redis or a process loses, nobody misses: the log is the truth, and it is looked at."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.many.conftest import Pair
from tests.many.test_rights import opens, ticket
from tests.support.chat import burst, collect, expect_silence, open_chat, text
from tests.support.client import Person, Socket
from tests.support.cutter import CommitCutter
from tests.support.groups import new_group
from tests.support.process import wait_until
from tests.support.valkey import Valkey

PATIENCE = 20.0


@contextmanager
def talking(device: Socket, to: int) -> Iterator[list[dict]]:
    """Somebody who says something every 20 ms, on a thread of their own; the acks."""
    acks: list[dict] = []
    over = threading.Event()

    def talk() -> None:
        while not over.is_set():
            acks.append(device.text(str(len(acks)), to))
            time.sleep(0.02)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield acks
    finally:
        over.set()
        thread.join()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def all_heard(b: Socket, acks: list[dict]) -> None:
    """Every acked message, each once, in order."""
    events = collect(b, len(acks), "event")
    assert [event["seq"] for event in events] == [ack["seq"] for ack in acks]
    assert [event["message"]["content"] for event in events] == [
        str(number) for number in range(len(acks))
    ]
    expect_silence(b)


def test_a_killed_valkey_costs_no_message_and_no_ack(own_pair: Pair, valkey: Valkey) -> None:
    alice, bob = (Person(server) for server in own_pair)
    with alice.device() as a, bob.device() as b, bob.seed_device() as seed:
        with talking(a, bob.id) as acks:
            for _ in range(2):
                time.sleep(0.5)
                valkey.kill()
                time.sleep(2)
                valkey.start()
                time.sleep(1)
        all_heard(b, acks)
        for number in range(len(acks)):
            assert json.loads(seed.receive_text())["Content"] == str(number)
        seed.expect_nothing()


def test_a_stopped_valkey_costs_no_message_and_no_ack(own_pair: Pair, valkey: Valkey) -> None:
    alice, bob = (Person(server) for server in own_pair)
    with alice.device() as a, bob.device() as b:
        with talking(a, bob.id) as acks:
            time.sleep(0.5)
            valkey.pause()
            time.sleep(5)
            valkey.resume()
            time.sleep(1)
        all_heard(b, acks)


def test_without_valkey_messages_come_by_looking_into_the_log(
    own_pair: Pair, valkey: Valkey
) -> None:
    alice, bob = (Person(server) for server in own_pair)
    with alice.device() as a, bob.device() as b:
        a.text("before", bob.id)
        b.expect("event")
        valkey.kill()
        burst(a, bob.id, [str(number) for number in range(300)])
        events = collect(b, 300, "event")
        assert [event["seq"] for event in events] == list(range(2, 302))
        with bob.at(own_pair[0]).device() as here:
            expect_silence(here)  # who comes now is greeted, and told nothing twice
            a.text("now", bob.id)
            assert here.receive()["seq"] == b.receive()["seq"] == 302
        expect_silence(b)


def test_without_valkey_people_come_into_groups_and_go(own_pair: Pair, valkey: Valkey) -> None:
    alice, bob = (Person(server) for server in own_pair)
    with alice.device() as a, bob.device() as b:
        valkey.kill()
        group = new_group(alice)
        a.say("before", group)
        assert alice.post(f"/v2/groups/{group}/members", users=[bob.id]).ok
        said = a.say("hello", group)["seq"]
        assert alice.request("DELETE", f"/v2/groups/{group}/members/{bob.id}").status_code == 204
        a.say("behind", group)
        events = collect(b, 3, "event")
        assert [event["type"] for event in events] == ["members", "message", "members"]
        assert [event["seq"] for event in events] == [said - 1, said, said + 1]
        expect_silence(b)


def test_without_valkey_a_log_out_still_closes_sockets_elsewhere(
    own_pair: Pair, valkey: Valkey
) -> None:
    alice = Person(own_pair[0])
    with alice.at(own_pair[1]).device() as there:
        valkey.kill()
        assert alice.request("POST", "/v2/auth/logout").status_code == 204
        assert there.expect_close() == 4500


def test_without_valkey_tickets_are_good_and_work_once(own_pair: Pair, valkey: Valkey) -> None:
    alice = Person(own_pair[0])
    valkey.kill()
    issued = ticket(alice)
    assert opens(alice, issued) == 101
    assert opens(alice, issued) == 401


def test_presence_is_whole_again_after_valkey_has_lost_all(
    own_pair: Pair, valkey: Valkey
) -> None:
    alice, bob = (Person(server) for server in own_pair)
    open_chat(alice, bob)

    def online() -> bool:
        return bool(alice.get("/v2/presence", users=str(bob.id))["presence"][0]["online"])

    with bob.device():
        wait_until(online, PATIENCE)
        valkey.kill()
        wait_until(lambda: not online(), PATIENCE)  # each process knows its own users only
        valkey.start()
        wait_until(online, PATIENCE)


def test_the_users_of_a_killed_process_go_offline(own_pair: Pair) -> None:
    alice, bob = (Person(server) for server in own_pair)
    open_chat(alice, bob)
    with alice.device() as a, bob.device():
        a.send(op="watch", users=[bob.id])
        assert a.expect("presence")["online"] is True
        own_pair[1].kill()
        a.expect("presence", PATIENCE, online=False)  # it may be told again that he was there


def test_a_connection_that_breaks_in_commit_leaves_nobody_out(
    own_pair: Pair
) -> None:
    """The sender hears that nobody knows, and asks again; the others hear it out of the log."""
    cutter = CommitCutter(own_pair[0].environ["HICHAT_DATABASE_URL"])
    cut = own_pair[0].twin()
    cut.environ["HICHAT_DATABASE_URL"] = cutter.url
    cut.start()
    try:
        alice, bob = Person(cut), Person(own_pair[1])
        with alice.device() as a, alice.at(own_pair[1]).device() as other, bob.device() as b:
            a.text("one", bob.id)
            cutter.armed = b"unheard-of"
            a.send(op="send", ref="r", to={"user": bob.id}, message=text("unheard-of"))
            error = a.expect("error", ref="r")
            assert (error["code"], error["retry"], cutter.cuts) == ("unavailable", True, 1)
            ack = a.text("unheard-of", bob.id, "r")
            for device in (other, b):
                events = collect(device, 2, "event")
                assert [event["seq"] for event in events] == [1, ack["seq"]] == [1, 2]
                expect_silence(device)
    finally:
        cut.kill()
        cutter.close()


def test_a_process_that_was_stopped_for_long_tells_what_it_missed(own_pair: Pair) -> None:
    alice, bob = (Person(server) for server in own_pair)
    with alice.device() as a, bob.device() as b:
        a.text("one", bob.id)
        b.expect("event")
        with stopped(own_pair[1].worker()):
            acks = burst(a, bob.id, [str(number) for number in range(100)])
            time.sleep(6)
        events = collect(b, 100, "event")
        assert [event["seq"] for event in events] == [ack["seq"] for ack in acks]
        expect_silence(b)
