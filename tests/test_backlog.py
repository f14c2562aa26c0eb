"""What waits for all slow readers together is bounded: who holds most goes, and loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.chat.backlog import Backlog
from tests.faults.proxy import Proxy
from tests.support.bystanders import Bystanders
from tests.support.client import Person
from tests.support.process import wait_until
from tests.support.raw import RawSocket, frame
from tests.support.server import Server, running
from tests.test_metrics import numbers

BOUND = 1_000_000  # less than one connection alone may have
LONG = "漢" * 9000
FRAME = 3 * len(LONG) + 300
UNCOUNTED = 16_384 + FRAME  # of one connection: what it may have before it is counted again
READERS = 10
KERNEL = 400  # messages: far more than its buffers take for one that does not read
DEAF = 4096


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("backlog"), WEB_CONCURRENCY="1", HICHAT_BACKLOG_BYTES=str(BOUND)
    ) as made:
        yield made


@pytest.fixture
def network(server: Server) -> Iterator[Proxy]:
    """Between the slow ones and the server."""
    made = Proxy(server.port, receive_buffer=DEAF)
    yield made
    made.stop()


class Reader:
    """A connection as the bound sees it."""

    def __init__(self, backlog: Backlog, stuck_for: float) -> None:
        self.backlog, self.stuck_for = backlog, stuck_for
        self.gone = False

    def give_up(self) -> None:
        self.gone = True
        self.backlog.note(self, 0)


def ended_as_slow(server: Server) -> list[int]:
    """The users whose sockets the server has closed with 4000, in this order."""
    lines = (json.loads(line) for line in server.log().splitlines() if line.startswith("{"))
    return [line["user"] for line in lines if line.get("code") == 4000]


def test_the_most_loaded_of_those_that_take_nothing_go_first_and_no_more_than_must() -> None:
    backlog = Backlog(800)
    moving, little, much, more = (Reader(backlog, stuck) for stuck in (0.1, 5.0, 5.0, 5.0))
    for reader, size in ((moving, 400), (little, 50), (much, 150), (more, 200)):
        backlog.note(reader, size)
    assert not any(reader.gone for reader in (moving, little, much, more))
    backlog.note(little, 60)
    assert [reader.gone for reader in (moving, little, much, more)] == [False, False, False, True]
    assert backlog.size == 610
    backlog.note(moving, 0)
    assert backlog.size == 210


def test_in_a_network_that_swallows_everything_what_waits_for_all_stays_below_the_bound(
    server: Server, network: Proxy
) -> None:
    bystanders = Bystanders(server)
    sender, readers = Person(server), [Person(server) for _ in range(READERS)]
    sent = dict.fromkeys((reader.id for reader in readers), 0)
    chats: dict[int, int] = {}
    first = readers[0].id
    with ExitStack() as stack:
        for reader in readers:
            stack.enter_context(RawSocket(reader, DEAF, network.port))
        device = stack.enter_context(sender.device())
        network.black_hole()
        while not ended_as_slow(server):
            for reader in (readers[0], *readers):  # the first one is told twice as much
                chats[reader.id] = device.text(LONG, reader.id)["conversation"]
                sent[reader.id] += 1
            found = numbers(server)
            assert found["hichat_backlog_bytes"] <= BOUND
            assert found["hichat_queued_bytes"] <= BOUND + READERS * UNCOUNTED
            assert sent[first] < KERNEL
            bystanders.chat_on()
        assert ended_as_slow(server) == [first]
        network.heal()
    for reader in readers:
        with reader.device() as back:
            events = back.sync(**{f"c{chats[reader.id]}": 0})
        assert [event["seq"] for event in events] == list(range(1, sent[reader.id] + 1))
    wait_until(lambda: numbers(server)["hichat_backlog_bytes"] == 0)
    bystanders.leave()


def test_who_syncs_over_a_slow_line_waits_for_the_others_and_is_not_sent_away(
    server: Server, network: Proxy
) -> None:
    alice, bob = Person(server), Person(server)
    with alice.device() as device:
        for _ in range(200):
            conversation = device.text(LONG, bob.id)["conversation"]
    ended = ended_as_slow(server)
    network.slow(2_000_000)
    ask = {"op": "sync", "ref": "s", "cursors": {str(conversation): 0}}
    with ExitStack() as stack:
        lines = [stack.enter_context(RawSocket(bob, DEAF, network.port)) for _ in range(READERS)]
        for line in lines:
            line.send(frame(0x1, json.dumps(ask).encode()))
        for line in lines:
            seqs = []
            while (item := json.loads(line.receive()[1]))["op"] != "synced":
                if item["op"] == "event":
                    seqs.append(item["seq"])
            assert seqs == list(range(1, 201))
    assert ended_as_slow(server) == ended


def test_a_message_to_many_who_read_sends_nobody_away(server: Server) -> None:
    """Offered to all before the first is written, it is more than the bound."""
    owner, others = Person(server), [Person(server) for _ in range(9)]
    group = owner.post("/v2/groups", name="all", members=[one.id for one in others]).json()["id"]
    ended = ended_as_slow(server)
    with ExitStack() as stack:
        devices = [stack.enter_context(one.device()) for one in others for _ in range(5)]
        assert len(devices) * FRAME > BOUND
        place = stack.enter_context(owner.device()).say(LONG, group)
        for device in devices:
            assert device.expect("event", type="message")["seq"] == place["seq"]
    assert ended_as_slow(server) == ended
