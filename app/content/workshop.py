"""Work that would hold up the chat is done elsewhere: in examiners, processes of their own.

Threads would share the interpreter with the chat: a decoder that holds it for 200 ms, as that of a
large JPEG does, is 200 ms in which no message moves.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import weakref
from pathlib import Path

import msgspec
import structlog
from gevent import socket, subprocess
from gevent.lock import BoundedSemaphore

from app.content.orders import Answer, Examined, Order, Refused
from app.errors import BadMedia, HiChatError, StorageFull, Unavailable

WAITING = 64  # orders that are under way or wait for an examiner
# `app` without its __init__, which loads all of the program: 0.1 s and 21 MB instead of 1.4 and 95.
START = """
import sys, types
app = sys.modules["app"] = types.ModuleType("app")
app.__path__ = [sys.argv[1]]
from app.content.examiner import main
main()
"""
APP = Path(__file__).resolve().parents[1]
# What an examiner dies of when the file is at fault.
HARMED = frozenset({
    signal.SIGPROF, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL,
})

log = structlog.get_logger()


class Workshop:
    """So many examiners, started when they are needed."""

    def __init__(self, examiners: int) -> None:
        self._turns = BoundedSemaphore(examiners)
        self._places = BoundedSemaphore(WAITING)
        self._idle: list[_Examiner] = []

    def examine(self, order: Order) -> Examined:
        """Raises BadMedia, StorageFull; Unavailable when too much waits, or one was killed."""
        if not self._places.acquire(blocking=False):
            raise Unavailable("The server works on many files just now: try again in a moment.")
        try:
            with self._turns:
                answer = self._ask(order)
        finally:
            self._places.release()
        if isinstance(answer, Refused):
            raise StorageFull() if answer.full else BadMedia(answer.message)
        return answer

    def _ask(self, order: Order) -> Answer:
        examiner = self._idle.pop() if self._idle else _Examiner()
        answer = examiner.ask(order)  # one that fails is not asked again
        self._idle.append(examiner)
        return answer


class _Examiner:
    """A process, and the socket that is its stdin and stdout."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._lines = self._socket.makefile("rb")
        with theirs:
            os.set_blocking(theirs.fileno(), True)
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, str(APP)], stdin=theirs, stdout=theirs
            )
        self._answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
        weakref.finalize(self, _close, self._lines, self._socket)

    def ask(self, order: Order) -> Answer:
        try:
            self._socket.sendall(msgspec.json.encode(order) + b"\n")
            line = self._lines.readline()
        except ConnectionError:
            line = b""
        except BaseException:
            self._end()  # or its answer would be taken for that to the next order
            raise
        if not line:
            raise self._end()
        return self._answers.decode(line)

    def _end(self) -> HiChatError:
        """What it means to the user that there is no answer."""
        self._process.kill()
        status = self._process.wait()
        log.error("examiner_ended", status=status)
        if -status in HARMED:
            return BadMedia("This file cannot be read here: save it anew with another program.")
        return Unavailable("The server could not look at this file now: try again.")


def _close(lines: io.BufferedReader, its_socket: socket.socket) -> None:
    """The end of its stdin is that of the process."""
    lines.close()
    its_socket.close()
