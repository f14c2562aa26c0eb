"""One state on every device: the one that stayed, the one that syncs, the one that pages."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from tests.support.chat import open_chat, text
from tests.support.client import Person, Socket
from tests.support.log import at_once
from tests.support.reducer import Chat

LIST = "/v2/conversations"
MESSAGES = 12
STEPS = 120


def end(person: Person, conversation: int, *devices: Socket) -> None:
    """Say a last word; whoever has heard it has heard all that was before it."""
    path = f"{LIST}/{conversation}/messages"
    seq = person.post(path, ref="the end", message=text("the end")).json()["seq"]
    for device in devices:
        device.expect("event", conversation=conversation, seq=seq)


def heard(device: Socket) -> list[dict[str, Any]]:
    """Every event that was pushed to the device until now."""
    device.send(op="sync", ref="until now", cursors={})
    device.expect("synced", ref="until now")
    return [frame for frame in device.frames if frame["op"] == "event"]


def paged(person: Person, conversation: int) -> Chat:
    """What a device makes of the history, read backwards in small pages, and of the pins."""
    chat = Chat()
    page: dict[str, Any] = {"more": True, "events": []}
    while page["more"]:
        before = {"before": page["events"][0]["seq"]} if page["events"] else {}
        page = person.get(f"{LIST}/{conversation}/events", limit=7, **before)
        # Messages are as they are now; the changes are for who has the messages already.
        chat.take(event for event in page["events"] if event["type"] == "message")
    pins = person.get(f"{LIST}/{conversation}/pins")["pins"]
    chat.pins = {pin["seq"] for pin in pins}
    return chat


def answer_to(device: Socket, ref: str, **command: Any) -> str:
    """Send a command; `ack`, or the code of the error."""
    device.send(ref=ref, **command)
    while (frame := device.receive()).get("ref") != ref:
        pass
    return str(frame.get("code", frame["op"]))


def random_change(rng: random.Random, key: int) -> tuple[str, dict[str, Any]]:
    seq = rng.randint(1, MESSAGES)
    kind = rng.choice(("edits", "recalls", "reactions", "reactions", "reactions", "pins"))
    if kind == "edits":
        return kind, {"seq": seq, "message": {"content": f"edit {rng.random()}"}}
    if kind == "reactions":
        return kind, {"seq": seq, "emoji": rng.choice("👍❤🎉"), "on": rng.random() < 0.7}
    if kind == "pins":
        return kind, {"seq": seq, "on": rng.random() < 0.7}
    return kind, {"seq": seq} if rng.random() < 0.3 else {"seq": 1}


def test_who_stayed_who_syncs_and_who_pages_end_in_the_same_state(
    alice: Person, bob: Person
) -> None:
    key, rng = open_chat(alice, bob), random.Random(7)
    with alice.device() as stayed, bob.device() as writer:
        for number in range(MESSAGES):
            device, other = (stayed, writer) if number % 2 else (writer, stayed)
            device.say(f"message {number}", key)
            other.expect("event")
        first = alice.history(key)
        halfway: list[dict[str, Any]] = []
        for step in range(STEPS):
            kind, fields = random_change(rng, key)
            answer = rng.choice((alice, bob)).post(f"{LIST}/{key}/{kind}", ref=f"s{step}", **fields)
            assert answer.status_code in (201, 403, 410), answer.text
            if step == STEPS // 2:
                halfway = alice.history(key)
        assert alice.post(f"{LIST}/{key}/removals", ref="x", seqs=[2, 3, 4]).ok
        stayed.expect("event", type="removal")
        end(alice, key, stayed)
        live = [event for event in heard(stayed) if event["conversation"] == key]
        own = [event for event in heard(stayed) if event["type"] == "removal"]
        started = [event for event in first if event["sender"] == alice.id]  # it has drawn these
    a_half = len(halfway)
    with alice.device() as late:
        synced = late.sync(**{f"c{key}": 0})
        rest = late.sync(**{f"c{key}": a_half})
    head = len(synced)
    assert {event["seq"] for event in live} | {e["seq"] for e in started} == set(range(1, head + 1))
    stayed_chat = Chat().take(
        sorted([*live, *started], key=lambda event: event["seq"])
    ).take_removals(own, key)
    assert Chat().take(synced) == stayed_chat
    assert Chat().take(halfway).take(rest).take_removals(own, key) == stayed_chat
    assert Chat().take(alice.history(key)) == stayed_chat
    assert paged(alice, key) == stayed_chat
    # For the other side nothing was removed.
    assert paged(bob, key) == Chat().take(bob.history(key)) != stayed_chat
    gone = {line.gone for line in stayed_chat.lines.values()}
    assert gone >= {"", "recalled", "removed"}


def test_devices_that_change_a_message_at_the_same_moment_end_in_the_same_state(
    alice: Person, bob: Person
) -> None:
    key = open_chat(alice, bob)
    with alice.device() as hers, alice.device() as other, bob.device() as his:
        devices = (hers, other, his)
        for number in range(10):
            seq = hers.say(f"message {number}", key)["seq"]
            other.expect("event", seq=seq), his.expect("event", seq=seq)
            commands: list[dict[str, Any]] = [
                {"op": "edit", "message": {"content": "by the one"}},
                {"op": "edit", "message": {"content": "by the other"}},
                {"op": "react", "emoji": "👍", "on": True},
            ]
            if number % 2:
                commands[1] = {"op": "recall"}

            answers = at_once(
                partial(answer_to, device, ref=f"{number} {index}", conversation=key, seq=seq,
                        **command)
                for index, (device, command) in enumerate(zip(devices, commands, strict=True))
            )
            assert set(answers) <= {"ack", "recalled"}
        end(alice, key, *devices)
        states: list[Chat] = []
        for device, person in zip(devices, (alice, alice, bob), strict=True):
            live = heard(device)
            missed = device.sync(**{f"c{key}": 0})
            events = {event["seq"]: event for event in [*missed, *live]}  # live is what it heard
            states.append(Chat().take(event for _, event in sorted(events.items())))
            states += [Chat().take(missed), paged(person, key)]
        assert all(state == states[0] for state in states)
        last = [event for event in missed if event["type"] == "edit"][1]["edit"]
        assert (last["seq"], states[0].lines[1].message) == (1, missed[0]["message"])
        assert missed[0]["message"]["content"] == last["message"]["content"]
        assert any(line.gone == "recalled" for line in states[0].lines.values())


def test_a_device_that_lost_its_ack_asks_again_and_changes_nothing_twice(
    alice: Person, bob: Person
) -> None:
    key = open_chat(alice, bob)
    with alice.device() as hers:
        hers.say("hello", key)
        command = {"op": "react", "ref": "r", "conversation": key, "seq": 1, "emoji": "👍",
                   "on": True}
        hers.send(**command)
        first = hers.expect("ack", ref="r")
    with alice.device() as again, bob.device() as his:
        again.send(**command)
        assert again.receive() == first
        his.send(op="sync", ref="s", cursors={})
        assert his.receive()["op"] == "synced"
    assert len(alice.history(key)) == 2
