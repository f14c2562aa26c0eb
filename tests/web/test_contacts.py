"""Behaviour 7: contacts and requests."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.client import Person
from tests.web.conftest import NewDesk
from tests.web.people import befriend


def choose(page: Page, name: str, entry: str) -> None:
    """An entry of a contact's menu."""
    page.get_by_role("button", name=f"More about {name}").click()
    page.get_by_role("menuitem", name=entry).click()


def test_a_request_with_a_note_is_accepted_and_both_are_contacts(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    hers, his = desk_of(alice).tab("/#/contacts"), desk_of(bob).tab("/#/contacts")
    hers.get_by_label("Search contacts and people").fill(bob.name[:-2])
    hers.get_by_role("button", name=bob.name).click()
    hers.get_by_role("button", name="Add to contacts").click()
    hers.get_by_label("Who are you?").fill("We met at the lake")
    hers.get_by_role("button", name="Send request").click()
    expect(hers.get_by_text("Waiting for their answer")).to_be_visible()
    expect(his.get_by_text("We met at the lake")).to_be_visible()
    expect(his.get_by_role("link", name="Contacts")).to_contain_text("1")
    his.get_by_role("button", name=f"Accept {alice.name}").click()
    expect(his.get_by_text(f"{alice.name} is your contact now.")).to_be_visible()
    hers.get_by_label("Search contacts and people").fill("")
    for page, name in ((hers, bob.name), (his, alice.name)):
        region = page.get_by_role("region", name="Contacts")
        expect(region.get_by_role("button", name=name).first).to_be_visible()


def test_a_refused_request_is_gone_on_both_sides(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    hers, his = desk_of(alice).tab("/#/contacts"), desk_of(bob).tab("/#/contacts")
    alice.post("/v2/contacts", user=bob.id, note="hello")
    expect(hers.get_by_text("Waiting for their answer")).to_be_visible()
    his.get_by_role("button", name=f"Refuse {alice.name}").click()
    expect(his.get_by_text("No contacts yet.")).to_be_visible()
    expect(hers.get_by_text("No contacts yet.")).to_be_visible()


def test_a_remark_is_what_one_calls_a_contact(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    befriend(alice, bob)
    page = desk_of(alice).tab("/#/contacts")
    choose(page, bob.name, "Change the remark")
    page.get_by_role("textbox", name="Remark").fill("Bobby from work")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Bobby from work").first).to_be_visible()
    page.get_by_label("Search contacts and people").fill(bob.name)  # the name finds them, too
    page.get_by_role("button", name="Bobby from work").first.click()
    expect(page.get_by_role("heading", name="Bobby from work")).to_be_visible()


def test_a_blocked_person_is_listed_apart_and_can_be_unblocked(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    befriend(alice, bob)
    page = desk_of(alice).tab("/#/contacts")
    choose(page, bob.name, "Block")
    page.get_by_role("dialog").get_by_role("button", name="Block").click()
    blocked = page.get_by_role("region", name="Blocked")
    expect(blocked.get_by_text("Blocked by you")).to_be_visible()
    page.get_by_role("button", name=f"Unblock {bob.name}").click()
    expect(blocked).to_have_count(0)
    expect(page.get_by_role("button", name=f"More about {bob.name}")).to_be_visible()


def test_a_removed_contact_is_none_any_more_on_both_sides(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    befriend(alice, bob)
    hers, his = desk_of(alice).tab("/#/contacts"), desk_of(bob).tab("/#/contacts")
    expect(his.get_by_role("button", name=f"More about {alice.name}")).to_be_visible()
    choose(hers, bob.name, "Remove from contacts")
    hers.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(hers.get_by_role("button", name=f"More about {bob.name}")).to_be_focused()
    choose(hers, bob.name, "Remove from contacts")
    hers.get_by_role("dialog").get_by_role("button", name="Remove from contacts").click()
    expect(hers.get_by_text("No contacts yet.")).to_be_visible()
    expect(his.get_by_text("No contacts yet.")).to_be_visible()


def test_a_contact_opens_the_chat(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    befriend(alice, bob)
    page = desk_of(alice).tab("/#/contacts")
    page.get_by_role("region", name="Contacts").get_by_role("button", name=bob.name).first.click()
    expect(page.get_by_role("main").get_by_role("heading", name=bob.name)).to_be_visible()
