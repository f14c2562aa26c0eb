"""One connection: a bounded gevent queue, a greenlet that sends, a loop that reads.

The request's greenlet reads (`run`); the sender greenlet alone writes, pongs and the close frame
too; everybody else only offers frames to the queue. A sender that had nothing to do for a second
ends, and the next frame starts another. The Go original's Node has the same shape:
a connection, a DataQueue, a sending and a reading goroutine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from gevent.queue import Queue
from msgspec import Struct, field

from app.chat.backlog import Backlog
from app.chat.codec import BINARY, CLOSE, PING, PONG, TEXT, Message, Violation, close_frame, frame
from app.chat.websocket import WebSocket
from app.errors import Close

DATA = (TEXT, BINARY)
BATCH_BYTES = 65_536  # frames joined into one write
TURN = 128  # messages, reads and KiB taken before the other greenlets get their turn
STEP = 16_384  # bytes by which a queue grows before what waits is counted again
LITTLE = 4096  # bytes that a producer that can wait may offer where much waits for others
PAUSE = 0.005  # seconds between two looks at a connection that has no room
CLOSE_SECONDS = 2.0  # how long a peer has to take and answer our close frame

# What the queue holds beside frames; both are compared by identity.
CLOSING = bytes(bytearray(b"close"))  # write the close frame and end
RETIRE = b""  # end if there is nothing to write; the next frame starts another sender

UNGREETED: Mapping[int, int] = {}
Handler = Callable[["Node", Message], None]


class Limits(Struct, frozen=True):
    """Bounds of one connection, and the one of all together. Sizes are bytes, times seconds."""

    queue_frames: int
    queue_bytes: int
    heartbeat: float
    send_timeout: float
    backlog: Backlog = field(default_factory=Backlog)


class Turn:
    """What is remembered of a connection's typing in a conversation. Times are monotonic."""

    __slots__ = ("known_until", "next_at", "to")

    def __init__(self, next_at: float) -> None:
        self.to: Any = None  # the Address that hears it; None: nobody
        self.known_until = 0.0
        self.next_at = next_at


