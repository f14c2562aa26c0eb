"""Windows on a conversation: right at every place of it, however long it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.support.browser import eventually, wait_for
from tests.support.chat import open_chat
from tests.support.client import Person
from tests.support.lab import PAGE, at_work, expect_texts, online, row, told
from tests.support.server import Server
from tests.web.conftest import NewDesk

LONG = 100_000
FIRST_AT = 1_600_000_000_000  # of the long conversation; a message a minute


@pytest.fixture(scope="module")
def long_talk(server: Server) -> tuple[Person, int]:
    """A conversation of 100,000 messages, put into the database at once."""
    one, other = Person(server), Person(server)
    chat = open_chat(one, other)
    with closing(sqlite3.connect(server.folder / "hichat.db", timeout=30)) as database:
        rows = (
            (chat, seq, "message", (one.id, other.id)[seq % 2], None, FIRST_AT + seq * 60_000,
             json.dumps({"media": "text", "content": f"number {seq}"}))
            for seq in range(1, LONG + 1)
        )
        with database:
            database.executemany(
                "INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)", rows
            )
            database.execute(
                "UPDATE conversation SET last_seq = ?, message_seq = ?, last_at = ? WHERE id = ?",
                (LONG, LONG, FIRST_AT + LONG * 60_000, chat),
            )
    return one, chat


def seqs(page: Page) -> list[int]:
    found: list[int] = page.evaluate("line.items.value.map(({ seq }) => seq)")
    return found


def contents(page: Page) -> list[str | None]:
    return [content for content, _ in told(page)]


@pytest.fixture
def page(desk_of: NewDesk, long_talk: tuple[Person, int]) -> Iterator[Page]:
    person, chat = long_talk
    made = at_work(desk_of(person), chat)
    eventually(lambda: seqs(made)[-1:], [LONG])
    yield made


def run(page: Page, call: str) -> Any:
    """A method of the timeline, to its end."""
    return page.evaluate(f"line.{call}")


def test_a_long_conversation_opens_at_its_end(page: Page) -> None:
    assert seqs(page) == list(range(LONG - PAGE + 1, LONG + 1))
    assert (run(page, "hasOlder.value"), run(page, "hasNewer.value")) == (True, False)


def test_a_connection_that_comes_while_it_opens_does_not_undo_a_jump(
    desk_of: NewDesk, long_talk: tuple[Person, int]
) -> None:
    person, chat = long_talk
    page = at_work(desk_of(person))
    held: list[Route] = []
    page.route("**/events?limit=*", lambda route: held.append(route))
    with page.expect_request("**/events?limit=*"):
        page.evaluate(
            """id => {
                globalThis.line = client.timeline(id);
                globalThis.jump = line.jumpTo(50_000);
            }""",
            chat,
        )
    page.evaluate("() => { client.connection.stop(); client.connection.start(); }")
    online(page)
    for route in held:
        route.continue_()
    page.unroute("**/events?limit=*")
    assert page.evaluate("jump")
    wait_for(page, "line.loading.value === null")
    assert 50_000 in seqs(page)


def test_scrolling_back_keeps_a_bounded_window_without_gaps(page: Page) -> None:
    for _ in range(8):
        run(page, "loadOlder()")
    low = LONG - 9 * PAGE + 1
    assert seqs(page) == list(range(low, low + 400))
    assert run(page, "hasNewer.value")
    for _ in range(8):
        run(page, "loadNewer()")
    assert seqs(page) == list(range(LONG - 399, LONG + 1))
    assert not run(page, "hasNewer.value")


def test_a_jump_leads_to_any_place_and_back(page: Page) -> None:
    for seq in (1, 50_000, 99_990, 77):
        assert run(page, f"jumpTo({seq})") is True
        found = seqs(page)
        assert seq in found
        assert found == list(range(found[0], found[-1] + 1))
        assert len(found) <= 400
    run(page, "toLatest()")
    assert seqs(page)[-1] == LONG


def test_the_beginning_is_where_nothing_is_older(page: Page) -> None:
    run(page, "jumpTo(30)")
    run(page, "loadOlder()")
    assert seqs(page)[0] == 1
    assert not run(page, "hasOlder.value")


def test_a_jump_to_a_date_finds_its_first_message(page: Page) -> None:
    assert run(page, f"jumpToDate({FIRST_AT + 1234 * 60_000 - 5})") == 1234
    assert 1234 in seqs(page)


def test_what_was_read_once_comes_from_the_store(page: Page) -> None:
    run(page, "jumpTo(40000)")
    run(page, "toLatest()")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    run(page, "jumpTo(40000)")
    assert 40_000 in seqs(page)
    assert [url for url in asked if "/events" in url] == []


def test_a_second_visit_paints_before_the_network_answers(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    with bob.device() as phone:
        phone.say("hello", chat)
    desk = desk_of(alice)
    page = at_work(desk, chat)
    expect_texts(page, "hello")
    wait_for(page, "client.store.all('conversations').then(rows => rows.length)")
    page.close()
    desk.context.route("**/v2/**", lambda route: None)  # no request is ever answered
    page = desk.lab()
    page.evaluate("id => { globalThis.line = client.timeline(id); }", chat)
    expect_texts(page, "hello")
    assert page.evaluate("client.conversations.list.value[0].title") == bob.name
    assert page.evaluate("client.connection.state.value") == "connecting"
    desk.context.unroute_all()


def test_a_page_of_the_history_that_is_older_than_a_change_shows_the_change(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    """The page was read, then the message was edited; the push overtakes the page."""
    chat = open_chat(alice, bob)
    with bob.device() as phone:
        phone.say("teh", chat)
        desk = desk_of(alice)
        page = at_work(desk)
        held: list[Any] = []

        def hold(route: Any) -> None:
            held.append((route, route.fetch()))

        page.route("**/events?**", hold)
        page.evaluate("id => { globalThis.line = client.timeline(id); }", chat)
        eventually(lambda: (page.evaluate("0"), len(held))[1], 1)
        phone.send(op="edit", ref="e", conversation=chat, seq=1, message={"content": "the"})
        phone.expect("ack", ref="e")
        wait_for(page, "id => client.sync.cursors.get(id) === 2", chat)
        page.unroute("**/events?**")
        for route, response in held:
            route.fulfill(response=response)
        expect_texts(page, "the")
        eventually(lambda: page.evaluate(
            "id => client.store.rows(id, 1, 1).then(([row]) => row?.message.content)", chat
        ), "the")


def test_messages_deleted_for_oneself_are_not_shown_anywhere(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    with bob.device() as phone:
        for content in ("one", "two", "three"):
            phone.say(content, chat)
    pages = [at_work(desk_of(alice), chat) for _ in range(2)]
    for page in pages:
        expect_texts(page, "one", "two", "three")
    pages[0].evaluate("id => client.actions.remove(id, [2, 3])", chat)
    for page in pages:
        expect_texts(page, "one")
        eventually(lambda page=page: row(page, chat)["last_message"]["message"]["content"], "one")


def test_a_reply_shows_what_it_replies_to_wherever_that_is(
    page: Page, long_talk: tuple[Person, int]
) -> None:
    page.evaluate("globalThis.quoted = line.quoted(5)")
    wait_for(page, "quoted.value?.message.content === 'number 5'")


def test_a_view_that_looks_elsewhere_is_not_moved_by_what_comes_in(
    page: Page, long_talk: tuple[Person, int], server: Server
) -> None:
    person, chat = long_talk
    run(page, "jumpTo(500)")
    before = seqs(page)
    with person.device() as phone:
        said = phone.say("news", chat)
    wait_for(page, "([id, seq]) => client.sync.cursors.get(id) === seq", [chat, said["seq"]])
    assert seqs(page) == before
    assert run(page, "hasNewer.value")
    run(page, "toLatest()")
    assert contents(page)[-1] == "news"
