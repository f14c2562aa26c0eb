"""Behaviour 8: search that jumps into context, the switcher, shortcuts, all by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import eventually
from tests.support.client import Person
from tests.support.groups import new_group
from tests.web.conftest import NewDesk
from tests.web.people import befriend, chat, say, unique


def search(page: Page, words: str) -> None:
    page.get_by_label("Search in all messages").fill(words)


def hash_of(page: Page) -> str:
    return str(page.evaluate("location.hash"))


@pytest.fixture
def lake(alice: Person, bob: Person) -> int:
    """A group in which a lake was spoken of, long ago; its id."""
    group = new_group(alice, bob)
    say(bob, group, "The lake is frozen, bring skates")
    for number in range(120):
        say(bob, group, f"something else, number {number}")
    return group


def test_a_found_message_is_marked_and_leads_to_where_it_was_said(
    desk_of: NewDesk, alice: Person, lake: int
) -> None:
    page = desk_of(alice).tab("/#/search")
    expect(page.get_by_label("Search in all messages")).to_be_focused()
    search(page, "frozen lake")
    expect(page.get_by_text("1 message found.")).to_be_visible()
    found = page.get_by_role("list", name="Results").get_by_role("link")
    assert found.locator("mark").all_inner_texts() == ["lake", "frozen"]
    found.click()
    log = page.get_by_role("log")
    expect(log.get_by_text("The lake is frozen, bring skates")).to_be_in_viewport()
    expect(log.get_by_text("something else, number 3", exact=True)).to_be_attached()
    expect(log.get_by_text("something else, number 119")).not_to_be_in_viewport()
    page.go_back()
    expect(page.get_by_label("Search in all messages")).to_have_value("frozen lake")
    expect(found).to_be_visible()


def test_filters_narrow_what_is_found_and_stand_in_the_address(
    desk_of: NewDesk, alice: Person, bob: Person, lake: int
) -> None:
    private = chat(alice, bob)
    say(alice, private, "my lake")
    page = desk_of(alice).tab("/#/search?q=lake")
    expect(page.get_by_text("2 messages found.")).to_be_visible()
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("From", exact=True).select_option("You")
    expect(page.get_by_text("1 message found.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("1 message found.")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    page.get_by_label("In", exact=True).select_option("walkers")
    expect(page.get_by_text("1 message found.")).to_be_visible()
    expect(page.get_by_role("list", name="Results")).to_contain_text("frozen")
    page.get_by_label("From day").fill("2020-01-01")
    page.get_by_label("To day").fill("2020-01-02")
    expect(page.get_by_text("Nothing found.")).to_be_visible()


def test_more_is_found_page_by_page(desk_of: NewDesk, alice: Person, lake: int) -> None:
    page = desk_of(alice).tab("/#/search?q=something")
    expect(page.get_by_text("20 messages, and there are more.")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_text("40 messages, and there are more.")).to_be_visible()


def test_the_switcher_leads_to_conversations_people_and_messages_by_keys_alone(
    desk_of: NewDesk, alice: Person, bob: Person, lake: int
) -> None:
    befriend(alice, bob)
    page = desk_of(alice).tab(f"/#/c/{lake}")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Go to")
    expect(field).to_be_focused()
    page.keyboard.type(bob.name)
    chosen = page.get_by_role("option", selected=True)
    expect(chosen).to_have_text(re.compile(f"^.?{bob.name}"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("main").get_by_text(bob.name).first).to_be_visible()
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("frozen")
    expect(chosen).to_have_text("Search all messages for “frozen”")
    page.keyboard.press("Enter")
    eventually(lambda: hash_of(page), "#/search?q=frozen")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)


def test_the_page_of_shortcuts_opens_by_a_question_mark_but_not_while_writing(
    desk_of: NewDesk, alice: Person, lake: int
) -> None:
    page = desk_of(alice).tab(f"/#/c/{lake}")
    composer = page.get_by_role("textbox", name="Message")
    expect(composer).to_be_focused()
    page.keyboard.press("?")
    expect(composer).to_have_value("?")
    help_page = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_page).to_have_count(0)
    page.keyboard.press("Control+/")
    expect(help_page).to_be_visible()
    page.keyboard.press("Escape")
    expect(composer).to_be_focused()
    page.goto(page.url.split("#")[0] + "#/contacts")
    page.get_by_role("link", name="Contacts").focus()
    page.keyboard.press("?")
    expect(help_page).to_be_visible()


def test_keys_go_from_one_conversation_to_the_next(
    desk_of: NewDesk, alice: Person, bob: Person, lake: int
) -> None:
    private = chat(alice, bob)
    say(bob, private, unique("hello"))
    page = desk_of(alice).tab(f"/#/c/{private}")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    expect(page.get_by_role("link", name=re.compile("walkers"))).to_be_visible()
    page.keyboard.press("Alt+ArrowDown")
    eventually(lambda: hash_of(page), f"#/c/{lake}")
    page.keyboard.press("Alt+ArrowUp")
    eventually(lambda: hash_of(page), f"#/c/{private}")
    page.keyboard.press("Control+Shift+F")
    eventually(lambda: hash_of(page), f"#/search?conversation={private}")


def test_somebody_signs_in_finds_a_person_and_writes_without_a_mouse(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    page = desk_of().tab()
    press(page, "Name")
    page.keyboard.type(alice.name)
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Chats")).to_be_visible()
    press(page, "Contacts", "Enter")
    press(page, "Search contacts and people")
    page.keyboard.type(bob.name)
    press(page, bob.name, "Enter")
    press(page, "Write a message", "Enter")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    text = unique("by keys")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").get_by_text(text)).to_be_visible()


def press(page: Page, name: str, key: str = "") -> None:
    """Tab until something with this name has the focus, then press a key."""
    for _ in range(60):
        focused = page.evaluate("""() => {
            if (document.activeElement === document.body) return "";
            const { ariaLabel, labels, textContent } = document.activeElement;
            return (ariaLabel ?? labels?.[0]?.textContent ?? textContent).trim();
        }""")
        if name in focused:
            break
        page.keyboard.press("Tab")
        page.wait_for_timeout(30)
    else:
        raise AssertionError(f"Tab does not lead to {name}")
    if key:
        page.keyboard.press(key)