class Node:
    """A connected device of a user, or (with user 0) an anonymous peer in tests."""

    __slots__ = (
        "_ceiling",
        "_counted",
        "_deadline",
        "_heard",
        "_last_heard",
        "_pinged",
        "_resting",
        "_running",
        "_sender",
        "_sent_before",
        "budget",
        "budget_at",
        "close_code",
        "close_reason",
        "dialect",
        "doubtful",
        "early",
        "expires_at",
        "greeted",
        "limits",
        "pending",
        "present",
        "queue",
        "queued",
        "received",
        "rooms",
        "sent",
        "session",
        "shows_reading",
        "turns",
        "user",
        "websocket",
    )

    def __init__(
        self,
        websocket: WebSocket,
        limits: Limits,
        user: int = 0,
        session: str = "",
        dialect: Any = None,
        expires_at: float | None = None,
    ) -> None:
        self.websocket = websocket
        self.limits = limits
        self.user = user
        self.session = session
        self.dialect = dialect
        self.expires_at = expires_at  # wall clock, as in the token; None: never
        self.queue: Queue[bytes] = Queue()
        self.queued = 0  # bytes that wait in the queue, or are being written
        self.pending = 0  # commands that were accepted and not yet answered
        self.budget = -1.0  # of the rate limit; -1: not begun
        self.budget_at = 0.0
        self.rooms: set[int] = set()  # the groups that it hears; kept by the hub
        self.early: list[Any] | None = None  # (event, message, to) that wait for the greeting
        self.greeted: Mapping[int, int] = UNGREETED  # how far it knows what went on lately
        self.present = False  # whether it counts as its user's presence; kept there
        self.doubtful = False  # whether the end of its session may have gone unheard; kept by a bus
        self.shows_reading: bool | None = None  # and sees what others read; None: not known yet
        self.turns: dict[int, Turn] = {}  # the conversations that it types in; kept by typing
        self.received = 0
        self.sent = 0
        self.close_code: int | None = None
        self.close_reason = ""
        self._heard = True
        self._last_heard = 0.0
        self._pinged = False
        self._deadline: float | None = None
        self._running = False
        self._resting = False  # the sender waits, and nothing has been asked to wake it
        self._sender: gevent.Greenlet | None = None
        self._sent_before = 0  # `sent` at the last sweep
        self._counted = 0  # bytes that the backlog knows of
        self._ceiling = min(STEP, limits.queue_bytes)  # with more queued, it is counted again

    # -- for everybody ---------------------------------------------------------------------

    def offer(self, data: bytes) -> bool:
        """Queue whole frames; never blocks. A full queue closes the node: come back and sync.

        The log keeps what is dropped here, so nothing is lost by it.
        """
        if self._deadline is not None:
            return False
        queued = self.queued + len(data)
        if queued > self._ceiling or self.queue.qsize() >= self.limits.queue_frames:
            self._grow(queued)
            if self._deadline is not None:
                return False
        self.queued = queued
        self._put(data)
        return True

    def _grow(self, queued: int) -> None:
        """So much is about to wait: close the node if that is too much; count it if it is slow."""
        if queued > self.limits.queue_bytes or self.queue.qsize() >= self.limits.queue_frames:
            self.give_up()
            return
        self._ceiling = min(queued + STEP, self.limits.queue_bytes)
        if self.websocket.writing_since is not None:
            self._count(queued)

    def _count(self, size: int) -> None:
        self._counted = size
        self._ceiling = min(size + STEP, self.limits.queue_bytes)
        self.limits.backlog.note(self, size)

    def give_up(self) -> None:
        """It is too slow, or the slowest when too much waits for all."""
        self.forget()
        self.close(Close.RESYNC, "too slow: reconnect and sync")

    @property
    def stuck_for(self) -> float:
        """Seconds since its write has last moved on; 0: none is under way."""
        since = self.websocket.writing_since
        return 0.0 if since is None else time.monotonic() - since

    def forget(self) -> None:
        """Drop what waits to be written; the log has it. Not the close frame of who must go."""
        if self._deadline is None:
            self.queue.queue.clear()
            self.queued = 0
            if self._counted:
                self._count(0)

    def close(self, code: int, reason: str = "") -> None:
        """Begin to close: a close frame behind what waits, and a moment for the peer to take it."""
        if self._deadline is not None:
            return
        self._deadline = time.monotonic() + CLOSE_SECONDS
        self.close_code, self.close_reason = code, reason
        self._put(CLOSING)

    @property
    def closing(self) -> bool:
        return self._deadline is not None

    def _lose(self, reason: str) -> None:
        """The peer is not there any more. Whoever waits for it, or for its queue, wakes up."""
        if self._deadline is None:
            self._deadline = time.monotonic()
            self.close_reason = reason
        self.websocket.abort()

    def wait(self) -> None:
        """A short pause of the reader, which waits for its own connection to have room.

        It is not listening meanwhile, so silence means nothing; a dead peer fails the writes.
        """
        self._heard = True
        gevent.sleep(PAUSE)

    def has_room(self) -> bool:
        """Whether a producer that can wait (sync) should go on producing."""
        if self.queued > LITTLE and self.limits.backlog.is_large():
            return False
        return self.queued * 2 < self.limits.queue_bytes

    def check(self, now: float, wall: float) -> None:
        """Called about once a second by the sweeper: deadlines, heartbeat, token expiry."""
        since = self.websocket.writing_since
        if self._deadline is not None:
            if now > self._deadline:
                self.websocket.abort()
        elif since is not None and now - since > self.limits.send_timeout:
            self._lose("send timeout")
        elif self.expires_at is not None and wall > self.expires_at:
            self.close(Close.TOKEN_EXPIRED, "token expired: refresh it and reconnect")
        else:
            if since is not None and self.queued != self._counted:
                self._count(self.queued)
            self._check_heartbeat(now)
            if self.sent == self._sent_before and self._sender is not None:
                self._put(RETIRE)
            self._sent_before = self.sent

    def _check_heartbeat(self, now: float) -> None:
        # `_heard` instead of a clock reading for each message: exact to one sweep.
        if self._heard:
            self._heard, self._pinged, self._last_heard = False, False, now
            return
        silence = now - self._last_heard
        if silence > 2 * self.limits.heartbeat:
            self._lose("silent")
        elif silence > self.limits.heartbeat and not self._pinged:
            self._pinged = True
            self.offer(frame(PING, b""))

    # -- the reading side: the request's greenlet -------------------------------------------

    def run(self, handle: Handler) -> None:
        """Serve the connection until it ends. `handle` gets each text or binary message."""
        self._running = True
        self._start_sender()
        try:
            self._read(handle)
            if self.closing:
                self._linger()
        finally:
            self._deadline = 0.0  # nothing more is offered
            # The connection is gone: there is nobody to write to. A killed greenlet keeps its
            # frames, and they keep this node: let go of it, or only the collector could.
            sender, self._sender, self._resting = self._sender, None, False
            if sender is not None:
                sender.kill()
            if self._counted:
                self._count(0)

    def _read(self, handle: Handler) -> None:
        turn = read = 0
        while not self.closing:
            try:
                messages = self.websocket.receive()
            except Violation as violation:
                self._take(handle, self.websocket.completed)
                self.close(violation.code, violation.reason)
                return
            if messages is None:
                return
            self._heard = True
            self._take(handle, messages)
            # recv does not yield while there is input, and fragments complete no message.
            turn += 1 + len(messages) + (self.websocket.bytes_in - read >> 10)
            read = self.websocket.bytes_in
            if turn >= TURN:
                turn = 0
                gevent.sleep(0)

    def _take(self, handle: Handler, messages: list[Message]) -> None:
        for message in messages:
            if self.closing:
                return
            opcode = message.opcode
            if opcode in DATA:
                self.received += 1
                handle(self, message)
            elif opcode == PING:
                assert isinstance(message.data, bytes)
                self.offer(frame(PONG, message.data))
            elif opcode == CLOSE:
                assert isinstance(message.data, bytes)
                code = int.from_bytes(message.data[:2], "big") if message.data else Close.NORMAL
                self.close(code, "")
                return

    def _linger(self) -> None:
        """Let the close frame out and the peer go first: closing at once would reset it."""
        assert self._deadline is not None
        if self._sender is not None:
            self._sender.join(timeout=max(0.0, self._deadline - time.monotonic()))
        with gevent.Timeout(max(0.01, self._deadline - time.monotonic()), False):
            while self.websocket.discard():
                gevent.sleep(0)

    # -- the writing side: the sender greenlet ----------------------------------------------

    def _put(self, data: bytes) -> None:
        self.queue.put_nowait(data)
        if self._resting:
            # Once for each rest: a second switch would meet the sender in the middle of a write.
            assert self._sender is not None
            self._resting = False
            gevent.get_hub().loop.run_callback(self._sender.switch)
        elif self._sender is None:
            self._start_sender()

    def _rest(self) -> None:
        """Wait until something is put. `Queue.get` does the same for five times the price."""
        self._resting = True
        gevent.get_hub().switch()

    def _start_sender(self) -> None:
        """A quiet connection has no sender: a waiting greenlet holds 7 KB of stacks."""
        if self._running and self._sender is None:
            self._sender = gevent.spawn(self._send)

    def _send(self) -> None:
        queue = self.queue
        try:
            while True:
                while not queue.queue:  # `forget` may have emptied it again
                    self._rest()
                data = queue.get_nowait()
                if data is RETIRE:
                    if queue.qsize():
                        continue
                    self._sender = None
                    return
                if queue.queue and data is not CLOSING:
                    data = self._join(data)
                if data is CLOSING:
                    assert self.close_code is not None
                    self.websocket.send(close_frame(self.close_code, self.close_reason))
                    self.websocket.finish()
                    return
                self.sent += 1
                self.websocket.send(data)
                self.queued = max(0, self.queued - len(data))  # it may be forgotten meanwhile
                if self.queued < self._counted:
                    self._count(self.queued)
        except OSError:
            self._lose("gone")

    def _join(self, first: bytes) -> bytes:
        """Join the frames that wait behind `first` into one write."""
        batch, size = [first], len(first)
        waiting = self.queue.queue  # nobody waits to put: taking from it directly is safe
        while waiting and size < BATCH_BYTES and waiting[0] is not CLOSING:
            data = waiting.popleft()
            batch.append(data)
            size += len(data)
        self.sent += len(batch) - 1
        return b"".join(batch)
