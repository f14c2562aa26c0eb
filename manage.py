#!/usr/bin/env python3
"""Set up and run HiChat on a bare Python 3.11 or later. Uses the standard library only.

    python3 manage.py run      set up, migrate, serve, print the address
    python3 manage.py test     set up what the tests need, run them all
    python3 manage.py check    lint and type-check
    python3 manage.py bench    measure (see bench/README.md)
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BENCH_VENV = ROOT / ".venv-bench"
# Tests wait half of their time: two processes for each core, each of which takes whole modules, in
# the order of tests/conftest.py. Each has a server, databases and a browser of its own: eight do.
PROCESSES = min(8, 2 * (os.cpu_count() or 1))
PARALLEL = ["-n", str(PROCESSES), "--dist=loadfile", "--no-loadscope-reorder"]
# A file system in memory, and the bytes that it must have free. Each program makes folders of its
# own there.
MEMORY, ROOM = "/dev/shm", 4 << 30  # noqa: S108  # mkdtemp makes its folders for one user
OLDEST = (3, 11)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class SetupError(Exception):
    """What is missing, and the command that mends it."""


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="manage.py", description="Run and test HiChat.")
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="set up, migrate, serve, print the address")
    run_parser.add_argument("--port", type=int, help="TCP port (PORT)")
    run_parser.add_argument("--host", help="address to listen on (HICHAT_HOST)")
    run_parser.add_argument("--workers", type=int, help="processes (WEB_CONCURRENCY)")
    test_parser = commands.add_parser("test", help="set up what the tests need, run them all")
    test_parser.add_argument("--long", action="store_true", help="the long tests too (hours)")
    commands.add_parser("check", help="lint and type-check")
    commands.add_parser("bench", help="measure; arguments go to bench", add_help=False)
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command not in ("test", "bench"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    os.chdir(ROOT)
    try:
        if options.command == "run":
            return run(options)
        if options.command == "test":
            return test(options.long, rest)
        return check() if options.command == "check" else bench(rest)
    except SetupError as error:
        print(f"manage.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def run(options: argparse.Namespace) -> int:
    """Serve until stopped. Replaces this process, so that signals reach the server."""
    python = prepare(VENV, "requirements.txt")
    given = {"PORT": options.port, "HICHAT_HOST": options.host, "WEB_CONCURRENCY": options.workers}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    found = subprocess.run([python, "-c", CHECK_SETTINGS], capture_output=True, text=True)
    if found.returncode:
        raise SetupError(found.stderr.strip().splitlines()[-1])
    check_address(*found.stdout.splitlines())
    if subprocess.run([python, "-m", "flask", "--app", "wsgi", "hichat", "prepare"]).returncode:
        raise SetupError("the database could not be prepared; the lines above say why")
    gunicorn = [python, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    sys.stdout.flush()
    os.execv(python, gunicorn)  # noqa: S606  # no shell is wanted


CHECK_SETTINGS = """
import sys, config
try:
    found = config.load()
    found.signing_key()
except (config.ConfigError, OSError) as error:
    sys.exit(str(error))
print(found.host, found.port, sep="\\n")
"""


def check_address(host: str, port: str) -> None:
    """Say now, and plainly, when nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, int(port)), family=family).close()
    except OSError as error:
        raise SetupError(
            f"cannot listen on {host}, port {port}: {error.strerror}."
            " Choose another port with --port (or PORT), another address with --host."
        ) from None


def test(long: bool, rest: list[str]) -> int:
    """Run all tests, and those of the protocol a second time, over two workers.

    Which these are: tests/support/served.py. Further arguments go to pytest, which then runs once.
    """
    python = prepare(VENV, "requirements-dev.txt")
    find_browser()
    chosen = ["-m", "long or not long"] if long else ["-m", "not long"]
    parallel = [] if long or any(item.startswith("-n") for item in rest) else PARALLEL
    pytest = [python, "-m", "pytest", *chosen, *parallel]
    environ = {**os.environ, **in_memory()}
    once = subprocess.run([*pytest, *rest], env=environ).returncode
    if once or rest:
        return once
    print("The protocol again, over two workers, PostgreSQL and Valkey:", flush=True)
    return subprocess.run(pytest, env={**environ, "TEST_TOPOLOGY": "many"}).returncode


def in_memory() -> dict[str, str]:
    """Temporary files in memory, if it has room and programs may run there: tests flush often."""
    if "TMPDIR" in os.environ or not os.path.isdir(MEMORY):
        return {}
    found = os.statvfs(MEMORY)
    fits = found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC
    return {"TMPDIR": MEMORY} if fits else {}


def check() -> int:
    """Lint and type-check."""
    python = prepare(VENV, "requirements-dev.txt")
    lint = subprocess.run([python, "-m", "ruff", "check", "."]).returncode
    types = subprocess.run([python, "-m", "mypy"]).returncode
    return lint or types


def bench(rest: list[str]) -> int:
    """Measure HiChat beside its peers; see bench/README.md."""
    prepare(VENV, "requirements.txt")
    python = prepare(BENCH_VENV, "bench/requirements.txt")
    return subprocess.run([python, "-m", "bench", *rest]).returncode


def prepare(venv: Path, requirements: str) -> str:
    """Make `venv` hold `requirements`; return its Python. Quick when nothing has changed."""
    if sys.version_info < OLDEST:
        found = sys.version.split()[0]
        raise SetupError(f"Python {found} is too old: HiChat needs 3.11 or later")
    python = venv / "bin" / "python"
    if not works(python):
        make_venv(venv)
    wanted, stamp = digest(requirements), venv / f".{Path(requirements).stem}.sha256"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing {requirements} (once) ...", flush=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "-r", requirements]).returncode:
            raise SetupError(f"pip could not install {requirements}; check the network and retry")
        stamp.write_text(wanted)
    return str(python)


def find_browser() -> None:
    """See that Chromium, in which the web client is tested, is there; as root, install Debian's."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    remedy = "apt-get install chromium (Debian), or install Google Chrome, then run this again"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"the tests of the web client need Chromium: {remedy}")
    print("Installing chromium (once) ...", flush=True)
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        if subprocess.run(["apt-get", "--quiet=2", *words], env=quietly).returncode:
            raise SetupError(f"apt-get could not install Chromium (see above): {remedy}")


def works(python: Path) -> bool:
    """Whether a Python is there and runs (its base may have been upgraded away)."""
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", ""], capture_output=True).returncode == 0


def make_venv(venv: Path) -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    remedy = f"apt-get install python{version}-venv (Debian, Ubuntu), then run this again"
    if missing:
        raise SetupError(f"this Python has no module {missing[0]}: {remedy}")
    print(f"Making {venv.name} (once) ...", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)]).returncode:
        raise SetupError(f"the virtual environment could not be made: {remedy}")


def digest(requirements: str) -> str:
    """A digest of a requirements file, and of those that it includes."""
    text = (ROOT / requirements).read_text()
    included = [line[3:].strip() for line in text.splitlines() if line.startswith("-r ")]
    parts = [text, *(digest(name) for name in included), sys.version]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
