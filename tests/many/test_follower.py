"""The follower: whatever comes, however late, twice or never, nodes hear the log in its order."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gevent
import msgspec
import pytest
from werkzeug.test import EnvironBuilder

from app.chat.frames import GROUP, PRIVATE, V2, Address, Event
from app.chat.hub import Hub
from app.chat.node import Limits, Node
from app.chat.websocket import WebSocket
from app.cluster.follower import PAGE, Follower, Span
from app.errors import Unavailable
from tests.support.process import wait_until

COUNT = 40
CHAT, ANN, BERT, CARL = 7, 1, 2, 3


def said(seq: int, chat: int = CHAT) -> Event:
    body = json.dumps({"media": "text", "content": str(seq)}).encode()
    return Event(chat, seq, "message", ANN, seq, msgspec.Raw(body))


def moved(seq: int, **who: list[int]) -> Event:
    return Event(CHAT, seq, "members", ANN, seq, members=msgspec.Raw(json.dumps(who).encode()))


class Book:
    """The log, as it stands in the database."""

    recent_ms = 60_000

    def __init__(self, events: Sequence[Event], recent: int = 1) -> None:
        self.events = events
        self.recent = recent  # the first event that may be told late
        self.away = False
        self.read: list[int] = []
        self.questions: list[int] = []  # how many spans each was about

    def first(self, lowest: Mapping[int, int]) -> dict[int, int]:
        return {key: self.recent for key, seq in lowest.items() if self.recent < seq}

    def between(self, spans: Sequence[Span]) -> list[Event]:
        self.questions.append(len(spans))
        if self.away:
            raise Unavailable()
        gevent.sleep(0.001)
        found = [
            event for key, after, upto in spans for event in self.events
            if event.conversation == key and after < event.seq <= upto
        ]
        self.read += [event.seq for event in found]
        return found


@pytest.fixture
def websocket() -> Iterator[WebSocket]:
    here, there = socket.socketpair()
    with here, there:
        yield WebSocket(EnvironBuilder("/v2/socket", headers={
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }).get_environ() | {"gunicorn.socket": here})


class Desk:
    """A hub with a node for each of some users, and a follower that reads a book."""

    def __init__(self, websocket: WebSocket, book: Book, *users: int) -> None:
        self.hub = Hub(256, lambda: None)
        self.nodes = {
            user: Node(websocket, Limits(10_000, 10_000_000, 25, 30), user, "", V2())
            for user in users
        }
        for node in self.nodes.values():
            self.hub.add(node)
        self.follower = Follower(self.hub, book, lambda _: None)
        self.greenlet = gevent.spawn(self.follower.run)

    def heard(self, user: int) -> list[dict[str, Any]]:
        frames = self.nodes[user].queue.queue
        return [json.loads(frame[frame.index(b"{"):]) for frame in frames]

    def seqs(self, user: int) -> list[int]:
        return [frame["seq"] for frame in self.heard(user)]

    def close(self) -> None:
        self.greenlet.kill()
        for node in self.nodes.values():
            self.hub.remove(node)


TO = Address(CHAT, PRIVATE, ANN, BERT)
ROOM = Address(CHAT, GROUP, 0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_every_event_is_told_once_and_in_order_whatever_comes(
    websocket: WebSocket, seed: int
) -> None:
    rng = random.Random(seed)
    book = Book([said(seq) for seq in range(1, COUNT + 1)])
    desk = Desk(websocket, book, ANN, BERT)
    coming = [event for event in book.events if rng.random() > 0.2]
    coming += rng.choices(book.events, k=COUNT // 2)
    coming.sort(key=lambda event: event.seq + rng.uniform(0, 6))
    for event in coming:
        desk.follower.push(event, TO, None, None)
        if rng.random() < 0.3:
            gevent.sleep(rng.uniform(0, 0.03))
    desk.follower.expect(TO, COUNT)  # what the head check says
    wait_until(lambda: len(desk.seqs(BERT)) >= COUNT or bool(gevent.sleep(0.01)))
    gevent.sleep(0.15)
    assert desk.seqs(ANN) == desk.seqs(BERT) == list(range(1, COUNT + 1))
    desk.close()


def test_what_comes_in_order_is_told_at_once_and_without_the_log(websocket: WebSocket) -> None:
    book = Book([said(seq) for seq in range(1, COUNT + 1)])
    desk = Desk(websocket, book, BERT)
    desk.follower.push(book.events[0], TO, None, None)
    wait_until(lambda: desk.seqs(BERT) == [1] or bool(gevent.sleep(0.01)))
    for event in book.events[1:]:
        desk.follower.push(event, TO, None, None)
        assert desk.seqs(BERT)[-1] == event.seq
    assert book.read == []
    desk.close()


def test_who_sent_it_hears_it_not_even_when_it_waited(websocket: WebSocket) -> None:
    book = Book([said(seq) for seq in range(1, 4)])
    desk = Desk(websocket, book, ANN, BERT)
    for seq in (1, 3):
        desk.follower.push(said(seq), TO, None, desk.nodes[ANN])
    wait_until(lambda: desk.seqs(BERT) == [1, 2, 3] or bool(gevent.sleep(0.01)))
    assert desk.seqs(ANN) == [2]
    desk.close()


def test_who_speaks_before_having_heard_that_they_came_in_hears_it_in_its_place(
    websocket: WebSocket,
) -> None:
    desk = Desk(websocket, Book([moved(1, joined=[ANN]), said(2)]), ANN, BERT)
    for event in (moved(1, joined=[ANN]), said(2)):
        desk.follower.push(event, ROOM, None, None)
    wait_until(lambda: desk.seqs(ANN) == [1, 2] or bool(gevent.sleep(0.01)))
    desk.follower.push(said(4), ROOM, None, desk.nodes[BERT])
    desk.follower.push(moved(3, joined=[BERT]), ROOM, None, None)
    desk.follower.push(said(5), ROOM, None, desk.nodes[BERT])
    assert (desk.seqs(ANN), desk.seqs(BERT)) == ([1, 2, 3, 4, 5], [3, 4])
    desk.close()


def test_what_is_too_old_is_not_told_late(websocket: WebSocket) -> None:
    desk = Desk(websocket, Book([said(seq) for seq in range(1, 10)], recent=6), BERT)
    desk.follower.push(said(9), TO, None, None)
    wait_until(lambda: desk.seqs(BERT) == [6, 7, 8, 9] or bool(gevent.sleep(0.01)))
    desk.close()


def test_who_was_greeted_behind_it_is_not_told_again(websocket: WebSocket) -> None:
    desk = Desk(websocket, Book([said(seq) for seq in range(1, 10)]), ANN, BERT)
    desk.nodes[BERT].greeted = {CHAT: 7}
    desk.follower.push(said(9), TO, None, None)
    wait_until(lambda: len(desk.seqs(ANN)) == 9 or bool(gevent.sleep(0.01)))
    assert desk.seqs(BERT) == [8, 9]
    desk.close()


def test_members_come_and_go_where_the_log_says_so(websocket: WebSocket) -> None:
    """Bert's removal was lost; nobody hears of what is behind it before it is found."""
    book = Book([
        moved(1, joined=[ANN, BERT]), said(2), moved(3, removed=[BERT]), said(4),
        moved(5, joined=[CARL]), said(6), moved(7, left=[ANN]), said(8),
    ])
    desk = Desk(websocket, book, ANN, BERT, CARL)
    for seq in (2, 4, 8, 6):
        desk.follower.push(said(seq), ROOM, None, None)
    assert desk.seqs(ANN) == []  # nobody is in the room yet
    desk.follower.push(book.events[0], ROOM, None, None)
    for seq in (2, 4, 8, 6):
        desk.follower.push(said(seq), ROOM, None, None)
    wait_until(lambda: desk.seqs(CARL) == [5, 6, 7, 8] or bool(gevent.sleep(0.01)))
    assert (desk.seqs(BERT), desk.seqs(ANN)) == ([1, 2, 3], [1, 2, 3, 4, 5, 6, 7])
    desk.close()


