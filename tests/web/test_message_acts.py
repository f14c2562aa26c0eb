"""What one does with a message, and that the others see it: react, recall, delete, forward, pin."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from playwright.sync_api import Page, expect

from tests.support.browser import eventually, wait_for
from tests.support.chat_page import (
    choose,
    composer,
    conversation,
    message,
    messages,
    open_page,
    said,
    say,
)
from tests.support.client import Person
from tests.support.groups import new_group
from tests.support.server import Server
from tests.web.conftest import NewDesk, two_people


def both(desk_of: NewDesk, alice: Person, bob: Person, chat: int) -> tuple[Page, Page]:
    return open_page(desk_of(alice), chat), open_page(desk_of(bob), chat)


def test_reactions_are_put_and_taken_back(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    say(bob, chat, "cake is here")
    mine, theirs = both(desk_of, alice, bob, chat)
    message(mine, "cake is here").hover()
    message(mine, "cake is here").get_by_role("button", name="React").click()
    mine.get_by_role("dialog", name="Emoji").get_by_role("button", name="cake").first.click()
    for page, pressed in ((mine, "true"), (theirs, "false")):
        chip = message(page, "cake is here").get_by_role("button", name="cake, 1 person")
        expect(chip).to_have_attribute("aria-pressed", pressed)
    message(theirs, "cake is here").get_by_role("button", name="cake, 1 person").click()
    chip = message(mine, "cake is here").get_by_role("button", name="cake, 2 people")
    expect(chip).to_have_attribute("title", f"You, {bob.name}")
    chip.click()
    theirs_again = message(theirs, "cake is here").get_by_role("button", name="cake, 1 person")
    expect(theirs_again).to_be_visible()


def test_a_recall_takes_the_text_from_everybody(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    say(alice, chat, "a slip")
    mine, theirs = both(desk_of, alice, bob, chat)
    choose(mine, message(mine, "a slip"), "Recall for everybody")
    mine.get_by_role("dialog").get_by_role("button", name="Recall for everybody").click()
    expect(messages(mine).get_by_text("You recalled a message")).to_be_visible()
    expect(messages(theirs).get_by_text(f"{alice.name} recalled a message")).to_be_visible()
    expect(message(theirs, "a slip")).to_have_count(0)
    choose(theirs, message(theirs, "recalled a message"), "Delete for me")
    expect(theirs.get_by_role("dialog")).to_be_visible()
    theirs.keyboard.press("Escape")


def test_deleting_is_for_oneself_on_all_devices(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    say(bob, chat, "first")
    say(bob, chat, "second")
    mine, theirs = both(desk_of, alice, bob, chat)
    other = open_page(desk_of(alice), chat)
    choose(mine, message(mine, "second"), "Delete for me")
    mine.get_by_role("dialog").get_by_role("button", name="Delete for me").click()
    for page in (mine, other):
        expect(message(page, "second")).to_have_count(0)
        expect(conversation(page, bob.name)).to_contain_text("first")
    expect(message(theirs, "second")).to_be_visible()


def test_a_message_is_forwarded_with_its_author(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    say(bob, chat, "the train goes at ten")
    group = new_group(alice, name="travellers")
    page = open_page(desk_of(alice), chat)
    choose(page, message(page, "the train goes at ten"), "Forward")
    dialog = page.get_by_role("dialog", name="Forward to")
    dialog.get_by_role("searchbox").fill("travel")
    dialog.get_by_role("button", name="travellers").click()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(message(page, "the train goes at ten")).to_contain_text(f"Forwarded from {bob.name}")
    assert said(alice, group)["forwarded"]["sender"] == bob.id


def test_a_pinned_message_stands_above_the_others_and_is_jumped_to(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    say(bob, chat, "the key is under the mat")
    for number in range(30):
        say(bob, chat, f"message {number}")
    mine, theirs = both(desk_of, alice, bob, chat)
    choose(mine, message(mine, "the key is under the mat"), "Pin")
    for page in (mine, theirs):
        bar = page.get_by_role("button", name="Pinned 1/1")
        expect(bar).to_contain_text("the key is under the mat")
    theirs.get_by_role("button", name="Pinned 1/1").click()
    expect(message(theirs, "the key is under the mat")).to_be_in_viewport()
    theirs.get_by_role("button", name="Unpin").click()
    for page in (mine, theirs):
        expect(page.get_by_role("button", name="Pinned 1/1")).to_have_count(0)


def test_who_has_read_a_message_of_a_group_is_told(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    group = new_group(alice, bob)
    seq = say(alice, group, "who is in?")
    page = open_page(desk_of(alice), group)
    assert bob.post(f"/v2/conversations/{group}/read", seq=seq).ok
    choose(page, message(page, "who is in?"), "Who has read it")
    expect(page.get_by_role("dialog", name="Read by 1 person")).to_contain_text(bob.name)


def test_a_text_is_copied(alice: Person, bob: Person, chat: int, desk_of: NewDesk) -> None:
    say(bob, chat, "with `code` in it")
    page = open_page(desk_of(alice, permissions=["clipboard-read", "clipboard-write"]), chat)
    choose(page, message(page, "in it"), "Copy the text")
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "with `code` in it"


def test_only_what_is_allowed_is_offered(alice: Person, bob: Person, desk_of: NewDesk) -> None:
    group = new_group(alice, bob)
    say(alice, group, "the owner's")
    page = open_page(desk_of(bob), group)
    shown = message(page, "the owner's")
    shown.hover()
    shown.get_by_role("button", name="More").click()
    menu = page.get_by_role("menu")
    expect(menu.get_by_role("menuitem", name="Reply")).to_be_visible()
    for item in ("Edit", "Recall for everybody", "Pin"):
        expect(menu.get_by_role("menuitem", name=item, exact=True)).to_have_count(0)
    page.keyboard.press("Escape")
    expect(composer(page)).to_be_visible()


def test_a_refusal_is_told_in_words(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(alice), chat)
    assert bob.request("PUT", f"/v2/contacts/{alice.id}/block").ok
    composer(page).fill("hello?")
    composer(page).press("Enter")
    failed = message(page, "hello?")
    expect(failed.get_by_role("alert")).to_contain_text("Not sent.")
    failed.get_by_role("button", name="Try again").click()
    expect(failed.get_by_role("alert")).to_contain_text("Not sent.")
    assert bob.request("DELETE", f"/v2/contacts/{alice.id}/block").ok
    failed.get_by_role("button", name="Try again").click()
    expect(failed.get_by_role("alert")).to_have_count(0)
    eventually(lambda: said(bob, chat).get("content"), "hello?")


def age(server: Server, seconds: int) -> None:
    """Let all that was said have been said so much earlier."""
    with closing(sqlite3.connect(server.folder / "hichat.db", timeout=30)) as database, database:
        database.execute("UPDATE event SET at = at - ?", (1000 * seconds,))


def offered(page: Page, text: str) -> list[str]:
    """The acts in the menu of a message."""
    message(page, text).hover()
    message(page, text).get_by_role("button", name="More").click()
    found = page.get_by_role("menu").get_by_role("menuitem").all_inner_texts()
    page.keyboard.press("Escape")
    return found


def test_an_edit_and_a_recall_are_offered_as_long_as_the_server_takes_them(
    desk_of: NewDesk, own_server: Server
) -> None:
    limits = {"HICHAT_EDIT_SECONDS": "7200", "HICHAT_RECALL_SECONDS": "3600"}
    one, _, chat = two_people(own_server, **limits)
    say(one, chat, "early")
    late = {"Edit", "Recall for everybody"}
    for seconds, wanted in ((0, late), (5400, {"Edit"}), (5400, set())):
        age(own_server, seconds)
        desk = desk_of(one, at=own_server)
        page = open_page(desk, chat)
        wait_for(page, "localStorage.getItem('hichat.limits')")
        assert set(offered(page, "early")) & late == wanted
        composer(page).press("ArrowUp")
        expect(composer(page)).to_have_value("early" if "Edit" in wanted else "")


def test_several_messages_are_chosen_and_forwarded_in_their_order(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    for text in ("one", "two", "three", "four"):
        say(bob, chat, text)
    group = new_group(alice, name="travellers")
    page = open_page(desk_of(alice), chat)
    choose(page, message(page, "three"), "Choose several")
    bar = page.get_by_role("toolbar", name="Chosen messages")
    expect(bar).to_contain_text("1 chosen")
    expect(composer(page)).to_have_count(0)
    message(page, "one").click()
    message(page, "four").click()
    message(page, "four").click()  # and out again
    expect(bar).to_contain_text("2 chosen")
    bar.get_by_role("button", name="Forward").click()
    dialog = page.get_by_role("dialog", name="Forward to")
    dialog.get_by_role("button", name="travellers").click()
    expect(composer(page)).to_be_visible()
    eventually(lambda: [
        event["message"]["content"] for event in alice.history(group) if "message" in event
    ], ["one", "three"])


def test_several_messages_are_chosen_by_keys_and_deleted_for_oneself(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    for text in ("one", "two", "three"):
        say(bob, chat, text)
    mine, theirs = both(desk_of, alice, bob, chat)
    expect(message(mine, "three")).to_be_visible()
    messages(mine).focus()
    mine.keyboard.press("ArrowUp")
    mine.keyboard.press("Enter")
    mine.get_by_role("menuitem", name="Choose several").press("Enter")
    expect(message(mine, "three")).to_be_focused()
    mine.keyboard.press("ArrowUp")
    mine.keyboard.press("ArrowUp")
    mine.keyboard.press("Space")
    boxes = [message(mine, text).get_by_role("checkbox") for text in ("one", "two", "three")]
    for box, chosen in zip(boxes, (True, False, True), strict=True):
        expect(box).to_be_checked(checked=chosen)
    boxes[1].press("Space")
    boxes[2].press("Space")
    mine.get_by_role("button", name="Delete for me").press("Enter")
    dialog = mine.get_by_role("dialog", name="Delete 2 messages for you?")
    dialog.get_by_role("button", name="Delete for me").press("Enter")
    for text in ("one", "two"):
        expect(message(mine, text)).to_have_count(0)
        expect(message(theirs, text)).to_be_visible()
    expect(message(mine, "three")).to_be_visible()
    expect(composer(mine)).to_be_visible()


def test_escape_ends_the_choosing(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    say(bob, chat, "one")
    page = open_page(desk_of(alice), chat)
    composer(page).fill("half a")
    choose(page, message(page, "one"), "Choose several")
    page.keyboard.press("Escape")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(composer(page)).to_have_value("half a")
