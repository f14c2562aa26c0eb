"""What a command that changes messages comes to: its checks, and the store's act for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec

from app.chat.frames import Change, Edit, Pin, React, Recall, Remove, check_ref
from app.chat.messages import Message, Told, check_message
from app.errors import BadRequest
from app.store import Store
from app.store.log.items import Appended

EMOJI_CHARS = 32
JOINER, TAGS = "\u200d", ("\U000e0020", "\U000e007f")  # invisible, but parts of emoji


class Changes:
    """Runs the commands of `frames.Change`. Durations are seconds; 0 means never."""

    def __init__(
        self, store: Store, max_content_chars: int, edit_seconds: int, recall_seconds: int
    ) -> None:
        self._store = store
        self._max_content_chars = max_content_chars
        self._edit_seconds = edit_seconds
        self._recall_seconds = recall_seconds
        self._acts: dict[type[Change], Callable[[int, Any], Appended]] = {
            Edit: self._edit, Recall: self._recall, React: self._react, Pin: self._pin,
            Remove: self._remove,
        }

    def run(self, user: int, command: Change) -> Appended:
        """What the command has left in the log, committed. Raises HiChatError."""
        check_ref(command.ref)
        return self._acts[type(command)](user, command)

    def _edit(self, user: int, command: Edit) -> Appended:
        given = command.message
        # What needs no look at the message itself is refused before anything is locked.
        check_message(Message("image", given.content), self._max_content_chars)
        return self._store.changes.edit(
            user, command.conversation, command.seq, command.ref, given.content, given.media,
            self._edit_seconds, self._check,
        )

    def _check(self, message: dict[str, Any]) -> None:
        check_message(msgspec.convert(message, Told), self._max_content_chars)

    def _recall(self, user: int, command: Recall) -> Appended:
        return self._store.changes.recall(
            user, command.conversation, command.seq, command.ref, self._recall_seconds
        )

    def _react(self, user: int, command: React) -> Appended:
        check_emoji(command.emoji)
        return self._store.changes.react(
            user, command.conversation, command.seq, command.ref, command.emoji, command.on
        )

    def _pin(self, user: int, command: Pin) -> Appended:
        return self._store.changes.pin(
            user, command.conversation, command.seq, command.ref, command.on
        )

    def _remove(self, user: int, command: Remove) -> Appended:
        return self._store.removals.remove(
            user, command.conversation, command.seqs, command.ref
        )


def check_emoji(emoji: str) -> None:
    """Raises BadRequest for what is empty, too long, or has invisible characters."""
    if not 1 <= len(emoji) <= EMOJI_CHARS:
        raise BadRequest(f"An emoji has 1 to {EMOJI_CHARS} characters.")
    for char in emoji:
        hidden = unicodedata.category(char)[0] in "CZ" and unicodedata.category(char) != "Cn"
        if hidden and char != JOINER and not TAGS[0] <= char <= TAGS[1]:
            raise BadRequest("An emoji must not have spaces or invisible characters.")
