"""The seed's client on its socket: messages with its keys, lines of text for everything else."""

from __future__ import annotations

import json
from typing import Any

from tests.support.client import PATIENCE, Person, Socket

KEYS = {
    "userId", "TargetId", "Type", "Media", "Content", "url", "Url", "Desc", "amount", "CreateTime",
    "Id", "Seq",
}


def private(target: Any, content: str = "", **more: Any) -> dict[str, Any]:
    """A private text as the seed's web client sends it."""
    return {"TargetId": target, "Type": 1, "CreateTime": 1672996855236, "userId": 1, "Media": 1,
            "Content": content, **more}


def message(device: Socket) -> dict[str, Any]:
    """The next frame, which must be a message with exactly the seed's keys and ours."""
    found = device.receive()
    assert found.keys() == KEYS
    return found


def line(device: Socket) -> str:
    """The next frame, which must be text that the seed's client does not take for a message."""
    found = device.receive_text(PATIENCE)
    assert "{" not in found and "}" not in found
    return found


def expect_silence(device: Socket) -> None:
    """Nothing waits for this device: the next frame is the complaint about what is sent now."""
    device.send_text("no JSON at all")
    assert "bad_json" in line(device)


def history(reader: Person, other: int, start: Any, end: Any, **more: Any) -> dict[str, Any]:
    """The answer of `redisMsg`."""
    form = {"userIdA": reader.id, "userIdB": other, "start": start, "end": end, **more}
    answer = reader.request(
        "POST", "/v1/user/redisMsg", params={"token": reader.token, "userId": reader.id}, data=form
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def entries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a good history answer, each of which is a string of JSON."""
    assert (answer["Code"], answer["Rows"]) == (0, "ok"), answer
    assert all(isinstance(item, str) for item in answer["Total"])
    return [json.loads(item) for item in answer["Total"]]


def contents(answer: dict[str, Any]) -> list[str]:
    return [item["Content"] for item in entries(answer)]
