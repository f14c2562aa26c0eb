"""Forwarding: copies of messages, each a message of its own that names the first author."""

from __future__ import annotations

import hashlib

import msgspec

from app.chat.frames import Origin, Told, check_ref, encode
from app.errors import NotAMember, NotFound, Recalled, RefConflict
from app.store import Store
from app.store.items import Draft, Entry, Stored

Copy = tuple[Draft, Told]
_message = msgspec.json.Decoder(Told)


def copies(
    store: Store, user: int, conversation: int, ref: str, source: int, seqs: list[int]
) -> list[Stored | Copy]:
    """For each message to be forwarded into `conversation`, where it is already, or a draft.

    Whether the user may write there, the journal asks. Raises NotAMember, NotFound, Recalled,
    RefConflict: all can be forwarded, or none is.
    """
    check_ref(ref)
    refs = [_derived(ref, index) for index in range(len(seqs))]
    stored = store.forwards.stored(user, refs)
    try:
        seen = store.forwards.originals(user, source, seqs)
    except NotAMember:
        if len(stored) < len(refs):
            raise
        seen = {}  # a member no more; what was forwarded before that is still there
    return [
        _again(stored[key], conversation, seen.get(seq)) if key in stored
        else _copy(user, key, conversation, _forwardable(seq, seen.get(seq)))
        for seq, key in zip(seqs, refs, strict=True)
    ]


def _forwardable(seq: int, entry: Entry | None) -> Entry:
    """Raises NotFound or Recalled."""
    if entry is None or entry.removed:
        raise NotFound(f"There is no message {seq} that you can see here.")
    if not entry.body:
        raise Recalled(f"The message {seq} has been recalled.")
    return entry


def _copy(user: int, ref: str, conversation: int, entry: Entry) -> tuple[Draft, Told]:
    """A message as it is forwarded: what it says, who said it first and when; no more."""
    said = _message.decode(entry.body)
    message = Told(
        said.media, said.content, attachment=said.attachment, forwarded=_origin(entry, said)
    )
    return Draft(user, ref, encode(message).decode(), conversation=conversation), message


def _again(stored: Entry, conversation: int, original: Entry | None) -> Stored:
    """The answer to a copy that is stored already. Raises RefConflict if it is of another one."""
    place = stored.conversation_id, stored.type
    copied = _message.decode(stored.body) if stored.body else None
    if place != (conversation, "message") or (copied and not copied.forwarded):
        raise RefConflict()
    if copied and original and original.body:
        said = _message.decode(original.body)
        if copied.forwarded != _origin(original, said):
            raise RefConflict()
    return Stored(conversation, 0, 0, 0, stored.seq, stored.at, fresh=False)


def _origin(entry: Entry, said: Told) -> Origin:
    return said.forwarded or Origin(entry.sender_id, entry.at)


def _derived(ref: str, index: int) -> str:
    """The ref of one copy: another one for each, the same one for each repeat."""
    return hashlib.sha256(f"{index} {ref}".encode()).hexdigest()
