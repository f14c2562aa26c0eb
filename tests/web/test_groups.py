"""Behaviour 7: groups, their members and doors; notices to everybody."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.client import Person
from tests.support.groups import new_group
from tests.support.server import Server
from tests.web.conftest import NewDesk
from tests.web.people import befriend, unique
from tests.web.test_contacts import choose


def test_a_group_is_made_of_contacts_and_others_and_all_are_in_it(
    desk_of: NewDesk, alice: Person, bob: Person, server: Server
) -> None:
    carol = Person(server)
    befriend(alice, bob)
    page, his = desk_of(alice).tab("/#/contacts"), desk_of(bob).tab()
    page.get_by_role("button", name="New group").click()
    page.get_by_role("button", name="Create the group").click()
    expect(page.get_by_text("Type a name for the group.")).to_be_visible()
    page.get_by_label("Group name").fill("Lake walkers")
    page.get_by_label("Description").fill("Once around the lake, every Sunday")
    page.get_by_role("checkbox", name=bob.name).check()
    page.get_by_label("Find people").fill(carol.name)
    page.get_by_role("checkbox", name=carol.name).check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.get_by_role("button", name="Create the group").click()
    expect(page.get_by_role("main").get_by_role("heading", name="Lake walkers")).to_be_visible()
    expect(his.get_by_role("link", name=re.compile("Lake walkers"))).to_be_visible()
    group = page.evaluate("location.hash").rsplit("/", 1)[1]
    found = alice.get(f"/v2/groups/{group}")
    assert (found["size"], found["description"]) == (3, "Once around the lake, every Sunday")


def test_what_admins_announce_is_seen_by_members_at_once(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    group = new_group(alice, bob)
    hers, his = desk_of(alice).tab(f"/#/g/{group}"), desk_of(bob).tab(f"/#/g/{group}")
    expect(his.get_by_role("heading", name="walkers", level=2)).to_be_visible()
    expect(his.get_by_role("button", name="Edit the group")).to_have_count(0)
    hers.get_by_role("button", name="Edit the group").click()
    hers.get_by_label("Announcement").fill("Bring boots\nand tea")
    hers.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(his.get_by_role("heading", name="Announcement")).to_be_visible()
    panel = his.get_by_role("complementary")
    expect(panel.get_by_text("Bring boots and tea")).to_be_visible()


def test_roles_are_given_and_decide_what_one_may_do(
    desk_of: NewDesk, alice: Person, bob: Person, server: Server
) -> None:
    carol = Person(server)
    group = new_group(alice, bob, carol)
    hers, his = desk_of(alice).tab(f"/#/g/{group}"), desk_of(bob).tab(f"/#/g/{group}")
    expect(his.get_by_role("button", name=f"More about {carol.name}")).to_be_visible()
    expect(his.get_by_role("heading", name="Rules")).to_have_count(0)
    choose(hers, bob.name, "Make admin")
    expect(his.get_by_role("heading", name="Rules")).to_be_visible()
    choose(his, carol.name, "Mute for an hour")
    expect(hers.get_by_role("button", name=re.compile(f"{carol.name}.*Muted"))).to_be_visible()
    answer = carol.post(
        f"/v2/conversations/{group}/messages", ref="m", message={"media": "text", "content": "hi"}
    )
    assert answer.json()["code"] == "muted"
    choose(his, carol.name, "Remove from the group")
    his.get_by_role("dialog").get_by_role("button", name="Remove from the group").click()
    expect(hers.get_by_role("button", name=f"More about {carol.name}")).to_have_count(0)


def test_a_group_is_handed_over_left_and_disbanded(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    group = new_group(alice, bob)
    hers, his = desk_of(alice).tab(f"/#/g/{group}"), desk_of(bob).tab(f"/#/g/{group}")
    choose(hers, bob.name, "Make owner")
    hers.get_by_role("dialog").get_by_role("button", name="Make owner").click()
    hers.get_by_role("button", name="Leave the group").click()
    hers.get_by_role("dialog").get_by_role("button", name="Leave the group").click()
    expect(hers.get_by_role("link", name=re.compile("walkers"))).to_have_count(0)
    his.get_by_role("button", name="Disband the group").click()
    his.get_by_role("dialog").get_by_role("button", name="Disband the group").click()
    expect(his.get_by_role("link", name=re.compile("walkers"))).to_have_count(0)
    assert bob.request("GET", f"/v2/groups/{group}").status_code == 403


def test_who_asks_to_come_in_is_let_in(desk_of: NewDesk, alice: Person, bob: Person) -> None:
    group = new_group(alice, join="approval")
    page = desk_of(alice).tab(f"/#/g/{group}")
    expect(page.get_by_role("region", name="Members")).to_be_visible()
    assert bob.post(f"/v2/groups/{group}/join", note="It is me, Bob").status_code == 202
    expect(page.get_by_text("It is me, Bob")).to_be_visible()
    page.get_by_role("button", name=f"Let {bob.name} in").click()
    expect(page.get_by_text("It is me, Bob")).to_have_count(0)
    expect(page.get_by_role("button", name=f"More about {bob.name}")).to_be_visible()


def test_a_link_with_an_end_lets_one_in_and_can_be_taken_back(
    desk_of: NewDesk, alice: Person, bob: Person, server: Server
) -> None:
    group = new_group(alice, description="Once around the lake")
    mine = desk_of(alice, permissions=["clipboard-read", "clipboard-write"])
    hers = mine.tab(f"/#/g/{group}")
    hers.get_by_role("button", name="New link").click()
    hers.get_by_label("How many may use it").fill("none")
    hers.get_by_role("button", name="Make and copy").click()
    expect(hers.get_by_text("Type a whole number from 1 to 100,000")).to_be_visible()
    hers.get_by_label("How many may use it").fill("2")
    hers.get_by_label("Good for").select_option("a day")
    hers.get_by_role("button", name="Make and copy").click()
    expect(hers.get_by_text("2 uses left")).to_be_visible()
    address = hers.evaluate("navigator.clipboard.readText()")
    assert address.startswith(f"{server.http}/#/i/")
    his = desk_of(bob).tab(address)
    expect(his.get_by_text("Once around the lake")).to_be_visible()
    his.get_by_role("button", name="Join the group").click()
    expect(his.get_by_role("main").get_by_role("heading", name="walkers")).to_be_visible()
    expect(hers.get_by_role("button", name=f"More about {bob.name}")).to_be_visible()
    hers.get_by_role("button", name=re.compile("Take the link")).click()
    expect(hers.get_by_text("The link leads nowhere any more.")).to_be_visible()
    desk = desk_of(Person(server))
    desk.allow("status of 404")
    late = desk.tab(address)
    expect(late.get_by_role("alert")).to_be_visible()
    expect(late.get_by_role("button", name="Join the group")).to_have_count(0)


def test_members_come_page_by_page(desk_of: NewDesk, alice: Person, server: Server) -> None:
    others = [Person(server) for _ in range(130)]
    group = new_group(alice, *others)
    page = desk_of(alice).tab(f"/#/g/{group}")
    rows = page.get_by_role("region", name="Members").get_by_role("listitem")
    expect(rows.first).to_be_visible()
    last = page.get_by_role("button", name=f"More about {others[-1].name}")
    expect(last).to_have_count(0)
    rows.last.scroll_into_view_if_needed()
    expect(last).to_have_count(1)


def test_rules_of_a_group_are_changed_by_its_admins(
    desk_of: NewDesk, alice: Person, bob: Person
) -> None:
    group = new_group(alice, bob)
    page = desk_of(alice).tab(f"/#/g/{group}")
    page.get_by_role("switch", name="Only admins write").click()
    expect(page.get_by_role("switch", name="Only admins write")).to_be_checked()
    page.get_by_label("How people join").select_option("Anybody may come in")
    expect(page.get_by_label("How people join")).to_have_value("open")
    page.reload()
    expect(page.get_by_label("How people join")).to_have_value("open")
    found = alice.get(f"/v2/groups/{group}")
    assert (found["admins_only"], found["join"]) == (True, "open")


def test_an_admin_of_the_site_writes_to_everybody_and_others_read_it(
    desk_of: NewDesk, own_server: Server
) -> None:
    own_server.start()
    chief, bob = Person(own_server), Person(own_server)
    own_server.operate("admin", chief.name)
    hers = desk_of(chief, at=own_server).tab("/#/contacts")
    his = desk_of(bob, at=own_server).tab("/#/contacts")
    hers.get_by_role("button", name="Write to everybody").click()
    text = unique("The server moves at noon")
    hers.get_by_label("Notice").fill(text)
    hers.get_by_role("button", name="Send to everybody").click()
    expect(hers.get_by_role("log").get_by_text(text)).to_be_visible()
    expect(his.get_by_role("heading", name="Contacts").first).to_be_visible()
    expect(his.get_by_role("button", name="Write to everybody")).to_have_count(0)
    his.get_by_role("navigation").get_by_role("link", name=re.compile("Chats")).click()
    his.get_by_role("link", name=re.compile(text)).click()
    expect(his.get_by_role("log").get_by_text(text)).to_be_visible()
    expect(his.get_by_role("textbox", name=re.compile("message", re.I))).to_have_count(0)
