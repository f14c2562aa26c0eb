"""At 320 px every screen and dialog stays within its width, whatever people call themselves."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.client import Person
from tests.support.server import Server
from tests.web.conftest import NewDesk
from tests.web.people import chat
from tests.web.places import Place, furnish, screens, words

NARROW = {"width": 320, "height": 640}
WORD = "M" * 90  # as wide as letters are, with no place at which it must break
PRESSED = "a, button, input, textarea, select, [role=menuitem], [role=option]"
# What is wider than its box, and neither scrolls by design nor ends in an ellipsis or after some
# lines; and what one can press that reaches out of the window.
LOOK = """async (pressed) => {
    await Promise.all(document.getAnimations().map((running) => running.finished.catch(() => {})));
    const wrong = [];
    for (const element of document.querySelectorAll("body *")) {
        if (!element.checkVisibility({ visibilityProperty: true })) continue;
        if (element.closest("svg, pre, input, .tray, .settings-nav, .visually-hidden")) continue;
        const { overflowX, textOverflow, webkitLineClamp } = getComputedStyle(element);
        const { left, right, width } = element.getBoundingClientRect();
        const { localName, className, textContent } = element;
        const told = `${localName}.${className}: ${textContent.slice(0, 40)}`;
        const meant = textOverflow === "ellipsis" || webkitLineClamp !== "none";
        const wide = overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
        if (wide && !meant) wrong.push(`cut: ${told}`);
        const out = width > 0 && (left < -1 || right > innerWidth + 1);
        if (out && element.matches(pressed)) wrong.push(`out: ${told}`);
    }
    return [document.documentElement.scrollWidth, wrong];
}"""


def long_name() -> str:
    """32 letters without a space: the longest that a name can be."""
    return "W" * 20 + uuid.uuid4().hex[:12]


def fits(page: Page, what: str) -> None:
    assert page.evaluate(LOOK, PRESSED) == [NARROW["width"], []], what


def go(page: Page, address: str, text: str) -> None:
    page.evaluate("(hash) => { location.hash = hash; }", address.removeprefix("/"))
    expect(page.get_by_text(text).filter(visible=True).first).to_be_visible()


@pytest.fixture
def people(server: Server) -> list[Person]:
    return [Person(server, long_name()) for _ in range(4)]


@pytest.fixture
def place(people: list[Person]) -> Place:
    """Everything has the longest name and says a word that is wider than the window."""
    return furnish(*people, name="G" * 64, word=WORD)


@pytest.fixture(params=["en", "zh"])
def locale(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def narrow(desk_of: NewDesk, people: list[Person], locale: str) -> Page:
    options: dict[str, Any] = {"prefs": {"locale": locale}, "viewport": NARROW}
    return desk_of(people[0], **options).tab()


def test_every_screen_stays_within_320_px(narrow: Page, place: Place, locale: str) -> None:
    for address, text in screens(place, locale):
        go(narrow, address, text)
        fits(narrow, address)


def test_every_part_of_the_settings_stays_within_320_px(narrow: Page, locale: str) -> None:
    said = words(locale)
    go(narrow, "/#/settings", said["settings.sign_out"])
    parts = narrow.locator(".settings-nav").get_by_role("link")
    for number in range(parts.count()):
        parts.nth(number).click()
        fits(narrow, parts.nth(number).inner_text())


def test_the_way_in_stays_within_320_px(desk_of: NewDesk, locale: str) -> None:
    said = words(locale)
    page = desk_of(prefs={"locale": locale}, viewport=NARROW).tab("/#/register")
    page.get_by_role("button", name=said["auth.register"]).click()
    expect(page.get_by_text(said["auth.name_missing"])).to_be_visible()
    fits(page, "register")
    page.evaluate("location.hash = '#/login'")
    expect(page.get_by_role("button", name=said["auth.sign_in"])).to_be_visible()
    fits(page, "login")


def test_the_dialogs_of_people_stay_within_320_px(
    narrow: Page, people: list[Person], place: Place, locale: str
) -> None:
    said, bob, page = words(locale), people[1], narrow
    go(page, "/#/contacts", "We met at the lake")
    more = page.get_by_role("button", name=said["contacts.more_of"].replace("{name}", bob.name))
    more.click()
    fits(page, "menu")
    page.get_by_role("menuitem", name=said["contacts.card"]).click()
    expect(page.get_by_role("dialog", name=bob.name)).to_be_visible()
    fits(page, "card")
    page.keyboard.press("Escape")
    more.click()
    page.get_by_role("menuitem", name=said["contacts.rename"]).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    fits(page, "question")
    page.keyboard.press("Escape")
    accept = said["contacts.accept_of"].replace("{name}", people[3].name)
    page.get_by_role("button", name=accept).click()
    expect(page.get_by_text(said["contacts.accepted"].split("{name}")[1])).to_be_visible()
    fits(page, "note")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    fits(page, "switcher")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name=said["keys.title"])).to_be_visible()
    fits(page, "shortcuts")


def test_what_one_opens_in_a_chat_stays_within_320_px(
    narrow: Page, people: list[Person], place: Place, locale: str
) -> None:
    said, page = words(locale), narrow
    chat(people[0], people[1])
    go(page, f"/#/c/{place.group}", "code")
    area = page.get_by_role("textbox", name=said["composer.message"], exact=True)
    area.fill("@WWW")
    expect(page.get_by_role("option").first).to_be_visible()
    fits(page, "completion")
    area.press("Escape")
    area.fill(WORD * 3)
    fits(page, "composer")
    page.get_by_role("button", name=said["composer.emoji"], exact=True).click()
    expect(page.get_by_role("dialog", name=said["emoji.title"])).to_be_visible()
    fits(page, "emoji")
    page.keyboard.press("Escape")
    theirs = page.get_by_role("article").filter(has_text="see")
    for item in ("message.reply", "message.forward", "message.readers", "selection.choose"):
        shown = page.get_by_role("article").last if item == "message.readers" else theirs
        opened(page, shown).get_by_role("menuitem", name=said[item], exact=True).press("Enter")
        if item in ("message.forward", "message.readers"):
            expect(page.get_by_role("dialog")).to_be_visible()
        fits(page, item)
        if item != "selection.choose":
            page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar", name=said["selection.title"])).to_be_visible()
    fits(page, "choosing")


def opened(page: Page, shown: Locator) -> Locator:
    """The menu of a message."""
    shown.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("menu")
    expect(menu).to_be_visible()
    fits(page, "menu of a message")
    return menu


def test_what_one_opens_in_a_group_stays_within_320_px(
    narrow: Page, people: list[Person], place: Place, locale: str
) -> None:
    said, page = words(locale), narrow
    go(page, f"/#/g/{place.group}", "It is me")
    for name in ("group.add", "group.edit"):
        page.get_by_role("button", name=said[name], exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        fits(page, name)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
