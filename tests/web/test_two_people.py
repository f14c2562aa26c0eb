"""Two people at their screens: what one sends the other sees, whatever happens to the server."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser import FAST_3G, NETWORK, SLOW_3G, Desk, throttle, wait_for
from tests.support.chat import open_chat
from tests.support.client import Person
from tests.support.server import Server
from tests.web.conftest import NewDesk
from tests.web.people import say

STATUS_503 = "the server responded with a status of 503"
# Reports, in ms since 1970: when Enter was pressed last; when each article was first on the screen.
CLOCK = """() => {
    const now = () => performance.timeOrigin + performance.now();
    globalThis.pressed = null;
    globalThis.painted = new Map();
    addEventListener("keydown", ({ key }) => { if (key === "Enter") pressed = now(); }, true);
    const look = () => {
        for (const { innerText } of document.querySelectorAll("article .text")) {
            if (!painted.has(innerText)) requestAnimationFrame(() => painted.set(innerText, now()));
        }
    };
    new MutationObserver(look).observe(document, { childList: true, subtree: true });
}"""
# Reports, in ms since the visit began, when it could be read and written in.
VISIT = """(() => {
    const wanted = { list: "nav + section a[href]", message: "article", composer: "textarea" };
    globalThis.visit = {};
    const look = () => {
        for (const [name, selector] of Object.entries(wanted)) {
            if (document.querySelector(selector)) visit[name] ??= Math.round(performance.now());
        }
        if (Object.keys(visit).length < 3) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()"""


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
    for page in (hers, his):
        page.evaluate(CLOCK)
    for number in range(5):
        text = f"answer {number}"
        write(his, text)
        painted = wait_for(hers, "text => painted.get(text)", text)
        took.append(round(painted - his.evaluate("pressed")))
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


def visited(desk: Desk, person: Person, chat: int) -> None:
    """A first visit: what is said and the app itself are on this device from now on."""
    say(person, chat, "first")
    page = desk.tab(f"/#/c/{chat}")
    expect(message(page, "first")).to_be_visible()
    kept = "Promise.all(['events', 'conversations'].map(name => client.store.all(name)))"
    page.evaluate("import('views/client.js').then(({ client }) => { globalThis.client = client; })")
    wait_for(page, f"{kept}.then(found => found.every(rows => rows.length))")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.close()


def test_a_second_visit_is_usable_before_the_network_answers(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    chat = open_chat(alice, bob)
    desk = desk_of(alice, service_workers="allow")
    visited(desk, alice, chat)
    held: list[Route] = []
    desk.context.route("**/*", lambda route: held.append(route))  # nothing is answered
    page = desk.tab(f"/#/c/{chat}")
    expect(page.get_by_role("link").filter(has_text="first")).to_contain_text(bob.name)
    expect(message(page, "first")).to_be_visible()
    write(page, "second")
    expect(message(page, "second")).to_contain_text("Waiting to be sent")
    assert contents(bob, chat) == ["first"]
    for route in held:
        route.continue_()
    desk.context.unroute_all()
    expect(message(page, "second")).to_contain_text("Sent")
    assert contents(bob, chat) == ["first", "second"]


@pytest.mark.parametrize("network", [SLOW_3G, FAST_3G], ids=["slow", "fast"])
def test_it_is_usable_on_a_mobile_network(
    desk_of: NewDesk, alice: Person, bob: Person, network: dict[str, float]
) -> None:
    chat = open_chat(alice, bob)
    desk = desk_of(alice, service_workers="allow")
    visited(desk, alice, chat)
    page = desk.context.new_page()
    throttle(page, network)
    page.add_init_script(VISIT)
    page.goto(f"/#/c/{chat}", wait_until="commit")
    expect(message(page, "first")).to_be_visible()
    page.evaluate(CLOCK)
    write(page, "second")
    pending = wait_for(page, "painted.get('second')") - page.evaluate("pressed")
    print("second visit, ms:", page.evaluate("visit"), f"a message is taken in {pending:.0f}")
    expect(message(page, "second")).to_contain_text("Sent")
    assert contents(bob, chat) == ["first", "second"]


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
