"""People at a real browser: contexts that are logged in, their pages, and what must not happen."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.support.client import PATIENCE, Person
from tests.support.process import wait_until
from tests.support.server import Server

BROWSER_PATIENCE = 3 * PATIENCE  # seconds: a browser that comes last among many is slow
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
BLOCKED = "Service Worker registration blocked by Playwright"  # as we have asked it to
# What Chromium writes by itself when a server is away: only tests that take it away allow it.
NETWORK = ("net::ERR_", "WebSocket connection to")
# As Chromium's developer tools have them: ms for each round trip, bytes a second.
SLOW_3G = {"latency": 2000, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
FAST_3G = {"latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375}
# All that the client layer does without: a page of it alone is there much sooner.
VIEWS = re.compile(r"/assets/\w+/(?:styles/|main\.js|views/(?!client\.js|environment\.js))")
TYPES = {"css": "text/css", ".js": "text/javascript"}
LAB = """async () => {
    const { client } = await import("views/client.js");
    globalThis.client = client;
    await new Promise((resolve) => {
        const look = () => client.painted.value ? resolve() : setTimeout(look, 5);
        look();
    });
}"""


def program() -> str:
    """Where Chromium is. `manage.py test` installs it where it may."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    assert found, "There is no Chromium: apt-get install chromium"
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=BROWSER_PATIENCE * 1000)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=program(), args=[
                "--no-sandbox", "--disable-dev-shm-usage",
                "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            ],
        )
        try:
            yield made
        finally:
            made.close()


class Desk:
    """One browser of one person, with storage of its own; its tabs share that."""

    def __init__(
        self, browser: Browser, server: Server, person: Person | None = None,
        prefs: dict[str, Any] | None = None, **options: Any,
    ) -> None:
        self.server = server
        self.person = person
        self.trouble: list[str] = []
        self.allowed: tuple[str, ...] = ()
        options.setdefault("viewport", {"width": 1280, "height": 800})
        options.setdefault("service_workers", "block")
        self.context: BrowserContext = browser.new_context(
            base_url=server.http, locale="en-GB", storage_state=_storage(server, person, prefs),
            **options,
        )
        self.context.set_default_timeout(BROWSER_PATIENCE * 1000)
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.trouble.append(str(error.error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and message.text != BLOCKED:
            self.trouble.append(message.text)

    def allow(self, *parts: str) -> None:
        """Trouble that this test makes: console texts with one of these parts."""
        self.allowed += parts

    def tab(self, path: str = "/") -> Page:
        """A page with the app in it, at a path like `/#/contacts`."""
        page = self.context.new_page()
        page.goto(path)
        return page

    def lab(self) -> Page:
        """A page with the client (`client`) and without any view."""
        page = self.context.new_page()
        page.route(VIEWS, lambda route: route.fulfill(
            body="", content_type=TYPES[route.request.url[-3:]]
        ))
        page.goto("/")
        if self.person:
            page.evaluate(LAB)
        return page

    def offline(self, is_offline: bool = True) -> None:
        self.context.set_offline(is_offline)

    def close(self) -> None:
        """Every test ends here: nothing went wrong on the way."""
        self.context.close()
        found = [text for text in self.trouble if not any(part in text for part in self.allowed)]
        assert found == [], found


def throttle(page: Page, conditions: dict[str, float]) -> None:
    """Emulate a slow network from now on."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {"offline": False, **conditions})


def wait_for(page: Page, expression: str, argument: Any = None) -> Any:
    """Wait until a JavaScript expression (or function of `argument`) is true; its value.

    Playwright's own way evaluates strings in the page, which the page's policy forbids.
    """
    found: list[Any] = [None]

    def holds() -> bool:
        found[0] = page.evaluate(expression, argument)
        return bool(found[0])

    wait_until(holds, BROWSER_PATIENCE)
    return found[0]


def eventually(look: Callable[[], Any], wanted: Any) -> None:
    """Wait until a look shows what is wanted; say what it showed instead."""
    seen: list[Any] = []

    def holds() -> bool:
        seen[:] = [look()]
        return bool(seen[0] == wanted)

    try:
        wait_until(holds, BROWSER_PATIENCE)
    except AssertionError:
        raise AssertionError(f"{seen[0]!r} is not {wanted!r}") from None


def session_of(person: Person) -> str:
    """What the client keeps of somebody who is logged in."""
    return json.dumps({
        "user": person.get("/v2/users/me"), "access_token": person.token,
        "refresh_token": person.refresh_token,
    })


def _storage(
    server: Server, person: Person | None, prefs: dict[str, Any] | None
) -> dict[str, Any]:
    kept = {"hichat.prefs": json.dumps({"locale": "en", **(prefs or {})})}
    if person is not None:
        kept["hichat.session"] = session_of(person)
    items = [{"name": name, "value": value} for name, value in kept.items()]
    return {"cookies": [], "origins": [{"origin": server.http, "localStorage": items}]}
