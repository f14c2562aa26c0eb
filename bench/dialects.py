"""What each server speaks. One small adapter per protocol; the load generator knows no other word.

Every message carries its ten-digit number twice: `~0000000042~` in the content, which arrives
at the receiver (the delivery), and `^0000000042^` as the ref, which comes back to the sender (the
ack). The generator looks for these marks and for nothing else, so that it treats all servers alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

DELIVERED, ACKED = b"~", b"^"
DIGITS = 10

# With the marks, a frame of about 180 bytes: the size that the figures were taken with.
FILLER = "the quick brown fox jumps over the lazy dog, twice before breakfast, once after"


@dataclass
class Member:
    """One connection's user: `id` as the server knows it, `token` where there is one."""

    id: int
    token: str = ""


class Dialect(Protocol):
    acks: bool
    """Does the sender hear of its message? Where not, the delivery is the only sign."""

    greets: bool
    """Does the server say something when it is ready? Where not, the 101 must do."""

    def upgrade(self, member: Member) -> tuple[str, dict[str, str]]:
        """The path and the additional headers of the upgrade request."""
        ...

    def ready(self, payload: bytes) -> bool:
        """Is this the server's hello?"""
        ...

    def answer(self, payload: bytes) -> bytes | None:
        """What to say to a frame that is neither an ack nor a delivery: a protocol's own ping."""
        ...

    def message(self, sender: Member, target: int, number: int) -> bytes:
        """A message to user `target`; 0 is the scenario's one group. The number has ten digits."""
        ...


class Quiet:
    """Defaults: a server that asks nothing."""

    greets = True

    def ready(self, payload: bytes) -> bool:
        return b'"hello"' in payload

    def answer(self, payload: bytes) -> bytes | None:
        return None


class HiChatV2(Quiet):
    """`/v2/socket` with a bearer token; `group` is the conversation of the fan-out."""

    acks = True

    def __init__(self, group: int = 0) -> None:
        self.group = group

    def upgrade(self, member: Member) -> tuple[str, dict[str, str]]:
        return "/v2/socket", {
            "Sec-WebSocket-Protocol": "hichat.v2",
            "Authorization": f"Bearer {member.token}",
        }

    def message(self, sender: Member, target: int, number: int) -> bytes:
        where = f'"to":{{"user":{target}}}' if target else f'"conversation":{self.group}'
        return (
            f'{{"op":"send","ref":"^{number:010d}^",{where},'
            f'"message":{{"media":"text","content":"~{number:010d}~ {FILLER}"}}}}'
        ).encode()


class HiChatV1(Quiet):
    """The seed's socket: no hello, no ack, the token in the query string."""

    acks = False
    greets = False

    def upgrade(self, member: Member) -> tuple[str, dict[str, str]]:
        return f"/v1/user/SendUserMsg?token={member.token}&userId={member.id}", {}

    def message(self, sender: Member, target: int, number: int) -> bytes:
        return (
            f'{{"TargetId":{target},"Type":1,"CreateTime":1672996855236,"userId":{sender.id},'
            f'"Media":1,"Content":"~{number:010d}~ {FILLER}"}}'
        ).encode()


class Peer(Quiet):
    """The peers' protocol: `{"to","from","ref","content"}` in, the same out, `{"ack"}` if stored.

    `from` is there because the seed's own message has its sender in it (and believes it); the
    Go relay forwards what it read, as the seed does. The other peers write `from` themselves.
    """

    def __init__(self, acks: bool = False) -> None:
        self.acks = acks

    def upgrade(self, member: Member) -> tuple[str, dict[str, str]]:
        return f"/ws?user={member.id}", {}

    def message(self, sender: Member, target: int, number: int) -> bytes:
        return (
            f'{{"to":{target},"from":{sender.id},"ref":"^{number:010d}^",'
            f'"content":"~{number:010d}~ {FILLER}"}}'
        ).encode()


class SocketIO(Peer):
    """Engine.IO 4 and Socket.IO 5 over a bare WebSocket: the packet's type is its first digits.

    Server `0{...}` (open) is answered `40` (connect); server `40{...}` is the hello; server `2`
    (ping) is answered `3`. Events are `42[name, argument]`; with an id (`42<id>[...]`) they ask
    for the library's own acknowledgement, which comes back as `43<id>[...]`.
    """

    def upgrade(self, member: Member) -> tuple[str, dict[str, str]]:
        return f"/socket.io/?EIO=4&transport=websocket&user={member.id}", {}

    def ready(self, payload: bytes) -> bool:
        return payload.startswith(b"40")

    def answer(self, payload: bytes) -> bytes | None:
        if payload[:1] == b"0":
            return b"40"
        return b"3" if payload == b"2" else None

    def message(self, sender: Member, target: int, number: int) -> bytes:
        argument = super().message(sender, target, number)
        packet = b"42%010d" % number if self.acks else b"42"
        return packet + b'["send",' + argument + b"]"


def make(name: str, acks: bool, group: int = 0) -> Dialect:
    """The dialect called `name`, as a server's entry in `servers.py` names it."""
    if name == "v2":
        return HiChatV2(group)
    if name == "v1":
        return HiChatV1()
    return SocketIO(acks) if name == "socketio" else Peer(acks)
