"""python -m bench [NAME ...] [--seconds S] [--rounds N] [--quick] [--only SERVER ...]"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import report
from .entries import ENTRIES
from .plans import PLANS, Plan
from .proc import PAGE, allow_files
from .rounds import run
from .servers import LOAD_CORE, ROOT, SERVER_CORE

PACKAGES = (
    "gevent",
    "gunicorn",
    "flask-sock",
    "Flask-SocketIO",
    "fastapi",
    "uvicorn",
    "websockets",
    "SQLAlchemy",
    "aiosqlite",
)


def main() -> int:
    options = arguments()
    if options.names == ["report"]:
        report.write()
        return 0
    names = list(PLANS) if not options.names or "all" in options.names else options.names
    allow_servers_files()
    # What this process does itself (filling a store, say) is part of the load.
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"servers on core {SERVER_CORE}, load on core {LOAD_CORE}", flush=True)
    for name in names:
        measure(shaped(PLANS[name], options), options)
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[[], "all", "report", *PLANS],
        help=f"{', '.join(PLANS)}; all (the default); report: write the report again",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, help="the measuring window of one turn")
    parser.add_argument("--rounds", type=int, help="turns of each server (default 3)")
    parser.add_argument(
        "--only", nargs="+", choices=list(ENTRIES), metavar="SERVER",
        help=f"of {', '.join(ENTRIES)}; prints, and writes no report",
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test: small, one round, writes no report"
    )
    return parser.parse_args()


def shaped(plan: Plan, options: argparse.Namespace) -> Plan:
    """The plan with the command line's wishes."""
    if options.quick:
        plan = plan.quick()
    if options.only:
        plan = replace(plan, entries=tuple(n for n in plan.entries if n in options.only))
    return replace(
        plan,
        seconds=options.seconds or plan.seconds,
        rounds=options.rounds or plan.rounds,
    )


def measure(plan: Plan, options: argparse.Namespace) -> None:
    print(f"{plan.name}: {plan.title}", flush=True)
    result = run(plan)
    result["about"] = about()
    if options.quick or options.only:
        results = {plan.name: result}
        print("\n".join(report.section(plan.name, result, results)), flush=True)
        return
    report.save(plan.name, result)
    report.write()
    print("\n".join(report.section(plan.name, result, report.saved())), flush=True)


def allow_servers_files() -> None:
    """Servers inherit the limit: 5,000 sockets and room."""
    try:
        allow_files(8192)
    except OSError as problem:
        print(f"warning: {problem}", file=sys.stderr)


def about() -> dict[str, str]:
    """When, by what, on what: for the head of a table."""
    return {
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": machine(),
        "kernel": os.uname().release,
        "versions": ", ".join(versions()),
    }


def machine() -> str:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30
    model = models[0] if models else os.uname().machine
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"


def versions() -> list[str]:
    """Python, Go, HiChat's commit, and the peers' libraries."""
    found = [f"Python {sys.version.split()[0]} ({build()})"]
    if shutil.which("go"):
        answer = subprocess.run(["go", "version"], capture_output=True, text=True, check=False)
        found.append(f"Go {answer.stdout.split()[2].removeprefix('go')}")
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    if shutil.which("git"):
        answer = subprocess.run(git, capture_output=True, text=True, check=False)
        found.append(f"HiChat {answer.stdout.strip() or 'uncommitted'}")
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


def build() -> str:
    """How this Python was compiled: without PGO its loop takes about 1.7 times as long."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return "with PGO" if "--enable-optimizations" in options else "compiled without PGO"


if __name__ == "__main__":
    sys.exit(main())
