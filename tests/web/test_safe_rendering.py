"""What others say, are called, and send is shown as text, and does nothing: a corpus of attacks.

Names, texts, file names, group names, announcements, notes and reactions carry them. Nothing of it
may open a dialog, run a script, break the page's policy or ask any other server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Desk
from tests.support.chat import open_chat
from tests.support.chat_page import act, conversation, message, messages, open_page, say
from tests.support.client import Person
from tests.support.server import Server
from tests.web.conftest import NewDesk

TEXTS = [
    "<script>window.attacked=1</script>",
    "<img src=x onerror=window.attacked=1>",
    "<img src=https://evil.example/pixel.png>",
    '"><svg/onload=alert(1)>',
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href=javascript:alert(1)>click</a>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<template><img src=x onerror=alert(1)></template>",
    "javascript:alert(document.domain)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "java\tscript:alert(1)",
    "`<img src=x onerror=alert(1)>`",
    "```html\n<script>alert(1)</script>\n```",
    "```\n</code></pre><img src=x onerror=alert(1)>```",
    "[click](javascript:alert(1))",
    "![](https://evil.example/pixel.png)",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} #{alert(1)}",
    "&lt;img src=x onerror=alert(1)&gt; &#60;script&#62;",
    "\u202egnp.exe\u202c <b>turned</b>",
    "{name} {count} %s %(x)s \\u003cscript\\u003e",
    "__proto__ constructor toString",
]
LINKS = {  # what becomes a link: where it leads to, exactly
    'https://evil.example/"onmouseover="alert(1)': "https://evil.example/",
    "https://evil.example/'><img src=x onerror=alert(1)>": "https://evil.example/",
    "https://evil.example/?q=<script>": "https://evil.example/?q=",
    "http://user:pass@evil.example/@javascript:alert(1)": "http://user:pass@evil.example/@javascript:alert(1)",
    "https://example.org/a_(b)": "https://example.org/a_(b)",
}
NAMES = [
    "<img src=x onerror=alert(1)>", "'\"><svg/onload=alert(1)>", "<script>alert(1)</script>",
    "{{7*7}}${7*7}", "__proto__", "javascript:alert(1)",
]
WATCH = """
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) => {
        console.error("policy", violatedDirective, blockedURI, sample);
    });
"""
FOUND = """() => {
    const wrong = [];
    for (const element of document.querySelectorAll("*:not(link[rel=icon])")) {
        for (const { name, value } of element.attributes) {
            if (name.startsWith("on")) wrong.push(`${element.tagName} ${name}`);
            const leads = ["href", "src", "action", "srcdoc", "style"].includes(name);
            if (leads && /^\\s*(javascript|data|vbscript):/i.test(value)) {
                wrong.push(`${element.tagName} ${name}=${value}`);
            }
        }
    }
    const tags = ["style", "script", "link", "meta", "template"].map(tag => `body ${tag}`);
    tags.push("iframe", "object", "embed", "base", "math", "form[action]");
    const made = [...document.querySelectorAll(tags.join())].map((one) => one.outerHTML);
    return [...wrong, ...made, window.attacked ?? ""].filter(Boolean);
}"""


class Watched:
    """A page that tells what an attack would have done."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.wrong: list[str] = []
        desk.context.add_init_script(WATCH)
        desk.context.on("dialog", self._told)
        desk.context.on("request", self._asked)
        desk.context.on("page", lambda page: page.on("popup", lambda _: self.wrong.append("popup")))

    def _told(self, dialog: Any) -> None:
        self.wrong.append(dialog.message)
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        asked, ours = urlsplit(request.url), urlsplit(self.desk.server.http)
        if asked.scheme not in ("blob", "data") and asked.netloc != ours.netloc:
            self.wrong.append(request.url)

    def unharmed(self, page: Page) -> None:
        assert page.evaluate(FOUND) == []
        assert self.wrong == []  # the policy's reports are errors of the console: Desk.close()


@pytest.fixture(scope="module")
def attackers(server: Server) -> Iterator[list[Person]]:
    yield [Person(server, name) for name in NAMES]


