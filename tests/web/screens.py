"""Pictures of the main screens for the README: `python -m tests.web.screens`."""

from __future__ import annotations

import argparse
import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Desk, chromium
from tests.support.server import ROOT, running
from tests.web.story import NOON, Town

LARGEST = 120_000  # bytes of a picture
QUALITIES = (86, 78, 70, 60)
LOADED = """[...document.images].every((image) => {
    const { top, bottom } = image.getBoundingClientRect();
    return image.complete || !image.checkVisibility() || bottom < 0 || top > innerHeight;
})"""
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
WIDE = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "is_mobile": True,
    "has_touch": True,
}


@dataclass
class Shot:
    """One picture. `path` names a place of the town in braces; `wait` is a text to wait for.

    Then messages with the texts `chosen` are chosen, and `keys` are pressed.
    """

    name: str
    path: str
    wait: str
    device: dict[str, Any]
    prefs: dict[str, Any] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


SHOTS = [
    Shot("group-light", "/#/g/{group}", "Rules", WIDE, {"theme": "light"}),
    Shot("chat-dark-zh", "/#/c/{private}", "下午两点", DESKTOP, {"theme": "dark", "locale": "zh"}),
    Shot("switcher-dark", "/#/c/{group}", "Perfect", DESKTOP, {"theme": "dark"},
         keys=("Control+k", "a")),
    Shot("selection-light", "/#/c/{private}", "下午两点", DESKTOP, {"theme": "light"},
         chosen=("去！我带茶", "已经加了两米", "尾巴再长一点吧")),
    Shot("search-light", "/#/search?q=kite", "found", DESKTOP, {"theme": "light"}),
    Shot("phone-chat-light", "/#/c/{group}", "Perfect", PHONE, {"theme": "light"}),
    Shot("phone-list-dark", "/#/", "Grandma Rosa", PHONE, {"theme": "dark"}),
    Shot("phone-contacts-zh", "/#/contacts", "Tomás", PHONE, {"theme": "light", "locale": "zh"}),
    Shot("phone-settings-dark-zh", "/#/settings", "Anya", PHONE, {"theme": "dark", "locale": "zh"}),
]


def take(browser: Browser, town: Town, shot: Shot) -> bytes:
    """The picture as WebP."""
    places = {"group": town.group, "private": town.private}
    desk = Desk(
        browser, town.server, town.anya, prefs=shot.prefs, timezone_id="Europe/Berlin",
        reduced_motion="reduce", **shot.device,
    )
    page = desk.context.new_page()
    page.clock.set_fixed_time(NOON)
    page.goto(shot.path.format(**places))
    expect(page.get_by_text(shot.wait).filter(visible=True).first).to_be_visible()
    choose(page, shot.chosen)
    for key in shot.keys:
        page.keyboard.press(key)
    settle(page)
    image = Image.open(io.BytesIO(page.screenshot()))
    desk.close()
    return packed(image)


def choose(page: Page, texts: tuple[str, ...]) -> None:
    for i, text in enumerate(texts):
        page.get_by_role("article").filter(has_text=text).click(button="left" if i else "right")
        if not i:
            page.get_by_role("menuitem", name="Choose several").click()


def settle(page: Page) -> None:
    """Until every picture is there, and two looks in a row see the same."""
    before = b""
    for _ in range(40):
        page.wait_for_timeout(250)
        loaded = page.evaluate(LOADED)
        now = page.screenshot(caret="hide")
        if loaded and now == before:
            return
        before = now
    raise AssertionError("The page does not come to rest.")


def packed(image: Image.Image) -> bytes:
    """As good as fits into LARGEST."""
    for quality in QUALITIES:
        stream = io.BytesIO()
        image.convert("RGB").save(stream, "WEBP", quality=quality, method=6)
        if stream.tell() <= LARGEST:
            break
    assert stream.tell() <= LARGEST
    return stream.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/screens")
    parser.add_argument("names", nargs="*", help="only these")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    wanted = [shot for shot in SHOTS if not given.names or shot.name in given.names]
    with (
        tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server,
        chromium() as browser,
    ):
        town = Town(server)
        for shot in wanted:
            path = given.out / f"{shot.name}.webp"
            path.write_bytes(take(browser, town, shot))
            print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
