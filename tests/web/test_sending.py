"""The outbox: what was said is shown at once, kept, sent once, and never lost or doubled."""

from __future__ import annotations

from playwright.sync_api import Page, WebSocketRoute

from tests.support.browser import NETWORK, eventually, throttle, wait_for
from tests.support.client import Person
from tests.support.lab import at_work, expect_texts, expect_told, online, row, say, show, told
from tests.support.server import Server
from tests.web.conftest import NewDesk, two_people

FIRST_VERSION = """([name, conversation]) => new Promise((done, failed) => {
    const asked = indexedDB.open(name, 1);
    asked.onerror = failed;
    asked.onupgradeneeded = () => {
        const keys = { events: ["conversation", "seq"], cursors: "id", conversations: "id",
                       users: "id", outbox: "ref", things: "name" };
        const stores = Object.entries(keys).map(([store, keyPath]) =>
            [store, asked.result.createObjectStore(store, { keyPath })]);
        const { outbox, users } = Object.fromEntries(stores);
        const message = { media: "text", content: "kept", sent_at: 1 };
        outbox.put({ ref: "first", order: 1, album: null, at: 1, target: { conversation }, message,
                     file: null, state: "pending", error: null });
        users.put({ id: -1, name: "of the version before" });
    };
    asked.onsuccess = () => { asked.result.close(); done(); };
})"""


def contents(person: Person, conversation: int) -> list[str]:
    """What the log of a conversation has, whatever any device shows."""
    return [event["message"]["content"] for event in person.history(conversation)]


def hold_acks(page: Page) -> list[str]:
    """Let no ack through to the page from the next connection on; the acks that were held."""
    held: list[str] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            if '"op":"ack"' in str(text):
                held.append(str(text))
            else:
                route.send(text)

        server.on_message(pass_on)

    page.route_web_socket("**/v2/socket", between)
    return held


