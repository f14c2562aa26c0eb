"""Tickets: how a browser, which cannot set headers on a WebSocket, proves who it is."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

LIFE_SECONDS = 30
MOST = 100_000


@dataclass(frozen=True)
class Pass:
    """Who may open a socket: a user, their session, and when (wall clock) it must end."""

    user: int
    session: str
    expires_at: float


class Tickets:
    """Single-use tickets of this process, each good for LIFE_SECONDS."""

    def __init__(self) -> None:
        self._issued: dict[str, tuple[float, Pass]] = {}  # in the order of their expiry

    def issue(self, entry: Pass) -> str:
        """A new ticket: 43 URL-safe characters."""
        self._forget_old()
        ticket = secrets.token_urlsafe(32)
        self._issued[ticket] = (time.monotonic() + LIFE_SECONDS, entry)
        return ticket

    def redeem(self, ticket: str) -> Pass | None:
        """The pass behind a ticket, once; None if it is unknown, used or too old."""
        expires, entry = self._issued.pop(ticket, (0.0, None))
        return entry if time.monotonic() < expires else None

    def _forget_old(self) -> None:
        now = time.monotonic()
        while self._issued:
            oldest = next(iter(self._issued))
            if self._issued[oldest][0] > now and len(self._issued) < MOST:
                return
            del self._issued[oldest]
