"""The upgrade: who becomes a WebSocket, and what the others are told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.support.client import Person
from tests.support.handshake import ACCEPT, Answer, HandMade, ask, bearer
from tests.support.raw import frame
from tests.support.server import Server, running

KEY = "a signing key of the test's own choice, 0123456789"
OTHER_KEY = "a signing key of somebody else, 0123456789abcdef"
LISTED = "https://chat.example.org"
TEXT = 0x1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose signing key the tests know, with one further origin."""
    with running(
        tmp_path_factory.mktemp("handshake"), HICHAT_SECRET_KEY=KEY,
        HICHAT_ALLOWED_ORIGINS=f"https://other.example.org, {LISTED}/",
    ) as made:
        yield made


def problem(answer: Answer) -> tuple[int, str]:
    """The status and the code of a `/v2` refusal."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, json.loads(answer.body)["code"]


def spoilt(person: Person, key: str = KEY, **claims: Any) -> str:
    """The person's access token with other claims, signed again."""
    genuine = jwt.decode(person.token, KEY, algorithms=["HS256"])
    return jwt.encode({**genuine, **claims}, key, algorithm="HS256")


# -- the form of the request -----------------------------------------------------------------


def test_a_good_request_is_answered_with_its_key_and_no_subprotocol_if_none_was_offered(
    alice: Person,
) -> None:
    answer = ask(alice.server, headers=bearer(alice.token))
    assert answer.status == 101
    assert answer.headers["sec-websocket-accept"] == ACCEPT
    assert answer.headers["upgrade"].lower() == "websocket"
    assert answer.headers["connection"].lower() == "upgrade"
    assert "sec-websocket-protocol" not in answer.headers


@pytest.mark.parametrize("path", ["/v2/socket", "/v1/user/SendUserMsg"])
@pytest.mark.parametrize("headers", [
    pytest.param({"Upgrade": None, "Connection": None}, id="no upgrade"),
    pytest.param({"Connection": "keep-alive"}, id="connection is not for the upgrade"),
    pytest.param({"Upgrade": "h2c"}, id="upgrade to something else"),
    pytest.param({"Sec-WebSocket-Version": None}, id="no version"),
    pytest.param({"Sec-WebSocket-Version": "8"}, id="an older version"),
])
def test_what_asks_for_no_websocket_13_gets_426_that_says_what_to_ask_for(
    server: Server, path: str, headers: dict[str, str | None]
) -> None:
    answer = ask(server, path, headers)
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize("key", [
    None, "", "short", "dGhlIHNhbXBsZSBub25jZQ", "!!!!IHNhbXBsZSBub25jZQ==", "AAAA", "AA==" * 6,
])
def test_a_key_that_is_not_16_bytes_in_base64_gets_400(alice: Person, key: str | None) -> None:
    answer = ask(alice.server, headers={**bearer(alice.token), "Sec-WebSocket-Key": key})
    assert problem(answer) == (400, "bad_handshake")


@pytest.mark.parametrize("request_line", [
    "HEAD {path} HTTP/1.1", "POST {path} HTTP/1.1", "GET {path} HTTP/1.0",
])
def test_another_method_or_http_1_0_gets_a_4xx_and_no_socket(
    alice: Person, request_line: str
) -> None:
    answer = ask(alice.server, headers=bearer(alice.token), request_line=request_line)
    assert answer.status in (400, 405)


# -- origin and subprotocol ------------------------------------------------------------------


@pytest.mark.parametrize("origin", [
    "http://evil.example.org", "https://chat.example.org.evil.example.org", "null", "http://",
    "http://127.0.0.1", "http://127.0.0.1:1", "https://chat.example.org:444",
    "http://chat.example.org",
])
def test_a_page_of_another_origin_gets_403(alice: Person, origin: str) -> None:
    answer = ask(alice.server, headers={**bearer(alice.token), "Origin": origin})
    assert problem(answer) == (403, "bad_origin")


def test_a_page_of_the_same_origin_and_one_of_a_listed_origin_pass(alice: Person) -> None:
    for origin in (f"http://127.0.0.1:{alice.server.port}", LISTED):
        assert ask(alice.server, headers={**bearer(alice.token), "Origin": origin}).status == 101


def test_of_the_offered_subprotocols_only_hichat_v2_is_answered(alice: Person) -> None:
    offered = {**bearer(alice.token), "Sec-WebSocket-Protocol": "soap, hichat.v2, hichat.v3"}
    assert ask(alice.server, headers=offered).headers["sec-websocket-protocol"] == "hichat.v2"


def test_a_client_that_offers_only_foreign_subprotocols_gets_400(alice: Person) -> None:
    offered = {**bearer(alice.token), "Sec-WebSocket-Protocol": "soap, HICHAT.V2"}
    assert problem(ask(alice.server, headers=offered)) == (400, "bad_handshake")


def test_compression_is_not_negotiated_even_if_offered(alice: Person) -> None:
    offered = {
        **bearer(alice.token),
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    }
    answer = ask(alice.server, headers=offered)
    assert answer.status == 101
    assert "sec-websocket-extensions" not in answer.headers


