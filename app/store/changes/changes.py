"""What is done to a message that is in the log: edits, recalls, reactions, pins.

The row of the message says how it is now, so that a page shows it; the event of the change tells
the devices that have the message already. Both are written under the conversation's lock, so the
order of the log is the order of the changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import (
    BadRequest,
    Forbidden,
    HiChatError,
    NotAMember,
    NotFound,
    Recalled,
    TooLate,
    TooMany,
    UnknownUser,
)
from app.models import Event, Member, Pin, Reaction
from app.models.message import ADMIN, MEMBER, PRIVATE
from app.store.changes.reactions import change_reaction, reactors
from app.store.database import Database
from app.store.log.acts import Act, original, saying
from app.store.log.events import Events
from app.store.log.items import EXPIRED, RECALLED, Appended, Entry
from app.store.log.rights import floor, refusal_between, refusal_within
from app.store.media.erasure import erase
from app.store.search.indexer import Indexer

MOST_EDITS = 100  # of one message
MOST_PINS = 50

Fields = dict[str, Any]
_encoder = msgspec.json.Encoder()
_decode = msgspec.json.Decoder(Fields).decode


class Pinned(Struct):
    """A pinned message: who pinned it, when, and what it says to its reader."""

    user: int
    at: int
    entry: Entry


class Changes:
    """Acts on messages, and what they leave in the tables `reaction`, `pin` and `mention`."""

    def __init__(self, database: Database, contacts_only: bool, indexer: Indexer) -> None:
        self._database = database
        self._indexer = indexer
        self._contacts_only = contacts_only
        self._events = Events(database)

    def edit(
        self, user_id: int, conversation: int, seq: int, ref: str, content: str,
        media: str | None, seconds: int, check: Callable[[Fields], None],
    ) -> Appended:
        """Give a message of the user's own another content, within `seconds` of its sending.

        `check` raises for a message that may not be sent. Raises NotAMember, NotFound, Forbidden,
        Muted, Blocked, NotAContact, TooLate, TooMany, Recalled, BadRequest.
        """

        def same(said: str) -> bool:
            body = _decode(said)
            return bool(body.get("seq") == seq and body["message"]["content"] == content)

        def work(act: Act) -> Appended:
            found = _message(act, seq)
            if found.sender_id != act.user:
                raise Forbidden("Only its sender edits a message.")
            self._check_writes(act)
            if not _within(act, found, seconds):
                raise TooLate(f"A message can be edited for {seconds} seconds.")
            message = _decode(found.revised or found.body)
            if media not in (None, message["media"]):
                raise BadRequest(f"The media of a message stay: this one is {message['media']}.")
            message["content"] = content
            check(message)
            return _edit(act, found, message, ref)

        return self._act(user_id, conversation, ref, "edit", same, work)

    def recall(
        self, user_id: int, conversation: int, seq: int, ref: str, seconds: int
    ) -> Appended:
        """Erase a message: one's own within `seconds`, or, as a group's admin, another's.

        Raises NotAMember, NotFound, Forbidden, TooLate, Recalled.
        """
        body = {"seq": seq}

        def work(act: Act) -> Appended:
            found = _message(act, seq)
            _check_recalls(act, found, seconds)
            self._indexer.forget(act.session, conversation, [seq])
            _erase(act, found)
            return act.append("recall", body, ref)

        return self._act(user_id, conversation, ref, "recall", saying(body), work)

    def react(
        self, user_id: int, conversation: int, seq: int, ref: str, emoji: str, on: bool
    ) -> Appended:
        """Put an emoji to a message, or take one's own away.

        Raises NotAMember, NotFound, Muted, Blocked, NotAContact, TooMany, Recalled.
        """

        def same(said: str) -> bool:
            body = _decode(said)
            return body.items() >= {"seq": seq, "emoji": emoji, "on": on}.items()

        def work(act: Act) -> Appended:
            found = _message(act, seq)
            self._check_writes(act)
            state = change_reaction(act, found, emoji, on)
            return act.append("reaction", {"seq": seq, "emoji": emoji, "on": on, **state}, ref)

        return self._act(user_id, conversation, ref, "reaction", same, work)

    def pin(self, user_id: int, conversation: int, seq: int, ref: str, on: bool) -> Appended:
        """Pin a message, or unpin it; only as an admin where there are such.

        Raises NotAMember, NotFound, Forbidden, Muted, Blocked, NotAContact, TooMany, Recalled.
        """
        body = {"seq": seq, "on": on}

        def work(act: Act) -> Appended:
            _message(act, seq)
            self._check_writes(act)
            if act.conversation.kind != PRIVATE:
                act.need(ADMIN)
            _pin(act, seq, on)
            return act.append("pin", body, ref)

        return self._act(user_id, conversation, ref, "pin", saying(body), work)

    def pins(self, user_id: int, conversation: int) -> list[Pinned]:
        """The pinned messages that the user can see, by seq. Raises NotAMember."""
        query = select(Pin).where(Pin.conversation_id == conversation)
        with self._database.read() as session:
            found = {pin.seq: pin for pin in session.scalars(query)}
        entries = self._events.some(user_id, conversation, sorted(found))
        return [Pinned(found[entry.seq].user_id, found[entry.seq].at, entry) for entry in entries]

    def reactors(
        self, user_id: int, conversation: int, seq: int, emoji: str, after: int, limit: int
    ) -> list[int]:
        """Who has put an emoji to a message, by id, from behind the id `after`.

        Raises NotAMember.
        """
        if not self._events.some(user_id, conversation, [seq]):
            return []
        with self._database.read() as session:
            return list(session.scalars(
                reactors(conversation, seq, emoji).where(Reaction.user_id > after).limit(limit)
            ))

    def _act(
        self, user_id: int, conversation: int, ref: str, type: str,
        same: Callable[[str], bool], work: Callable[[Act], Appended],
    ) -> Appended:
        """Run `work`, unless the ref has been used: then the place is that of the first time."""

        def transaction(session: Session) -> Appended:
            asked = session, user_id, conversation, ref, type, same
            try:
                act = Act(session, user_id, conversation)
            except (NotAMember, UnknownUser):
                # Nothing can be done here any more; what was done before stays, as in batch.py.
                if (again := original(*asked)) is None:
                    raise
                return again
            return original(*asked) or work(act)

        try:
            return self._database.write(transaction)
        except IntegrityError:
            # The ref was used in another conversation at the same moment: now it is found.
            return self._database.write(transaction)

    def _check_writes(self, act: Act) -> None:
        """Raises what sending a message here would raise."""
        log, member = act.conversation, act.member
        refusal: HiChatError | None
        if log.kind == PRIVATE:
            low, high = log.low_id or 0, log.high_id or 0
            refusal = refusal_between(log.flags, low, high, act.user, self._contacts_only)
        else:
            refusal = refusal_within(log.flags, member.role, member.muted_until, act.now)
        if refusal is not None:
            raise refusal


def _message(act: Act, seq: int) -> Event:
    """A message that the user can see. Raises NotFound or Recalled."""
    log = act.conversation
    visible = floor(log.flags, act.member.joined_seq) < seq <= log.last_seq
    found = act.session.get(Event, (log.id, seq)) if visible else None
    if found is None or found.type != "message":
        raise NotFound(f"There is no message {seq} that you can see here.")
    if found.body == RECALLED:
        raise Recalled()
    if found.body == EXPIRED:
        raise NotFound(f"What the message {seq} said is no longer kept.")
    return found


def _check_recalls(act: Act, found: Event, seconds: int) -> None:
    """One's own in time; as an admin at any time, and what is from somebody of a lower role."""
    own = found.sender_id == act.user
    if own and _within(act, found, seconds):
        return
    if act.conversation.kind != PRIVATE and act.member.role >= ADMIN:
        author = act.session.get(Member, (act.conversation.id, found.sender_id))
        if own or act.member.role > (author.role if author else MEMBER):
            return
    if own:
        raise TooLate(f"A message can be recalled for {seconds} seconds.")
    raise Forbidden("Only its sender, or a group's admin of a higher role, recalls a message.")


