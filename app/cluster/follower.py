"""Tells the nodes of this process every event of a conversation in the order of its log.

Events come from the journal here, from other processes, and from the database; late, twice or not
at all. What follows upon the last one told goes out at once, a repeat is dropped, and what comes
too early waits a moment for those before it, which then are read from the log.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from math import ceil
from typing import Protocol

import gevent
import msgspec
import structlog
from gevent.event import Event as Signal

from app.chat.frames import GROUP, Address, Event
from app.chat.hub import Hub
from app.chat.membership import CHANGES
from app.chat.messages import Message, Told
from app.chat.node import Node

PATIENCE = 0.1  # seconds, at least, in which an event may be overtaken by those behind it
STEP = 0.05  # seconds between the moments at which gaps are due: one statement reads them all
REPEAT = 1.0  # seconds until a log that could not be read is read again
KEPT = 2  # times as long as events are told late, at least: so long is known what was told
PAGE = 200  # events read at once, of all gaps together
HELD = 20_000  # events that wait for those before them; of more, only their seqs are kept
LATE = 10_000  # events of a conversation that are told late; of more, devices `sync` the first

Span = tuple[int, int, int]  # a conversation; behind one seq, up to another

log = structlog.get_logger()
_message = msgspec.json.Decoder(Told)


class Log(Protocol):
    """The log as the follower reads it. Both raise when the database is away."""

    recent_ms: int  # how old an event may be that is told late

    def first(self, lowest: Mapping[int, int]) -> Mapping[int, int]:
        """Of each conversation the first of the recent events below the seq that is given with it.

        Recent are those that may be told late; where there is none, the conversation is left out.
        """

    def between(self, spans: Sequence[Span]) -> Sequence[Event]:
        """The events of these spans, each conversation's ascending."""


class Gap:
    """A conversation in which something is to be told that was not seen to follow."""

    __slots__ = ("due", "to", "upto", "waiting")

    def __init__(self, to: Address, due: float) -> None:
        self.to = to
        self.due = due  # when the log is read (time.monotonic)
        self.upto = 0  # the log goes on to here at least
        self.waiting: dict[int, tuple[Event, Message | None, Node | None]] = {}


