"""What catching up, connecting and being watched cost: statements, counted in a real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
import requests

from tests.support.chat import expect_silence, open_chat
from tests.support.client import PATIENCE, Person
from tests.support.server import Server, running

MANY = 500
# What a server asks by itself once, after its start and after its first commit: whether there are
# uploads that have expired, and an index of words that is not wanted any more.
ONCE = ("FROM upload", "FROM search_place")
GIVEN = ("json_each", "asked")  # what a statement is given, and is no table
_TABLE = re.compile(r'(?:FROM|JOIN) "?(\w+)')


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tells what its database was asked, and asks nothing by itself any more.

    No index of words is kept meanwhile.
    """
    folder = tmp_path_factory.mktemp("counting")
    with running(folder, "tests.support.probe:app", HICHAT_SEARCH="off") as made:
        person = Person(made)
        with person.device() as device:
            device.text("the first commit", person.id)
        seen, deadline = "", time.monotonic() + PATIENCE
        while not all(words in seen for words in ONCE):
            assert time.monotonic() < deadline, seen
            seen += "\n".join(asked(made))
        yield made


def asked(server: Server) -> list[str]:
    """The queries since this was asked last."""
    found: list[str] = requests.get(f"{server.http}/queries", timeout=PATIENCE).json()
    return found


def looked_at(server: Server) -> list[str]:
    """For each query since this was asked last: the tables that it reads."""
    found = [_TABLE.findall(query) for query in asked(server)]
    return [" ".join(name for name in names if name not in GIVEN) for names in found]


@pytest.fixture(scope="module")
def busy(counting: Server) -> Person:
    """A user with 500 groups, in each of which somebody has written."""
    found = Person(counting)
    with found.device() as device:
        for number in range(MANY):
            made = found.post("/v2/groups", name=f"group {number}", members=[])
            device.send(op="send", ref=f"r{number}", conversation=made.json()["id"],
                        message={"media": "text", "content": "hi"})
        for number in range(MANY):
            device.expect("ack", ref=f"r{number}")
    return found


def test_sync_of_500_conversations_with_nothing_new_is_one_round_trip(
    counting: Server, busy: Person
) -> None:
    with busy.device() as device:
        heads = device.frames[0]["conversations"]
        assert len(heads) == MANY
        asked(counting)
        cursors = {str(head["id"]): head["last_seq"] for head in heads}
        device.send(op="sync", ref="s", cursors=cursors)
        assert device.receive() == {"op": "synced", "ref": "s", "behind": {}}
        assert looked_at(counting) == ["member conversation"]
        cursors[str(heads[0]["id"])] -= 1
        device.send(op="sync", ref="s", cursors=cursors)
        assert device.receive()["op"] == "event"
        assert device.receive()["op"] == "synced"
        assert looked_at(counting) == [
            "member conversation", "removal member conversation event",
        ], "how far they go, and what is missing"


def test_a_connect_asks_for_the_session_and_the_heads_only(counting: Server, busy: Person) -> None:
    with Person(counting).device() as first:
        expect_silence(first)
        asked(counting)
        with busy.device() as device:
            expect_silence(device)
        found = asked(counting)
    # The session; the heads and (beyond 1,000) the rooms, read again behind the entering of rooms.
    assert len(found) <= 4, found
    assert not any("seen_at" in statement for statement in found)


def test_a_message_and_its_typing_cost_no_more_for_being_watched(counting: Server) -> None:
    ann, bert = Person(counting), Person(counting)
    chat = open_chat(ann, bert)
    with ann.device() as a, bert.device() as b:
        a.send(op="watch", users=[bert.id])
        a.expect("presence", online=True)
        asked(counting)
        for number in range(10):
            a.say(f"line {number}", chat)
            b.expect("event")
        assert looked_at(counting) == ["conversation"] * 10, "a message asks for more than its lock"
        for _ in range(10):
            a.send(op="typing", conversation=chat)
        assert b.receive()["op"] == "typing"
        expect_silence(a)
        assert looked_at(counting) == ["member conversation"]


def test_a_read_mark_costs_what_it_did(counting: Server) -> None:
    ann, bert = Person(counting), Person(counting)
    chat = open_chat(ann, bert)
    with ann.device() as a, bert.device() as b:
        a.say("read this", chat)
        asked(counting)
        b.send(op="read", conversation=chat, seq=1)
        assert a.expect("receipt")["user"] == bert.id
        assert looked_at(counting) == ["conversation", "member"], "its lock and its seat"
