"""Several tabs of one browser, and several devices of one user: one truth."""

from __future__ import annotations

from playwright.sync_api import Page, Route

from tests.support.browser import NETWORK, Desk, eventually, wait_for
from tests.support.client import Person
from tests.support.lab import at_work, expect_texts, expect_told, online, row, say, show, told
from tests.web.conftest import NewDesk


def two_tabs(desk: Desk, chat: int) -> tuple[Page, Page]:
    return at_work(desk, chat), at_work(desk, chat)


def test_what_is_said_in_one_tab_stands_in_the_other_once(
    desk_of: NewDesk, alice: Person, chat: int
) -> None:
    here, there = two_tabs(desk_of(alice), chat)
    for number in range(5):
        say(here, chat, f"here {number}")
    expect_texts(there, *(f"here {number}" for number in range(5)))
    say(there, chat, "there")
    expect_told(here, *((f"here {n}", "sent") for n in range(5)), ("there", "sent"))
    expect_told(there, *((f"here {n}", "sent") for n in range(5)), ("there", "sent"))


def test_what_waits_in_one_tab_waits_in_the_other_and_is_sent_once(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    here, there = two_tabs(desk, chat)
    desk.offline()
    for page in (here, there):
        eventually(lambda page=page: page.evaluate("client.connection.state.value"), "offline")
    say(here, chat, "from here")
    expect_texts(there, "from here")
    say(there, chat, "from there")
    expect_texts(here, "from here", "from there")
    desk.offline(False)
    for page in (here, there):
        expect_told(page, ("from here", "sent"), ("from there", "sent"))
    assert len(bob.history(chat)) == 2


def test_a_tab_that_is_closed_leaves_its_messages_to_the_other(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    here, there = two_tabs(desk, chat)
    here.evaluate("client.connection.stop()")
    say(here, chat, "last words")
    expect_texts(there, "last words")
    here.close()
    expect_told(there, ("last words", "sent"))
    assert len(bob.history(chat)) == 1


def test_read_in_one_tab_is_read_in_the_other_and_on_the_phone(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    here, there = two_tabs(desk_of(alice), chat)
    elsewhere = at_work(desk_of(alice))
    with bob.device() as phone:
        for content in ("one", "two"):
            phone.say(content, chat)
        for page in (here, there, elsewhere):
            wait_for(page, "id => client.conversations.peek(id)?.unread === 2", chat)
        here.evaluate("id => client.conversations.markRead(id, 2)", chat)
        assert row(here, chat)["unread"] == 0
        for page in (there, elsewhere):
            wait_for(page, "id => client.conversations.peek(id).unread === 0", chat)
        phone.expect("receipt", conversation=chat, user=alice.id, seq=2)


def test_what_was_read_without_a_network_is_told_later(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    here, _ = two_tabs(desk, chat)
    with bob.device() as phone:
        phone.say("hello", chat)
        expect_texts(here, "hello")
        desk.offline()
        eventually(lambda: here.evaluate("client.connection.state.value"), "offline")
        here.evaluate("id => client.conversations.markRead(id, 1)", chat)
        desk.offline(False)
        phone.expect("receipt", conversation=chat, user=alice.id, seq=1)


def test_settings_and_drafts_follow_to_the_other_devices(
    desk_of: NewDesk, alice: Person, chat: int
) -> None:
    here, there = (at_work(desk_of(alice)) for _ in range(2))
    for page in (here, there):
        wait_for(page, "id => client.conversations.peek(id) !== null", chat)
    here.evaluate("id => client.conversations.patch(id, { pinned: true, silent: true })", chat)
    here.evaluate("id => client.conversations.patch(id, { draft: 'not yet' })", chat)
    wait_for(there, "id => client.conversations.peek(id).draft === 'not yet'", chat)
    found = row(there, chat)
    assert (found["pinned"], found["silent"]) == (True, True)


def test_a_contact_request_and_its_answer_are_seen_at_once(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    hers, his = at_work(desk_of(alice)), at_work(desk_of(bob))
    hers.evaluate("id => client.contacts.request(id, 'hi')", bob.id)
    wait_for(his, "client.contacts.waiting.value === 1")
    his.evaluate("id => client.contacts.accept(id)", alice.id)
    wait_for(hers, "id => client.contacts.of(id).value?.state === 'friend'", bob.id)
    hers.evaluate("id => client.contacts.remark(id, 'Bobby')", bob.id)
    assert hers.evaluate("id => client.users.name(id).value", bob.id) == "Bobby"
    wait_for(hers, "client.conversations.list.value[0]?.title === 'Bobby'")


def test_what_is_told_while_a_list_is_on_its_way_counts_more_than_the_list(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    page, late = at_work(desk_of(alice), chat), []

    def hold(route: Route) -> None:
        late.append((route, route.fetch()))

    page.route("**/v2/conversations?*", hold)
    page.route("**/v2/contacts?*", hold)
    page.evaluate("""() => {
        const lists = [client.conversations.refresh(), client.contacts.refresh()];
        globalThis.read = Promise.all(lists);
    }""")
    eventually(lambda: (page.evaluate("0"), len(late))[1], 2)
    assert alice.request("PATCH", f"/v2/conversations/{chat}", json={"pinned": True}).ok
    assert bob.post("/v2/contacts", user=alice.id, note="hi").ok
    wait_for(page, "client.contacts.waiting.value === 1")
    wait_for(page, "id => client.conversations.peek(id).pinned", chat)
    for route, answer in late:
        route.fulfill(response=answer)
    page.evaluate("read")
    assert page.evaluate("client.contacts.waiting.value") == 1
    assert row(page, chat)["pinned"]


def test_what_is_told_while_a_row_is_on_its_way_counts_more_than_the_row(
    desk_of: NewDesk, alice: Person, chat: int
) -> None:
    page, late = at_work(desk_of(alice), chat), []
    page.evaluate("client.api.settled()")
    page.route(f"**/v2/conversations/{chat}", lambda route: late.append((route, route.fetch())))
    page.evaluate("id => client.conversations.askFor(id)", chat)
    eventually(lambda: (page.evaluate("0"), len(late))[1], 1)
    assert alice.request("PATCH", f"/v2/conversations/{chat}", json={"pinned": True}).ok
    wait_for(page, "id => client.conversations.peek(id).pinned", chat)
    for route, answer in late:
        route.fulfill(response=answer)
    page.evaluate("client.api.settled()")
    assert row(page, chat)["pinned"]


def test_who_logs_out_in_one_tab_is_out_in_all(desk_of: NewDesk, alice: Person, chat: int) -> None:
    desk = desk_of(alice)
    desk.allow("401")  # what the other tab may be asking just then is refused
    here, there = two_tabs(desk, chat)
    here.evaluate("client.signOut()")
    for page in (here, there):
        wait_for(page, "client.session.user.value === null")
        wait_for(page, "client.conversations.list.value.length === 0")
    assert alice.request("GET", "/v2/users/me").status_code == 401
    eventually(
        lambda: there.evaluate("indexedDB.databases().then(found => found.length)"), 0
    )


def test_another_user_in_the_same_browser_sees_nothing_of_the_one_before(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    with bob.device() as phone:
        phone.say("for alice only", chat)
    page = at_work(desk_of(alice), chat)
    expect_texts(page, "for alice only")
    page.evaluate("client.signOut()")
    wait_for(page, "client.session.user.value === null")
    page.evaluate("""name => client.session.register(name, "correct horse battery")""",
                  f"new {alice.name[-12:]}")
    online(page)
    kinds = page.evaluate("client.conversations.list.value.map(row => row.kind)")
    assert "private" not in kinds
    assert told(page) == []


def test_an_answer_that_comes_behind_a_log_out_is_nobodys(
    desk_of: NewDesk, alice: Person, chat: int
) -> None:
    page, late = at_work(desk_of(alice), chat), []
    page.route("**/v2/conversations?*", lambda route: late.append((route, route.fetch())))
    page.evaluate("void (globalThis.read = client.conversations.refresh())")
    eventually(lambda: (page.evaluate("0"), len(late))[1], 1)
    page.evaluate("client.signOut()")  # waits for what is under way, but not for ever
    page.unroute("**/v2/conversations?*")
    page.evaluate("""name => client.session.register(name, "correct horse battery")""",
                  f"new {alice.name[-12:]}")
    online(page)
    for route, answer in late:
        route.fulfill(response=answer)
    page.evaluate("read")
    assert page.evaluate("id => client.conversations.peek(id)", chat) is None


def test_without_storage_everything_works_in_memory(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    desk = desk_of()
    desk.allow("hichat:")
    desk.context.add_init_script("""
        for (const name of ["indexedDB", "localStorage"]) {
            const get = () => { throw new DOMException("no", "SecurityError"); };
            Object.defineProperty(globalThis, name, { get });
        }
    """)
    page = desk.lab()
    page.evaluate("""async ([name, password]) => {
        const { client } = await import("views/client.js");
        globalThis.client = client;
        await client.session.signIn(name, password);
    }""", [alice.name, "correct horse battery"])
    online(page)
    show(page, chat)
    say(page, chat, "from memory")
    expect_told(page, ("from memory", "sent"))
    with bob.device() as phone:
        phone.say("answer", chat)
    expect_texts(page, "from memory", "answer")