@pytest.fixture
def watched(alice: Person, desk_of: NewDesk) -> Watched:
    return Watched(desk_of(alice))


def test_texts_are_shown_letter_by_letter(alice: Person, bob: Person, watched: Watched) -> None:
    chat = open_chat(alice, bob)
    seqs = [say(bob, chat, text) for text in TEXTS]
    act(bob, chat, "pins", seq=seqs[1], on=True)
    act(bob, chat, "reactions", seq=seqs[0], emoji="<svg/onload=alert(1)>", on=True)
    act(bob, chat, "edits", seq=seqs[2], message={"content": TEXTS[3]})
    say(bob, chat, TEXTS[4], reply_to=seqs[0])
    page = open_page(watched.desk, chat)
    for text in TEXTS[5:]:
        plain = re.sub(r"```(?:html)?\n?|`", "", text).strip()
        shown = message(page, re.compile(re.escape(plain.split("\n")[0])))
        expect(shown.last).to_be_attached()
    put = message(page, TEXTS[0]).first.get_by_role("group", name="Reactions")
    expect(put).to_contain_text("<svg/onload=alert(1)>")
    expect(page.get_by_role("button", name="Pinned 1/1")).to_contain_text(TEXTS[1])
    assert messages(page).get_by_role("link").count() == 4  # the plain https addresses in them
    watched.unharmed(page)


def test_only_http_addresses_become_links_and_nobody_is_asked(
    alice: Person, bob: Person, watched: Watched
) -> None:
    chat = open_chat(alice, bob)
    for text in LINKS:
        say(bob, chat, text)
    page = open_page(watched.desk, chat)
    links = messages(page).get_by_role("link")
    expect(links).to_have_count(len(LINKS))
    assert [links.nth(i).get_attribute("href") for i in range(len(LINKS))] == list(LINKS.values())
    for i in range(len(LINKS)):
        expect(links.nth(i)).to_have_attribute("rel", re.compile("noopener noreferrer"))
        expect(links.nth(i)).to_have_attribute("target", "_blank")
    watched.unharmed(page)


def test_names_of_people_groups_and_files_are_text_on_every_screen(
    alice: Person, attackers: list[Person], watched: Watched
) -> None:
    evil = attackers[0]
    answer = evil.post(
        "/v2/groups", name=NAMES[1] + TEXTS[1], description=TEXTS[0], announcement=TEXTS[2],
        members=[alice.id, *(one.id for one in attackers[1:])],
    )
    group = answer.json()["id"]
    for person in attackers:
        chat = open_chat(person, alice)
        say(person, chat, f"from {person.name}")
        say(person, group, f"@{alice.name} {person.name}", mentions=[alice.id])
    file = evil.upload(b"hello", "<img src=x onerror=alert(1)>.html")
    say(evil, group, "", "file", attachment={"id": file["id"]})
    assert evil.post("/v2/contacts", user=alice.id, note=TEXTS[1]).ok
    page = watched.desk.tab("/")
    for name in NAMES:
        expect(conversation(page, name).first).to_be_visible()
    conversation(page, NAMES[1] + TEXTS[1]).click()
    expect(message(page, "from").or_(message(page, "html")).last).to_be_visible()
    watched.unharmed(page)
    for path, shown in (
        (f"/#/g/{group}", TEXTS[2]), ("/#/contacts", TEXTS[1]), ("/#/search?q=onerror", NAMES[0]),
    ):
        page.goto(path)
        expect(page.get_by_text(shown).first).to_be_visible()
        watched.unharmed(page)


def test_addresses_that_are_attacks_lead_nowhere(alice: Person, watched: Watched) -> None:
    page = watched.desk.tab("/")
    expect(page.get_by_role("heading", name="Chats")).to_be_visible()
    for path in (
        "/#/i/<img src=x onerror=alert(1)>", "/#/search?q=<svg/onload=alert(1)>", "/#/c/1e9",
        "/#/javascript:alert(1)",
    ):
        page.goto(path)
        expect(page.get_by_role("navigation", name="Main navigation")).to_be_attached()
        watched.unharmed(page)
    watched.desk.allow("404")  # there is no such invitation