def test_a_message_is_shown_at_once_and_marked_on_its_way(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    here = at_work(desk_of(alice), chat)
    at_once = here.evaluate("""id => {
        client.outbox.send({ conversation: id }, { media: "text", content: "hello" });
        return line.items.value.map(({ message, state, seq }) => [message.content, state, seq]);
    }""", chat)
    assert at_once == [["hello", "pending", None]]
    expect_told(here, ("hello", "sent"))
    with bob.device() as phone:
        expect_told(here, ("hello", "delivered"))
        phone.send(op="read", conversation=chat, seq=1)
        expect_told(here, ("hello", "read"))


def test_an_entry_stays_the_same_one_when_its_ack_comes(
    desk_of: NewDesk, alice: Person, chat: int
) -> None:
    """Its key is what the view keeps the element by."""
    here = at_work(desk_of(alice), chat)
    ref = say(here, chat, "hello")
    assert here.evaluate("line.items.value.map(entry => entry.key)") == [ref]
    wait_for(here, "line.items.value[0].seq")
    assert here.evaluate("line.items.value.map(entry => entry.key)") == [ref]


def test_what_is_said_offline_is_sent_later_in_its_order(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    here = at_work(desk, chat)
    desk.offline()
    eventually(lambda: here.evaluate("client.connection.state.value"), "offline")
    for content in ("one", "two", "three"):
        say(here, chat, content)
    assert told(here) == [("one", "pending"), ("two", "pending"), ("three", "pending")]
    desk.offline(False)
    expect_told(here, ("one", "sent"), ("two", "sent"), ("three", "sent"))
    assert contents(bob, chat) == ["one", "two", "three"]


def test_the_outbox_survives_a_reload_on_a_dead_network(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    desk = desk_of(alice)
    desk.allow(*NETWORK)
    here = at_work(desk)
    desk.offline()
    eventually(lambda: here.evaluate("client.connection.state.value"), "offline")
    say(here, chat, "kept")
    eventually(lambda: here.evaluate("client.store.all('outbox').then(items => items.length)"), 1)
    here.close()
    desk.offline(False)
    here = desk.lab()
    show(here, chat)
    expect_told(here, ("kept", "sent"))
    assert contents(bob, chat) == ["kept"]
    assert here.evaluate("client.store.all('outbox').then(items => items.length)") == 0


def test_what_was_not_sent_yet_survives_a_new_version_of_the_client(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    """It drops the copies that it has of what the server knows, and nothing else."""
    desk = desk_of(alice)
    me = alice.get("/v2/users/me")
    before = desk.context.new_page()
    before.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    before.goto("/version")  # a page of this origin, and of nothing else
    before.evaluate(FIRST_VERSION, [f"hichat-{me['id']}-{me['created_at']}", chat])
    before.close()
    here = at_work(desk, chat)
    expect_told(here, ("kept", "sent"))
    assert contents(bob, chat) == ["kept"]
    assert here.evaluate("client.store.one('users', -1)") is None


def test_what_the_device_cannot_read_any_more_is_sent_all_the_same(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    """A read that fails does not say that another tab has sent the message."""
    desk = desk_of(alice)
    desk.allow(*NETWORK, "hichat: not kept on this device")
    here = at_work(desk, chat)
    desk.offline()
    eventually(lambda: here.evaluate("client.connection.state.value"), "offline")
    say(here, chat, "kept")
    eventually(lambda: here.evaluate("client.store.all('outbox').then(items => items.length)"), 1)
    here.evaluate("""() => {
        IDBDatabase.prototype.transaction = () => { throw new DOMException("no", "UnknownError"); };
    }""")
    desk.offline(False)
    expect_told(here, ("kept", "sent"))
    assert contents(bob, chat) == ["kept"]


def test_a_message_whose_ack_was_lost_is_stored_and_shown_once(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    desk = desk_of(alice)
    here = at_work(desk, chat)
    held = hold_acks(here)
    here.evaluate("client.connection.stop(); client.connection.start()")
    online(here)
    say(here, chat, "once")
    eventually(lambda: (here.evaluate("0"), len(held))[1], 1)
    assert told(here) == [("once", "pending")]
    here.close()  # with a message that is in the log, and in the outbox
    assert contents(bob, chat) == ["once"]
    here = desk.lab()
    show(here, chat)
    expect_texts(here, "once")
    eventually(lambda: here.evaluate("client.store.all('outbox').then(items => items.length)"), 0)
    assert told(here) == [("once", "sent")]
    assert contents(bob, chat) == ["once"]


def test_it_is_shown_once_already_while_its_ack_is_missing(
    desk_of: NewDesk, alice: Person, chat: int
) -> None:
    """The next connection syncs the message; the outbox does not know yet that it is this one."""
    here = desk_of(alice).lab()
    held = hold_acks(here)
    here.reload()
    here.evaluate("import('views/client.js').then(({ client }) => { globalThis.client = client; })")
    online(here)
    show(here, chat)
    say(here, chat, "once")
    eventually(lambda: (here.evaluate("0"), len(held))[1], 1)
    here.evaluate("client.connection.stop(); client.connection.start()")
    online(here)
    expect_told(here, ("once", "sent"))
    assert here.evaluate("id => client.outbox.pendingOf(id).value.length", chat) == 1


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_meanwhile(
    desk_of: NewDesk, own: tuple[Server, Person, Person, int]
) -> None:
    server, one, other, chat = own
    desk = desk_of(one, at=server)
    desk.allow(*NETWORK, "502", "503")
    here = at_work(desk, chat)
    for number in range(10):
        say(here, chat, f"before {number}")
    server.kill()
    for number in range(10):
        say(here, chat, f"after {number}")
    server.start()
    here.evaluate("client.connection.retryNow()")
    wanted = [f"before {n}" for n in range(10)] + [f"after {n}" for n in range(10)]
    expect_told(here, *((content, "sent") for content in wanted))
    assert contents(other, chat) == wanted


def test_what_was_too_much_at_once_is_sent_a_little_later_and_in_its_order(
    desk_of: NewDesk, own_server: Server
) -> None:
    limits = {"HICHAT_RATE_LIMITS": "on", "HICHAT_MESSAGES_PER_SECOND": "1"}
    one, other, chat = two_people(own_server, **limits)
    here = at_work(desk_of(one, at=own_server), chat)
    here.evaluate("""() => {
        globalThis.refused = [];
        client.connection.on("error", ({ ref, code }) => refused.push([ref, code]));
    }""")
    contents_said = [str(number) for number in range(18)]  # ten seconds' worth is taken at once
    for content in contents_said:
        say(here, chat, content)
    wait_for(here, "refused.length > 0")
    expect_told(here, *[(content, "sent") for content in contents_said])
    assert contents(other, chat) == contents_said
    assert {code for _, code in here.evaluate("refused")} == {"rate_limited"}


def test_a_refused_message_stays_with_its_reason_until_it_is_retried_or_discarded(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    bob.request("PUT", f"/v2/contacts/{alice.id}/block")
    here = at_work(desk_of(alice), chat)
    first, second = say(here, chat, "please"), say(here, chat, "never mind")
    expect_told(here, ("please", "failed"), ("never mind", "failed"))
    assert here.evaluate("line.items.value[0].error.code") == "blocked"
    here.evaluate("ref => client.outbox.discard(ref)", second)
    expect_told(here, ("please", "failed"))
    bob.request("DELETE", f"/v2/contacts/{alice.id}/block")
    here.evaluate("ref => client.outbox.retry(ref)", first)
    expect_told(here, ("please", "sent"))
    assert contents(bob, chat) == ["please"]


def test_a_failed_message_is_still_there_after_a_reload(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    bob.request("PUT", f"/v2/contacts/{alice.id}/block")
    desk = desk_of(alice)
    here = at_work(desk, chat)
    say(here, chat, "please")
    expect_told(here, ("please", "failed"))
    here.close()
    here = desk.lab()
    show(here, chat)
    expect_told(here, ("please", "failed"))


def test_the_first_message_to_somebody_opens_the_conversation(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    here = at_work(desk_of(alice))
    here.evaluate("""id => {
        client.outbox.send({ user: id }, { media: "text", content: "nice to meet you" });
    }""", bob.id)
    chat = wait_for(here, "id => client.conversations.withUser(id)", bob.id)
    assert contents(bob, chat) == ["nice to meet you"]
    assert row(here, chat)["last_message"]["message"]["content"] == "nice to meet you"


def test_a_file_is_uploaded_first_and_is_what_its_content_says(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    here = at_work(desk_of(alice), chat)
    here.evaluate("""async id => {
        const canvas = new OffscreenCanvas(40, 30);
        canvas.getContext("2d").fillRect(0, 0, 20, 20);
        const blob = await canvas.convertToBlob({ type: "image/png" });
        const file = { blob, name: "猫.png", measures: {} };
        client.outbox.send({ conversation: id }, { media: "video", content: "" }, file);
    }""", chat)
    wait_for(here, "line.items.value[0]?.state === 'sent'")
    [event] = bob.history(chat)
    attachment = event["message"]["attachment"]
    assert event["message"]["media"] == "image"
    assert (attachment["name"], attachment["width"], attachment["height"]) == ("猫.png", 40, 30)
    assert here.evaluate("line.items.value[0].message.attachment") == attachment
    address = here.evaluate("id => client.media.addressOf(id)", attachment["id"])
    assert here.evaluate("url => fetch(url).then(({ status }) => status)", address) == 200


def test_a_large_file_goes_on_where_it_stopped_when_the_network_died(
    desk_of: NewDesk, own: tuple[Server, Person, Person, int]
) -> None:
    server, one, other, chat = own
    desk = desk_of(one, at=server)
    desk.allow(*NETWORK)
    here = at_work(desk, chat)
    begun: list[str] = []
    here.on("request", lambda request: begun.append(f"{request.method} {request.url}"))
    throttle(here, {"latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000})
    here.evaluate("""id => {
        const blob = new Blob([new Uint8Array(6_000_000)]);
        client.outbox.send({ conversation: id }, { media: "file", content: "" },
            { blob, name: "zeros.bin", measures: {} });
    }""", chat)
    wait_for(here, "line.items.value[0]?.progress > 0.2")
    assert here.evaluate("line.items.value[0].state") == "uploading"
    server.kill()
    server.start()
    wait_for(here, "line.items.value[0]?.state === 'sent'")
    assert [line for line in begun if line.startswith("HEAD ")] != []
    assert len([line for line in begun if line.startswith("POST ") and "uploads" in line]) == 1
    [event] = other.history(chat)
    assert event["message"]["attachment"]["size"] == 6_000_000


def test_files_chosen_together_arrive_in_their_order_and_hold_up_nothing_else(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    here = at_work(desk_of(alice), chat)
    throttle(here, {"latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000})
    here.evaluate("""id => {
        for (const [name, size] of [["large.bin", 3_000_000], ["small.bin", 10]]) {
            const message = { media: "file", content: name };
            const file = { blob: new Blob([new Uint8Array(size)]), name, measures: {} };
            client.outbox.send({ conversation: id }, message, file, "both");
        }
    }""", chat)
    wait_for(here, "line.items.value[1]?.state === 'pending'")  # the small one is uploaded
    say(here, chat, "look at these")
    expect_told(
        here, ("look at these", "sent"), ("large.bin", "uploading"), ("small.bin", "pending")
    )
    throttle(here, {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    wanted = ["look at these", "large.bin", "small.bin"]
    expect_told(here, *((content, "sent") for content in wanted))
    assert contents(bob, chat) == wanted


def test_an_upload_can_be_given_up(
    desk_of: NewDesk, alice: Person, bob: Person, chat: int
) -> None:
    here = at_work(desk_of(alice), chat)
    throttle(here, {"latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_000_000})
    ref = here.evaluate("""id => client.outbox.send(
        { conversation: id }, { media: "file", content: "" },
        { blob: new Blob([new Uint8Array(6_000_000)]), name: "zeros.bin", measures: {} },
    )""", chat)
    wait_for(here, "line.items.value[0]?.progress > 0")
    here.evaluate("ref => client.outbox.discard(ref)", ref)
    expect_told(here)
    say(here, chat, "something else")
    expect_told(here, ("something else", "sent"))
    assert contents(bob, chat) == ["something else"]
