"""What tests of the client layer say again and again, to a page with `client` and no views."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.support.browser import Desk, eventually, wait_for

PAGE = 100  # events that a timeline reads at once
TOLD = "line.items.value.map(entry => [entry.message?.content ?? null, entry.state])"


def at_work(desk: Desk, conversation: int | None = None) -> Page:
    """A page with the client, online; with a conversation, its timeline is `line`."""
    page = desk.lab()
    online(page)
    if conversation is not None:
        show(page, conversation)
    return page


def online(page: Page) -> None:
    wait_for(page, "client.connection.state.value === 'online'")


def show(page: Page, conversation: int) -> None:
    """Open a timeline as `line`, and wait until it shows what there is."""
    page.evaluate("id => { globalThis.line = client.timeline(id); }", conversation)
    wait_for(page, "line.loading.value === null")


def say(page: Page, conversation: int, content: str) -> str:
    """Say a text through the outbox; its ref."""
    ref: str = page.evaluate(
        """([conversation, content]) =>
            client.outbox.send({ conversation }, { media: "text", content })""",
        [conversation, content],
    )
    return ref


def told(page: Page) -> list[tuple[str | None, str | None]]:
    """What the timeline shows: the texts, and how far the own ones have come."""
    return [(content, state) for content, state in page.evaluate(TOLD)]


def expect_texts(page: Page, *contents: str | None) -> None:
    eventually(lambda: [content for content, _ in told(page)], list(contents))


def expect_told(page: Page, *entries: tuple[str | None, str | None]) -> None:
    eventually(lambda: told(page), list(entries))


def row(page: Page, conversation: int) -> dict[str, Any]:
    """A line of the conversation list."""
    found: dict[str, Any] = page.evaluate("id => client.conversations.peek(id)", conversation)
    return found