class Follower:
    """Knows, of each conversation that went on lately, up to where it was told here."""

    def __init__(self, hub: Hub, log: Log, moved: Callable[[int], None]) -> None:
        """`moved` is called for each group of which somebody may have come or gone."""
        self._hub = hub
        self._log = log
        self._moved = moved
        self._told: dict[int, int] = {}
        self._told_before: dict[int, int] = {}  # and not since
        self._turned = time.monotonic()
        self._gaps: dict[int, Gap] = {}
        self._held = 0
        self._signal = Signal()
        self.recovered = 0  # events that were told out of the log

    # -- what comes in -----------------------------------------------------------------------

    def push(
        self, event: Event, to: Address, message: Message | None, origin: Node | None
    ) -> None:
        """An event that has just been stored, here or elsewhere.

        Not for `origin`, which has its ack; but for one that has not heard yet that it is in the
        group, and can make nothing of an ack there.
        """
        key, seq = event.conversation, event.seq
        if origin is not None and to.kind == GROUP and key not in origin.rooms:
            origin = None
        told = self._last(key)
        if told is not None and seq <= told:
            return
        if told is not None and seq == told + 1:
            self._tell(event, to, message, origin)
            if key in self._gaps:
                self._release(key)
            return
        if not (key in self._gaps or event.type in CHANGES or self._hub.hears(to)):
            return  # nobody here, and nobody is about to come in; who connects is greeted
        gap = self._gap(to, key, 0.0 if told is None else PATIENCE)
        gap.upto = max(gap.upto, seq)
        if self._held < HELD and seq not in gap.waiting:
            gap.waiting[seq] = event, message, origin
            self._held += 1

    def is_behind(self, conversation: int, upto: int) -> bool:
        """Whether the log goes on behind what was told here lately."""
        return upto > (self._last(conversation) or 0)

    def expect(self, to: Address, upto: int) -> None:
        """The log was seen to go on to `upto`."""
        if self.is_behind(to.conversation, upto):
            gap = self._gap(to, to.conversation, PATIENCE)
            gap.upto = max(gap.upto, upto)

    def _gap(self, to: Address, key: int, patience: float) -> Gap:
        gap = self._gaps.get(key)
        if gap is None:
            due = time.monotonic() + patience
            gap = self._gaps[key] = Gap(to, ceil(due / STEP) * STEP if patience else due)
            self._signal.set()
        return gap

    def _last(self, key: int) -> int | None:
        told = self._told.get(key)
        return told if told is not None else self._told_before.get(key)

    def turn(self) -> None:
        """Forget what was not told for long. Only while the log is known to be told up to now."""
        now = time.monotonic()
        if now - self._turned > KEPT * self._log.recent_ms / 1000:
            self._turned = now
            self._told, self._told_before = {}, self._told

    # -- what goes out -----------------------------------------------------------------------

    def _tell(
        self, event: Event, to: Address, message: Message | None, origin: Node | None
    ) -> None:
        self._told[event.conversation] = event.seq
        self._hub.publish_late(event, message or message_of(event), to, origin)
        if event.type in CHANGES:
            self._moved(event.conversation)

    def _release(self, key: int) -> None:
        """Tell those that waited and follow now; the gap is closed when none is left."""
        gap = self._gaps[key]
        told = self._last(key) or 0
        while gap.waiting:
            found = gap.waiting.pop(told + 1, None)
            if found is None:
                break
            self._held -= 1
            self._tell(found[0], gap.to, *found[1:])
            told += 1
        for seq in [seq for seq in gap.waiting if seq <= told]:
            del gap.waiting[seq]
            self._held -= 1
        if told >= gap.upto:
            del self._gaps[key]

    # -- the greenlet that reads the log -----------------------------------------------------

    def run(self) -> None:
        """Fill the gaps. Never returns."""
        while True:
            self._signal.wait(self._next())
            self._signal.clear()
            try:
                self._fill()
            except Exception:  # the database is away: the gaps stay
                log.exception("log_not_read")
                gevent.sleep(REPEAT)

    def _next(self) -> float | None:
        """Seconds until the next gap is due; None: there is none."""
        if not self._gaps:
            return None
        return max(0.001, min(gap.due for gap in self._gaps.values()) - time.monotonic())

    def _fill(self) -> None:
        now = time.monotonic()
        due = deque(key for key, gap in self._gaps.items() if gap.due <= now)
        self._find_beginnings(due)
        while due:
            self._fill_some(due)
            gevent.sleep(0)

    def _find_beginnings(self, due: Collection[int]) -> None:
        """Of conversations in which nothing was told lately, where to begin."""
        unknown = [key for key in due if self._last(key) is None]
        if not unknown:
            return
        found = self._log.first({key: self._gaps[key].upto for key in unknown})
        for key in unknown:
            gap = self._gaps[key]
            self._told[key] = min(gap.upto, *gap.waiting, found.get(key, gap.upto)) - 1

    def _fill_some(self, due: deque[int]) -> None:
        """Tell the next events out of the log. What is left of a gap goes to the end of `due`."""
        spans: list[Span] = []
        room = PAGE
        while due and room > 0:
            key = due.popleft()
            if key in self._gaps:
                self._release(key)
            gap = self._gaps.get(key)
            if gap is not None:
                told = self._told[key] = max(self._last(key) or 0, gap.upto - LATE)
                upto = min(min(gap.waiting) - 1 if gap.waiting else gap.upto, told + room)
                spans.append((key, told, upto))
                room -= upto - told
        for event in self._log.between(spans) if spans else ():
            key = event.conversation
            if event.seq == (self._last(key) or 0) + 1:  # else it came in meanwhile
                self._tell(event, self._gaps[key].to, None, None)
                self.recovered += 1
        for key, told, upto in spans:
            if (self._last(key) or 0) == told:
                self._told[key] = upto  # it is not in the log any more: its account was deleted
            due.append(key)


def message_of(event: Event) -> Message | None:
    """What an event says, for the dialect that needs it in parts; None where it is no message."""
    if event.type != "message" or not isinstance(event.message, msgspec.Raw):
        return None
    try:
        return _message.decode(event.message)
    except msgspec.MsgspecError:  # it is older than the retention setting allows
        return None
