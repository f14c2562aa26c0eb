"""Behaviour 11: axe finds nothing serious, focus returns, news is read out, motion is reduced."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page, expect

from tests.support.browser import eventually
from tests.support.client import Person
from tests.support.server import Server
from tests.web.conftest import NewDesk
from tests.web.people import befriend, chat, say, unique
from tests.web.places import Place, furnish, screens

GRAVE = ("serious", "critical")
LOOK = """async () => {
    await Promise.all(document.getAnimations().map((running) => running.finished.catch(() => {})));
    const { violations } = await axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    const where = (nodes) => nodes.map((node) => node.html);
    return violations.map(({ id, impact, nodes }) => ({ id, impact, at: where(nodes) }));
}"""


def graves(page: Page) -> list[dict[str, Any]]:
    """What axe finds on a page as it is now."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE_FILE_PATH.read_text())
    found = page.evaluate(LOOK)
    return [item for item in found if item["impact"] in GRAVE]


@pytest.fixture
def place(server: Server, alice: Person, bob: Person) -> Place:
    return furnish(alice, bob, Person(server), Person(server))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_serious_on_any_screen(
    desk_of: NewDesk, alice: Person, place: Place, theme: str, width: int
) -> None:
    viewport = {"width": width, "height": 800}
    page = desk_of(alice, prefs={"theme": theme}, viewport=viewport).tab()
    for address, text in screens(place):
        page.evaluate("(hash) => { location.hash = hash; }", address.removeprefix("/"))
        expect(page.get_by_text(text).filter(visible=True).first).to_be_visible()
        assert graves(page) == [], address


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_way_in(desk_of: NewDesk, theme: str) -> None:
    page = desk_of(prefs={"theme": theme}).tab("/#/register")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Type your name.")).to_be_visible()
    assert graves(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_dialogs_menus_and_notes(
    desk_of: NewDesk, alice: Person, bob: Person, place: Place, theme: str
) -> None:
    page = desk_of(alice, prefs={"theme": theme}).tab("/#/contacts")
    more = page.get_by_role("button", name=f"More about {bob.name}")
    more.click()
    expect(page.get_by_role("menu")).to_be_visible()
    assert graves(page) == [], "menu"
    page.get_by_role("menuitem", name="Show profile").click()
    expect(page.get_by_role("dialog", name=bob.name)).to_be_visible()
    assert graves(page) == [], "card"
    page.keyboard.press("Escape")
    more.click()
    page.get_by_role("menuitem", name="Change the remark").click()
    assert graves(page) == [], "question"
    page.keyboard.press("Enter")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    assert graves(page) == [], "switcher"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert graves(page) == [], "shortcuts"
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^Accept ")).click()
    expect(page.get_by_text("is your contact now.")).to_be_visible()
    assert graves(page) == [], "note"
    page.evaluate("(hash) => { location.hash = hash; }", f"#/c/{place.private}")
    page.get_by_role("article").filter(has_text="see").focus()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Choose several").press("Enter")
    expect(page.get_by_role("toolbar", name="Chosen messages")).to_be_visible()
    assert graves(page) == [], "choosing"


def test_the_focus_stays_in_a_dialog_and_returns_to_where_it_was(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    befriend(alice, bob)
    page = desk_of(alice).tab("/#/contacts")
    more = page.get_by_role("button", name=f"More about {bob.name}")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Write a message")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Remove from contacts")).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Tab")
        inside = "!document.activeElement || document.activeElement === document.body" \
            " || Boolean(document.activeElement.closest('dialog'))"
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(more).to_be_focused()


def test_a_new_message_is_read_out(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    place = chat(alice, bob)
    say(alice, place, "before")
    page = desk_of(alice).tab(f"/#/c/{place}")
    expect(page.get_by_role("log").get_by_text("before")).to_be_visible()
    text = unique("hear this")
    say(bob, place, text)
    said = page.get_by_role("status").filter(has_text=text)
    expect(said).to_have_text(f"{bob.name}: {text}")
    page.evaluate("location.hash = '#/settings'")
    say(bob, place, text)
    expect(said).to_have_text(f"New message in {bob.name}. {bob.name}: {text}")


def test_nothing_moves_for_whoever_wants_no_motion(desk_of: NewDesk, alice: Person) -> None:
    page = desk_of(alice, reduced_motion="reduce").tab("/#/settings")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Go to")).to_be_visible()
    lengths = page.evaluate("""[...document.querySelectorAll("*")].flatMap((element) => {
        const { animationDuration, transitionDuration } = getComputedStyle(element);
        return [animationDuration, transitionDuration].map((text) => parseFloat(text));
    })""")
    assert max(lengths) < 0.001  # seconds


def test_one_landmark_is_the_main_one_whatever_a_narrow_window_shows(
    desk_of: NewDesk, alice: Person, place: Place
) -> None:
    page = desk_of(alice, viewport={"width": 360, "height": 800}).tab("/#/")
    main = page.get_by_role("main")
    for width in (360, 800, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for address, text in screens(place):
            page.evaluate("(hash) => { location.hash = hash; }", address.removeprefix("/"))
            expect(page.get_by_text(text).filter(visible=True).first).to_be_visible()
            expect(main).to_have_count(1)
    page.set_viewport_size({"width": 360, "height": 800})
    page.evaluate("location.hash = '#/'")
    expect(main.get_by_role("heading", name="Chats")).to_be_visible()


def test_headings_landmarks_and_language_tell_where_one_is(
    desk_of: NewDesk, alice: Person, place: Place
) -> None:
    page = desk_of(alice, prefs={"locale": "zh"}).tab(f"/#/c/{place.group}")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("navigation")).to_have_count(1)
    eventually(lambda: page.get_by_role("log").count(), 1)
