"""The rules of delivery: accept -> journal -> publish; and catching up by sync.

An ack leaves only after the commit. What is published afterwards is a hint: a device that misses
it finds the event in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import gevent
import msgspec
import structlog

from app.chat import codec
from app.chat.attachments import described
from app.chat.bus import Bus
from app.chat.catching_up import CatchingUp, event_of, offer
from app.chat.changes import Changes
from app.chat.forwards import copies, forwarded
from app.chat.frames import (
    ACCOUNT,
    GROUP,
    PRIVATE,
    Ack,
    Address,
    Broadcast,
    Change,
    Command,
    Event,
    Forward,
    Read,
    Receipt,
    Requests,
    Send,
    Sync,
    Typing,
    Watch,
    check_ref,
    encode,
    find_ref,
    wire_error,
)
from app.chat.journal import EMBEDDED, SERVER, Journal
from app.chat.messages import Message, check_message
from app.chat.node import Node
from app.chat.presence import Presence
from app.chat.typing import Typists
from app.errors import BadRequest, HiChatError, RateLimited
from app.store import Store
from app.store.conversations.receipts import TOLD_MEMBERS
from app.store.groups.joining import Joined
from app.store.log.items import EVERYBODY, Appended, Draft, Item, Mark, Marked, Outcome, Stored

PENDING = 512  # commands of one connection under way: then it is read no further
CHARGED = 16_384  # characters that count as one message
BURST = 10  # seconds' worth of messages that may come at once
WATCHED_FOR_ONE = 10  # watched users that cost as much as a message

log = structlog.get_logger()
OutcomeT = TypeVar("OutcomeT", bound=Outcome)
Answer = Callable[["Stored | Marked | HiChatError"], None]


class Rules(msgspec.Struct, frozen=True):
    """What delivery is told by the configuration."""

    max_content_chars: int
    messages_per_second: float | None  # None: no limit
    sync_events: int
    heartbeat: float
    edit_seconds: int
    recall_seconds: int


class Contact(msgspec.Struct):
    """Of an event of the type `contact`: who it is about."""

    user: int = 0


class Delivery:
    """Handles the commands of every node of this process."""

    def __init__(
        self, store: Store, bus: Bus, rules: Rules, presence: Presence,
        on_death: Callable[[], None],
    ) -> None:
        self._store = store
        self._bus = bus
        self._rules = rules
        self._catching_up = CatchingUp(store, bus, rules.sync_events, rules.heartbeat)
        self.greeting = self._catching_up.greeting
        self._changes = Changes(
            store, rules.max_content_chars, rules.edit_seconds, rules.recall_seconds
        )
        self._presence = presence
        self._typists = Typists(self._audience, bus)
        gather = EMBEDDED if store.database.embedded else SERVER
        self.journal: Journal[Item, Stored | Marked] = Journal(
            store.journal.commit, on_death, gather
        )

    # -- the socket ------------------------------------------------------------------------

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
            offer(node, node.dialect.other(wire_error(error, find_ref(text))))
        except Exception:
            log.exception("command_failed", user=node.user)
            offer(node, node.dialect.other(wire_error(HiChatError(), find_ref(text))))

    def _do(self, node: Node, command: Command) -> None:
        if isinstance(command, Send):
            self._send(node, command)
        elif isinstance(command, Broadcast):
            self._send(node, self._to_all(node.user, command))
        elif isinstance(command, Read):
            mark = Mark(node.user, command.conversation, command.seq)
            self._submit(node, mark, partial(self._marked, node, command))
        elif isinstance(command, Sync):
            self._catching_up.sync(node, command)
        elif isinstance(command, Change):
            self.act(node.user, command, node)
        elif isinstance(command, Forward):
            self._forward(node, command)
        elif isinstance(command, Typing):
            self._typists.typing(node, command.conversation)
        elif isinstance(command, Watch):
            self._watch(node, command)

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
            offer(node, node.dialect.other(wire_error(result, draft.ref)))
            return
        assert isinstance(result, Stored)
        if draft.ref:
            ack = Ack(draft.ref, result.conversation, result.seq, result.at)
            offer(node, node.dialect.other(ack))
        self._publish(message, draft, result, node)

    def _marked(self, node: Node, command: Read, result: Stored | Marked | HiChatError) -> None:
        node.pending -= 1
        if isinstance(result, HiChatError):
            offer(node, node.dialect.other(wire_error(result, command.ref)))
            return
        assert isinstance(result, Marked)
        receipt = self._tell_read(node.user, result, bool(node.shows_reading))
        if not result.moved:
            offer(node, node.dialect.other(receipt))

    def _tell_read(self, user: int, marked: Marked, shows: bool) -> Receipt:
        """Tell where the cursor is now, if it has moved: the reader's devices, and the others'.

        These only where the reader shows it, nobody has blocked anybody and the group is small.
        """
        receipt = Receipt(marked.conversation, user, marked.seq)
        if marked.moved:
            to = Address(marked.conversation, marked.kind, marked.low, marked.high)
            told = not marked.blocked if marked.kind == PRIVATE else (
                marked.kind == GROUP and marked.size <= TOLD_MEMBERS
            )
            self._bus.tell(to if shows and told else _own(user), receipt)
        return receipt

    def _watch(self, node: Node, command: Watch) -> None:
        if self._rules.messages_per_second is not None:
            cost = len(command.users) / WATCHED_FOR_ONE
            self._spend(node, cost, self._rules.messages_per_second)
        self._presence.watch(node, command.users)

    def _audience(self, user: int, conversation: int) -> Address | None:
        """Whom a member's typing goes to; None: nobody. Raises HiChatError."""
        found = self._store.conversations.audience(user, conversation)
        if found.kind == PRIVATE:
            return _own(found.other) if found.other != user else None
        if found.kind == GROUP and found.size <= TOLD_MEMBERS:
            return Address(conversation, GROUP, 0, 0)
        return None

    # -- both ways in ----------------------------------------------------------------------

    def send(self, user: int, command: Send) -> Stored:
        """Store a message that came over HTTP and wait for it. Raises HiChatError."""
        draft = self._draft(user, command)
        stored = self.journal.call(draft, _weight(draft))
        assert isinstance(stored, Stored)
        self._publish(command.message, draft, stored, None)
        return stored

    def broadcast(self, user: int, command: Broadcast) -> Stored:
        """Store a message to everybody that came over HTTP. Raises HiChatError."""
        return self.send(user, self._to_all(user, command))

    def _to_all(self, user: int, command: Broadcast) -> Send:
        # The batch asks for the role again, in the transaction that stores the message.
        conversation = self._store.broadcasts.conversation(user)
        return Send(command.ref, command.message, conversation)

    def read(self, user: int, conversation: int, seq: int) -> Marked:
        """Move a read cursor over HTTP. Raises HiChatError."""
        marked = self.journal.call(Mark(user, conversation, seq), 0)
        assert isinstance(marked, Marked)
        self._tell_read(user, marked, marked.moved and self._store.receipts.shown(user))
        return marked

    def _draft(self, user: int, command: Send) -> Draft:
        check_message(command.message, self._rules.max_content_chars)
        check_ref(command.ref)
        medium = self._attach(user, command) if command.message.attachment is not None else None
        if (command.conversation is None) == (command.to is None):
            raise BadRequest("Name either `conversation` or `to`.")
        draft = Draft(
            user, command.ref or None, encode(command.message).decode(),
            command.message.reply_to, command.conversation,
            command.to.user if command.to else None, medium=medium,
        )
        if command.message.mentions or command.message.mention_all:
            draft.mentions = _mentions(command.message)
        return draft

    def _attach(self, user: int, command: Send) -> str | None:
        """Say of the message's file what the server knows; the id of the upload, if it is one."""
        find = partial(self._store.media.own, user)
        command.message, medium = described(command.message, find)
        return medium

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

    def _announce(self, told: Appended, origin: Node | None = None) -> None:
        """Tell everybody concerned of a change that is stored; who left hears it as the last."""
        if not told.fresh:
            return
        conversation = told.entry.conversation_id
        self._store.keeper.note((conversation,))
        to = Address(conversation, told.kind, told.low, told.high)
        self._bus.announce(event_of(told.entry), to, origin)
        if told.answered:
            self._tell_requests(conversation)
        if told.kind == ACCOUNT and told.entry.type == "contact":
            self._acquainted(told)

    def _tell_requests(self, group: int) -> None:
        """Tell the admins of a group how many wait for them."""
        waiting = self._store.joining.waiting(group)
        for admin in waiting.admins:
            self._bus.tell(_own(admin), Requests(group, waiting.count))

    def _acquainted(self, told: Appended) -> None:
        """Somebody was befriended or blocked: who sees whom is asked again."""
        other = msgspec.json.decode(told.entry.body, type=Contact).user
        self._bus.forget_turns((told.low, other))
        self._presence.review(told.low)

    def change(
        self, act: Callable[[], Appended | None], answer: Callable[[Appended], None] | None = None,
        origin: Node | None = None,
    ) -> Appended | None:
        """Run an act of the store (None: nothing changed) and announce what it appended.

        `origin` asked for it: it gets its `answer` before, and not the event.

        In the line of the messages, which are told in the order of their commits: nobody hears
        what was said behind their removal, nor misses what was said behind their joining.
        """

        def work() -> Appended | None:
            told = act()
            if told is not None:
                if answer is not None:
                    answer(told)
                self._announce(told, origin)
            return told

        return self.journal.perform(work)

    def perform(self, act: Callable[[], OutcomeT]) -> OutcomeT:
        """As `change`, for an act that comes to more than one event."""

        def work() -> OutcomeT:
            outcome = act()
            for told in outcome.told:
                self._announce(told)
            return outcome

        return self.journal.perform(work)

    def request(self, act: Callable[[], Joined]) -> Joined:
        """As `perform`, for an act on a request to join a group, whose admins hear of it."""

        def work() -> Joined:
            joined = act()
            if joined.changed:
                self._tell_requests(joined.group)
            return joined

        return self.perform(work)

    # -- changes of messages ---------------------------------------------------------------

    def act(self, user: int, command: Change, origin: Node | None = None) -> Appended:
        """Run a command that changes a message; `origin` hears its ack. Raises HiChatError."""

        def answer(told: Appended) -> None:
            if origin is not None:
                place = told.entry
                ack = Ack(command.ref, place.conversation_id, place.seq, place.at)
                offer(origin, origin.dialect.other(ack))

        told = self.change(lambda: self._changes.run(user, command), answer, origin)
        assert told is not None  # a change of a message always leaves an event
        return told

    def _forward(self, node: Node, command: Forward) -> None:
        copied = len(command.source.seqs) - 1  # each copy is a message; one is paid for already
        if self._rules.messages_per_second is not None and copied:
            self._spend(node, copied, self._rules.messages_per_second)
        ack = forwarded(command.ref, self.forward(node.user, command, node))
        offer(node, node.dialect.other(ack))

    def forward(self, user: int, command: Forward, origin: Node | None = None) -> list[Stored]:
        """Copy messages into another conversation; their places, in order.

        `origin` does not hear of them. Raises HiChatError; what could be stored then is, and the
        same ref stores the rest.
        """
        found = copies(self._store, user, command)
        fresh = [copy for copy in found if not isinstance(copy, Stored)]
        results = self.journal.call_all([draft for draft, _ in fresh], _weight)
        for (draft, message), result in zip(fresh, results, strict=True):
            if isinstance(result, Stored):
                self._publish(message, draft, result, origin)
        left = iter(results)
        places = [copy if isinstance(copy, Stored) else next(left) for copy in found]
        for place in places:
            if isinstance(place, HiChatError):
                raise place
        return [place for place in places if isinstance(place, Stored)]


def _mentions(message: Message) -> tuple[int, ...]:
    """Whom a message names, each once."""
    everybody = (EVERYBODY,) if message.mention_all else ()
    return (*everybody, *dict.fromkeys(message.mentions or ()))


def _own(user: int) -> Address:
    """A user's own devices."""
    return Address(0, ACCOUNT, user, 0)


def _weight(item: Item) -> int:
    return len(item.body) if isinstance(item, Draft) else 0