def test_frames_that_come_in_one_segment_with_the_request_are_served(
    alice: Person, bob: Person
) -> None:
    send = {"op": "send", "ref": "early", "to": {"user": bob.id},
            "message": {"media": "text", "content": "as soon as possible"}}
    early = frame(TEXT, json.dumps(send).encode()) + frame(0x9, b"early")
    with HandMade(alice.server, headers=bearer(alice.token), early=early) as made:
        received = [made.receive() for _ in range(3)]
    assert (0xA, b"early") in received
    texts = [json.loads(data) for opcode, data in received if opcode == TEXT]
    assert [item["op"] for item in texts] == ["hello", "ack"]
    assert texts[1]["ref"] == "early"


# -- who is asking: /v2 ----------------------------------------------------------------------


def test_no_token_gets_401_token_missing(server: Server) -> None:
    for authorization in (None, "", "Bearer", "Bearer ", "Basic YTpi"):
        answer = ask(server, headers={"Authorization": authorization})
        assert problem(answer) == (401, "token_missing"), authorization
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_malformed_foreign_or_unsigned_token_gets_401_token_invalid(alice: Person) -> None:
    unsigned = jwt.encode(jwt.decode(alice.token, KEY, algorithms=["HS256"]), "", algorithm="none")
    head, claims, signature = alice.token.split(".")
    for token in (
        "x", "a.b.c", "a.b", f"{head}.{claims}", f"{head}.{claims}.{signature[:-4]}AAAA",
        spoilt(alice, OTHER_KEY), unsigned, alice.refresh_token,
        spoilt(alice, sub="x"), spoilt(alice, sub="\ud800"), spoilt(alice, sub="9" * 5000),
        spoilt(alice, exp="never"), "é",
    ):
        answer = ask(alice.server, headers=bearer(token))
        assert problem(answer) == (401, "token_invalid"), token[:200]


def test_an_expired_token_gets_401_token_expired(alice: Person) -> None:
    answer = ask(alice.server, headers=bearer(spoilt(alice, exp=int(time.time()) - 5)))
    assert problem(answer) == (401, "token_expired")


def test_a_token_of_a_session_that_ended_gets_401_session_revoked(server: Server) -> None:
    person = Person(server)
    assert person.request("POST", "/v2/auth/logout").status_code == 204
    assert problem(ask(server, headers=bearer(person.token))) == (401, "session_revoked")


def test_a_token_is_no_good_for_another_user_even_with_the_right_key(
    alice: Person, bob: Person
) -> None:
    answer = ask(alice.server, headers=bearer(spoilt(alice, sub=str(bob.id))))
    assert problem(answer) == (401, "session_revoked")


def test_a_ticket_opens_one_socket_and_no_second(alice: Person) -> None:
    issued = alice.request("POST", "/v2/auth/ticket").json()
    assert issued["expires_in"] == 30
    offered = {"Sec-WebSocket-Protocol": f"hichat.v2, ticket.{issued['ticket']}"}
    with HandMade(alice.server, headers=offered) as first:
        hello = json.loads(first.receive()[1])
    assert first.answer.headers["sec-websocket-protocol"] == "hichat.v2"
    assert (hello["op"], hello["user"]) == ("hello", alice.id)
    assert problem(ask(alice.server, headers=offered)) == (401, "token_invalid")


@pytest.mark.parametrize("ticket", ["", "x", "A" * 43, "%00"])
def test_an_unknown_ticket_gets_401_whatever_else_is_sent(alice: Person, ticket: str) -> None:
    offered = {**bearer(alice.token), "Sec-WebSocket-Protocol": f"hichat.v2, ticket.{ticket}"}
    assert problem(ask(alice.server, headers=offered)) == (401, "token_invalid")


# -- who is asking: /v1 ----------------------------------------------------------------------


def seed_words(answer: Answer) -> str:
    """The words of a `/v1` refusal: 401 and nothing but a message."""
    assert answer.status == 401
    content = json.loads(answer.body)
    assert content.keys() == {"message"}
    return content["message"]


def test_the_seeds_socket_opens_with_token_and_user_id_in_the_query(alice: Person) -> None:
    path = f"/v1/user/SendUserMsg?token={alice.token}&userId={alice.id}"
    assert ask(alice.server, path).status == 101


def test_the_seeds_five_refusals_keep_their_words(alice: Person, bob: Person) -> None:
    expired = spoilt(alice, exp=int(time.time()) - 5)
    for token, user_id, words in (
        ("", alice.id, "请登录"),
        ("a.b.c", alice.id, "token失效"),
        (spoilt(alice, OTHER_KEY), alice.id, "token失效"),
        (alice.refresh_token, alice.id, "token失效"),
        (expired, alice.id, "授权已过期"),
        (alice.token, bob.id, "您的登录不合法"),
        (alice.token, "abc", "您userId不合法"),
        (alice.token, "", "您userId不合法"),
        (alice.token, "-1", "您userId不合法"),
        (alice.token, "9" * 400, "您的登录不合法"),
    ):
        path = f"/v1/user/SendUserMsg?token={token}&userId={user_id}"
        assert seed_words(ask(alice.server, path)) == words, (words, str(user_id)[:20])
