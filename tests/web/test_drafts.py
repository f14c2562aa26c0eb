"""Drafts in an outage: what stands in the composer stays, and the server hears it afterwards."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.browser import NETWORK, Desk, eventually
from tests.support.chat import open_chat
from tests.support.chat_page import composer, message, messages, open_page
from tests.support.client import Person
from tests.web.conftest import NewDesk

LONG = 60_000  # ms: longer than a draft holds out against rows that were read before
KEPT = """async () => {
    const { client } = await import("views/client.js");
    return (await client.store.all("drafts")).map(({ draft }) => draft);
}"""


def draft_of(person: Person, chat: int) -> str | None:
    """What the server has."""
    found: str | None = person.get(f"/v2/conversations/{chat}")["draft"]
    return found


def with_draft(person: Person, chat: int, draft: str) -> None:
    """A draft that is everywhere already."""
    answer = person.request("PATCH", f"/v2/conversations/{chat}", json={"draft": draft})
    assert answer.ok, answer.text


def becomes_draft(page: Page, person: Person, chat: int, draft: str | None) -> None:
    """Wait until the server has this draft; the page's own events have their turn meanwhile."""
    eventually(lambda: (page.evaluate("0"), draft_of(person, chat))[1], draft)


def come_back(desk: Desk, page: Page, chat: int) -> Page:
    """Close the page, end the outage, open the chat anew; its list is there."""
    page.close()
    desk.offline(False)
    opened = desk.context.new_page()
    with opened.expect_response("**/v2/conversations?*"):
        opened.goto(f"/#/c/{chat}")
    return opened


def outage(desk: Desk, page: Page) -> None:
    desk.allow(*NETWORK)
    desk.offline()
    expect(page.get_by_text("You are offline.")).to_be_visible()


def test_what_is_typed_in_a_long_outage_stays_and_is_told_afterwards(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    with_draft(alice, chat, "before the tunnel")
    desk = desk_of(alice)
    page = desk.context.new_page()
    page.clock.install()
    page.goto(f"/#/c/{chat}")
    expect(composer(page)).to_have_value("before the tunnel")
    outage(desk, page)
    with page.expect_event("requestfailed"):
        composer(page).fill("in the tunnel")
    page.clock.run_for(LONG)
    with page.expect_response("**/v2/conversations?*"):
        desk.offline(False)
    becomes_draft(page, alice, chat, "in the tunnel")
    expect(composer(page)).to_have_value("in the tunnel")


def test_what_another_device_did_to_a_draft_that_the_server_has_counts(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    page = desk_of(alice).tab(f"/#/c/{chat}")
    composer(page).fill("half a sentence")
    becomes_draft(page, alice, chat, "half a sentence")
    told = "import('views/client.js').then(({ client }) => client.store.all('drafts'))"
    eventually(lambda: page.evaluate(told), [])
    alice.request("PATCH", f"/v2/conversations/{chat}", json={"draft": None})
    expect(composer(page)).to_have_value("")


def test_what_was_typed_in_an_outage_survives_a_reload(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    with_draft(alice, chat, "before the tunnel")
    desk = desk_of(alice)
    page = open_page(desk, chat)
    expect(composer(page)).to_have_value("before the tunnel")
    outage(desk, page)
    composer(page).fill("in the tunnel")
    eventually(lambda: page.evaluate(KEPT), ["in the tunnel"])
    page = come_back(desk, page, chat)
    becomes_draft(page, alice, chat, "in the tunnel")
    expect(composer(page)).to_have_value("in the tunnel")
    eventually(lambda: page.evaluate(KEPT), [])


def test_what_was_sent_in_an_outage_does_not_come_back_as_a_draft(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    with_draft(alice, chat, "are you there?")
    desk = desk_of(alice)
    page = open_page(desk, chat)
    expect(composer(page)).to_have_value("are you there?")
    outage(desk, page)
    composer(page).press("Enter")
    expect(message(page, "are you there?")).to_be_visible()
    eventually(lambda: page.evaluate(KEPT), [None])
    page = come_back(desk, page, chat)
    becomes_draft(page, alice, chat, None)
    expect(messages(page).get_by_role("article")).to_have_count(1)
    expect(composer(page)).to_have_value("")
    eventually(lambda: [event["message"]["content"] for event in bob.history(chat)], [
        "are you there?",
    ])
