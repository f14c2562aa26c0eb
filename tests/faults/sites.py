"""HiChat in both topologies, with a proxy on every connection that can break."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.faults.proxy import Proxy
from tests.support.disks import tmpfs
from tests.support.postgres import Postgres
from tests.support.process import wait_until
from tests.support.server import Server
from tests.support.valkey import Valkey

SETTINGS = {
    "HICHAT_ACCESS_TOKEN_SECONDS": "604800",
    "HICHAT_HEARTBEAT_SECONDS": "2",  # half-open connections end within the patience of a round
    "HICHAT_QUEUE_FRAMES": "256", "HICHAT_QUEUE_BYTES": "65536",  # slow readers meet their bounds
    # One process, whatever topology the other tests run in.
    "WEB_CONCURRENCY": "1", "HICHAT_DATABASE_URL": "", "HICHAT_REDIS_URL": "",
}
APP = "tests.model.app:app"  # passwords that cost nothing: every round has users of its own
PATIENCE = 120.0  # seconds: other programs may have the machine
LARGE = "1g"  # what the small disk has room for, when it is not full


class Door:
    """A proxy before the server, where clients think that it is."""

    def __init__(self, server: Server) -> None:
        self.proxy = Proxy(server.port, receive_buffer=16_384)

    @property
    def port(self) -> int:
        return self.proxy.port

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Site:
    """One server over SQLite. Faults happen at `far`; `near` is never broken."""

    kind = "single"

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.server = Server(folder, APP, **SETTINGS | settings)
        self.near, self.far = Door(self.server), Door(self.server)

    def start(self) -> None:
        self.server.prepare()
        self.server.start()

    def stop(self) -> None:
        if self.server.process is not None:
            self.server.kill()
        self.near.proxy.stop()
        self.far.proxy.stop()

    @property
    def is_ready(self) -> bool:
        """Whether it can store a message."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.server.http}/readyz", timeout=5).ok
        return False

    def wait(self) -> None:
        wait_until(lambda: self.is_ready, PATIENCE)

    # -- what happens to its processes -----------------------------------------------------

    def kill_worker(self, number: int) -> None:
        """kill -9 of one worker; the master starts another."""
        victim = self.server.workers()[number % len(self.server.workers())]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in self.server.workers(), PATIENCE)
        self.wait()

    def kill_master(self) -> None:
        """kill -9 of the master only; a new one starts when the orphans have left the port."""
        orphans = self.server.workers()
        assert self.server.process is not None
        self.server.process.kill()
        self.server.process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), PATIENCE)
        self.server.start()
        self.wait()

    def restart(self) -> None:
        """TERM, and start again."""
        self.server.terminate()
        self.server.start()
        self.wait()

    def cut_power(self) -> None:
        """kill -9 of everything at once."""
        self.server.kill()
        self.server.start()
        self.wait()

    def roll(self) -> None:
        """HUP: new workers come, the old ones drain, one port all the time."""
        before = set(self.server.workers())
        assert self.server.process is not None
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not before & set(self.server.workers()), PATIENCE)
        self.wait()


class SmallDisk(Site):
    """A single one whose data folder is a file system of its own."""

    kind = "disk"

    def fill(self) -> None:
        """What is there stays; nothing more fits."""

        def filled() -> bool:  # not yet, if somebody has just written
            found = os.statvfs(self.folder)
            return self._resize(str((found.f_blocks - found.f_bfree) * found.f_frsize))

        wait_until(filled)

    def empty(self) -> None:
        assert self._resize(LARGE)

    def _resize(self, size: str) -> bool:
        command = ["mount", "-o", f"remount,size={size}", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Many(Site):
    """Two workers over PostgreSQL and Valkey."""

    kind = "many"

    def __init__(self, folder: Path, postgres: Postgres, valkey: Valkey) -> None:
        self.postgres, self.valkey = postgres, valkey
        self.database, self.bus = Proxy(postgres.port), Proxy(valkey.port)
        super().__init__(
            folder, WEB_CONCURRENCY="2", HICHAT_REDIS_URL=f"redis://127.0.0.1:{self.bus.port}",
            HICHAT_DATABASE_URL=postgres.url.replace(str(postgres.port), str(self.database.port)),
        )

    def stop(self) -> None:
        super().stop()
        self.database.stop()
        self.bus.stop()

    def kill_database(self) -> None:
        """kill -9 of PostgreSQL, all of it, and an immediate restart."""
        self.postgres.kill()
        self.postgres.launch()
        self.wait()

    def kill_bus(self, seconds: float) -> None:
        """kill -9 of Valkey, which is away for so long and forgets everything."""
        self.valkey.kill()
        time.sleep(seconds)
        self.valkey.start()

    def stop_bus(self, seconds: float) -> None:
        """SIGSTOP: Valkey takes connections, and never answers."""
        self.valkey.pause()
        time.sleep(seconds)
        self.valkey.resume()


@contextmanager
def site(kind: str, folder: Path) -> Iterator[Site]:
    """A site of this kind, started, in a new folder below `folder`."""
    with ExitStack() as stack:
        here = folder / kind
        if kind == "disk":
            made: Site = SmallDisk(stack.enter_context(tmpfs(here, LARGE)))
        else:
            here.mkdir()
            made = Site(here)
            if kind == "many":
                made = _many(stack, here)
        stack.callback(made.stop)
        made.start()
        yield made


def _many(stack: ExitStack, folder: Path) -> Many:
    postgres = Postgres()
    stack.callback(postgres.stop)
    postgres.start()
    valkey = Valkey(folder)
    stack.callback(valkey.stop)
    valkey.start()
    return Many(folder, postgres, valkey)
