"""The rules of delivery: accept -> journal -> publish; and catching up by sync.

An ack leaves only after the commit. What is published afterwards is a hint: a device that misses
it finds the event in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import gevent
import msgspec
import structlog

from app.chat import codec
from app.chat.bus import Bus
from app.chat.frames import (
    ACCOUNT,
    GROUP,
    PRIVATE,
    Ack,
    Address,
    Command,
    Event,
    Head,
    Hello,
    Message,
    Read,
    Receipt,
    Send,
    Sync,
    Synced,
    check_message,
    check_ref,
    encode,
    find_ref,
    wire_error,
)
from app.chat.journal import Journal
from app.chat.node import Node
from app.errors import BadRequest, HiChatError, RateLimited
from app.store import Store
from app.store.conversations import Head as Place
from app.store.events import KEYS_AT_ONCE
from app.store.items import Appended, Draft, Entry, Item, Mark, Marked, Stored

PENDING = 512  # commands of one connection under way: then it is read no further
CHARGED = 16_384  # characters that count as one message
BURST = 10  # seconds' worth of messages that may come at once
HELLO_CONVERSATIONS = 1000

log = structlog.get_logger()
Answer = Callable[["Stored | Marked | HiChatError"], None]


class Rules:
    """What delivery is told by the configuration."""

    def __init__(
        self, max_content_chars: int, messages_per_second: float | None, sync_events: int,
        heartbeat: float,
    ) -> None:
        self.max_content_chars = max_content_chars
        self.messages_per_second = messages_per_second  # None: no limit
        self.sync_events = sync_events
        self.heartbeat = heartbeat


class Delivery:
    """Handles the commands of every node of this process."""

    def __init__(
        self, store: Store, bus: Bus, rules: Rules, on_death: Callable[[], None]
    ) -> None:
        self._store = store
        self._bus = bus
        self._rules = rules
        self.journal: Journal[Item, Stored | Marked] = Journal(store.journal.commit, on_death)

    # -- the socket ------------------------------------------------------------------------

    def greeting(self, node: Node) -> bytes:
        """What a new connection hears first: who it is and where its conversations are.

        It is in the rooms of its groups when this returns; what they say waits behind it.
        """
        heads = self._enter_rooms(node)
        more = len(heads) > HELLO_CONVERSATIONS
        listed = [_head(head) for head in heads[:HELLO_CONVERSATIONS] if head.kind != ACCOUNT]
        account = next((_head(head) for head in heads if head.kind == ACCOUNT), msgspec.UNSET)
        rules = self._rules
        hello = Hello(node.user, node.session, rules.heartbeat, listed, more, account)
        return node.dialect.other(hello) or b""

    def _enter_rooms(self, node: Node) -> list[Place]:
        """Let the node hear its groups; return the heads of its conversations."""
        found = self._store.conversations
        while True:
            heads = found.heads(node.user, HELLO_CONVERSATIONS + 1)
            more = len(heads) > HELLO_CONVERSATIONS
            groups = set(found.groups(node.user)) if more else _groups(heads)
            # Entered, then read again: what was said meanwhile is in the heads, and a group that
            # the user was removed from meanwhile is left. Whatever comes later finds the node.
            if groups == node.rooms:
                return heads
            self._bus.enter(node, groups)

    def handle(self, node: Node, item: codec.Message) -> None:
        """One message from a connection. Whatever it holds, the connection lives on."""
        text = item.data
        try:
            if self._rules.messages_per_second is not None:
                self._spend(node, max(1.0, len(text) / CHARGED), self._rules.messages_per_second)
            if not isinstance(text, str):
                raise BadRequest("Send text frames; binary ones are not used here.")
            command = node.dialect.parse(text)
            if command is not None:
                self._do(node, command)
        except HiChatError as error:
            _offer(node, node.dialect.other(wire_error(error, find_ref(text))))
        except Exception:
            log.exception("command_failed", user=node.user)
            _offer(node, node.dialect.other(wire_error(HiChatError(), find_ref(text))))

    def _do(self, node: Node, command: Command) -> None:
        if isinstance(command, Send):
            self._send(node, command)
        elif isinstance(command, Read):
            mark = Mark(node.user, command.conversation, command.seq)
            self._submit(node, mark, partial(self._marked, node, command))
        elif isinstance(command, Sync):
            self._sync(node, command)

    def _spend(self, node: Node, cost: float, rate: float) -> None:
        """Take a message from the connection's budget, more for a long one. Raises RateLimited."""
        now, full = time.monotonic(), rate * BURST
        grown = full if node.budget < 0 else node.budget + (now - node.budget_at) * rate
        node.budget, node.budget_at = min(full, grown), now
        if node.budget < cost:
            gevent.sleep(1 / rate)  # a flood costs us no more than it may send
            raise RateLimited(f"Slow down: {rate:g} messages a second may be sent.")
        node.budget -= cost

    def _send(self, node: Node, command: Send) -> None:
        draft = self._draft(node.user, command)
        self._submit(node, draft, partial(self._stored, node, command.message, draft))

    def _submit(self, node: Node, item: Item, answer: Answer) -> None:
        # Backpressure: this connection's greenlet waits, its TCP window fills, nobody else waits.
        while node.pending >= PENDING and not node.closing:
            node.wait()
        node.pending += 1
        self.journal.submit(item, answer, _weight(item))

    def _stored(
        self, node: Node, message: Message, draft: Draft, result: Stored | Marked | HiChatError
    ) -> None:
        node.pending -= 1
        if isinstance(result, HiChatError):
            _offer(node, node.dialect.other(wire_error(result, draft.ref)))
            return
        assert isinstance(result, Stored)
        if draft.ref:
            ack = Ack(draft.ref, result.conversation, result.seq, result.at)
            _offer(node, node.dialect.other(ack))
        self._publish(message, draft, result, node)

    def _marked(self, node: Node, command: Read, result: Stored | Marked | HiChatError) -> None:
        node.pending -= 1
        if isinstance(result, HiChatError):
            _offer(node, node.dialect.other(wire_error(result, command.ref)))
            return
        assert isinstance(result, Marked)
        receipt = self._tell_read(node.user, result)
        if not result.moved:
            _offer(node, node.dialect.other(receipt))

    def _tell_read(self, user: int, marked: Marked) -> Receipt:
        """Tell where the cursor is now, if it has moved: in a group, only the reader's devices."""
        receipt = Receipt(marked.conversation, user, marked.seq)
        if marked.moved:
            to = Address(marked.conversation, marked.kind, marked.low, marked.high)
            self._bus.tell(to if marked.kind == PRIVATE else _own(user), receipt)
        return receipt

    # -- both ways in ----------------------------------------------------------------------

    def send(self, user: int, command: Send) -> Stored:
        """Store a message that came over HTTP and wait for it. Raises HiChatError."""
        draft = self._draft(user, command)
        stored = self.journal.call(draft, _weight(draft))
        assert isinstance(stored, Stored)
        self._publish(command.message, draft, stored, None)
        return stored

    def read(self, user: int, conversation: int, seq: int) -> Marked:
        """Move a read cursor over HTTP. Raises HiChatError."""
        marked = self.journal.call(Mark(user, conversation, seq), 0)
        assert isinstance(marked, Marked)
        self._tell_read(user, marked)
        return marked

    def _draft(self, user: int, command: Send) -> Draft:
        check_message(command.message, self._rules.max_content_chars)
        check_ref(command.ref)
        if (command.conversation is None) == (command.to is None):
            raise BadRequest("Name either `conversation` or `to`.")
        return Draft(
            user, command.ref or None, encode(command.message).decode(),
            command.message.reply_to, command.conversation,
            command.to.user if command.to else None,
        )

    def _publish(
        self, message: Message, draft: Draft, stored: Stored, origin: Node | None
    ) -> None:
        if not stored.fresh:
            return
        event = Event(
            stored.conversation, stored.seq, draft.type, draft.sender, stored.at,
            msgspec.Raw(draft.body.encode()),
        )
        to = Address(stored.conversation, stored.kind, stored.low, stored.high)
        self._bus.publish(event, message, to, origin)

    def announce(self, told: Appended, origin: Node | None = None) -> None:
        """Tell everybody concerned of a change that is stored; who left hears it as the last."""
        if not told.fresh:
            return
        conversation = told.entry.conversation_id
        self._store.keeper.note((conversation,))
        to = Address(conversation, told.kind, told.low, told.high)
        self._bus.join(conversation, told.joined)
        self._bus.publish(event_of(told.entry), None, to, origin)
        self._bus.leave(conversation, told.left)

    # -- catching up -----------------------------------------------------------------------

    def _sync(self, node: Node, command: Sync) -> None:
        """Offer every event behind the cursors, page by page, as fast as the peer takes them."""
        cursors = {int(key): seq for key, seq in command.cursors.items()}
        heads = self._heads(node.user, list(cursors))
        self._store.events.check_cursors(heads, cursors)
        left, behind = self._rules.sync_events, {}
        for conversation, head in heads.items():
            seq = cursors[conversation]
            gevent.sleep(0)  # reading a page does not yield; others have their turn in between
            while seq < head and left > 0 and not node.closing:
                entries = self._store.events.after(node.user, conversation, seq)[:left]
                if not entries:
                    break  # the rest was before this member joined
                for entry in entries:
                    self._wait_for_room(node)
                    _offer(node, node.dialect.other(event_of(entry)))
                left -= len(entries)
                seq = entries[-1].seq
            if seq < head and left <= 0:
                behind[str(conversation)] = seq
        gone = [key for key in cursors if key not in heads]
        self._wait_for_room(node)
        _offer(node, node.dialect.other(Synced(command.ref, behind, gone)))

    def _heads(self, user: int, conversations: list[int]) -> dict[int, int]:
        """last_seq of those of `conversations` that the user is in."""
        heads: dict[int, int] = {}
        for start in range(0, len(conversations), KEYS_AT_ONCE):
            heads |= self._store.events.heads(user, conversations[start : start + KEYS_AT_ONCE])
            gevent.sleep(0)
        return heads

    def _wait_for_room(self, node: Node) -> None:
        while not node.has_room() and not node.closing:
            node.wait()


def event_of(entry: Entry) -> Event:
    """A stored entry as it goes out."""
    event = Event(entry.conversation_id, entry.seq, entry.type, entry.sender_id, entry.at)
    setattr(event, entry.type, msgspec.Raw(entry.body.encode()))
    return event


def _head(head: Place) -> Head:
    return Head(head.id, head.last_seq, head.read_seq, head.joined_seq + 1)


def _groups(heads: list[Place]) -> set[int]:
    return {head.id for head in heads if head.kind == GROUP}


def _own(user: int) -> Address:
    """A user's own devices."""
    return Address(0, ACCOUNT, user, 0)


def _weight(item: Item) -> int:
    return len(item.body) if isinstance(item, Draft) else 0


def _offer(node: Node, data: bytes | None) -> None:
    if data is not None:
        node.offer(data)
