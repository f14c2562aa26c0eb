"""The matrix of `/v2` and of the routes of the system: what each role gets of each route."""

from __future__ import annotations

from typing import Any

from tests.support.matrix import Policy, Row, everybody, policy, public
from tests.support.scene import ROLES, THUMB

GROUP, CHAT = "/v2/groups/<id:group>", "/v2/conversations/<id:conversation>"
CONTACT, AUTH, ME = "/v2/contacts/<id:user>", "/v2/auth", "/v2/users/me"
CARD, GROUP_LINE = ("card",), ("card", "announcement")


def members(status: int) -> Policy:
    return policy(status)


def writers(status: int) -> Policy:
    return policy(status, muted="muted")


def admins(status: int) -> Policy:
    return policy("forbidden", admin=status, owner=status)


def only_owner(status: int) -> Policy:
    return policy("forbidden", owner=status)


def both(status: int) -> Policy:
    """The two of the private chat between owner and member."""
    return policy("not_a_member", owner=status, member=status)


def apart(owner: int | str, blocked: int | str) -> Policy:
    """The two of a chat in which the owner blocks the other."""
    return policy("not_a_member", owner=owner, blocked=blocked)


def message(content: str = "hello", **more: Any) -> dict[str, Any]:
    return {"ref": "@new", "message": {"media": "text", "content": content, **more}}


def change(seq: str, **more: Any) -> dict[str, Any]:
    return {"ref": "@new", "seq": seq, **more}


def edit(seq: str) -> dict[str, Any]:
    return change(seq, message={"content": "better"})


def react(seq: str) -> dict[str, Any]:
    return change(seq, emoji="🎉", on=True)


def forward(source: str, seq: str) -> dict[str, Any]:
    return {"ref": "@new", "from": {"conversation": source, "seqs": [seq]}}


def seen(seq: str) -> dict[str, str]:
    return {"seq": seq, "emoji": THUMB}


LOGIN = {"name": "outsider", "password": "@password"}
PRIVATE, BETWEEN, LOG = {"conversation": "private"}, {"conversation": "between"}, {
    "conversation": "log"
}
PUBLIC, PLAZA, NOWHERE = {"conversation": "public"}, {"conversation": "plaza"}, {
    "conversation": "nowhere"
}