def _edit(act: Act, found: Event, message: Fields, ref: str) -> Appended:
    """Let `found` say `message`; the event of an edit names those before it."""
    message.pop("edited_at", None)
    earlier = _edits(act, message.pop("edited_seq", None))
    if len(earlier) >= MOST_EDITS:
        raise TooMany(f"A message can be edited {MOST_EDITS} times.")
    now = act.now
    body = {"seq": found.seq, "message": message, "edited_at": now}
    told = act.append("edit", body | ({"earlier": earlier} if earlier else {}), ref)
    found.revised = _text({**message, "edited_at": now, "edited_seq": told.entry.seq})
    return told


def _edits(act: Act, last: int | None) -> list[int]:
    """The seqs of all edits of the message whose last one is `last`."""
    if last is None:
        return []
    found = act.session.get_one(Event, (act.conversation.id, last))
    return [*_decode(found.body).get("earlier", ()), last]


def _erase(act: Act, found: Event) -> None:
    """Forget what a message said, wherever it stands."""
    connection, key, seq = act.session.connection(), found.conversation_id, found.seq
    edits = _edits(act, _decode(found.revised or found.body).get("edited_seq"))
    erase(connection, key, [seq, *edits], RECALLED)
    if edits:  # they still say which message was edited
        connection.execute(
            update(Event).where(Event.conversation_id == key, Event.seq.in_(edits))
            .values(revised=_text({"seq": seq}))
        )


def _pin(act: Act, seq: int, on: bool) -> None:
    session, key = act.session, act.conversation.id
    pin = session.get(Pin, (key, seq))
    if on and pin is None:
        query = select(func.count()).select_from(Pin).where(Pin.conversation_id == key)
        if (session.scalar(query) or 0) >= MOST_PINS:
            raise TooMany(f"A conversation has at most {MOST_PINS} pins: unpin one first.")
        session.add(Pin(conversation_id=key, seq=seq, user_id=act.user, at=act.now))
    elif not on and pin is not None:
        session.delete(pin)


def _within(act: Act, found: Event, seconds: int) -> bool:
    return seconds > 0 and act.now - found.at <= seconds * 1000


def _text(body: Fields) -> str:
    return _encoder.encode(body).decode()
