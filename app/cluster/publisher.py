"""What this process tells the others leaves through one connection to a server, many at once.

Nobody waits for it: an ack has left before. What Redis does not take is dropped; the others find
events in the log (headcheck.py), and the rest is made up for in other ways, or was a hint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

import gevent
import structlog
from gevent.event import Event
from redis.connection import AbstractConnection
from redis.exceptions import ResponseError

from app.cluster.servers import AWAY, Connect

MOST = 20_000  # letters that may wait
MOST_BYTES = 32_000_000
AT_ONCE = 500  # letters in one round trip
PAUSE = 0.5  # seconds between two attempts to reach a Redis that is away
# One command and one answer for a batch: a PUBLISH for each letter and channel costs three times as
# much on our side. Of each letter there come: how many channels, these, and the letter. A
# channel that has moved to another server of a cluster is refused; what follows goes out.
SCRIPT = """
local i, refused = 1, false
while i <= #ARGV do
    local last = i + tonumber(ARGV[i])
    for channel = i + 1, last do
        local answer = redis.pcall('%s', ARGV[channel], ARGV[last + 1])
        if type(answer) == 'table' then refused = answer end
    end
    i = last + 2
end
return refused"""

log = structlog.get_logger()


@dataclass
class Count:
    """Letters of all publishers together, each counted for every server that it goes to."""

    sent: int = 0
    dropped: int = 0


class Publisher:
    """A bounded queue and the greenlet that empties it."""

    def __init__(
        self, connect: Connect, sharded: bool, count: Count, lost: Callable[[], None]
    ) -> None:
        """`lost` is called when letters could not be published, or not here."""
        self._connect = connect
        self._sharded = sharded
        self._script = SCRIPT % ("SPUBLISH" if sharded else "PUBLISH")
        self._count = count
        self._lost = lost
        self._connection: AbstractConnection | None = None
        self._waiting: deque[tuple[Collection[str], bytes]] = deque()
        self._bytes = 0
        self._sending = 0  # letters that Redis has not answered yet
        self._work = Event()

    def send(self, channels: Collection[str], letter: bytes) -> None:
        """Queue a letter; never waits."""
        if len(self._waiting) >= MOST or self._bytes > MOST_BYTES:
            self._count.dropped += 1
            return
        self._waiting.append((channels, letter))
        self._bytes += len(letter)
        self._work.set()

    def flush(self, seconds: float) -> None:
        """Wait until Redis has taken all that was sent, but not longer than that."""
        with gevent.Timeout(seconds, False):
            while self._waiting or self._sending:
                gevent.sleep(0.01)

    def run(self) -> None:
        """Send what waits. Never returns."""
        well = True
        while True:
            self._work.wait()
            try:
                self._send_some()
                if not well:
                    log.info("redis_back", dropped=self._count.dropped)
                well = True
            except AWAY as error:
                if well:
                    log.warning("redis_lost", error=str(error))
                well = False
                if self._sharded and isinstance(error, ResponseError):
                    self._refuse()  # the connection is good, and so is what waits
                else:
                    self.drop()
                self._lost()
                gevent.sleep(PAUSE)

    def _send_some(self) -> None:
        if self._connection is None:
            connection = self._connect()
            connection.connect()
            self._connection = connection
        waiting = self._waiting
        batch = [waiting.popleft() for _ in range(min(len(waiting), AT_ONCE))]
        self._bytes -= sum(len(letter) for _, letter in batch)
        if not waiting:
            self._work.clear()
        self._sending = len(batch)
        words: list[str | int | bytes] = ["EVAL", self._script, 0]
        for channels, letter in batch:
            words += (len(channels), *channels, letter)
        self._connection.send_command(*words)
        self._connection.read_response()
        self._count.sent += len(batch)
        self._sending = 0

    def _refuse(self) -> None:
        self._count.dropped += self._sending
        self._sending = 0

    def drop(self) -> None:
        """Old news is worth nothing: the others have looked into the log by then."""
        self._refuse()
        self._count.dropped += len(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        self._work.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
