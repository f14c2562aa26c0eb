"""Addresses of files: signed, so that an `<img>` can use them, and good for half a day or a day.

An address names for whom it was made: a user, or the readers of a conversation. It does not open
anything by itself: whether they may read the file is asked each time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time

HALF_DAY = 43_200  # seconds; addresses change only so often: a browser keeps what it has
USER, CONVERSATION = "u", "c"
_READER = re.compile(r"([uc])([1-9][0-9]{0,15})")


class Addresses:
    """Makes and checks them with a key of its own, derived from the signing key."""

    def __init__(self, signing_key: str) -> None:
        self._key = hmac.digest(signing_key.encode(), b"addresses of media", "sha256")

    def for_user(self, medium: str, user: int) -> str:
        return self._address(medium, f"{USER}{user}")

    def for_conversation(self, medium: str, conversation: int) -> str:
        """For whoever was told of it: `/v1` has one address for all the readers of a message."""
        return self._address(medium, f"{CONVERSATION}{conversation}")

    def expires_at(self) -> int:
        """When the addresses that are made now end, in seconds since 1970."""
        return (int(time.time()) // HALF_DAY + 2) * HALF_DAY

    def reader(self, medium: str, reader: str, until: str, key: str) -> tuple[str, int] | None:
        """USER or CONVERSATION and its id, for a true address that has not ended."""
        found = _READER.fullmatch(reader)
        if found is None or not (until.isascii() and until.isdigit() and len(until) < 16):
            return None
        if not hmac.compare_digest(self._sign(medium, reader, until), key.encode()):
            return None
        return (found[1], int(found[2])) if time.time() < int(until) else None

    def _address(self, medium: str, reader: str) -> str:
        until = str(self.expires_at())
        key = self._sign(medium, reader, until).decode()
        return f"/v2/media/{medium}?for={reader}&until={until}&key={key}"

    def _sign(self, medium: str, reader: str, until: str) -> bytes:
        digest = hmac.digest(self._key, f"{medium} {reader} {until}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:24])
