"""A client of the seed's kind in a real browser: `/v1` from the registration to the reload."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.server import ROOT, Server, running

CLIENT = (ROOT / "tests/web/seed_client.html").read_text()
PASSWORD = "12"  # the seed knows no rule but "not empty"


class Host(BaseHTTPRequestHandler):
    """Another host, which serves nothing but the client."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(CLIENT.encode())

    def log_message(self, *_: object) -> None:
        pass


class User:
    """Somebody at their browser, which has the client from `address`."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.name = f"user-{uuid.uuid4().hex[:8]}"

    def load(self) -> None:
        """Open the page, or open it again."""
        self.page.goto(self.address)
        if "server=" not in self.address:  # a page of the server's own, to put the client in
            self.page.set_content(CLIENT)

    def begin(self) -> None:
        self.load()
        self.call("start")

    def call(self, function: str, *arguments: Any) -> Any:
        """Run a function of the client."""
        return self.page.evaluate(f"(given) => {function}(...given)", list(arguments))

    def lines(self) -> Any:
        """What the open chat shows."""
        return self.page.locator("#chat li")

    @property
    def id(self) -> int:
        found: int = self.page.evaluate("me.userId")
        return found


def two(browser: Browser, address: str) -> Iterator[list[User]]:
    """Two who have registered and logged in, each in a browser of their own."""
    contexts = [browser.new_context(permissions=["microphone"]) for _ in range(2)]
    found = [User(context.new_page(), address) for context in contexts]
    for user in found:
        user.load()
        assert user.call("register", user.name, PASSWORD)["code"] == 0
        assert user.call("login", user.name, PASSWORD)["message"] == "登录成功"
        user.begin()
    yield found
    for context in contexts:
        context.close()


@pytest.fixture
def friends(server: Server, browser: Browser) -> Iterator[list[User]]:
    yield from two(browser, f"{server.http}/version")


@pytest.fixture
def visitors(browser: Browser, tmp_path: Path) -> Iterator[list[User]]:
    """Their client comes from another host, which the server lists."""
    host = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    Thread(target=host.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{host.server_port}"
    try:
        with running(tmp_path, HICHAT_ALLOWED_ORIGINS=origin) as server:
            yield from two(browser, f"{origin}/?server={server.http}")
    finally:
        host.shutdown()
        host.server_close()


def test_friends_chat_both_ways_with_pictures_and_voice_and_find_it_all_after_a_reload(
    friends: list[User]
) -> None:
    ann, bert = friends
    added = ann.call("call", "relation/add", {"userId": ann.id, "targetName": bert.name})
    assert added == {"code": 0, "message": "添加好友成功"}
    for user, other in ((ann, bert), (bert, ann)):
        user.call("refresh")
        expect(user.page.locator("#friends li")).to_have_text(f"{other.id} {other.name}")
        user.call("show", 1, other.id)
    ann.call("say", {"Media": 1, "Content": "在干嘛"})
    expect(bert.lines()).to_have_text(["在干嘛"])
    bert.call("say", {"Media": 1, "Content": "<b>reading</b>"})
    expect(ann.lines()).to_have_text(["在干嘛", "<b>reading</b>"])
    ann.call("sayPicture")
    expect(bert.lines().locator("img")).to_have_count(1)
    bert.call("sayVoice")
    expect(ann.lines().locator("audio")).to_have_count(1)
    for _ in range(2):  # as it came, and as the history tells it
        for user, other in ((ann, bert), (bert, ann)):
            expect(user.lines()).to_have_count(4)
            user.page.wait_for_function("shown()")
            senders = user.lines().evaluate_all("lines => lines.map(line => line.dataset.sender)")
            mine, theirs = "me", other.name
            expected = [mine, theirs, mine, theirs] if user is ann else [theirs, mine] * 2
            assert senders == expected
            user.begin()
            user.call("show", 1, other.id)


def test_a_group_is_made_found_joined_and_talked_in_by_a_client_of_another_host(
    visitors: list[User]
) -> None:
    ann, bert = visitors
    name = f"group-{uuid.uuid4().hex[:8]}"
    fields = {"ownerId": ann.id, "cate": 1, "icon": "", "name": name, "desc": "of the seed"}
    assert ann.call("call", "relation/new_group", fields)["code"] == 0
    assert ann.call("call", "relation/new_group", fields)["code"] == -1
    joining = {"userId": bert.id, "comId": name}
    assert bert.call("call", "relation/join_group", joining)["message"] == "加群成功"
    assert bert.call("call", "relation/join_group", joining)["code"] == -1
    for user in visitors:
        user.call("refresh")
        expect(user.page.locator("#groups li")).to_contain_text(name)
    group = int(ann.page.locator("#groups li").inner_text().split()[0])
    for user in visitors:
        user.call("show", 2, group)
    ann.call("say", {"Media": 1, "Content": "hello, all"})
    for user in visitors:  # this client draws its own only when they come back
        expect(user.lines()).to_have_text(["hello, all"])
    bert.call("sayPicture")
    bert.call("say", {"Media": 1, "Content": "a picture"})
    for user in visitors:
        expect(user.lines()).to_have_count(3)
        expect(user.lines().last).to_have_text("a picture")
        user.page.wait_for_function("shown()")
    assert bert.lines().first.get_attribute("data-sender") == ann.name  # whom it had to find
