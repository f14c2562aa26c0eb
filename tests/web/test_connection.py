"""The connection of a page: it comes back by itself, and catches up with what it has missed."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, Request, WebSocketRoute

from tests.support.browser import NETWORK, Desk, eventually, wait_for
from tests.support.chat import burst, open_chat
from tests.support.client import Person
from tests.support.lab import PAGE, at_work, expect_texts, online, row, say, show, told
from tests.support.server import Server
from tests.web.conftest import NewDesk
from tests.web.people import elsewhere

CLOSED = 3  # a WebSocket's readyState
STATES = """() => {
    globalThis.states = [];
    const look = () => {
        const state = client.connection.state.value;
        if (states.at(-1) !== state) states.push(state);
    };
    setInterval(look, 1);
    look();
}"""


def at_a_desk(desk_of: NewDesk, server: Server, person: Person) -> tuple[Desk, Page]:
    """Somebody in front of a server that will be taken away."""
    desk = desk_of(person, at=server)
    desk.allow(*NETWORK, "the server responded with a status of 503")
    page = at_work(desk)
    return desk, page


def delays(page: Page, *arguments: Any) -> list[float]:
    """The delay before an attempt, for the lowest, a middle and the highest chance."""
    found: list[float] = page.evaluate("""async ([code, failures]) => {
        const { delayAfter } = await import("client/connection.js");
        return [0, 0.5, 1].map((chance) => delayAfter(code, failures, chance));
    }""", arguments)
    return found


def test_the_delay_grows_and_is_random_and_has_an_end(desk_of: NewDesk) -> None:
    page = desk_of().lab()
    assert delays(page, 1006, 0) == [250, 375, 500]
    assert delays(page, 1006, 3) == [2000, 3000, 4000]
    assert delays(page, 1006, 100) == [15_000, 22_500, 30_000]
    assert delays(page, 1012, 0) == [100, 1100, 2100]  # a restart: everybody comes, spread out
    assert delays(page, 4001, 0) == [0, 0, 0]
    assert delays(page, 4001, 3) == delays(page, 1006, 3)


def test_what_was_missed_in_a_break_is_caught_up_with(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    page = at_work(desk, chat)
    with bob.device() as phone:
        phone.say("before", chat)
        expect_texts(page, "before")
        desk.offline()
        eventually(lambda: page.evaluate("client.connection.state.value"), "offline")
        for number in range(5):
            phone.say(f"missed {number}", chat)
        desk.offline(False)
        expect_texts(page, "before", *(f"missed {number}" for number in range(5)))
        assert row(page, chat)["unread"] == 6
        phone.say("after", chat)
        expect_texts(page, "before", *(f"missed {number}" for number in range(5)), "after")


def test_changes_that_were_missed_show_too(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    chat = open_chat(alice, bob)
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    page = at_work(desk, chat)
    with bob.device() as phone:
        for content in ("teh", "oops", "fine"):
            phone.say(content, chat)
        expect_texts(page, "teh", "oops", "fine")
        desk.offline()
        eventually(lambda: page.evaluate("client.connection.state.value"), "offline")
        phone.send(op="edit", ref="e", conversation=chat, seq=1, message={"content": "the"})
        phone.send(op="recall", ref="r", conversation=chat, seq=2)
        phone.send(op="react", ref="x", conversation=chat, seq=3, emoji="👍", on=True)
        phone.expect("ack", ref="x")
    desk.offline(False)
    expect_texts(page, "the", None, "fine")
    eventually(lambda: page.evaluate("line.items.value[2].reactions"), {
        "👍": {"count": 1, "users": [bob.id]}
    })
    assert page.evaluate("line.items.value[1].recalled")


def test_a_restart_is_noticed_by_the_banner_only(
    desk_of: NewDesk, own: tuple[Server, Person, Person, int]
) -> None:
    server, one, other, chat = own
    _, page = at_a_desk(desk_of, server, one)
    show(page, chat)
    page.evaluate(STATES)
    say(page, chat, "before")
    expect_texts(page, "before")
    server.terminate()
    eventually(lambda: page.evaluate("client.connection.state.value") == "online", False)
    say(page, chat, "between")
    server.start()
    online(page)
    with other.device() as phone:
        phone.say("after", chat)
    eventually(lambda: sorted(str(content) for content, _ in told(page)), [
        "after", "before", "between",
    ])
    wait_for(page, "line.items.value.every(({ seq }) => seq)")  # all of them are sent
    assert len(other.history(chat)) == 3
    assert page.evaluate("states").count("online") == 2


def test_a_server_that_was_killed_is_found_again(
    desk_of: NewDesk, own: tuple[Server, Person, Person, int]
) -> None:
    server, one, other, chat = own
    _, page = at_a_desk(desk_of, server, one)
    show(page, chat)
    server.kill()
    wait_for(page, "client.connection.state.value === 'waiting'")
    assert page.evaluate("client.connection.retryAt.value - Date.now()") <= 30_000
    server.start()
    with other.device() as phone:
        phone.say("alive", chat)
        page.evaluate("client.connection.retryNow()")
        expect_texts(page, "alive")


def test_a_refusal_to_tell_what_was_missed_that_may_pass_is_asked_again(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    page = at_work(desk_of(alice), chat)
    asked: list[str] = []

    def refuse_twice(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["op"] == "sync" and frame["cursors"]:
                asked.append(frame["ref"])
                if len(asked) <= 2:  # behind the greeting, and behind the list
                    refusal = {"code": "unavailable", "message": "Not now.", "retry": True}
                    route.send(json.dumps({"op": "error", "ref": frame["ref"], **refusal}))
                    return
            server.send(text)

        route.on_message(pass_on)

    page.route_web_socket("**/v2/socket", refuse_twice)
    with bob.device() as phone:
        phone.say("before", chat)
        expect_texts(page, "before")
        page.evaluate("client.connection.stop()")
        phone.say("missed", chat)
        page.evaluate("client.connection.start()")
        expect_texts(page, "before", "missed")
    assert len(asked) == 3


def test_a_page_that_was_away_for_long_begins_anew_at_the_end(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    """More than a thousand events behind: they are read page by page, as on a new device."""
    chat = open_chat(alice, bob)
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    page = at_work(desk, chat)
    with bob.device() as phone:
        phone.say("long ago", chat)
        expect_texts(page, "long ago")
        desk.offline()
        eventually(lambda: page.evaluate("client.connection.state.value"), "offline")
        burst(phone, alice.id, [f"number {number}" for number in range(1200)])
    desk.offline(False)
    eventually(lambda: told(page)[-1][0], "number 1199")
    eventually(lambda: len(told(page)), PAGE)
    assert page.evaluate("id => client.sync.cursors.get(id)", chat) == 1201
    assert page.evaluate("id => client.store.rows(id, 1, 1).then(rows => rows.length)", chat) == 0
    page.evaluate("line.jumpTo(1)")
    eventually(lambda: told(page)[0][0], "long ago")


def test_a_server_that_knows_less_than_the_page_is_believed(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    """It was restored from a backup: what comes now has seqs that the page has seen before."""
    chat = open_chat(alice, bob)
    page = at_work(desk_of(alice), chat)
    with bob.device() as phone:
        phone.say("one", chat)
        expect_texts(page, "one")
        page.evaluate("id => { client.sync.cursors.set(id, 50); }", chat)
        page.evaluate("client.connection.stop(); client.connection.start()")
        online(page)
        eventually(lambda: page.evaluate("id => client.sync.cursors.get(id)", chat), 1)
        phone.say("two", chat)
        expect_texts(page, "one", "two")


def test_who_signs_out_while_it_connects_leaves_no_error_behind(
    desk_of: NewDesk, alice: Person
) -> None:
    """The desk would find it in the console: of a socket that was broken off, or refused."""
    page = at_work(desk_of(alice))
    page.evaluate("""() => {
        client.connection.stop();
        globalThis.WebSocket = class extends WebSocket {
            constructor(...about) {
                super(...about);
                queueMicrotask(() => {
                    globalThis.out = client.signOut().then(() => this.readyState);
                });
            }
        };
        client.connection.start();
    }""")
    assert wait_for(page, "globalThis.out") == CLOSED
    assert alice.request("GET", "/v2/users/me").status_code == 401


def test_an_ended_session_is_left_at_once(desk_of: NewDesk, alice: Person) -> None:
    page = at_work(desk_of(alice))
    [session] = alice.get("/v2/auth/sessions")["sessions"]
    alice.request("DELETE", f"/v2/auth/sessions/{session['id']}")
    wait_for(page, "client.session.user.value === null")
    assert page.evaluate("client.session.ended.value") == "revoked"
    assert page.evaluate("client.connection.state.value") == "offline"
    assert page.evaluate("localStorage.getItem('hichat.session')") is None


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_a_token_that_is_good_no_more_is_refreshed_by_one_tab_for_all(
    desk_of: NewDesk, alice: Person, locks: bool
) -> None:
    """Also where the browser has no locks for tabs, as without TLS in a local network."""
    desk = desk_of(alice)
    desk.allow("the server responded with a status of 401")
    if not locks:
        desk.context.add_init_script("delete Navigator.prototype.locks")
    spent: list[str] = []

    def watch(request: Request) -> None:
        if request.url.endswith("/v2/auth/refresh"):
            spent.append(request.headers["authorization"])

    desk.context.on("request", watch)
    pages = [desk.lab() for _ in range(3)]
    assert pages[0].evaluate("'locks' in navigator") == locks
    setter = desk.context.new_page()
    setter.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    setter.goto("/version")  # a page of this origin, and of nothing else
    setter.evaluate("""() => {
        const held = JSON.parse(localStorage.getItem("hichat.session"));
        localStorage.setItem("hichat.session", JSON.stringify({ ...held, access_token: "old" }));
    }""")
    for page in pages:
        wait_for(page, "client.session.token() === 'old'")
    for page in pages:
        page.evaluate("void client.api.get('/v2/users/me').then(me => { globalThis.me = me; })")
    for page in pages:
        assert wait_for(page, "globalThis.me?.id") == alice.id
    assert len({page.evaluate("client.session.token()") for page in pages} - {"old"}) == 1
    assert spent == [f"Bearer {alice.refresh_token}"]  # spent twice, it would end the session


def test_who_logs_out_with_a_token_that_has_expired_leaves_no_session(
    desk_of: NewDesk, own_server: Server
) -> None:
    own_server.environ["HICHAT_ACCESS_TOKEN_SECONDS"] = "1"
    own_server.start()
    desk = desk_of(at=own_server)
    desk.allow("the server responded with a status of 401")
    page = desk.lab()
    person = Person(own_server)
    page.evaluate("""async ([user, access_token, refresh_token]) => {
        const held = { user, access_token, refresh_token };
        localStorage.setItem("hichat.session", JSON.stringify(held));
        await new Promise((resolve) => setTimeout(resolve, 1500));
        const { createSession } = await import("client/session.js");
        const { environment } = await import("views/environment.js");
        await createSession(environment, {}).signOut();
    }""", [{"id": person.id}, person.token, person.refresh_token])
    own_server.terminate()
    del own_server.environ["HICHAT_ACCESS_TOKEN_SECONDS"]  # time to look
    own_server.start()
    [session] = elsewhere(person).get("/v2/auth/sessions")["sessions"]
    assert session["current"]


def test_nothing_is_asked_before_somebody_logs_in(desk_of: NewDesk) -> None:
    desk = desk_of()
    page = desk.lab()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/v2/" in request.url else None)
    page.evaluate("""import("views/client.js").then(({ client }) => {
        globalThis.client = client;
    })""")
    assert page.evaluate("client.session.user.value") is None
    assert asked == []
    name = f"new-{uuid.uuid4().hex[:12]}"
    page.evaluate("name => client.session.register(name, 'correct horse battery')", name)
    online(page)
    assert page.evaluate("client.session.user.value.name") == name
    page.evaluate("client.signOut()")
    wait_for(page, "client.session.user.value === null && client.session.ended.value === null")
    assert page.evaluate("indexedDB.databases().then(found => found.length)") == 0