def test_who_is_greeted_behind_their_removal_hears_nothing_of_the_time_before_it(
    websocket: WebSocket,
) -> None:
    """The log's earlier part is told while the greeting, that knows the removal, is read."""
    book = Book([moved(1, joined=[ANN, BERT]), said(2), moved(3, removed=[BERT])])
    desk = Desk(websocket, book, ANN, BERT)
    late = desk.nodes[BERT]
    late.early = []
    for event in book.events[:2]:
        desk.follower.push(event, ROOM, None, None)
    wait_until(lambda: desk.seqs(ANN) == [1, 2] or bool(gevent.sleep(0.01)))
    desk.hub.enter(late, ())
    desk.follower.push(book.events[2], ROOM, None, None)
    desk.hub.greeted(late, {})
    assert (desk.seqs(ANN), desk.seqs(BERT)) == ([1, 2, 3], [])
    desk.close()


def test_a_disbanded_group_is_left_by_everybody(websocket: WebSocket) -> None:
    gone = Event(CHAT, 2, "group", ANN, 2, group=msgspec.Raw(b'{"disbanded":true}'))
    desk = Desk(websocket, Book([moved(1, joined=[ANN, BERT]), gone]), ANN, BERT)
    for event in (moved(1, joined=[ANN, BERT]), gone):
        desk.follower.push(event, ROOM, None, None)
    wait_until(lambda: desk.seqs(ANN) == [1, 2] or bool(gevent.sleep(0.01)))
    assert desk.seqs(BERT) == [1, 2]
    assert not desk.hub.has_room(CHAT)
    desk.close()


