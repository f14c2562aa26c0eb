"""Behaviour 9: presence, notifications and sound on request, badges, read state everywhere."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.browser import Desk, eventually
from tests.support.client import Person
from tests.web.conftest import NewDesk
from tests.web.people import befriend, chat, elsewhere, say, unique

# Takes the place of what the system would show: a headless browser has no such place.
RECORDER = """(() => {
    if (!location.protocol.startsWith("http")) return; // the empty page before
    if (ALLOWED) localStorage.setItem("test.permission", "granted");
    globalThis.shown = [];
    globalThis.Notification = class extends EventTarget {
        static permission = localStorage.getItem("test.permission") ?? "default";
        static async requestPermission() {
            shown.push("asked");
            localStorage.setItem("test.permission", "granted");
            return this.permission = "granted";
        }
        constructor(title, options) {
            super();
            shown.push([title, options.body]);
            globalThis.last = this;
        }
        close() { shown.push("closed"); }
    };
    globalThis.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) { tones += 1; start.apply(this, when); };
})()"""


def record(desk: Desk, is_allowed: bool = False) -> None:
    desk.context.add_init_script(RECORDER.replace("ALLOWED", str(is_allowed).lower()))


def recorded(page: Page) -> list[object]:
    return list(page.evaluate("shown"))


def hide(page: Page) -> None:
    """As if another window stood in front."""
    page.evaluate("""() => {
        Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
        document.hasFocus = () => false;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")


def test_a_header_says_who_is_online_and_when_they_were_last_seen(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    befriend(alice, bob)
    place = chat(alice, bob)
    page = desk_of(alice).tab(f"/#/c/{place}")
    his = desk_of(bob).tab()
    header = page.locator("main header")
    expect(header.get_by_text("online", exact=True)).to_be_visible()
    his.context.close()
    expect(header.get_by_text("last seen 1 minute ago")).to_be_visible(timeout=40_000)


def test_who_hides_their_presence_is_neither_online_nor_last_seen(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    befriend(alice, bob)
    place = chat(alice, bob)
    page = desk_of(alice).tab(f"/#/c/{place}")
    his = desk_of(bob).tab("/#/settings/privacy")
    header = page.locator("main header")
    expect(header.get_by_text("online", exact=True)).to_be_visible()
    his.get_by_role("switch", name="Show when I am online").click()
    expect(header.get_by_text("online", exact=True)).to_have_count(0)
    expect(header.get_by_text("last seen")).to_have_count(0)


def test_somebody_is_seen_to_type(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    place = chat(alice, bob)
    say(alice, place, "are you there?")
    hers, his = desk_of(alice).tab(f"/#/c/{place}"), desk_of(bob).tab(f"/#/c/{place}")
    expect(hers.get_by_role("log").get_by_text("are you there?")).to_be_visible()
    expect(his.locator("main header").get_by_text("online")).to_be_visible()
    his.get_by_role("textbox", name="Message").press_sequentially("yes", delay=50)
    expect(hers.get_by_role("main").get_by_text(f"{bob.name} is typing…")).to_be_visible()


def test_nobody_is_asked_for_permission_before_they_want_notifications(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    place = chat(alice, bob)
    desk = desk_of(alice)
    record(desk)
    page = desk.tab()
    expect(page.get_by_role("heading", name="Chats")).to_be_visible()
    say(bob, place, "first")
    expect(page.get_by_role("link", name=re.compile("first"))).to_be_visible()
    assert (recorded(page), page.evaluate("tones")) == ([], 0)
    page.goto(page.url.split("#")[0] + "#/settings/notifications")
    page.get_by_role("switch", name="Notifications on this device").click()
    expect(page.get_by_role("switch", name="Notifications on this device")).to_be_checked()
    assert recorded(page) == ["asked"]


def test_a_message_behind_ones_back_is_shown_and_leads_to_its_conversation(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    place = chat(alice, bob)
    desk = desk_of(alice, prefs={"notify": True, "sound": True})
    record(desk, is_allowed=True)
    page = desk.tab("/#/settings")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.get_by_role("switch", name="Sound").click()  # whoever clicks lets a page make sounds
    page.get_by_role("switch", name="Sound").click()
    before = page.evaluate("tones")
    hide(page)
    text = unique("behind your back")
    say(bob, place, text)
    eventually(lambda: recorded(page), [[bob.name, text]])
    eventually(lambda: page.evaluate("tones") > before, True)
    page.evaluate("last.onclick()")
    expect(page.get_by_role("log").get_by_text(text)).to_be_visible()


def test_a_muted_conversation_is_silent(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    place = chat(alice, bob)
    assert alice.request("PATCH", f"/v2/conversations/{place}", json={"silent": True}).ok
    desk = desk_of(alice, prefs={"notify": True, "sound": True})
    record(desk, is_allowed=True)
    page = desk.tab()
    expect(page.get_by_role("heading", name="Chats")).to_be_visible()
    hide(page)
    say(bob, place, "psst")
    expect(page.get_by_role("link", name=re.compile("psst"))).to_be_visible()
    assert (recorded(page), page.evaluate("tones")) == ([], 0)


def test_one_tab_of_several_tells(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    place = chat(alice, bob)
    desk = desk_of(alice, prefs={"notify": True})
    record(desk, is_allowed=True)
    tabs = [desk.tab(), desk.tab("/#/contacts")]
    for page in tabs:
        expect(page.get_by_role("navigation")).to_be_visible()
        hide(page)
    text = unique("once")
    say(bob, place, text)
    expect(tabs[0].get_by_role("link", name=re.compile(text))).to_be_visible()
    expect(tabs[1].get_by_role("link", name="Chats")).to_contain_text("1")
    eventually(lambda: [line for page in tabs for line in recorded(page)], [[bob.name, text]])


def test_title_and_icon_count_what_is_unread_until_it_is_read_anywhere(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    place = chat(alice, bob)
    here, there = desk_of(alice).tab(), desk_of(elsewhere(alice)).tab()
    icon = "document.querySelector('link[rel=icon]').href.split(',')[0]"
    expect(here).to_have_title("HiChat")
    say(bob, place, "one")
    say(bob, place, "two")
    for page in (here, there):
        expect(page).to_have_title("(2) HiChat")
        assert page.evaluate(icon) == "data:image/svg+xml"
    there.get_by_role("link", name=re.compile("two")).click()
    expect(there.get_by_role("log").get_by_text("two")).to_be_visible()
    for page in (there, here):
        expect(page).to_have_title("HiChat")
        assert page.evaluate(icon) != "data:image/svg+xml"