SYSTEM = [
    Row("GET /", public(200)),
    Row("GET /worker.js", public(200)),
    Row("GET /assets/<digest>/<path:path>", dict.fromkeys(ROLES, "not_found"), "of none"),
    Row("GET /healthz", public(200)),
    Row("GET /readyz", public(200)),
    Row("GET /version", public(200)),
    Row("GET /v2/limits", public(200)),
    Row("GET /metrics", public(200), "from this host"),
]
ACCOUNTS = [
    Row(f"POST {AUTH}/register", public(201), json={"name": "@new", "password": "@password"}),
    Row(f"POST {AUTH}/login", public(200), json=LOGIN),
    Row(f"POST {AUTH}/refresh", everybody(200), json={"refresh_token": "@refresh"}),
    Row(f"POST {AUTH}/refresh", everybody("token_invalid", revoked="token_invalid"),
        "with an access token", json={}),
    Row(f"POST {AUTH}/logout", everybody(204)),
    Row(f"POST {AUTH}/ticket", everybody(200)),
    Row(f"GET {AUTH}/sessions", everybody(200)),
    Row(f"DELETE {AUTH}/sessions/<session_id>", everybody(204)),
    Row(f"DELETE {AUTH}/sessions/<session_id>", everybody("not_found", owner=204),
        "the owner's", {"session_id": "owners_session"}),
    Row(f"GET {ME}", everybody(200)),
    Row(f"PATCH {ME}", everybody(200), json={"gender": "famale"}),
    Row(f"PATCH {ME}", everybody("bad_credentials"), "a password without the old one",
        json={"password": "another one", "current_password": "a guess"}),
    Row(f"DELETE {ME}", everybody(204)),
    Row(f"GET {ME}/export", everybody(200)),
    Row("GET /v2/users/<id:user_id>", everybody(200)),
    Row("GET /v2/users", everybody(200), query={"q": "o"}),
    Row("GET /v2/users", everybody(200), "by ids", query={"ids": "@owner"}),
    Row("GET /v2/presence", everybody(200), query={"users": "1,2,3"}),
]
CONTACTS = [
    Row("GET /v2/contacts", everybody(200)),
    Row("POST /v2/contacts", everybody(201), json={"user": "@outsider"}),
    Row("POST /v2/contacts", everybody(201, owner="bad_request"), "the owner, who blocks one",
        json={"user": "@owner"}),
    Row("POST /v2/contacts", everybody(201, owner="blocked", blocked="bad_request"),
        "whom the owner blocks", json={"user": "@blocked"}),
    Row(f"POST {CONTACT}/accept", everybody("not_found", member=200), "who asked the member",
        {"user": "waiting"}),
    Row(f"POST {CONTACT}/refuse", everybody(204), at={"user": "waiting"}),
    Row(f"POST {CONTACT}/refuse", everybody(204, owner="not_found"), "the owner's friend",
        {"user": "friend"}),
    Row(f"DELETE {CONTACT}", everybody(204), at={"user": "friend"}),
    Row(f"PATCH {CONTACT}", everybody("not_found", owner=200), "the owner's friend",
        {"user": "friend"}, json={"remark": "Fred"}),
    Row(f"PUT {CONTACT}/block", everybody(200)),
    Row(f"DELETE {CONTACT}/block", everybody(204)),
]
READING = [
    Row("GET /v2/conversations", everybody(200)),
    Row("POST /v2/conversations", everybody(201), json={"user": "@outsider"}),
    Row("POST /v2/conversations", everybody(201, owner=200),
        "the blocked one", json={"user": "@blocked"}),
    Row(f"GET {CHAT}", members(200)),
    Row(f"GET {CHAT}", both(200), "private", PRIVATE),
    Row(f"GET {CHAT}", apart(200, 200), "blocked", BETWEEN),
    Row(f"GET {CHAT}", everybody("not_a_member"), "the owner's log", LOG),
    Row(f"GET {CHAT}", everybody(200), "the broadcast", PUBLIC),
    Row(f"PATCH {CHAT}", members(200), json={"draft": "later"}),
    Row(f"PATCH {CHAT}", both(200), "private", PRIVATE, json={"pinned": True}),
    Row(f"PATCH {CHAT}", everybody("not_a_member"), "the owner's log", LOG, json={"silent": True}),
    Row(f"GET {CHAT}/events", members(200)),
    Row(f"GET {CHAT}/events", members(200), "from the start", query={"after": 0}),
    Row(f"GET {CHAT}/events", members(200), "before", query={"before": "@said"}),
    Row(f"GET {CHAT}/events", members(200), "around", query={"around": "@early"}),
    Row(f"GET {CHAT}/events", members(200), "at a time", query={"at": 0}),
    Row(f"GET {CHAT}/events", both(200), "private", PRIVATE),
    Row(f"GET {CHAT}/events", apart(200, 200), "blocked", BETWEEN),
    Row(f"GET {CHAT}/events", policy("not_a_member", owner=200), "the owner's log", LOG),
    Row(f"GET {CHAT}/events", everybody("not_a_member"), "of none", NOWHERE),
    Row(f"POST {CHAT}/read", members(200), json={"seq": "@said"}),
    Row(f"POST {CHAT}/read", apart(200, 200), "blocked", BETWEEN, json={"seq": 1}),
    Row(f"GET {CHAT}/messages/<id:seq>/readers", members(200)),
    Row(f"GET {CHAT}/messages/<id:seq>/readers", policy(200, newcomer="not_found"),
        "before one came", {"seq": "early"}),
    Row(f"GET {CHAT}/messages/<id:seq>/readers", everybody("too_many_members"),
        "the broadcast", {**PUBLIC, "seq": "news"}),
    Row(f"GET {CHAT}/reactions", members(200), query=seen("@said")),
    Row(f"GET {CHAT}/reactions", members(200), "before one came", query=seen("@early")),
    Row(f"GET {CHAT}/pins", members(200)),
    Row("GET /v2/search", everybody(200), query={"q": "walrus"}),
    Row("GET /v2/search", members(200), "in the group",
        query={"q": "walrus", "conversation": "@group"}),
    Row("GET /v2/search", everybody("not_a_member"), "in the owner's log",
        query={"q": "walrus", "conversation": "@log"}),
    Row("GET /v2/search", everybody(200), "the best",
        query={"q": "walrus", "sort": "relevance"}),
    Row("GET /v2/search", everybody(200), "without words", query={"media": "text"}),
    Row("GET /v2/search", members(200), "without words, in the group",
        query={"conversation": "@group"}),
    Row("GET /v2/search", everybody("not_a_member"), "without words, in the owner's log",
        query={"conversation": "@log"}),
    Row("GET /v2/socket", everybody(101)),
]
WRITING = [
    Row(f"POST {CHAT}/messages", writers(201), json=message()),
    Row(f"POST {CHAT}/messages", writers(201), "a reply", json=message(reply_to="@said")),
    Row(f"POST {CHAT}/messages", policy(201, muted="muted", newcomer="bad_request"),
        "a reply to what was said before one came", json=message(reply_to="@early")),
    Row(f"POST {CHAT}/messages", {**admins(201), "muted": "muted"}, "to everybody",
        json=message(mention_all=True)),
    Row(f"POST {CHAT}/messages", both(201), "private", PRIVATE, json=message()),
    Row(f"POST {CHAT}/messages", apart("blocked", "blocked"), "blocked", BETWEEN, json=message()),
    Row(f"POST {CHAT}/messages", everybody("not_a_member"), "the owner's log", LOG,
        json=message()),
    Row(f"POST {CHAT}/messages", everybody("muted", siteadmin=201), "the broadcast", PUBLIC,
        json=message()),
    Row("POST /v2/broadcasts", everybody("forbidden", siteadmin=201), json=message()),
    Row(f"POST {CHAT}/edits", writers(201), "one's own", json=edit("@own")),
    Row(f"POST {CHAT}/edits", policy("forbidden"), "another's", json=edit("@said")),
    Row(f"POST {CHAT}/edits", apart("blocked", "blocked"), "blocked", BETWEEN,
        json=edit("@own_between")),
    Row(f"POST {CHAT}/edits", everybody("forbidden", siteadmin=201), "the broadcast", PUBLIC,
        json=edit("@news")),
    Row(f"POST {CHAT}/recalls", members(201), "one's own", json=change("@own")),
    Row(f"POST {CHAT}/recalls", admins(201), "a member's", json=change("@said")),
    Row(f"POST {CHAT}/recalls", only_owner(201), "an admin's", json=change("@deputys")),
    Row(f"POST {CHAT}/recalls", only_owner(201), "the owner's", json=change("@owners")),
    Row(f"POST {CHAT}/recalls", apart(201, 201), "blocked", BETWEEN, json=change("@own_between")),
    Row(f"POST {CHAT}/recalls", everybody("forbidden", siteadmin=201), "the broadcast", PUBLIC,
        json=change("@news")),
    Row(f"POST {CHAT}/reactions", writers(201), json=react("@said")),
    Row(f"POST {CHAT}/reactions", policy(201, muted="muted", newcomer="not_found"),
        "to what was said before one came", json=react("@early")),
    Row(f"POST {CHAT}/reactions", apart("blocked", "blocked"), "blocked", BETWEEN,
        json=react("@own_between")),
    Row(f"POST {CHAT}/reactions", everybody("muted", siteadmin=201), "the broadcast", PUBLIC,
        json=react("@news")),
    Row(f"POST {CHAT}/pins", {**admins(201), "muted": "muted"}, json=change("@own", on=True)),
    Row(f"POST {CHAT}/pins", both(201), "private", PRIVATE, json=change(1, on=True)),
    Row(f"POST {CHAT}/pins", apart("blocked", "blocked"), "blocked", BETWEEN,
        json=change("@own_between", on=True)),
    Row(f"POST {CHAT}/pins", everybody("muted", siteadmin=201), "the broadcast", PUBLIC,
        json=change("@news", on=True)),
    Row(f"POST {CHAT}/removals", members(201), json={"ref": "@new", "seqs": ["@said"]}),
    Row(f"POST {CHAT}/removals", policy(201, newcomer="not_found"), "before one came",
        json={"ref": "@new", "seqs": ["@early"]}),
    Row(f"POST {CHAT}/forwards", writers(201), "within the group",
        json=forward("@group", "@said")),
    Row(f"POST {CHAT}/forwards", members(201), "out of the group", PLAZA,
        json=forward("@group", "@said")),
    Row(f"POST {CHAT}/forwards", policy(201, newcomer="not_found"), "from before one came", PLAZA,
        json=forward("@group", "@early")),
    Row(f"POST {CHAT}/forwards", both(201), "out of a private chat", PLAZA,
        json=forward("@private", 1)),
    Row(f"POST {CHAT}/forwards", everybody("muted", siteadmin=201), "to everybody", PUBLIC,
        json=forward("@public", "@news")),
]
GROUPS = [
    Row("POST /v2/groups", everybody(201), json={"name": "new", "members": ["@outsider"]}),
    Row("POST /v2/groups", everybody(201, blocked="blocked"), "with the owner, who blocks one",
        json={"name": "new", "members": ["@owner"]}),
    Row(f"GET {GROUP}", members(200)),
    Row(f"GET {GROUP}", everybody("not_a_member"), "of none", {"group": "nowhere"}),
    Row(f"PATCH {GROUP}", admins(200), json={"name": "renamed"}),
    Row(f"DELETE {GROUP}", only_owner(204)),
    Row(f"GET {GROUP}/members", members(200)),
    Row(f"POST {GROUP}/members", admins(200), json={"users": ["@outsider"]}),
    Row(f"POST {GROUP}/members", {**admins(200), "admin": "blocked"}, "who blocks the admin",
        json={"users": ["@hater"]}),
    Row(f"POST {GROUP}/members", everybody(200), "open", {"group": "plaza"},
        json={"users": ["@outsider"]}),
    Row(f"PATCH {GROUP}/members/<id:member>", only_owner(204), "a role", json={"role": "admin"}),
    Row(f"PATCH {GROUP}/members/<id:member>", admins(204), "mute", json={"muted_until": 2**50}),
    Row(f"PATCH {GROUP}/members/<id:member>", admins(204), "unmute", {"member": "muted"},
        json={"muted_until": 0}),
    Row(f"PATCH {GROUP}/members/<id:member>", policy("forbidden"), "mute an admin",
        {"member": "deputy"}, json={"muted_until": 2**50}),
    Row(f"PATCH {GROUP}/members/<id:member>", policy("forbidden"), "unseat the owner",
        {"member": "owner"}, json={"role": "member"}),
    Row(f"DELETE {GROUP}/members/<id:member>", admins(204), "a member"),
    Row(f"DELETE {GROUP}/members/<id:member>", only_owner(204), "an admin", {"member": "deputy"}),
    Row(f"DELETE {GROUP}/members/<id:member>", policy("forbidden", owner="bad_request"),
        "the owner", {"member": "owner"}),
    Row(f"POST {GROUP}/leave", policy(204, owner="forbidden")),
    Row(f"POST {GROUP}/transfer", only_owner(204), json={"user": "@admin"}),
    Row(f"POST {GROUP}/join", policy(200, "invite_only"), json={}),
    Row(f"POST {GROUP}/join", everybody(202), "by approval", {"group": "gate"}, json={}),
    Row(f"POST {GROUP}/join", everybody(200), "open", {"group": "door"}, json={}),
    Row(f"POST {GROUP}/join", everybody("not_a_member"), "a private chat", {"group": "private"},
        json={}),
    Row(f"DELETE {GROUP}/join", everybody(204)),
    Row(f"DELETE {GROUP}/join", everybody(204), "of none", {"group": "nowhere"}),
    Row(f"GET {GROUP}/requests", admins(200)),
    Row(f"POST {GROUP}/requests/<id:user>", admins(204), "accept", {"user": "waiting"},
        json={"accept": True}),
    Row(f"POST {GROUP}/requests/<id:user>", admins(204), "refuse", {"user": "waiting"},
        json={"accept": False}),
    Row(f"POST {GROUP}/invites", admins(201), json={}),
    Row(f"POST {GROUP}/invites", everybody(201), "open", {"group": "plaza"}, json={}),
    Row(f"GET {GROUP}/invites", admins(200)),
    Row(f"DELETE {GROUP}/invites/<code>", admins(204)),
    Row(f"DELETE {GROUP}/invites/<code>", everybody("forbidden"), "through another group",
        {"group": "plaza"}),
    Row("GET /v2/invites/<code>", everybody(200), shows=CARD),
    Row("POST /v2/invites/<code>", everybody(200), shows=GROUP_LINE),
    Row("GET /v2/invites/<code>", everybody("not_found"), "of none", {"code": "nowhere"}),
]
ROWS = [*SYSTEM, *ACCOUNTS, *CONTACTS, *READING, *WRITING, *GROUPS]
