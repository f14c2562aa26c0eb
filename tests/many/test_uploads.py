"""Uploads where several processes serve: whichever is asked, it is one file and one limit."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

import requests

from tests.many.conftest import Pair
from tests.support.client import PATIENCE, Person
from tests.support.disks import some_bytes
from tests.support.process import wait_until
from tests.support.server import Server
from tests.test_media_network import BOUNDARY, raw_upload, under_way

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


def test_who_comes_back_to_the_other_process_takes_over_from_the_connection_that_died(
    pair: Pair,
) -> None:
    one, two = pair
    alice, data = Person(one), some_bytes(500_000)
    begun = ask(one, alice, "POST", "/v2/uploads", headers={**TUS, "Upload-Length": str(len(data))})
    path = begun.headers["Location"]
    headers = {**alice.headers, **BYTES, "Upload-Offset": "0", "Content-Length": str(len(data))}
    lines = [f"PATCH {path} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in headers.items())]
    with socket.create_connection(("127.0.0.1", one.port), timeout=PATIENCE) as dead:
        dead.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data[:200_000])
        kept = one.folder / "uploads" / path.rpartition("/")[2]
        wait_until(lambda: kept.stat().st_size > 0)
        offset = int(ask(two, alice, "HEAD", path, headers=TUS).headers["Upload-Offset"])
        assert 0 < offset <= 200_000
        answer = ask(two, alice, "PATCH", path, data=data[offset:], headers={
            **BYTES, "Upload-Offset": str(offset),
        })
        assert answer.status_code == 204, answer.text
    medium = ask(one, alice, "GET", path).json()
    assert requests.get(one.http + medium["url"], timeout=PATIENCE).content == data


def test_files_in_forms_under_way_are_counted_across_processes(pair: Pair) -> None:
    alice = Person(pair[0])
    with ExitStack() as stack:
        for number in range(1, 21):
            sock = stack.enter_context(raw_upload(alice.at(pair[number % 2]), 1_000_000))
            sock.sendall(BOUNDARY)
            wait_until(lambda number=number: len(under_way(pair[0])) == number)
        for server in pair:
            answer = alice.at(server).request("POST", "/v2/media", files={"file": b"%PDF-1.7 x"})
            assert (answer.status_code, answer.json()["code"]) == (409, "too_many")


def test_open_uploads_are_counted_across_processes(pair: Pair) -> None:
    alice = Person(pair[0])
    answers = [
        ask(pair[number % 2], alice, "POST", "/v2/uploads", headers={**TUS, "Upload-Length": "9"})
        for number in range(21)
    ]
    assert [answer.status_code for answer in answers] == [201] * 20 + [409]
