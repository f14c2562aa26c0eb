"""The first moments of a visit, when everything is on its way: what is written then is not lost."""

from __future__ import annotations

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.support.browser import NETWORK, eventually, wait_for
from tests.support.chat import open_chat
from tests.support.chat_page import composer, message, open_page, say, write
from tests.support.client import Person
from tests.web.conftest import NewDesk

# IndexedDB takes a second to open, as on a device that has much else to do.
SLOW = """(() => {
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (...what) {
        const asked = {};
        setTimeout(() => {
            const made = open.apply(this, what);
            for (const name of ["onupgradeneeded", "onsuccess", "onerror"]) {
                made[name] = (event) => { asked.result = made.result; asked[name](event); };
            }
        }, 1000);
        return asked;
    };
})()"""
CLIENT = "import('views/client.js').then(({ client }) => { globalThis.client = client; })"


def painted(page: Page) -> None:
    page.evaluate(CLIENT)
    wait_for(page, "client.painted.value")


def hold_hello(page: Page) -> list[tuple[WebSocketRoute, str | bytes]]:
    """Let no greeting through to the page; those that were held."""
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def between(route: WebSocketRoute) -> None:
        def pass_on(text: str | bytes) -> None:
            if '"op":"hello"' in str(text):
                held.append((route, text))
            else:
                route.send(text)

        route.connect_to_server().on_message(pass_on)

    page.route_web_socket("**/v2/socket", between)
    return held


def test_what_was_kept_here_does_not_take_what_is_being_written(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    say(bob, chat, "hello")
    desk = desk_of(alice)
    page = open_page(desk, chat)
    expect(message(page, "hello")).to_be_visible()
    page.evaluate(CLIENT)
    wait_for(page, "client.store.all('conversations').then(({ length }) => length)")
    page.close()
    desk.context.add_init_script(SLOW)
    page = desk.tab(f"/#/c/{chat}")
    composer(page).fill("first words")
    painted(page)
    expect(composer(page)).to_have_value("first words")
    composer(page).press("Enter")
    expect(message(page, "first words")).to_contain_text("Sent")


def test_what_is_said_as_soon_as_one_can_is_kept(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    desk.context.add_init_script(SLOW)
    desk.context.route("**/v2/auth/ticket", lambda route: route.abort())  # it does not come online
    page = desk.tab(f"/#/c/{chat}")
    write(page, "first words")
    expect(message(page, "first words")).to_contain_text("Waiting to be sent")
    painted(page)
    page.reload()
    expect(message(page, "first words")).to_contain_text("Waiting to be sent")
    desk.context.unroute_all()
    page.reload()
    expect(message(page, "first words")).to_contain_text("Sent")


def test_a_greeting_that_is_older_than_a_conversation_does_not_take_it_away(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    page = desk_of(alice).context.new_page()
    held = hold_hello(page)
    page.goto("/#/contacts")
    eventually(lambda: (page.evaluate("0"), len(held))[1], 1)
    page.goto(f"/#/u/{bob.id}")
    composer(page).fill("first words")
    for route, text in held:
        route.send(text)
    page.evaluate(CLIENT)
    wait_for(page, "client.connection.state.value === 'online'")
    expect(composer(page)).to_have_value("first words")
    composer(page).press("Enter")
    expect(message(page, "first words")).to_contain_text("Sent")


def test_a_conversation_is_asked_for_once_and_nobody_is_led_back_to_it(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    page = desk_of(alice).tab("/#/contacts")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.get_by_label("Search contacts and people").fill(bob.name)
    page.get_by_role("button", name=bob.name).click()
    page.get_by_role("button", name="Write a message").click()
    expect(composer(page)).to_be_visible()
    painted(page)
    wait_for(page, "client.connection.state.value === 'online'")
    assert asked.count(f"POST {alice.server.http}/v2/conversations") == 1
