"""The server's log: JSON lines, one pair for each socket, nothing that is nobody's business."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.client import PASSWORD, PATIENCE, Person
from tests.support.raw import RawSocket
from tests.support.server import Server

MARKER = "marker-text-of-a-message"
WRONG = "marker-of-a-wrong-password"
QUERY = "marker-in-a-query"


def lines(server: Server) -> list[dict[str, Any]]:
    """The log, without the line that prints the address. Raises for a line that is no JSON."""
    found = server.log().splitlines()
    ready = f"HiChat is ready: {server.http}"
    assert found.count(ready) == 1
    return [json.loads(line) for line in found if line != ready]


def named(server: Server, event: str) -> list[dict[str, Any]]:
    return [line for line in lines(server) if line["event"] == event]


def visit(server: Server) -> list[str]:
    """Do what people do, and what strangers try; return everything that was secret in it."""
    alice, bob = Person(server), Person(server)
    for person, password in ((alice, PASSWORD), (alice, WRONG)):
        requests.post(
            f"{server.http}/v2/auth/login", json={"name": person.name, "password": password},
            timeout=PATIENCE,
        )
        requests.post(
            f"{server.http}/v1/user/login_pw", data={"name": person.name, "password": password},
            timeout=PATIENCE,
        )
    ticket = alice.request("POST", "/v2/auth/ticket").json()["ticket"]
    address = f"{server.ws}/v2/socket"
    with (
        connect(address, subprotocols=["hichat.v2", f"ticket.{ticket}"]) as browser,  # type: ignore[list-item]
        bob.seed_device() as old, bob.device() as device,
    ):
        message = {"media": "text", "content": MARKER}
        browser.send(json.dumps(
            {"op": "send", "ref": "c1", "to": {"user": bob.id}, "message": message}
        ))
        device.expect("event")
        assert MARKER in old.receive_text()
        device.send_text(f'{{"op": "{MARKER}"}}')
        device.expect("error")
        old.send_text(f'{{"Type": "{MARKER}"}}')
        old.receive_text()
    for refused in (
        f"{server.ws}/v1/user/SendUserMsg?token={bob.token}x&userId={bob.id}",
        f"{server.ws}/v2/socket?token={QUERY}",
    ):
        with pytest.raises(InvalidStatus):
            connect(refused)
    bob.request("GET", "/v2/users", params={"q": QUERY})
    requests.get(f"{server.http}/nowhere?{QUERY}", timeout=PATIENCE)
    return [PASSWORD, WRONG, MARKER, QUERY, ticket, *(
        token for person in (alice, bob) for token in (person.token, person.refresh_token)
    )]


@pytest.fixture
def talkative(own_server: Server) -> Server:
    """A server that logs all it can."""
    own_server.environ["HICHAT_LOG_LEVEL"] = "debug"
    own_server.start()
    return own_server


def test_a_log_holds_no_secret_no_text_and_no_query_and_a_pair_of_lines_for_each_socket(
    talkative: Server,
) -> None:
    secrets = visit(talkative)
    talkative.terminate()
    log = talkative.log()
    assert [secret for secret in secrets if secret in log] == []
    assert re.findall(r"eyJ[\w-]+|token=|userId=|(?i:bearer) ", log) == []
    opened, closed = named(talkative, "socket_opened"), named(talkative, "socket_closed")
    assert sorted((line["user"], line["dialect"]) for line in opened) == [
        (1, "V2"), (2, "V1"), (2, "V2"),
    ]
    by_socket = {(line["user"], line["dialect"]): line for line in closed}
    assert len(by_socket) == len(closed) == 3
    for line in closed:
        assert (line["code"], line["reason"]) == (1000, "closed by the peer")
        assert line["seconds"] >= 0
        assert line["bytes_in"] > 0
        assert line["bytes_out"] > 0
    counts = {key: (line["received"], line["sent"]) for key, line in by_socket.items()}
    assert counts == {(1, "V2"): (1, 1), (2, "V1"): (1, 2), (2, "V2"): (1, 2)}


def test_the_line_of_the_end_says_who_ended_it(talkative: Server) -> None:
    gone, sent_away = Person(talkative), Person(talkative)
    RawSocket(gone).vanish()
    with sent_away.device() as device:
        talkative.terminate()
        assert device.expect_close() == 1012
    ends = {line["user"]: (line["code"], line["reason"])
            for line in named(talkative, "socket_closed")}
    assert ends == {
        gone.id: (None, "gone"), sent_away.id: (1012, "server restart: reconnect"),
    }


def test_a_log_that_cannot_be_written_stops_nobody(own_server: Server) -> None:
    own_server.log_path = Path("/dev/full")
    own_server.start()
    alice, bob = Person(own_server), Person(own_server)
    with alice.device() as a, bob.device() as b:
        a.text("no line of this", bob.id)
        assert b.expect("event")["message"]["content"] == "no line of this"
    own_server.kill()
