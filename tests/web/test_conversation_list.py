"""The list: what is unread and said last, what one wants of a conversation, and 5,000 of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import eventually, wait_for
from tests.support.chat import open_chat
from tests.support.chat_page import act, conversation, message, say
from tests.support.client import Person
from tests.support.crowded import READER, fill
from tests.support.groups import new_group
from tests.support.server import Server, running
from tests.web.conftest import NewDesk

MANY = 5000
MOST_IN_DOCUMENT = 40  # lines
NEAR = f"""[...document.querySelectorAll('[aria-posinset]')]
    .some(one => Math.abs(one.ariaPosInSet / {MANY} - share) < 0.01)"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("crowded")
    fill(folder, conversations=MANY, messages=10)
    with running(folder, HICHAT_SEARCH="off") as made:
        yield made


def lines(page: Page) -> Locator:
    return page.get_by_role("list", name="Chats").get_by_role("link")


def names(page: Page) -> list[str]:
    """The conversations, in their order."""
    return lines(page).locator(".conversation-title").all_inner_texts()


def want(page: Page, name: str, item: str) -> None:
    """Choose something in the menu of a line."""
    conversation(page, name).click(button="right")
    page.get_by_role("menuitem", name=item).click()


def test_a_line_tells_what_is_unread_and_said_last_until_it_is_read(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat, group = open_chat(alice, bob), new_group(bob, alice)
    page = desk_of(alice).tab("/")
    say(bob, chat, "one")
    say(bob, chat, "two\nlines")
    line = conversation(page, bob.name)
    expect(line).to_contain_text("two lines")
    expect(line).to_contain_text(re.compile(r"2 unread"))
    expect(line.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    say(bob, group, f"@{alice.name} come", mentions=[alice.id])
    expect(conversation(page, "walkers")).to_contain_text("You were mentioned")
    expect(conversation(page, "walkers")).to_contain_text(f"{bob.name}: @{alice.name} come")
    expect(page.get_by_role("link", name="Chats 3")).to_be_visible()
    line.click()
    expect(message(page, "one")).to_be_visible()
    expect(line).not_to_contain_text("unread")
    eventually(lambda: alice.get(f"/v2/conversations/{chat}")["unread"], 0)
    expect(page.get_by_role("link", name="Chats 1")).to_be_visible()


def test_a_line_follows_edits_recalls_and_files(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    seq = say(bob, chat, "tow")
    page = desk_of(alice).tab("/")
    line = conversation(page, bob.name)
    expect(line).to_contain_text("tow")
    act(bob, chat, "edits", seq=seq, message={"content": "two"})
    expect(line).to_contain_text("two")
    act(bob, chat, "recalls", seq=seq)
    expect(line).to_contain_text("Recalled message")
    file = bob.upload(b"plain text", "minutes.txt")
    say(bob, chat, "", "file", attachment={"id": file["id"]})
    expect(line).to_contain_text("File: minutes.txt")


def test_one_pins_mutes_hides_and_finds_conversations(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    people = [bob, *(Person(alice.server) for _ in range(2))]
    chats = [open_chat(alice, person) for person in people]
    for person, chat in zip(people, chats, strict=True):
        say(person, chat, f"hello from {person.name}")
    page, other = desk_of(alice).tab("/"), desk_of(alice).tab("/")
    latest_first = [person.name for person in reversed(people)]
    eventually(lambda: names(page), latest_first)
    want(page, bob.name, "Pin to the top")
    for device in (page, other):
        eventually(lambda device=device: names(device), [bob.name, *latest_first[:-1]])
    expect(page.get_by_role("link", name="Chats 3")).to_be_visible()
    want(page, people[1].name, "Mute")
    expect(page.get_by_role("link", name="Chats 2")).to_be_visible()  # what is muted is not counted
    want(page, people[1].name, "Hide until something new")
    for device in (page, other):
        expect(conversation(device, people[1].name)).to_have_count(0)
    page.get_by_role("searchbox", name="Find a conversation").fill(people[1].name[:12].upper())
    expect(conversation(page, people[1].name)).to_be_visible()
    page.get_by_role("searchbox", name="Find a conversation").fill("nobody is called so")
    expect(page.get_by_text("No conversation is called “nobody is called so”.")).to_be_visible()
    page.get_by_role("searchbox", name="Find a conversation").press("Escape")
    say(people[1], chats[1], "something new")
    expect(conversation(page, people[1].name)).to_contain_text("something new")
    want(page, bob.name, "Mark as read")
    page.get_by_role("group", name="Show").get_by_role("button", name="Unread").click()
    eventually(lambda: sorted(names(page)), sorted(person.name for person in people[1:]))
    page.get_by_role("group", name="Show").get_by_role("button", name="Groups").click()
    expect(page.get_by_text("You are in no group yet.")).to_be_visible()


def test_nobody_yet_says_how_to_begin(alice: Person, desk_of: NewDesk) -> None:
    page = desk_of(alice, viewport={"width": 360, "height": 740}).tab("/")
    expect(page.get_by_text("No conversations yet. Find somebody to write to.")).to_be_visible()
    page.get_by_role("link", name="New chat").click()
    expect(page.get_by_role("heading", name="Contacts")).to_be_visible()


def test_of_5000_conversations_only_those_in_view_are_in_the_document(
    crowded: Server, desk_of: NewDesk
) -> None:
    page = desk_of(Person(crowded, READER, door="login"), at=crowded).tab("/")
    wait_for(page, f"document.querySelector('[aria-setsize]')?.ariaSetSize === '{MANY}'")
    expect(conversation(page, "friend")).to_be_visible()
    assert lines(page).count() <= MOST_IN_DOCUMENT
    place = page.get_by_role("list", name="Chats").locator("xpath=..")
    for share in (0.5, 0.25, 1):
        place.evaluate("(place, share) => { place.scrollTop = place.scrollHeight * share; }", share)
        wait_for(page, f"share => {NEAR}", share)
        assert lines(page).count() <= MOST_IN_DOCUMENT
    last = page.locator(f'[aria-posinset="{MANY}"]').get_by_role("link")
    expect(last).to_be_in_viewport()
    last.focus()
    last.press("ArrowUp")
    expect(page.locator(f'[aria-posinset="{MANY - 1}"]').get_by_role("link")).to_be_focused()
    page.get_by_role("searchbox", name="Find a conversation").fill("person 01234")
    expect(lines(page)).to_have_count(1)
    lines(page).click()
    expect(message(page, "hi")).to_be_visible()


def test_on_a_phone_one_sees_the_list_or_a_conversation(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    say(bob, chat, "hello")
    page = desk_of(alice, viewport={"width": 320, "height": 640}).tab("/")
    conversation(page, bob.name).click()
    expect(message(page, "hello")).to_be_visible()
    expect(conversation(page, bob.name)).to_be_hidden()
    page.get_by_role("link", name="Back to the list").click()
    expect(conversation(page, bob.name)).to_be_visible()
    expect(page.get_by_role("log", name="Messages")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
