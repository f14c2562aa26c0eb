"""Pictures, files, voice: chosen, pasted, dropped, recorded; sent with progress; seen, heard."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import throttle, wait_for
from tests.support.chat_page import composer, message, messages, open_page, said
from tests.support.client import Person
from tests.support.files import picture
from tests.web.conftest import NewDesk

HAND_OVER = """(target, [event, name, type, base64]) => {
    const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type }));
    const options = { bubbles: true, cancelable: true };
    target.dispatchEvent(event === "paste"
        ? new ClipboardEvent(event, { ...options, clipboardData: data })
        : new DragEvent(event, { ...options, dataTransfer: data }));
}"""
FILM = """async target => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 90 });
    const context = canvas.getContext("2d");
    const mimeType = "video/webm;codecs=vp8";
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise(resolve => { recorder.onstop = resolve; });
    recorder.start();
    for (let i = 0; i < 25; i += 1) {
        context.fillStyle = `hsl(${i * 14} 80% 50%)`;
        context.fillRect(0, 0, 160, 90);
        await new Promise(resolve => setTimeout(resolve, 40));
    }
    recorder.stop();
    await stopped;
    const data = new DataTransfer();
    data.items.add(new File(parts, "clip.webm", { type: "video/webm" }));
    const options = { bubbles: true, cancelable: true, clipboardData: data };
    target.dispatchEvent(new ClipboardEvent("paste", options));
}"""
SLOW = {"latency": 0, "downloadThroughput": 1_000_000, "uploadThroughput": 20_000}


def hand_over(place: Locator, event: str, name: str, kind: str, data: bytes) -> None:
    place.evaluate(HAND_OVER, [event, name, kind, base64.b64encode(data).decode()])


def attach(page: Page, *files: dict[str, Any]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(list(files))


def shown(picture: Locator) -> None:
    """The picture is really there, not only its frame."""
    expect(picture.locator("img")).to_be_visible()
    handle = picture.locator("img").element_handle()
    wait_for(picture.page, "image => image.complete && image.naturalWidth > 0", handle)


def test_pictures_are_pasted_and_dropped_and_seen_by_both(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    mine, theirs = open_page(desk_of(alice), chat), open_page(desk_of(bob), chat)
    hand_over(composer(mine), "paste", "one.png", "image/png", picture("PNG"))
    hand_over(messages(mine), "dragover", "two.jpg", "image/jpeg", b"")
    expect(mine.get_by_text("Drop files here to send them")).to_be_visible()
    hand_over(messages(mine), "drop", "two.jpg", "image/jpeg", picture("JPEG"))
    tray = mine.get_by_role("list", name="Files to send")
    expect(tray.get_by_role("listitem")).to_have_count(2)
    tray.get_by_role("button", name="Remove two.jpg").click()
    expect(tray.get_by_role("listitem")).to_have_count(1)
    composer(mine).fill("from the walk")
    composer(mine).press("Enter")
    for page in (mine, theirs):
        shown(message(page, "from the walk").get_by_role("button", name="Open the picture one.png"))
    assert said(bob, chat)["media"] == "image"


def test_the_viewer_shows_one_picture_after_the_other_and_gives_the_focus_back(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(alice), chat)
    for count, (name, kind) in enumerate((("a.png", "image/png"), ("b.jpg", "image/jpeg")), 1):
        attach(page, {"name": name, "mimeType": kind, "buffer": picture(kind[6:].upper())})
        page.get_by_role("button", name="Send", exact=True).click()
        expect(messages(page).get_by_text("Sent")).to_have_count(count)
    first = page.get_by_role("button", name="Open the picture a.png")
    shown(first)
    shown(page.get_by_role("button", name="Open the picture b.jpg"))
    first.click()
    viewer = page.get_by_role("dialog", name="Pictures")
    shown(viewer)
    expect(viewer.get_by_role("link", name="Download")).to_have_attribute("download", "a.png")
    page.keyboard.press("ArrowRight")
    expect(viewer.get_by_role("link", name="Download")).to_have_attribute("download", "b.jpg")
    expect(viewer.get_by_role("button", name="Next picture")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    expect(first).to_be_focused()


def test_a_file_tells_how_much_has_gone_and_can_be_stopped(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(alice), chat)
    throttle(page, SLOW)
    plan = {"name": "plan.bin", "mimeType": "application/octet-stream", "buffer": b"x" * 600_000}
    attach(page, plan)
    page.get_by_role("button", name="Send", exact=True).click()
    progress = message(page, "plan.bin").get_by_role("progressbar", name="Upload")
    expect(progress).to_be_visible()
    wait_for(page, "document.querySelector('[role=progressbar]').ariaValueNow > 0")
    message(page, "plan.bin").get_by_role("button", name="Cancel the upload").click()
    expect(message(page, "plan.bin")).to_have_count(0)
    assert said(bob, chat) == {}


def test_a_file_is_a_download_for_who_receives_it(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    mine, theirs = open_page(desk_of(alice), chat), open_page(desk_of(bob), chat)
    attach(mine, {"name": "minutes of may.txt", "mimeType": "text/plain", "buffer": b"agreed"})
    composer(mine).press("Enter")
    link = message(theirs, "minutes of may.txt").get_by_role("link", name="Download")
    with theirs.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "minutes of may.txt"
    assert download.value.path().read_bytes() == b"agreed"


def test_what_the_server_refuses_is_told_and_can_be_discarded(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    desk = desk_of(alice)
    page = open_page(desk, chat)
    broken = picture("JPEG")[:200]
    attach(page, {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": broken})
    composer(page).press("Enter")
    expect(messages(page).get_by_role("alert")).to_contain_text("Not sent.")
    messages(page).get_by_role("button", name="Discard").click()
    expect(messages(page).get_by_role("article")).to_have_count(0)
    desk.allow("Failed to load resource")  # the refusal, as Chromium writes it


def test_a_film_is_shown_in_its_place_with_the_size_that_it_has(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    mine, theirs = open_page(desk_of(alice), chat), open_page(desk_of(bob), chat)
    composer(mine).evaluate(FILM)
    expect(mine.get_by_role("list", name="Files to send")).to_contain_text("clip.webm")
    composer(mine).press("Enter")
    film = messages(theirs).get_by_label("clip.webm")
    expect(film).to_be_visible()
    plays = "film => film.videoWidth === 160 && film.videoHeight === 90"
    wait_for(theirs, plays, film.element_handle())
    assert (said(bob, chat)["media"], said(bob, chat)["attachment"]["width"]) == ("video", 160)
    box = film.bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 160 / 90) < 0.05


def test_a_voice_message_is_recorded_and_played(
    alice: Person, bob: Person, chat: int, desk_of: NewDesk
) -> None:
    mine = open_page(desk_of(alice, permissions=["microphone"]), chat)
    theirs = open_page(desk_of(bob), chat)
    mine.get_by_role("button", name="Record a voice message").click()
    expect(mine.get_by_role("timer", name="Recording time")).to_have_text("0:02")
    mine.get_by_role("button", name="Send", exact=True).click()
    expect(composer(mine)).to_be_focused()
    for page in (mine, theirs):
        play = messages(page).get_by_role("button", name="Play")
        expect(play).to_be_enabled()
    attachment = said(bob, chat)["attachment"]
    assert 1000 < attachment["duration"] < 30_000
    assert len(set(bytes.fromhex(attachment["waveform"]))) > 1  # it beeps
    messages(theirs).get_by_role("button", name="Play").click()
    wait_for(theirs, "Number(document.querySelector('input[type=range]').value) > 200")
    expect(messages(theirs).get_by_role("slider", name="Position")).to_be_visible()


def test_a_recording_can_be_thrown_away(
    alice: Person, chat: int, desk_of: NewDesk
) -> None:
    page = open_page(desk_of(alice, permissions=["microphone"]), chat)
    page.get_by_role("button", name="Record a voice message").click()
    page.get_by_role("button", name="Discard the recording").click()
    expect(composer(page)).to_be_focused()
    expect(messages(page).get_by_role("article")).to_have_count(0)
