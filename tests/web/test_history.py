"""Reading: a conversation of 100,000 messages, in a document that stays small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import eventually, wait_for
from tests.support.chat_page import composer, message, messages, open_page, say
from tests.support.client import Person
from tests.support.crowded import READER, UNREAD, fill
from tests.support.server import Server, running
from tests.web.conftest import NewDesk

MANY = 100_000
MOST_IN_DOCUMENT = 450  # messages, days and marks
SEQS = "[...document.querySelectorAll('article')].map(one => Number(one.dataset.seq))"
IN_VIEW = """log => {
    const top = log.getBoundingClientRect().top;
    const below = one => one.getBoundingClientRect().bottom > top + 1;
    const found = [...log.querySelectorAll("article")].find(below);
    return { seq: Number(found.dataset.seq), y: found.getBoundingClientRect().top - top };
}"""
PLACE = """(log, seq) => {
    const found = log.querySelector(`[data-seq="${seq}"]`);
    return found && found.getBoundingClientRect().top - log.getBoundingClientRect().top;
}"""
FRAMES = """log => new Promise(resolve => {
    const times = [];
    let last = performance.now();
    const step = now => {
        times.push(now - last);
        last = now;
        log.scrollTop -= 60;
        if (times.length < 240) requestAnimationFrame(step);
        else resolve(times.slice(1).sort((a, b) => a - b));
    };
    requestAnimationFrame(step);
})"""

# Once all that was loaded is in the document: by what comes in above the reader is moved on, who
# would not be at the top any more.
SCROLL = """top => {
    const { slices, timeline, scroller } = document.querySelector("hi-timeline");
    if (!slices.isWhole || timeline.loading.peek()) return false;
    scroller.scrollTop = top;
    return true;
}"""

# Where a row is behind a scroll whose event has not come yet, and two frames behind a row that came
# above it meanwhile.
BETWEEN = """(log, seq) => new Promise(resolve => {
    const found = log.querySelector(`[data-seq="${seq}"]`);
    const place = () => found.getBoundingClientRect().top - log.getBoundingClientRect().top;
    log.scrollTop -= 150;
    const before = place();
    const come = document.createElement("div");
    come.style.height = "500px";
    log.querySelector(".messages").prepend(come);
    requestAnimationFrame(() => requestAnimationFrame(() => resolve([before, place()])));
})"""

# How many nodes came into the list in each frame, until its first message is one before `seq`.
COMING = """(log, seq) => new Promise(resolve => {
    const list = log.querySelector(".messages");
    const came = [0];
    const watch = new MutationObserver(records => {
        for (const { addedNodes } of records) came[came.length - 1] += addedNodes.length;
    });
    watch.observe(list, { childList: true });
    const step = () => {
        if (Number(list.querySelector("article").dataset.seq) < seq) resolve(came);
        else requestAnimationFrame(step);
        came.push(0);
    };
    log.scrollTop = 200;
    requestAnimationFrame(step);
})"""


# The lists on the way from one to another, two rows at a time; a row is a letter.
WAY = """async ([from, to]) => {
    const { grown } = await import("views/chat/slices.js");
    const rows = [...to].map(key => ({ key }));
    const way = [];
    for (let shown = [...from].map(key => ({ key })); way.at(-1) !== to;) {
        shown = grown(shown, rows, 2);
        way.push(shown.map(({ key }) => key).join(""));
    }
    return way;
}"""


class Long(NamedTuple):
    """A site with a long conversation, and who reads it."""

    server: Server
    chat: int
    reader: Person


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Long]:
    folder = tmp_path_factory.mktemp("long")
    chat = fill(folder, conversations=2, messages=MANY)
    with running(folder, HICHAT_SEARCH="off") as server:
        yield Long(server, chat, Person(server, READER, door="login"))


def exactly(number: int) -> re.Pattern[str]:
    return re.compile(rf"message {number}(?!\d)")


def in_document(page: Page) -> int:
    found: int = messages(page).locator(".messages > *").count()
    return found


def in_view(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = messages(page).evaluate(IN_VIEW)
    return found


def jump(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("To the latest message"))


def test_a_conversation_opens_where_its_reader_has_stopped(long: Long, desk_of: NewDesk) -> None:
    page = open_page(desk_of(long.reader, at=long.server), long.chat)
    mark = messages(page).get_by_text("New messages")
    expect(mark).to_be_in_viewport()
    first = message(page, exactly(MANY - UNREAD + 5))  # those before are the reader's own
    expect(first).to_be_in_viewport()
    assert page.evaluate(
        "([mark, first]) => mark.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING",
        [mark.element_handle(), first.element_handle()],
    )
    expect(jump(page)).to_have_accessible_name(re.compile(r"\d+ unread"))
    jump(page).click()
    expect(message(page, exactly(MANY))).to_be_in_viewport()
    expect(jump(page)).to_have_count(0)
    eventually(lambda: long.reader.get(f"/v2/conversations/{long.chat}")["unread"], 0)


def test_scrolling_up_goes_on_for_ever_and_keeps_its_place(long: Long, desk_of: NewDesk) -> None:
    assert long.reader.post(f"/v2/conversations/{long.chat}/read", seq=MANY).ok
    page = open_page(desk_of(long.reader, at=long.server), long.chat)
    log = messages(page)
    expect(message(page, exactly(MANY))).to_be_in_viewport()
    frames = log.evaluate(FRAMES)  # told by `-rP`, not asserted: it is the machine's, too
    print("ms of a frame while scrolling: median", frames[len(frames) // 2], "worst", frames[-6:])
    for top in (200, 0) * 4:
        wait_for(page, SCROLL, top)
        seen = in_view(page)
        wait_for(page, f"low => {SEQS}[0] < low", seen["seq"] - 50)
        assert abs(log.evaluate(PLACE, seen["seq"]) - seen["y"]) <= 2
        assert in_document(page) <= MOST_IN_DOCUMENT
    assert in_view(page)["seq"] < MANY - 500
    down = in_view(page)["seq"]
    for _ in range(3):  # and down again: what was let go of comes back
        wait_for(page, SCROLL, 10_000_000)
        wait_for(page, f"high => {SEQS}.at(-1) > high", down)
        down = int(log.get_by_role("article").last.get_attribute("data-seq") or 0)
        assert in_document(page) <= MOST_IN_DOCUMENT


@pytest.mark.parametrize(("shown", "wanted", "way"), [
    ("", "abcde", ["abcde"]),
    ("abc", "abcdefgh", ["abcde", "abcdefg", "abcdefgh"]),
    ("defghi", "abcde", ["bcdefg", "abcde"]),
    ("abcdef", "efghi", ["cdefgh", "efghi"]),
    ("abcdef", "bdf", ["bdf"]),
    ("abc", "xyz", ["xyz"]),
])
def test_a_list_becomes_another_one_by_a_few_rows_at_its_ends(
    desk_of: NewDesk, shown: str, wanted: str, way: list[str]
) -> None:
    assert desk_of().tab().evaluate(WAY, [shown, wanted]) == way


def test_what_is_loaded_comes_into_the_document_a_few_rows_at_a_time(
    long: Long, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(long.reader, at=long.server), long.chat, seq=70_000)
    expect(message(page, exactly(70_000))).to_be_focused()
    first = page.evaluate(f"{SEQS}[0]")
    came = messages(page).evaluate(COMING, first - 90)
    assert sum(came) >= 90
    assert max(came) <= 24


def test_rows_that_come_between_a_scroll_and_its_event_do_not_undo_the_scroll(
    long: Long, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(long.reader, at=long.server), long.chat, seq=50_000)
    expect(message(page, exactly(50_000))).to_be_focused()
    before, after = messages(page).evaluate(BETWEEN, 50_000)
    assert abs(after - before) <= 2


def test_an_address_leads_into_the_middle_and_a_button_back(long: Long, desk_of: NewDesk) -> None:
    page = open_page(desk_of(long.reader, at=long.server), long.chat, seq=50_000)
    expect(message(page, exactly(50_000))).to_be_in_viewport()
    expect(message(page, exactly(50_000))).to_be_focused()
    assert in_document(page) <= MOST_IN_DOCUMENT
    jump(page).click()
    expect(message(page, exactly(MANY))).to_be_in_viewport()
    page.goto(f"/#/c/{long.chat}/7")
    expect(message(page, exactly(7))).to_be_in_viewport()


def test_days_stand_between_messages_and_authors_stand_together(
    long: Long, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(long.reader, at=long.server), long.chat, seq=MANY - 1000)
    expect(message(page, exactly(MANY - 1000))).to_be_in_viewport()
    days = messages(page).get_by_role("separator")
    expect(days.filter(has_text="Yesterday")).to_have_count(1)
    five = [message(page, exactly(MANY - 995 + i)) for i in range(5)]  # one author
    assert [bool(re.search(r"\bfirst\b", one.get_attribute("class") or "")) for one in five] == [
        True, False, False, False, False,
    ]
    page.get_by_role("button", name="More about this conversation").click()
    page.get_by_role("menuitem", name="Go to a date").click()
    day = datetime.now().astimezone().date() - timedelta(days=40)
    page.get_by_role("dialog").get_by_label("Date").fill(day.isoformat())
    page.get_by_role("dialog").get_by_role("button", name="Go", exact=True).click()
    wanted = f"{day:%B} {day.day}"
    expect(days.filter(has_text=wanted).first).to_be_in_viewport()


def test_what_comes_in_is_followed_at_the_end_and_only_counted_elsewhere(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = bob.post("/v2/conversations", user=alice.id).json()["id"]
    for number in range(60):
        say(bob, chat, f"message {number}")
    page = open_page(desk_of(alice), chat)
    jump(page).click()
    expect(message(page, exactly(59))).to_be_in_viewport()
    say(bob, chat, "message 60")
    expect(message(page, exactly(60))).to_be_in_viewport()
    log = messages(page)
    log.evaluate("log => { log.scrollTop = 300; }")
    expect(jump(page)).to_be_visible()
    seen = in_view(page)
    say(bob, chat, "message 61")
    expect(jump(page)).to_have_accessible_name("To the latest message, 1 unread")
    assert in_view(page) == seen
    composer(page).fill("mine")
    composer(page).press("Enter")  # whoever says something wants to see it
    expect(message(page, "mine")).to_be_in_viewport()


def test_the_arrows_go_from_message_to_message_and_enter_opens_the_menu(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = bob.post("/v2/conversations", user=alice.id).json()["id"]
    for word in ("one", "two", "three"):
        say(bob, chat, word)
    page = open_page(desk_of(alice), chat)
    expect(message(page, "three")).to_be_visible()
    messages(page).focus()
    page.keyboard.press("ArrowUp")
    expect(message(page, "three")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(message(page, "two")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
    page.keyboard.press("Escape")
    expect(message(page, "two")).to_be_focused()
