"""The matrix of the sockets: what each role gets of each operation of `/v2` and of `/v1`.

Every role but the two without a session has a device: the matrix of the routes has those, where
they ask for a socket. `OK` is what an allowed operation comes to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.support.matrix import Expected, Policy, everybody, policy
from tests.support.scene import CONNECTED, NOWHERE

OK = 0
V1 = "/v1 Type "


class Op(NamedTuple):
    """One operation, asked for in one way; `name` is its op, or the Type of a `/v1` message."""

    name: str
    expects: Policy
    fields: Mapping[str, Any]
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.note}".strip()

    def roles(self, allowed: bool) -> dict[str, Expected]:
        """Those with a device that are allowed to do it, or are not."""
        return {
            role: expected for role, expected in self.expects.items()
            if role in CONNECTED and (expected == OK) == allowed
        }


def writers() -> Policy:
    return policy(OK, muted="muted")


def admins(**others: Expected) -> Policy:
    return policy("forbidden", **{"admin": OK, "owner": OK, **others})


def both() -> Policy:
    return policy("not_a_member", owner=OK, member=OK)


def apart(expected: Expected) -> Policy:
    return policy("not_a_member", owner=expected, blocked=expected)


def text(**where: Any) -> dict[str, Any]:
    return {"ref": "@new", "message": {"media": "text", "content": "hello"}, **where}


def change(seq: Any, conversation: str = "@group", **more: Any) -> dict[str, Any]:
    return {"ref": "@new", "conversation": conversation, "seq": seq, **more}


def edit(seq: str, conversation: str = "@group") -> dict[str, Any]:
    return change(seq, conversation, message={"content": "better"})


def react(seq: str, conversation: str = "@group") -> dict[str, Any]:
    return change(seq, conversation, emoji="🎉", on=True)


def forward(into: str, source: str, seq: Any) -> dict[str, Any]:
    given = {"conversation": source, "seqs": [seq]}
    return {"ref": "@new", "conversation": into, "from": given}


def remove(conversation: str, seq: Any) -> dict[str, Any]:
    return {"ref": "@new", "conversation": conversation, "seqs": [seq]}


def seed(kind: int, target: Any = 0) -> dict[str, Any]:
    return {"Type": kind, "TargetId": target, "Media": 1, "Content": "hello"}


OPS = [
    Op("send", writers(), text(conversation="@group")),
    Op("send", both(), text(conversation="@private"), "in a private chat"),
    Op("send", everybody("not_a_member"), text(conversation="@log"), "to the owner's log"),
    Op("send", everybody("not_a_member"), text(conversation="@nowhere"), "to nothing"),
    Op("send", everybody("muted", siteadmin=OK), text(conversation="@public"), "to everybody"),
    Op("send", everybody(OK), text(to={"user": "@outsider"}), "to a user"),
    Op("send", everybody(OK, admin="blocked"), text(to={"user": "@hater"}),
       "to a user who blocks the admin"),
    Op("send", everybody(OK, owner="blocked"), text(to={"user": "@blocked"}),
       "to whom the owner blocks"),
    Op("send", everybody(OK, blocked="blocked"), text(to={"user": "@owner"}),
       "to the owner, who blocks one"),
    Op("send", everybody("unknown_user"), text(to={"user": "@nowhere"}), "to nobody"),
    Op("broadcast", everybody("unknown_op"), text(), "which is no op of this socket"),
    Op("sync", policy(OK, "gone"), {"ref": "@new", "cursors": {"@group": 0}}),
    Op("sync", policy("gone", "gone", owner=OK, member=OK),
       {"ref": "@new", "cursors": {"@private": 0}}, "a private chat"),
    Op("sync", policy("gone", "gone", owner=OK), {"ref": "@new", "cursors": {"@log": 0}},
       "the owner's log"),
    Op("read", policy(OK), change("@said")),
    Op("read", both(), change(1, "@private"), "a private chat"),
    Op("read", apart(OK), change(1, "@between"), "across a block"),
    Op("edit", writers(), edit("@own")),
    Op("edit", policy("forbidden"), edit("@deputys"), "another's"),
    Op("edit", apart("blocked"), edit("@own_between", "@between"), "across a block"),
    Op("react", writers(), react("@said")),
    Op("react", policy(OK, muted="muted", newcomer="not_found"), react("@early"),
       "to what was said before one came"),
    Op("react", apart("blocked"), react("@own_between", "@between"), "across a block"),
    Op("react", everybody("muted", siteadmin=OK), react("@news", "@public"), "to a broadcast"),
    Op("pin", admins(muted="muted"), change("@own", on=True)),
    Op("pin", apart("blocked"), change("@own_between", "@between", on=True), "across a block"),
    Op("recall", policy(OK), change("@slip"), "one's own"),
    Op("recall", policy("forbidden", owner=OK), change("@deputys_slip"), "an admin's"),
    Op("recall", apart(OK), change("@slip_between", "@between"), "across a block"),
    Op("forward", writers(), forward("@group", "@group", "@said")),
    Op("forward", policy("not_a_member", owner="not_found"), forward("@plaza", "@log", 1),
       "out of the owner's log"),
    Op("forward", policy("not_found"), forward("@plaza", "@group", NOWHERE),
       "what there is not"),
    Op("forward", apart("blocked"), forward("@between", "@between", "@own_between"),
       "across a block"),
    Op("remove", policy(OK), remove("@group", "@said")),
    Op("remove", policy(OK, newcomer="not_found"), remove("@group", "@early"),
       "what was said before one came"),
    Op("remove", both(), remove("@private", 1), "in a private chat"),
    Op("typing", writers(), {"conversation": "@group"}),
    Op("typing", both(), {"conversation": "@private"}, "in a private chat"),
    Op("typing", apart("blocked"), {"conversation": "@between"}, "across a block"),
    Op("typing", everybody("muted", siteadmin=OK), {"conversation": "@public"}, "to everybody"),
    Op("typing", everybody("not_a_member"), {"conversation": "@log"}, "in the owner's log"),
    Op("watch", policy("offline", "offline", owner=OK), {"users": ["@member"]},
       "a user with whom the owner has a private chat"),
]
SEED_OPS = [
    Op(f"{V1}0", everybody(OK), {"Type": 0, "Media": -1}),
    Op(f"{V1}1", everybody(OK), seed(1, "@waiting"), "to a user"),
    Op(f"{V1}1", everybody(OK, admin="blocked"), seed(1, "@hater"),
       "to a user who blocks the admin"),
    Op(f"{V1}2", writers(), seed(2, "@group")),
    Op(f"{V1}2", both(), seed(2, "@private"), "to a private chat"),
    Op(f"{V1}2", everybody("not_a_member"), seed(2, "@log"), "to the owner's log"),
    Op(f"{V1}3", everybody("forbidden", siteadmin=OK), seed(3)),
]
