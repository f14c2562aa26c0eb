"""How a greenlet waits for PostgreSQL.

Where gevent has patched `select`, psycopg waits by a new `poll` with a timer, in a pipeline once or
twice for each command, although a socket can nearly always be written to. Here one that can is
not waited for, and one that must be read has a watcher.
"""

from __future__ import annotations

from functools import cached_property
from itertools import count
from select import POLLIN, POLLOUT
from typing import Any, TypeVar

import psycopg
from gevent import get_hub, monkey, sleep
from psycopg.abc import PQGen
from psycopg.waiting import READY_R, READY_W, WAIT_R, WAIT_W

from app.store.exchange import Exchange

T = TypeVar("T")
INTERVAL = 0.1  # seconds; psycopg's own, for where it waits itself
TURN = 100  # steps without a wait before the other greenlets get their turn

_poll = monkey.get_original("select", "poll")  # a look, without a turn of the event loop


class CooperativeConnection(psycopg.Connection[Any]):
    """psycopg's connection, with a way to wait that fits gevent, and one to ask much at once."""

    @cached_property
    def exchange(self) -> Exchange:
        return Exchange(self)

    def rollback(self) -> None:
        """Nothing, where the connection has ended: who asks for it has an error of their own."""
        if not self.closed:
            super().rollback()

    def wait(
        self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None
    ) -> T:
        """Run what psycopg does, which says when it cannot go on without the other end."""
        if timeout is not None or not monkey.is_module_patched("select"):
            return super().wait(gen, interval, timeout)
        try:
            wanted = next(gen)
            for step in count(1):
                if step % TURN == 0:
                    sleep(0)
                wanted = gen.send(_ready(self.pgconn.socket, wanted))
        except StopIteration as end:
            result: T = end.value
            return result
        raise AssertionError("unreachable")


def _ready(fileno: int, wanted: int) -> int:
    """Wait until the socket can be read or written, as `wanted`; which of them."""
    ready = _look(fileno, wanted) if wanted & WAIT_W else 0
    while not ready:
        hub = get_hub()
        watcher = hub.loop.io(fileno, wanted)  # libev's numbers and psycopg's are the same
        try:
            hub.wait(watcher)
        finally:
            watcher.close()
        ready = int(READY_R) if wanted == WAIT_R else _look(fileno, wanted)
    return ready


def _look(fileno: int, wanted: int) -> int:
    """What the socket is ready for now. One that broke can be read: that tells how."""
    poll = _poll()
    poll.register(fileno, (POLLIN if wanted & WAIT_R else 0) | (POLLOUT if wanted & WAIT_W else 0))
    ready = 0
    for _, found in poll.poll(0):
        ready |= (READY_R if found & ~POLLOUT else 0) | (READY_W if found & POLLOUT else 0)
    return ready
