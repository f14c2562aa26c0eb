"""The reducer: a device that hears every event, and one that reads pages, end in the same state."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.chat import open_chat, text
from tests.support.client import Person, Socket
from tests.support.reducer import Chat
from tests.web.conftest import NewDesk

REDUCE = """async ([events, page]) => {
    const { emptyState, reduce, withPage } = await import("client/log.js");
    const state = page ? withPage(emptyState(), page, events) : reduce(emptyState(), events);
    const lines = [...state.rows.values()].filter(({ type }) => type === "message");
    return {
        lines: lines.map(({ seq, sender, message, recalled, removed, reactions }) => [seq, {
            sender, message: message ?? null, reactions: reactions ?? {},
            gone: removed ? "removed" : recalled ? "recalled" : "",
        }]),
        pins: [...state.pins],
    };
}"""


def reduced(page: Page, events: list[Any], of: list[Any] | None = None) -> tuple[Any, set[int]]:
    """What the client makes of events, or of a page and the events since."""
    found = page.evaluate(REDUCE, [events, of])
    return {int(seq): line for seq, line in found["lines"]}, set(found["pins"])


def expected(chat: Chat) -> dict[int, dict[str, Any]]:
    return {
        seq: {"sender": line.sender, "message": line.message, "gone": line.gone,
              "reactions": line.reactions}
        for seq, line in chat.lines.items()
    }


def talk(one: Socket, other: Socket, chat: int, choice: random.Random) -> None:
    """Forty things that happen in a conversation."""
    said: dict[int, Socket] = {}
    for number in range(40):
        device = choice.choice((one, other))
        ref = f"{id(device)}-{number}"
        command: dict[str, Any] = {"op": "send", "message": text(f"{number}")}
        if said and choice.random() < 0.7:
            seq = choice.choice(list(said))
            op = choice.choice(("edit", "recall", "react", "react", "pin"))
            command = {"op": op, "seq": seq}
            if op in ("edit", "recall"):
                device = said[seq]
            if op == "edit":
                command["message"] = {"content": f"edited {number}"}
            if op == "react":
                command |= {"emoji": choice.choice("👍🎉"), "on": choice.random() < 0.7}
            if op == "pin":
                command["on"] = choice.random() < 0.7
        device.send(ref=ref, conversation=chat, **command)
        while (answer := device.receive()).get("ref") != ref:
            pass
        if command["op"] == "send":
            said[answer["seq"]] = device


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pushes_and_pages_lead_to_the_state_of_the_reference(
    desk_of: NewDesk, alice: Person, bob: Person, seed: int
) -> None:
    chat = open_chat(alice, bob)
    with alice.device() as one, bob.device() as other:
        talk(one, other, chat, random.Random(seed))
        log = other.sync(**{f"c{chat}": 0})
    page = desk_of().lab()
    lines, pins = reduced(page, log)
    reference = Chat().take(log)
    assert lines == expected(reference)
    assert pins == reference.pins
    history = bob.history(chat)
    from_page, _ = reduced(page, [], history)
    assert from_page == lines
    # A page that was read in the middle, and what was pushed since: the same again.
    assert reduced(page, log, history)[0] == lines


def test_an_edit_that_a_page_has_already_is_not_undone_by_an_older_one(desk_of: NewDesk) -> None:
    now = {"media": "text", "content": "third", "edited_at": 3, "edited_seq": 3}
    row = {"conversation": 1, "seq": 1, "type": "message", "sender": 1, "at": 1, "message": now}
    older = {
        "conversation": 1, "seq": 2, "type": "edit", "sender": 1, "at": 2,
        "edit": {"seq": 1, "edited_at": 2, "message": {"media": "text", "content": "second"}},
    }
    lines, _ = reduced(desk_of().lab(), [older], [row])
    assert lines[1]["message"] == now


def test_what_was_removed_stays_removed_whatever_is_done_to_it(desk_of: NewDesk) -> None:
    base = {"conversation": 1, "sender": 1, "at": 1}
    message = {**base, "seq": 1, "type": "message", "message": {"media": "text", "content": "a"}}
    changes: list[dict[str, Any]] = [
        {**base, "conversation": 9, "seq": 5, "type": "removal",
         "removal": {"conversation": 1, "seqs": [1]}},
        {**base, "seq": 2, "type": "edit",
         "edit": {"seq": 1, "edited_at": 2, "message": {"media": "text", "content": "b"}}},
        {**base, "seq": 3, "type": "reaction",
         "reaction": {"seq": 1, "emoji": "👍", "on": True, "count": 1, "users": [1]}},
        {**base, "seq": 4, "type": "recall", "recall": {"seq": 1}},
    ]
    lines, _ = reduced(desk_of().lab(), [message, *changes])
    assert lines == {1: {"sender": 1, "message": None, "gone": "removed", "reactions": {}}}
