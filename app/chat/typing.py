"""Who is typing: told to the others at once, stored nowhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.chat.bus import Bus
from app.chat.frames import Address, IsTyping
from app.chat.node import Node, Turn

EVERY = 2.0  # seconds between two tellings of one connection in one conversation
KNOWN = 10.0  # seconds for which a member is known to be one
TURNS = 64  # conversations remembered for one connection


class Typists:
    """`audience` says whom a member's typing goes to (None: nobody); it raises HiChatError."""

    def __init__(self, audience: Callable[[int, int], Address | None], bus: Bus) -> None:
        self._audience = audience
        self._bus = bus

    def typing(self, node: Node, conversation: int) -> None:
        """Tell the other members; too soon after the last time, nobody. Raises HiChatError."""
        now = time.monotonic()
        turn = node.turns.get(conversation)
        if turn is not None and now < turn.next_at:
            return
        if turn is None or now >= turn.known_until:
            turn = self._begin(node, conversation, now)
        turn.next_at = now + EVERY
        if turn.to is not None:
            self._bus.tell(turn.to, IsTyping(conversation, node.user), but=node.user)

    def _begin(self, node: Node, conversation: int, now: float) -> Turn:
        # Remembered before it is asked for: a removal that comes meanwhile takes it away.
        turns = node.turns
        turns.pop(conversation, None)
        if len(turns) >= TURNS:
            del turns[next(iter(turns))]
        turn = turns[conversation] = Turn(now + EVERY)
        turn.to = self._audience(node.user, conversation)
        turn.known_until = now + KNOWN
        return turn
