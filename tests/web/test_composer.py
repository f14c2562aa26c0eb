"""Writing: the keys, emoji, mentions, replies, edits, drafts."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.support.browser import eventually
from tests.support.chat import open_chat
from tests.support.chat_page import (
    choose,
    composer,
    conversation,
    message,
    messages,
    open_page,
    said,
    say,
    write,
)
from tests.support.client import Person
from tests.support.groups import new_group
from tests.web.conftest import NewDesk

KEYDOWN = """(area, composing) => area.dispatchEvent(new KeyboardEvent("keydown", {
    key: "Enter", keyCode: composing ? 229 : 13, isComposing: composing,
    bubbles: true, cancelable: true,
}))"""


def test_enter_sends_and_shift_enter_breaks_the_line(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    page = open_page(desk_of(alice), chat)
    area = composer(page)
    area.press_sequentially("one")
    area.press("Shift+Enter")
    area.press_sequentially("two")
    assert area.input_value() == "one\ntwo"
    area.press("Enter")
    expect(message(page, "one")).to_contain_text("two")
    expect(area).to_have_value("")
    expect(area).to_be_focused()
    eventually(lambda: said(bob, chat).get("content"), "one\ntwo")


def test_the_enter_of_an_input_method_does_not_send(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    page = open_page(desk_of(alice), chat)
    area = composer(page)
    area.fill("nihao")
    area.evaluate(KEYDOWN, True)
    expect(area).to_have_value("nihao")
    area.fill("你好")
    area.evaluate(KEYDOWN, False)
    expect(area).to_have_value("")
    expect(message(page, "你好")).to_have_count(1)
    expect(message(page, "nihao")).to_have_count(0)


def test_emoji_come_from_the_panel_and_from_behind_a_colon(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(alice), open_chat(alice, bob))
    area = composer(page)
    page.get_by_role("button", name="Emoji").click()
    panel = page.get_by_role("dialog", name="Emoji")
    panel.get_by_role("searchbox", name="Find an emoji").fill("panda")
    panel.get_by_role("button", name="panda").click()
    expect(panel).to_be_hidden()
    expect(area).to_have_value("🐼")
    area.press_sequentially(" :rocke")
    option = page.get_by_role("option", name=":rocket:")
    expect(option).to_have_attribute("aria-selected", "true")
    area.press("Enter")
    expect(area).to_have_value("🐼 🚀")
    area.press_sequentially(":tada:")
    expect(area).to_have_value("🐼 🚀🎉")
    area.press_sequentially(" at 10:30 :no")
    expect(page.get_by_role("listbox")).to_be_visible()
    area.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(area).to_have_value("🐼 🚀🎉 at 10:30 :no")


def test_a_member_is_mentioned_by_the_beginning_of_the_name(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    group = new_group(alice, bob)
    say(alice, group, "hello")
    mine, theirs = open_page(desk_of(alice), group), desk_of(bob).tab("/")
    expect(conversation(theirs, "walkers")).to_contain_text("hello")
    area = composer(mine)
    area.press_sequentially(f"now @{bob.name[:8]}")
    expect(mine.get_by_role("option", name=bob.name)).to_be_visible()
    area.press("Tab")
    expect(area).to_have_value(f"now @{bob.name} ")
    area.press_sequentially("please")
    area.press("Enter")
    shown = message(mine, "please").get_by_role("link", name=f"@{bob.name}")
    expect(shown).to_have_attribute("href", f"#/u/{bob.id}")
    eventually(lambda: said(bob, group).get("mentions"), [bob.id])
    expect(conversation(theirs, "walkers")).to_contain_text("You were mentioned")


def test_admins_call_everybody(alice: Person, bob: Person, desk_of: NewDesk) -> None:
    group = new_group(alice, bob)
    page = open_page(desk_of(alice), group)
    composer(page).press_sequentially("@al")
    expect(page.get_by_role("option", name="all (everybody)")).to_be_visible()
    composer(page).press("Enter")
    composer(page).press_sequentially("lunch")
    composer(page).press("Enter")
    eventually(lambda: said(bob, group).get("mention_all"), True)


def test_a_reply_quotes_and_leads_to_what_it_answers(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    seq = say(bob, chat, "tea or coffee?")
    page = open_page(desk_of(alice), chat)
    message(page, "tea or coffee?").hover()
    message(page, "tea or coffee?").get_by_role("button", name="Reply").click()
    expect(page.get_by_text(f"Reply to {bob.name}")).to_be_visible()
    expect(composer(page)).to_be_focused()
    write(page, "tea")
    quote = messages(page).get_by_role("button", name="Go to the message that this replies to")
    expect(quote).to_contain_text("tea or coffee?")
    eventually(lambda: said(bob, chat).get("reply_to"), seq)
    expect(page.get_by_text(f"Reply to {bob.name}")).to_have_count(0)
    quote.click()
    expect(message(page, "tea or coffee?").first).to_be_focused()


def test_up_edits_the_last_message_and_escape_lets_it_be(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    page, theirs = open_page(desk_of(alice), chat), open_page(desk_of(bob), chat)
    write(page, "see you at nine")
    expect(message(theirs, "see you at nine")).to_be_visible()
    area = composer(page)
    area.press("ArrowUp")
    expect(area).to_have_value("see you at nine")
    expect(page.get_by_text("Edit the message")).to_be_visible()
    area.press("Escape")
    expect(area).to_have_value("")
    area.press("ArrowUp")
    area.fill("see you at ten")
    area.press("Enter")
    for reader in (page, theirs):
        expect(message(reader, "see you at ten")).to_contain_text("edited")
        expect(message(reader, "see you at nine")).to_have_count(0)


def test_an_edit_that_fails_is_open_again_with_what_was_typed(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    say(alice, chat, "see you at nine")
    desk = desk_of(alice)
    desk.allow("the server responded with a status of 503")
    page = open_page(desk, chat)
    problem = {"code": "unavailable", "detail": "Not stored.", "retry": True}
    page.route("**/edits", lambda route: route.fulfill(status=503, json=problem))
    expect(message(page, "see you at nine")).to_be_visible()
    composer(page).fill("by the way")
    choose(page, message(page, "see you at nine"), "Edit")
    composer(page).fill("see you at ten")
    with page.expect_response("**/edits"):
        composer(page).press("Enter")
    expect(page.get_by_text("Edit the message")).to_be_visible()
    expect(composer(page)).to_have_value("see you at ten")
    page.unroute("**/edits")
    composer(page).press("Enter")
    expect(message(page, "see you at ten")).to_contain_text("edited")
    expect(composer(page)).to_have_value("by the way")


def test_a_draft_waits_in_the_list_and_on_the_other_devices(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    page, other = open_page(desk_of(alice), chat), desk_of(alice).tab("/")
    composer(page).press_sequentially("I think that")
    page.get_by_role("link", name="Contacts").click()
    page.get_by_role("link", name="Chats").click()
    expect(conversation(page, bob.name)).to_contain_text("Draft: I think that")
    expect(conversation(other, bob.name)).to_contain_text("Draft: I think that")
    page.reload()
    conversation(page, bob.name).click()
    expect(composer(page)).to_have_value("I think that")
    composer(page).press("Enter")
    expect(conversation(other, bob.name)).to_contain_text("You: I think that")


def test_a_list_that_was_read_before_a_draft_was_told_does_not_take_the_draft(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat, page, late = open_chat(alice, bob), desk_of(alice).context.new_page(), []
    page.route("**/v2/conversations?*", lambda route: late.append((route, route.fetch())))
    with page.expect_request("**/v2/conversations?*"):
        page.goto(f"/#/c/{chat}")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        composer(page).fill("half a thought")
    [(route, answer)] = late
    with page.expect_response("**/v2/conversations?*"):
        route.fulfill(response=answer)
    page.wait_for_timeout(300)  # of what comes, nothing is seen
    expect(composer(page)).to_have_value("half a thought")



def test_what_is_too_long_says_by_how_much_and_is_not_sent(
    alice: Person, bob: Person, desk_of: NewDesk
) -> None:
    chat = open_chat(alice, bob)
    page = open_page(desk_of(alice), chat)
    composer(page).fill("x" * 10_002)
    expect(page.get_by_text("2 characters too many")).to_be_visible()
    expect(send_button(page.get_by_role("main"))).to_be_disabled()
    composer(page).press("Enter")
    expect(messages(page).get_by_role("article")).to_have_count(0)
    page.wait_for_timeout(1000)  # so long that a draft would be told: this one would be refused
    composer(page).fill("x" * 10_000)
    expect(send_button(page.get_by_role("main"))).to_be_enabled()
    eventually(lambda: alice.get(f"/v2/conversations/{chat}")["draft"], "x" * 10_000)


def send_button(place: Locator) -> Locator:
    return place.get_by_role("button", name="Send", exact=True)


def test_who_may_only_read_is_told_why(alice: Person, bob: Person, desk_of: NewDesk) -> None:
    group = new_group(alice, bob)
    page = open_page(desk_of(bob), group)
    expect(composer(page)).to_be_visible()
    assert alice.request("PATCH", f"/v2/groups/{group}", json={"admins_only": True}).ok
    expect(page.get_by_text("Only the group’s admins write here at the moment.")).to_be_visible()
    expect(composer(page)).to_have_count(0)
    assert alice.request("PATCH", f"/v2/groups/{group}", json={"admins_only": False}).ok
    expect(composer(page)).to_be_visible()


def test_who_types_is_seen_by_the_other(alice: Person, bob: Person, desk_of: NewDesk) -> None:
    chat = open_chat(alice, bob)
    say(alice, chat, "hello")
    mine, theirs = open_page(desk_of(alice), chat), open_page(desk_of(bob), chat)
    shown = theirs.get_by_text(f"{alice.name} is typing…")

    def typing() -> bool:  # what is typed before both are connected is heard by nobody
        composer(mine).press_sequentially("h")
        return shown.is_visible()

    eventually(typing, True)
    expect(conversation(theirs, alice.name)).to_contain_text("typing…")
    write(mine, "hi again")
    expect(message(theirs, "hi again")).to_be_visible()
    expect(shown).to_have_count(0)
