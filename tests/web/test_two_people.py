"""Two people at their screens: what one sends the other sees, whatever happens to the server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import FAST_3G, NETWORK, SLOW_3G, throttle
from tests.support.chat import open_chat
from tests.support.client import Person
from tests.support.server import Server
from tests.web.conftest import NewDesk

STATUS_503 = "the server responded with a status of 503"


def write(page: Page, content: str) -> None:
    """Type into the composer, and press Enter."""
    composer = page.get_by_role("textbox", name="Message", exact=True)
    composer.fill(content)
    composer.press("Enter")


def message(page: Page, content: str) -> Locator:
    """A message of the conversation that is open."""
    return page.get_by_role("article").filter(has=page.get_by_text(content, exact=True))


def contents(person: Person, conversation: int) -> list[str]:
    return [event["message"]["content"] for event in person.history(conversation)]


@pytest.fixture
def own(own_server: Server) -> Iterator[tuple[Server, Person, Person, int]]:
    """A server that a test may stop, with two people and their conversation."""
    own_server.start()
    one, other = Person(own_server), Person(own_server)
    yield own_server, one, other, open_chat(one, other)


def test_a_message_appears_on_the_other_screen_and_its_mark_tells_how_far_it_is(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    hers, his = desk_of(alice).tab(f"/#/c/{chat}"), desk_of(bob).tab("/")
    write(hers, "are you there?")
    expect(message(hers, "are you there?")).to_contain_text("Delivered")
    link = his.get_by_role("link").filter(has_text="are you there?")
    expect(link).to_contain_text(alice.name)
    link.click()
    expect(message(his, "are you there?")).to_be_visible()
    expect(message(hers, "are you there?")).to_contain_text("Read")
    took = []
    for number in range(5):
        began = time.perf_counter()
        write(his, f"answer {number}")
        message(hers, f"answer {number}").wait_for()
        took.append(round(1000 * (time.perf_counter() - began)))
    print(f"from the keyboard to the other screen: {sorted(took)} ms")


def test_a_restart_of_the_server_shows_in_the_banner_and_nowhere_else(
    desk_of: NewDesk, own: tuple[Server, Person, Person, int]
) -> None:
    server, one, other, chat = own
    hers, his = (desk_of(person, at=server) for person in (one, other))
    for desk in (hers, his):
        desk.allow(*NETWORK, STATUS_503)
    here, there = hers.tab(f"/#/c/{chat}"), his.tab(f"/#/c/{chat}")
    write(here, "before")
    expect(message(there, "before")).to_be_visible()
    server.kill()
    banner = here.get_by_role("status").filter(has_text="The server cannot be reached.")
    expect(banner).to_be_visible()
    write(here, "meanwhile")
    expect(message(here, "meanwhile")).to_contain_text("Waiting to be sent")
    server.start()
    expect(message(there, "meanwhile")).to_be_visible()
    expect(banner).to_be_hidden()
    write(there, "welcome back")
    expect(message(here, "welcome back")).to_be_visible()
    expect(message(here, "meanwhile")).to_have_count(1)
    assert contents(one, chat) == ["before", "meanwhile", "welcome back"]


def test_a_refused_message_says_why_and_can_be_retried_or_discarded(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    bob.request("PUT", f"/v2/contacts/{alice.id}/block")
    page = desk_of(alice).tab(f"/#/c/{chat}")
    write(page, "please")
    write(page, "never mind")
    for content in ("please", "never mind"):
        expect(message(page, content)).to_contain_text("Not sent")
    message(page, "never mind").get_by_role("button", name="Discard").click()
    expect(message(page, "never mind")).to_have_count(0)
    bob.request("DELETE", f"/v2/contacts/{alice.id}/block")
    message(page, "please").get_by_role("button", name="Try again").click()
    expect(message(page, "please")).to_contain_text("Sent")
    assert contents(bob, chat) == ["please"]


def test_the_app_opens_without_a_network_and_sends_when_there_is_one(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    desk = desk_of(alice, service_workers="allow")
    desk.allow(*NETWORK)
    page = desk.tab(f"/#/c/{chat}")
    write(page, "online")
    expect(message(page, "online")).to_contain_text("Sent")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    desk.offline()
    write(page, "on the train")
    expect(message(page, "on the train")).to_contain_text("Waiting to be sent")
    page.reload()
    expect(message(page, "online")).to_be_visible()
    expect(message(page, "on the train")).to_contain_text("Waiting to be sent")
    expect(page.get_by_role("status").filter(has_text="You are offline.")).to_be_visible()
    desk.offline(False)
    expect(message(page, "on the train")).to_contain_text("Sent")
    assert contents(bob, chat) == ["online", "on the train"]


@pytest.mark.parametrize("network", [SLOW_3G, FAST_3G], ids=["slow", "fast"])
def test_it_is_usable_on_a_mobile_network(
    desk_of: NewDesk, alice: Person, bob: Person, network: dict[str, int]
) -> None:
    chat = open_chat(alice, bob)
    desk = desk_of(alice, service_workers="allow")
    first = desk.tab(f"/#/c/{chat}")
    write(first, "fast")
    expect(message(first, "fast")).to_contain_text("Sent")
    first.evaluate("navigator.serviceWorker.ready.then(() => true)")
    first.close()
    page = desk.context.new_page()
    throttle(page, network)
    began = time.perf_counter()
    page.goto(f"/#/c/{chat}", wait_until="commit")
    expect(message(page, "fast")).to_be_visible()
    print(f"second visit: {1000 * (time.perf_counter() - began):.0f} ms to the first message")
    write(page, "slow")
    expect(message(page, "slow")).to_contain_text("Sent")
    assert contents(bob, chat) == ["fast", "slow"]


def test_the_policy_is_in_force_and_its_reports_fail_a_test(desk_of: NewDesk) -> None:
    desk = desk_of()
    page = desk.tab("/")
    page.evaluate("""() => {
        const script = document.createElement("script");
        try { script.text = "globalThis.ran = true"; document.head.append(script); } catch {}
        try { document.body.innerHTML = "<img src=x onerror='globalThis.ran = true'>"; } catch {}
        const style = document.createElement("style");
        style.textContent = "body { display: none }";
        document.head.append(style);
    }""")
    assert page.evaluate("globalThis.ran") is None
    assert page.evaluate("getComputedStyle(document.body).display") != "none"
    assert any("Content Security Policy" in text for text in desk.trouble), desk.trouble
    desk.trouble.clear()
