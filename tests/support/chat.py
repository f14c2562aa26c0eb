"""What chat tests say again and again: many texts at once, silence, refusals, merged order."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support import topology
from tests.support.client import PATIENCE, Person, Socket

CHUNK = 100  # texts that are sent before their acks are read


def text(content: str, **more: Any) -> dict[str, Any]:
    return {"media": "text", "content": content, **more}


def burst(device: Socket, to: int, contents: list[str]) -> list[dict[str, Any]]:
    """Send texts to a user without waiting for each; their acks, in the order of `contents`."""
    acks: list[dict[str, Any]] = []
    for start in range(0, len(contents), CHUNK):
        refs = []
        for content in contents[start : start + CHUNK]:
            refs.append(uuid.uuid4().hex)
            device.send(op="send", ref=refs[-1], to={"user": to}, message=text(content))
        acks += [device.expect("ack", ref=ref) for ref in refs]
    return acks


def collect(device: Socket, count: int, *ops: str) -> list[dict[str, Any]]:
    """The next `count` frames with one of these ops; others are passed over."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        frame = device.receive(PATIENCE)
        if frame["op"] in ops:
            found.append(frame)
    return found


def both_talk(
    one: Socket, other: Socket, ids: tuple[int, int], third: Socket
) -> list[dict[str, Any]]:
    """Two users, with these ids, say much at once; what the third device heard, in one order."""
    with ThreadPoolExecutor(2) as pool:
        said = pool.submit(burst, one, ids[1], [f"a{number}" for number in range(150)])
        burst(other, ids[0], [f"b{number}" for number in range(150)])
        said.result()
    heard = collect(third, 300, "event")
    assert [event["seq"] for event in heard] == list(range(1, 301))
    expect_silence(third)
    return heard


def in_promised_order(seen: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """What a device saw, (seq, ...) of acks and events, in the order that the server promises.

    One process tells both in the order of the log. Between several an ack does not wait for events
    before it that others have stored: events ascend, and so do acks.
    """
    return sorted(seen) if topology.MANY else seen


def expect_silence(device: Socket) -> None:
    """Nothing waits for this device: the next frame is the answer to a question asked now."""
    ref = uuid.uuid4().hex
    device.send(op="sync", ref=ref, cursors={})
    assert device.receive() == {"op": "synced", "ref": ref, "behind": {}}


def refused(device: Socket, code: str, **command: Any) -> dict[str, Any]:
    """Send a command that must be refused; its error, which carries its ref."""
    command.setdefault("ref", uuid.uuid4().hex)
    device.send(**command)
    found = device.receive()
    assert found["op"] == "error", found
    assert (found["code"], found["ref"]) == (code, command["ref"]), found
    return found


def heads(device: Socket) -> dict[int, tuple[int, int]]:
    """What the device was greeted with: conversation -> (last_seq, read_seq)."""
    hello = device.frames[0]
    return {head["id"]: (head["last_seq"], head["read_seq"]) for head in hello["conversations"]}


def open_chat(one: Person, other: Person) -> int:
    """The conversation of two people, opened if need be."""
    answer = one.request("POST", "/v2/conversations", json={"user": other.id})
    assert answer.ok, answer.text
    found: int = answer.json()["id"]
    return found
