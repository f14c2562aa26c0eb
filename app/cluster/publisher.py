"""What this process tells the others leaves through one connection, many letters at once.

Nobody waits for it: an ack has left before. What Redis does not take is dropped; the others find
events in the log (headcheck.py), and the rest is made up for in other ways, or was a hint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import gevent
import structlog
from gevent.event import Event
from redis.connection import AbstractConnection
from redis.exceptions import RedisError

MOST = 20_000  # letters that may wait
MOST_BYTES = 32_000_000
AT_ONCE = 500  # letters in one round trip
PAUSE = 0.5  # seconds between two attempts to reach a Redis that is away
# One command and one answer for a batch: a PUBLISH for each letter and channel costs three times as
# much on our side. Of each letter there come: how many channels, these, and the letter.
SCRIPT = """
local i = 1
while i <= #ARGV do
    local last = i + tonumber(ARGV[i])
    for channel = i + 1, last do redis.call('PUBLISH', ARGV[channel], ARGV[last + 1]) end
    i = last + 2
end"""

log = structlog.get_logger()


class Publisher:
    """A bounded queue and the greenlet that empties it."""

    def __init__(self, connect: Callable[[], AbstractConnection]) -> None:
        self._connect = connect
        self._connection: AbstractConnection | None = None
        self._waiting: deque[tuple[Sequence[str], bytes]] = deque()
        self._bytes = 0
        self._sending = 0  # letters that Redis has not answered yet
        self._work = Event()
        self.sent = 0  # letters
        self.dropped = 0

    def send(self, channels: Sequence[str], letter: bytes) -> None:
        """Queue a letter; never waits."""
        if len(self._waiting) >= MOST or self._bytes > MOST_BYTES:
            self.dropped += 1
            return
        self._waiting.append((channels, letter))
        self._bytes += len(letter)
        self._work.set()

    def flush(self, seconds: float) -> None:
        """Wait until the queue is empty, but not longer than that."""
        with gevent.Timeout(seconds, False):
            while self._waiting:
                gevent.sleep(0.01)

    def run(self) -> None:
        """Send what waits. Never returns."""
        well = True
        while True:
            self._work.wait()
            try:
                self._send_some()
                if not well:
                    log.info("redis_back", dropped=self.dropped)
                well = True
            except (RedisError, OSError) as error:
                if well:
                    log.warning("redis_lost", error=str(error))
                well = False
                self._drop()
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
        words: list[str | int | bytes] = ["EVAL", SCRIPT, 0]
        for channels, letter in batch:
            words += (len(channels), *channels, letter)
        self._connection.send_command(*words)
        self._connection.read_response()
        self.sent += len(batch)
        self._sending = 0

    def _drop(self) -> None:
        """Old news is worth nothing: the others have looked into the log by then."""
        self.dropped += len(self._waiting) + self._sending
        self._sending = 0
        self._waiting.clear()
        self._bytes = 0
        self._work.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
