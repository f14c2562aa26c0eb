"""Forwarding: copies of messages, each a message of its own that names the first author."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from app.chat.frames import Ack, Forward, Place, check_ref, encode
from app.chat.messages import Origin, Told
from app.errors import NotAMember, NotFound, Recalled, RefConflict
from app.store import Store
from app.store.log.items import Draft, Entry, Stored

Copy = tuple[Draft, Told]
_message = msgspec.json.Decoder(Told)


def copies(store: Store, user: int, command: Forward) -> list[Stored | Copy]:
    """For each message to be forwarded, where it is already, or a draft.

    Whether the user may write there, the journal asks. Raises NotAMember, NotFound, Recalled,
    RefConflict: all can be forwarded, or none is.
    """
    ref, conversation = command.ref, command.conversation
    source, seqs = command.source.conversation, command.source.seqs
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
        else _copy(user, key, conversation, seq, seen.get(seq))
        for seq, key in zip(seqs, refs, strict=True)
    ]


def forwarded(ref: str, stored: Sequence[Stored]) -> Ack:
    """What the sender of a forward hears."""
    places = [Place(found.conversation, found.seq, found.at) for found in stored]
    last = places[-1]
    return Ack(ref, last.conversation, last.seq, last.at, places)


def _said(body: str) -> Told | None:
    """What a stored message says; None if that is not kept any more."""
    try:
        return _message.decode(body)
    except msgspec.DecodeError:
        return None


def _copy(user: int, ref: str, conversation: int, seq: int, entry: Entry | None) -> Copy:
    """A message as it is forwarded: what it says, who said it first and when; no more.

    Raises NotFound or Recalled.
    """
    if entry is None or entry.removed:
        raise NotFound(f"There is no message {seq} that you can see here.")
    if not entry.body:
        raise Recalled(f"The message {seq} has been recalled.")
    said = _said(entry.body)
    if said is None:
        raise NotFound(f"What the message {seq} said is no longer kept.")
    message = Told(
        said.media, said.content, attachment=said.attachment, forwarded=_origin(entry, said)
    )
    medium = said.attachment.id or None if said.attachment else None
    body = encode(message).decode()
    return Draft(user, ref, body, conversation=conversation, medium=medium), message


def _again(stored: Entry, conversation: int, original: Entry | None) -> Stored:
    """The answer to a copy that is stored already. Raises RefConflict if it is of another one."""
    if (stored.conversation_id, stored.type) != (conversation, "message"):
        raise RefConflict()
    copied, said = _said(stored.body), _said(original.body) if original else None
    if copied and not copied.forwarded:
        raise RefConflict()
    if copied and original and said and copied.forwarded != _origin(original, said):
        raise RefConflict()
    return Stored(conversation, 0, 0, 0, stored.seq, stored.at, fresh=False)


def _origin(entry: Entry, said: Told) -> Origin:
    return said.forwarded or Origin(entry.sender_id, entry.at)


def _derived(ref: str, index: int) -> str:
    """The ref of one copy: another one for each, the same one for each repeat."""
    return hashlib.sha256(f"{index} {ref}".encode()).hexdigest()