def test_a_database_that_is_away_is_asked_again(
    websocket: WebSocket, capsys: pytest.CaptureFixture[str]
) -> None:
    book = Book([said(seq) for seq in range(1, 4)])
    desk = Desk(websocket, book, BERT)
    book.away = True
    for seq in (1, 3):
        desk.follower.push(said(seq), TO, None, None)
    gevent.sleep(0.3)
    assert desk.seqs(BERT) == [1]
    book.away = False
    wait_until(lambda: desk.seqs(BERT) == [1, 2, 3] or bool(gevent.sleep(0.01)))
    assert "log_not_read" in capsys.readouterr().out
    desk.close()


def test_what_is_missing_in_many_conversations_is_read_by_one_statement(
    websocket: WebSocket,
) -> None:
    chats = range(100, 100 + PAGE // 2)
    book = Book([said(seq, chat) for chat in chats for seq in range(1, 4)], recent=4)
    desk = Desk(websocket, book, BERT)
    for chat in chats:
        desk.follower.push(said(1, chat), Address(chat, PRIVATE, ANN, BERT), None, None)
    wait_until(lambda: len(desk.seqs(BERT)) == len(chats) or bool(gevent.sleep(0.01)))
    for chat in chats:
        desk.follower.push(said(3, chat), Address(chat, PRIVATE, ANN, BERT), None, None)
    wait_until(lambda: len(desk.seqs(BERT)) == 3 * len(chats) or bool(gevent.sleep(0.01)))
    assert max(book.questions) > 1
    assert len(book.questions) < len(chats) // 10
    for chat in chats:
        assert [e["seq"] for e in desk.heard(BERT) if e["conversation"] == chat] == [1, 2, 3]
    desk.close()


def test_a_long_gap_and_short_ones_are_filled_in_turns(websocket: WebSocket) -> None:
    chats = range(100, 110)
    book = Book([said(seq) for seq in range(1, 5 * PAGE)] + [said(1, chat) for chat in chats])
    desk = Desk(websocket, book, BERT)
    desk.follower.expect(TO, 5 * PAGE - 1)
    for chat in chats:
        desk.follower.expect(Address(chat, PRIVATE, ANN, BERT), 1)
    wanted = 5 * PAGE - 1 + len(chats)
    wait_until(lambda: len(desk.seqs(BERT)) == wanted or bool(gevent.sleep(0.01)))
    heard = [event["conversation"] for event in desk.heard(BERT)]
    assert heard.index(chats[-1]) < 3 * PAGE
    desk.close()
