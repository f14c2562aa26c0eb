"""The page of an open conversation, as its reader handles it: by roles and names."""

from __future__ import annotations

import re
import uuid
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Desk
from tests.support.client import Person


def open_page(desk: Desk, conversation: int, seq: int | None = None) -> Page:
    """A tab with this conversation open, or at one of its messages."""
    page = desk.tab(f"/#/c/{conversation}" + (f"/{seq}" if seq else ""))
    expect(messages(page)).to_be_visible()
    return page


def messages(page: Page) -> Locator:
    return page.get_by_role("log", name="Messages")


def message(page: Page, text: str | re.Pattern[str]) -> Locator:
    """The message that says this, with who and when."""
    return messages(page).get_by_role("article").filter(has_text=text)


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def write(page: Page, text: str) -> None:
    """Type a text and send it."""
    composer(page).fill(text)
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("")


def choose(page: Page, shown: Locator, item: str) -> None:
    """Choose something in the menu of a message."""
    shown.hover()
    shown.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name=item).click()


def conversation(page: Page, name: str) -> Locator:
    """The line of a conversation in the list."""
    lines = page.get_by_role("list", name="Chats").get_by_role("link")
    return lines.filter(has=page.get_by_title(name, exact=True))


def say(sender: Person, chat: int, content: str, media: str = "text", **more: Any) -> int:
    """Say something over HTTP; its seq."""
    answer = sender.post(
        f"/v2/conversations/{chat}/messages", ref=uuid.uuid4().hex,
        message={"media": media, "content": content, **more},
    )
    assert answer.ok, answer.text
    return int(answer.json()["seq"])


def act(person: Person, chat: int, what: str, **fields: Any) -> None:
    """Change a message over HTTP: `edits`, `recalls`, `reactions`, `pins`."""
    answer = person.post(f"/v2/conversations/{chat}/{what}", ref=uuid.uuid4().hex, **fields)
    assert answer.ok, answer.text


def said(person: Person, chat: int) -> dict[str, Any]:
    """The latest message of a conversation as it is now; {} where there is none to see."""
    last = person.get(f"/v2/conversations/{chat}")["last_message"] or {}
    found: dict[str, Any] = last.get("message") or {}
    return found
