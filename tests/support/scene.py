"""The scene of the authorization matrix: who is who, and something for each route to work on.

It is built over the wire of a real server. A group by invitation with everybody who can stand in
one, an open one and one by approval, private chats, a block, the broadcast; in each of them
something said that only some may read.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.chat import open_chat
from tests.support.client import PASSWORD, Person
from tests.support.groups import new_group
from tests.support.server import Server

INSIDE = ("owner", "admin", "member", "newcomer", "muted")  # of the group
OUTSIDE = ("stranger", "siteadmin", "removed", "blocked")  # blocked: by the owner
CONNECTED = (*INSIDE, *OUTSIDE)
ROLES = (*CONNECTED, "revoked", "anonymous")  # revoked: a member whose session has ended
# Whom things are done to: in the group a member and an admin, outside of it the others.
OTHERS = ("plain", "deputy", "outsider", "waiting", "friend", "hater")
SETTINGS = {"HICHAT_RECALL_SECONDS": "3600"}  # what is said is asked about for minutes
NOWHERE = 10**9
THUMB = "👍"

# Who may ever read what is said under this name.
SECRETS: dict[str, Sequence[str]] = {
    "card": INSIDE, "announcement": INSIDE, "said": INSIDE,
    "early": [role for role in INSIDE if role != "newcomer"],
    "private": ("owner", "member"), "between": ("owner", "blocked"),
    "request": ("owner", "admin"), "note": ("member",),
    "draft": ("owner",), "loose": ("owner",), "remark": ("owner",), "email": ("owner",),
    "link": ("owner", "admin"),
}


def secret(name: str) -> str:
    """A text that stands nowhere else."""
    return f"walrus-{name}"


class Scene:
    """Names for everything, as rows use them: ids, seqs, codes. `own.admin` is @own of an admin."""

    def __init__(self, server: Server) -> None:
        self.server = server
        with ThreadPoolExecutor(4) as pool:
            known = [*CONNECTED, "revoked", *OTHERS]
            made = pool.map(lambda name: Person(server, name), known)
            self.people = dict(zip(known, made, strict=True))
        self.tokens = {name: person.token for name, person in self.people.items()}
        self.tokens["anonymous"] = ""
        # Also what stands for something of one's own where a role has none.
        self.names: dict[str, Any] = {
            "nowhere": NOWHERE, "self": 0, "own": 1, "slip": 1, "own_between": 1,
            "slip_between": 1, "session": "0", "refresh": None, "password": PASSWORD,
        }
        for name, person in self.people.items():
            self.names |= {name: person.id, f"self.{name}": person.id}
        self.texts = {name: secret(name) for name in SECRETS}
        self._build_group()
        self._build_doors()
        self._build_chats()
        self._build_own()
        self._build_media()

    def find(self, name: str, role: str) -> Any:
        """What a row's name stands for; some are each role's own, `new` is never twice the same."""
        if name == "new":
            return uuid.uuid4().hex[:20]
        own = f"{name}.{role}"
        return self.names[own] if own in self.names else self.names[name]

    def fill(self, value: Any, role: str) -> Any:
        """A row's data with its names replaced."""
        if isinstance(value, dict):
            return {
                str(self.fill(key, role)): self.fill(item, role) for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.fill(item, role) for item in value]
        if isinstance(value, str) and value.startswith("@"):
            return self.find(value[1:], role)
        return value

    def leaks(self, role: str, text: str, shows: Sequence[str] = ()) -> list[str]:
        """The secrets in a text that this role must not read."""
        return [
            name for name, word in self.texts.items()
            if word in text and role not in SECRETS[name] and name not in shows
        ]

    # -- building ----------------------------------------------------------------------------

    def say(self, name: str, conversation: int, content: str) -> int:
        answer = self.people[name].post(
            f"/v2/conversations/{conversation}/messages", ref=uuid.uuid4().hex,
            message={"media": "text", "content": content},
        )
        assert answer.status_code == 201, answer.text
        return int(answer.json()["seq"])

    def do(self, name: str, method: str, path: str, **fields: Any) -> Any:
        """What must succeed."""
        answer = self.people[name].request(method, path, json=fields)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def _build_group(self) -> None:
        people, names = self.people, self.names
        first = ("admin", "deputy", "member", "muted", "plain", "removed", "revoked")
        group = names["group"] = new_group(
            people["owner"], *(people[name] for name in first), name=secret("card"),
            announcement=secret("announcement"), description=secret("card"), join="approval",
        )
        path = f"/v2/groups/{group}"
        for name in ("admin", "deputy"):
            self.do("owner", "PATCH", f"{path}/members/{names[name]}", role="admin")
        names["early"] = self.say("plain", group, secret("early"))
        self._react_and_pin(names["early"])
        names["early_medium"] = self.carry("owner", group, secret("early"))
        names["removed_address"] = self.address("removed", names["early_medium"])
        self.do("owner", "POST", f"{path}/members", users=[names["newcomer"]])
        self.do("waiting", "POST", f"{path}/join", note=secret("request"))
        self.do("owner", "PATCH", path, join="invite")
        self.do("owner", "DELETE", f"{path}/members/{names['removed']}")
        for name in (*INSIDE, "plain", "deputy"):
            names[f"own.{name}"] = self.say(name, group, secret("said"))
            names[f"slip.{name}"] = self.say(name, group, secret("said"))
        for role in OUTSIDE:
            names[f"own.{role}"] = names["own.plain"]
            names[f"slip.{role}"] = names["own.plain"]
        names["said"], names["deputys"] = names["own.plain"], names["own.deputy"]
        names["owners"], names["deputys_slip"] = names["own.owner"], names["slip.deputy"]
        self._react_and_pin(names["said"])
        names["medium"] = self.carry("owner", group, secret("said"))
        names["address"] = self.address("owner", names["medium"])
        muted = {"muted_until": 2**50}
        self.do("owner", "PATCH", f"{path}/members/{names['muted']}", **muted)
        names["invite"] = self.do("owner", "POST", f"{path}/invites")["code"]
        self.texts["link"] = names["invite"]

    def _react_and_pin(self, seq: int) -> None:
        path = f"/v2/conversations/{self.names['group']}"
        self.do("plain", "POST", f"{path}/reactions", ref=f"r{seq}", seq=seq, emoji=THUMB, on=True)
        self.do("owner", "POST", f"{path}/pins", ref=f"p{seq}", seq=seq, on=True)

    def _build_doors(self) -> None:
        """Groups of a friend: `plaza` with every role in it, and two with nobody."""
        people, names = self.people, self.names
        roles = [people[role] for role in (*CONNECTED, "revoked")]
        names["plaza"] = new_group(people["friend"], *roles, name="plaza", join="open")
        names["door"] = new_group(people["friend"], name="door", join="open")
        names["gate"] = new_group(people["friend"], name="gate", join="approval")

    def _build_chats(self) -> None:
        people, names = self.people, self.names
        names["private"] = open_chat(people["owner"], people["member"])
        self.say("owner", names["private"], secret("private"))
        names["between"] = open_chat(people["owner"], people["blocked"])
        for role in ("owner", "blocked"):
            for own in ("own", "slip"):
                seq = self.say(role, names["between"], secret("between"))
                names[f"{own}_between.{role}"] = seq
        self.server.operate("admin", people["siteadmin"].name)
        message = {"media": "text", "content": "news"}
        news = self.do("siteadmin", "POST", "/v2/broadcasts", ref="news", message=message)
        names["public"], names["news"] = news["conversation"], news["seq"]

    def _build_media(self) -> None:
        """Uploads of the owner's in no message: one that is whole, one under way."""
        owner, names = self.people["owner"], self.names
        names["loose_medium"] = owner.upload(secret("loose").encode())["id"]
        begun = owner.request("POST", "/v2/uploads", headers={
            **owner.headers, "Tus-Resumable": "1.0.0", "Upload-Length": "10",
        })
        names["upload"] = begun.headers["Location"].rpartition("/")[2]

    def carry(self, name: str, conversation: int, content: str) -> str:
        """Send a file that says `content`; its id."""
        medium: str = self.people[name].upload(content.encode())["id"]
        message = {"media": "file", "attachment": {"id": medium}}
        self.do(
            name, "POST", f"/v2/conversations/{conversation}/messages", ref=medium,
            message=message,
        )
        return medium

    def address(self, name: str, medium: str) -> dict[str, str]:
        """The query of an upload's address, made for somebody."""
        [line] = self.do(name, "POST", "/v2/media/addresses", ids=[medium])["media"]
        return dict(parse_qsl(urlsplit(line["url"]).query))

    def _build_own(self) -> None:
        """What belongs to one user: contacts, settings, sessions."""
        names = self.names
        self.do("friend", "POST", "/v2/contacts", user=names["owner"])
        self.do("owner", "POST", f"/v2/contacts/{names['friend']}/accept")
        self.do("owner", "PATCH", f"/v2/contacts/{names['friend']}", remark=secret("remark"))
        self.do("waiting", "POST", "/v2/contacts", user=names["member"], note=secret("note"))
        self.do("owner", "PUT", f"/v2/contacts/{names['blocked']}/block")
        self.do("hater", "PUT", f"/v2/contacts/{names['admin']}/block")
        self.do("owner", "PATCH", f"/v2/conversations/{names['group']}", draft=secret("draft"))
        self.texts["email"] = f"{secret('email')}@example.org"
        self.do("owner", "PATCH", "/v2/users/me", email=self.texts["email"])
        with self.people["owner"].device() as device:
            names["log"] = device.frames[0]["account"]["id"]
        for name, person in self.people.items():
            [session] = person.get("/v2/auth/sessions")["sessions"]
            names |= {f"session.{name}": session["id"], f"refresh.{name}": person.refresh_token}
        names["owners_session"] = names["session.owner"]
        self.do("owner", "GET", "/v2/search?q=walrus")  # from here all of it is indexed
        self.do("revoked", "POST", "/v2/auth/logout")
