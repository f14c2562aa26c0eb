"""Behaviour 1: sign up, sign in, stay signed in, devices, profile."""

from __future__ import annotations

import io

from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.browser import Desk, eventually
from tests.support.client import PASSWORD, Person
from tests.support.server import Server
from tests.web.conftest import NewDesk
from tests.web.people import elsewhere, unique


def fill(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)


def refused(desk: Desk) -> Desk:
    """One at which the server says no: the browser writes that into its console."""
    desk.allow("status of 4")
    return desk


def is_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="Chats")).to_be_visible()


def picture(colour: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (600, 400), colour).save(stream, "PNG")
    return stream.getvalue()


def test_a_newcomer_signs_up_and_is_in_after_a_reload_and_in_a_new_tab(desk_of: NewDesk) -> None:
    page = desk_of().tab()
    page.get_by_role("link", name="Create account").click()
    fill(page, unique("nina"), PASSWORD)
    page.get_by_role("button", name="Create account").click()
    is_in(page)
    page.reload()
    is_in(page)
    other = page.context.new_page()
    other.goto(page.url)
    is_in(other)


def test_what_is_wrong_with_a_sign_up_is_said_at_its_field(
    desk_of: NewDesk, alice: Person
) -> None:
    page = refused(desk_of()).tab("/#/register")
    button = page.get_by_role("button", name="Create account")
    button.click()
    expect(page.get_by_text("Type your name.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    fill(page, alice.name, "short")
    button.click()
    expect(page.get_by_text("A password has at least 8 characters")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    fill(page, alice.name, PASSWORD)
    button.click()
    expect(page.get_by_text("This name is taken: choose another one.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")


def test_the_least_length_of_a_password_is_the_one_of_this_server(
    desk_of: NewDesk, own_server: Server
) -> None:
    own_server.environ["HICHAT_PASSWORD_MIN_CHARS"] = "12"
    own_server.start()
    page = desk_of(at=own_server).tab("/#/register")
    expect(page.get_by_text("12 characters or more.")).to_be_visible()
    fill(page, "nina", "eleven char")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("A password has at least 12 characters")).to_be_visible()


def test_what_the_server_says_in_english_is_small_print_in_chinese(
    desk_of: NewDesk, alice: Person
) -> None:
    page = refused(desk_of(alice, prefs={"locale": "zh"})).tab("/#/settings")
    page.locator("input[name=email]").fill("nobody")
    page.get_by_role("button", name="保存").click()
    alert = page.get_by_role("alert").filter(has_text="服务器没有接受这项操作。")
    expect(alert.locator("small[lang=en]")).to_contain_text("email")


def test_a_wrong_password_is_told_and_can_be_mended(desk_of: NewDesk, alice: Person) -> None:
    page = refused(desk_of()).tab()
    fill(page, alice.name, "not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("The name or the password is wrong")).to_be_visible()
    fill(page, alice.name, PASSWORD)
    page.get_by_label("Password", exact=True).press("Enter")
    is_in(page)


def test_password_managers_find_what_they_look_for(desk_of: NewDesk) -> None:
    page = desk_of().tab()
    expect(page.locator("form input[autocomplete=username]")).to_have_attribute("name", "username")
    expect(page.locator("form input[autocomplete=current-password]")).to_have_count(1)
    page.get_by_role("link", name="Create account").click()
    expect(page.locator("form input[autocomplete=new-password]")).to_have_count(1)
    page.get_by_role("button", name="Show the password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")


def test_a_device_signs_out_another_one_which_hears_of_it(
    desk_of: NewDesk, alice: Person
) -> None:
    here = desk_of(alice).tab("/#/settings/sessions")
    there = refused(desk_of(elsewhere(alice, "Firefox/140 Linux"))).tab()
    is_in(there)
    here.reload()
    here.get_by_role("button", name="Sign out Firefox, Linux").click()
    here.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(here.get_by_text("That device was signed out.")).to_be_visible()
    expect(here.get_by_text("Firefox, Linux")).to_have_count(0)
    expect(there.get_by_text("You were signed out")).to_be_visible()
    expect(there.get_by_role("button", name="Sign in")).to_be_visible()


def test_signing_out_leaves_nobody_signed_in_here(desk_of: NewDesk, alice: Person) -> None:
    page = refused(desk_of(alice)).tab("/#/settings")
    page.get_by_role("button", name="Sign out of this device").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    eventually(lambda: page.evaluate("indexedDB.databases().then((found) => found.length)"), 0)


def test_a_picture_is_cut_to_a_square_and_others_see_it(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    page = desk_of(alice).tab("/#/settings")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files({"name": "me.png", "mimeType": "image/png", "buffer": picture("teal")})
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert bob.get(f"/v2/users/{alice.id}")["avatar"].startswith("/v2/media/")
    other = desk_of(bob).tab("/#/contacts")
    other.get_by_label("Search contacts and people").fill(alice.name)
    shown = other.get_by_role("button", name=alice.name).locator("img")
    expect(shown).to_be_visible()
    eventually(lambda: shown.evaluate("(img) => [img.naturalWidth, img.naturalHeight]"), [320, 320])


def test_a_file_that_is_no_picture_is_refused_in_words(desk_of: NewDesk, alice: Person) -> None:
    page = desk_of(alice).tab("/#/settings")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files({"name": "me.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.get_by_text("This file is no picture that a browser can show")).to_be_visible()


def test_the_profile_is_changed_and_a_wrong_address_is_told(
    desk_of: NewDesk, alice: Person
) -> None:
    page = refused(desk_of(alice)).tab("/#/settings")
    name = unique("renamed")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail").fill("no address")
    save = page.get_by_role("button", name="Save")
    save.click()
    expect(page.get_by_role("alert").filter(has_text="email")).to_be_visible()
    page.get_by_label("E-mail").fill("alice@example.org")
    save.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    me = alice.get("/v2/users/me")
    assert (me["name"], me["email"]) == (name, "alice@example.org")


def test_a_new_password_signs_out_the_other_devices(desk_of: NewDesk, alice: Person) -> None:
    here = refused(desk_of(alice)).tab("/#/settings/password")
    there = refused(desk_of(elsewhere(alice))).tab()
    is_in(there)
    here.get_by_label("Current password").fill("wrong wrong wrong")
    here.get_by_label("New password").fill("a new and long one")
    here.get_by_role("button", name="Change the password").click()
    expect(here.get_by_text("The name or the password is wrong")).to_be_visible()
    here.get_by_label("Current password").fill(PASSWORD)
    here.get_by_role("button", name="Change the password").click()
    expect(here.get_by_text("The password was changed")).to_be_visible()
    expect(there.get_by_role("button", name="Sign in")).to_be_visible()


def test_switches_of_privacy_are_kept(desk_of: NewDesk, alice: Person) -> None:
    page = desk_of(alice).tab("/#/settings/privacy")
    page.get_by_role("switch", name="Show when I am online").click()
    expect(page.get_by_role("switch", name="Show when I am online")).not_to_be_checked()
    page.reload()
    expect(page.get_by_role("switch", name="Show when I am online")).not_to_be_checked()
    assert alice.get("/v2/users/me")["shows_presence"] is False


def test_the_language_changes_at_once_and_stays(desk_of: NewDesk, alice: Person) -> None:
    page = desk_of(alice).tab("/#/settings")
    page.get_by_role("radio", name="中文").check()
    expect(page.get_by_role("heading", name="设置")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.reload()
    expect(page.get_by_role("heading", name="设置")).to_be_visible()


def test_the_theme_changes_at_once_and_stays(desk_of: NewDesk, alice: Person) -> None:
    page = desk_of(alice).tab("/#/settings")
    page.get_by_role("radio", name="Dark").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_theme_is_the_system_s_until_one_is_chosen(desk_of: NewDesk, alice: Person) -> None:
    page = desk_of(alice, color_scheme="light").tab("/#/settings/appearance")
    expect(page.get_by_role("radio", name="Dark")).to_be_visible()
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    assert dark != light
    page.emulate_media(color_scheme="light")
    assert page.evaluate(background) == light
    page.get_by_role("radio", name="Dark").check()
    eventually(lambda: page.evaluate(background), dark)
    page.get_by_role("radio", name="Light").check()
    page.emulate_media(color_scheme="dark")
    eventually(lambda: page.evaluate(background), light)


def test_an_export_that_was_cut_off_is_not_saved(desk_of: NewDesk, alice: Person) -> None:
    page = desk_of(alice).tab("/#/settings/data")
    half = {"body": '{"exported_at":1,"user":{', "content_type": "application/json"}
    page.route("**/v2/users/me/export", lambda route: route.fulfill(**half))
    downloads: list[object] = []
    page.on("download", lambda download: downloads.append(download))
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("The export did not arrive whole: try again.")).to_be_visible()
    assert downloads == []


def test_an_account_is_exported_and_deleted_by_its_name_only(
    desk_of: NewDesk, alice: Person
) -> None:
    page = refused(desk_of(alice)).tab("/#/settings/data")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == f"hichat-{alice.name}.json"
    for typed, told in (("somebody", "That was not your name"), (alice.name, None)):
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.get_by_label(f"Type your name, {alice.name}, to confirm").fill(typed)
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        if told:
            expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    answer = alice.request("GET", "/v2/users/me")
    assert answer.status_code == 401


def test_an_invitation_is_not_forgotten_by_a_sign_in(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    group = alice.post("/v2/groups", name="walkers").json()["id"]
    code = alice.post(f"/v2/groups/{group}/invites").json()["code"]
    page = desk_of().tab(f"/#/i/{code}")
    page.get_by_role("link", name="Create account").click()
    page.get_by_role("link", name="Sign in").click()
    fill(page, bob.name, PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Join the group")).to_be_visible()
