"""Tickets: how a browser, which cannot set headers on a WebSocket, proves who it is.

A ticket says by itself whose it is, signed, so that any process takes what another one issued. What
has to be shared is only which ones were used.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from typing import Protocol

import msgspec
from msgspec import Struct

LIFE_SECONDS = 30
MOST = 100_000  # tickets used within their life that one process remembers
SKEW = 60  # seconds by which the clocks of two hosts may differ before a mark is lost too early
LONGEST = 512  # characters
DIGEST_BYTES = 24


class Pass(Struct, frozen=True, array_like=True):
    """Who may open a socket: a user, their session, and when (wall clock) it must end."""

    user: int
    session: str
    expires_at: float


class Ticket(Struct, frozen=True, array_like=True):
    """What is signed. `until` is seconds since 1970; the nonce makes it one of its kind."""

    holder: Pass
    until: float
    nonce: str


class Marks(Protocol):
    """What several processes share of the used tickets."""

    def mark(self, nonce: str, seconds: int) -> bool:
        """Whether nobody has marked this nonce before, within so many seconds."""


_ticket = msgspec.json.Decoder(Ticket)


class Tickets:
    """Issues single-use tickets, each good for LIFE_SECONDS, and redeems them.

    Without `marks` there is no other process; where these cannot be asked, a ticket works at most
    once in each.
    """

    def __init__(self, signing_key: str, marks: Marks | None = None) -> None:
        self._key = hmac.digest(signing_key.encode(), b"tickets", "sha256")
        self._marks = marks
        self._used: dict[str, float] = {}  # nonce -> when its ticket ends, as they came

    def issue(self, holder: Pass) -> str:
        """A new ticket: URL-safe characters and a dot, less than LONGEST."""
        until = time.time() + LIFE_SECONDS
        said = msgspec.json.encode(Ticket(holder, until, secrets.token_urlsafe(12)))
        return f"{_text(said)}.{self._sign(said)}"

    def redeem(self, ticket: str) -> Pass | None:
        """The pass of a ticket, once; None if it is no true one, was used, or is too old."""
        found = self._read(ticket)
        if found is None or time.time() >= found.until:
            return None
        return found.holder if self._use(found) else None

    def _read(self, ticket: str) -> Ticket | None:
        said, _, signature = ticket.partition(".")
        if len(ticket) > LONGEST or not ticket.isascii():
            return None
        try:
            data = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
        except (binascii.Error, ValueError):
            return None
        if not hmac.compare_digest(self._sign(data), signature):
            return None
        return _ticket.decode(data)

    def _use(self, ticket: Ticket) -> bool:
        """Whether this is its first use."""
        self._forget_old()
        if ticket.nonce in self._used or len(self._used) >= MOST:
            return False
        self._used[ticket.nonce] = ticket.until
        return self._marks is None or self._marks.mark(ticket.nonce, LIFE_SECONDS + SKEW)

    def _forget_old(self) -> None:
        now = time.time()
        while self._used:
            oldest = next(iter(self._used))
            if self._used[oldest] > now:
                return
            del self._used[oldest]

    def _sign(self, said: bytes) -> str:
        return _text(hmac.digest(self._key, said, "sha256")[:DIGEST_BYTES])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
