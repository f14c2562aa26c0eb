"""Uploads where several processes serve: whichever is asked, it is one file and one limit."""

from __future__ import annotations

from typing import Any

import requests

from tests.many.conftest import Pair
from tests.support.client import PATIENCE, Person
from tests.support.disks import some_bytes
from tests.support.server import Server

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


def ask(server: Server, who: Person, method: str, path: str, **options: Any) -> requests.Response:
    headers = who.headers | options.pop("headers", {})
    return requests.request(
        method, server.http + path, headers=headers, timeout=PATIENCE, **options
    )


def test_what_one_process_keeps_the_other_gives(pair: Pair) -> None:
    one, two = pair
    alice, data = Person(one), some_bytes(1_000_000)
    found = alice.upload(data)
    assert requests.get(two.http + found["url"], timeout=PATIENCE).content == data
    assert ask(two, alice, "GET", f"/v2/media/{found['id']}").content == data


def test_an_upload_that_began_at_one_process_ends_at_the_other(pair: Pair) -> None:
    one, two = pair
    alice, data = Person(one), some_bytes(900_000)
    begun = ask(one, alice, "POST", "/v2/uploads", data=data[:300_000], headers={
        **BYTES, "Upload-Length": str(len(data)),
    })
    path = begun.headers["Location"]
    for server, start in ((two, 300_000), (one, 600_000)):
        assert ask(server, alice, "HEAD", path, headers=TUS).headers["Upload-Offset"] == str(start)
        answer = ask(server, alice, "PATCH", path, data=data[start:start + 300_000], headers={
            **BYTES, "Upload-Offset": str(start),
        })
        assert answer.status_code == 204, answer.text
    medium = ask(two, alice, "GET", path).json()
    assert requests.get(two.http + medium["url"], timeout=PATIENCE).content == data


def test_open_uploads_are_counted_across_processes(pair: Pair) -> None:
    alice = Person(pair[0])
    answers = [
        ask(pair[number % 2], alice, "POST", "/v2/uploads", headers={**TUS, "Upload-Length": "9"})
        for number in range(21)
    ]
    assert [answer.status_code for answer in answers] == [201] * 20 + [409]
