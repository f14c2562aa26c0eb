"""Results as docs/benchmarks.md and docs/benchmarks.svg, from bench/results/*.json.

Each scenario's latest result is kept as JSON, so that scenarios can be run one at a time and
the report still shows all; each table says when, by which command and on what it was measured.
"""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from .chart import draw
from .entries import ENTRIES
from .goals import GOALS, Results, dig, ratio, values
from .plans import PLANS
from .servers import HERE, ROOT

RESULTS = HERE / "results"
DOCS = ROOT / "docs"

# scenario -> columns as (title, metric, divisor, digits)
COLUMNS: dict[str, tuple[tuple[str, str, float, int], ...]] = {
    "cost": (
        ("CPU us per message", "cpu_us", 1, 1),
        ("messages/s", "rate", 1, 0),
        ("server RSS, MB", "rss", 2**20, 0),
    ),
    "fanout": (
        ("CPU us per delivery", "cpu_us", 1, 2),
        ("messages/s", "rate", 1, 1),
        ("server RSS, MB", "rss", 2**20, 0),
    ),
    "latency": (
        ("ack p50 ms", "ack_ms.p50", 1, 2),
        ("ack p99", "ack_ms.p99", 1, 2),
        ("ack p99.9", "ack_ms.p999", 1, 2),
        ("delivery p50 ms", "delivery_ms.p50", 1, 2),
        ("delivery p99", "delivery_ms.p99", 1, 2),
        ("delivery p99.9", "delivery_ms.p999", 1, 2),
        ("generator late p99", "late_ms.p99", 1, 2),
        ("CPU us per message", "server_us", 1, 0),
        ("of the database", "database_us", 1, 0),
        ("of the bus", "bus_us", 1, 0),
    ),
    "bus_stop": (
        ("ack p50 ms", "ack_ms.p50", 1, 2),
        ("ack p99", "ack_ms.p99", 1, 2),
        ("delivery p50 ms", "delivery_ms.p50", 1, 0),
        ("delivery p99", "delivery_ms.p99", 1, 0),
        ("latest delivery", "delivery_ms.max", 1, 0),
        ("latest delivery after it goes on", "after_ms.max", 1, 0),
    ),
    "stalled": (
        ("ack p99 ms without", "before.ack_ms.p99", 1, 2),
        ("with", "ack_ms.p99", 1, 2),
        ("delivery p99 ms without", "before.delivery_ms.p99", 1, 2),
        ("with", "delivery_ms.p99", 1, 2),
        ("times", "delivery_ratio", 1, 2),
        ("RSS growth, MB", "growth_mb", 1, 1),
        ("sent away", "ended", 1, 0),
    ),
    "comeback": (
        ("seconds until the first is greeted", "seconds_first", 1, 2),
        ("until all have caught up", "seconds_all", 1, 2),
        ("events caught up", "events", 1, 0),
        ("CPU s of the server", "server_cpu", 1, 2),
        ("of the database", "database_cpu", 1, 2),
        ("of the bus", "bus_cpu", 1, 2),
        ("server RSS, MB", "rss", 2**20, 0),
    ),
    "uploads": (
        ("ack p99 ms without", "alone.ack_ms.p99", 1, 2),
        ("with", "ack_ms.p99", 1, 2),
        ("delivery p99 ms without", "alone.delivery_ms.p99", 1, 2),
        ("with", "delivery_ms.p99", 1, 2),
        ("times, the worse", "times", 1, 2),
        ("pictures/s", "pictures_per_second", 1, 2),
        ("upload p50 ms", "upload_ms.p50", 1, 0),
        ("server RSS, MB", "rss", 2**20, 0),
        ("generator late p99", "late_ms.p99", 1, 2),
    ),
    "idle": (
        ("RSS per connection, KB", "rss_per_connection", 1024, 1),
        ("RSS before, MB", "rss_before", 2**20, 0),
        ("RSS with all, MB", "rss", 2**20, 0),
    ),
    "storm": (
        ("connects/s", "rate", 1, 0),
        ("CPU us per connect", "cpu_us", 1, 0),
    ),
    "history": (
        ("CPU us per page", "cpu_us", 1, 0),
        ("p50 ms", "page_ms.p50", 1, 2),
        ("p99", "page_ms.p99", 1, 2),
        ("p99.9", "page_ms.p999", 1, 2),
        ("pages", "pages", 1, 0),
    ),
    "soak": (
        ("RSS after the warm-up, MB", "rss_early", 2**20, 1),
        ("at the end", "rss_late", 2**20, 1),
        ("growth, %", "growth_percent", 1, 2),
        ("slope of the last half, KB/min", "slope_kb_minute", 1, 1),
        ("messages", "messages", 1, 0),
        ("reconnects", "moves", 1, 0),
        ("of these after a log-out", "ended", 1, 0),
        ("log-ins", "logins", 1, 0),
        ("lists and pages read", "readings", 1, 0),
        ("CPU us per message, all included", "cpu_us", 1, 0),
    ),
}
# scenario -> ratios to the plan's base as (title, metric), where not only of the plan's own metric
RATIOS = {"history": (("CPU", "cpu_us"), ("p99", "page_ms.p99"))}
SHARES = (
    ("server's core", "server_share"),
    ("generator's core", "load_share"),
    ("others", "others_share"),
)


def save(name: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def saved() -> Results:
    """The latest result of each scenario that has one."""
    files = {name: RESULTS / f"{name}.json" for name in PLANS}
    return {name: json.loads(path.read_text()) for name, path in files.items() if path.exists()}


def write() -> None:
    results = saved()
    DOCS.mkdir(exist_ok=True)
    draw(results, DOCS / "benchmarks.svg")
    (DOCS / "benchmarks.md").write_text("\n".join(page(results)) + "\n")


def page(results: Results) -> list[str]:
    lines = [
        "# Benchmarks",
        "",
        "Written by `python3 manage.py bench`; how it measures, and what it does not:"
        " [`bench/README.md`](../bench/README.md).",
        "",
        "![CPU per message and memory per connection](benchmarks.svg)",
        "",
        *goals(results),
    ]
    for name, result in results.items():
        lines += section(name, result, results)
    return lines


def goals(results: Results) -> list[str]:
    lines = [
        "## Goals",
        "",
        "On one core, through gunicorn, real tokens. Where both doors were measured, the worse"
        " of `/v1` and `/v2` counts.",
        "",
        "| what | bar | moonshot | measured | |",
        "|---|---|---|---:|---|",
    ]
    for goal in GOALS:
        measured, verdict = goal.verdict(results)
        cells = (goal.what, goal.limit(goal.bar), goal.limit(goal.moonshot), measured, verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def section(name: str, result: dict[str, Any], results: Results) -> list[str]:
    plan, about = result["plan"], result["about"]
    columns = COLUMNS[plan["scenario"]]
    head = ["server", "what it does", *(title for title, *_ in columns)]
    head += [title for title, _ in ratios(plan)]
    head += [title for title, _ in shares(plan)]
    return [
        f"## {plan['title']}",
        "",
        f"`{about['command']}`, {about['date']}, {plan['rounds']} rounds in turns, median"
        f" (lowest to highest). {about['machine']}; Linux {about['kernel']}; {about['versions']}.",
        "",
        f"| {' | '.join([*head, 'lost'])} |",
        "|---|---|" + "---:|" * (len(head) - 1),
        *(row(name, server, plan, results) for server in result["rounds"]),
        "",
    ]


def row(name: str, server: str, plan: dict[str, Any], results: Results) -> str:
    rounds = results[name]["rounds"][server]
    entry = ENTRIES[server]
    good = [result for result in rounds if "problem" not in result]
    label = f"**{server}**" if entry.accounts else server
    if not good:
        return f"| {label} | {entry.note} | {one_line(rounds[0]['problem'])} |"
    cells = [label, entry.note]
    for _, metric, divisor, digits in COLUMNS[plan["scenario"]]:
        cells.append(spread(values(results, name, server, metric), divisor, digits))
    cells += [times(name, server, plan["base"], metric, results) for _, metric in ratios(plan)]
    cells += [share(values(results, name, server, metric)) for _, metric in shares(plan)]
    cells.append(lost(rounds, good))
    return f"| {' | '.join(cells)} |"


def ratios(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """(title, metric) of each ratio to the scenario's base; none where a server is alone."""
    base = plan["base"]
    if base in ("hichat_v2", ""):
        return [("times HiChat", plan["metric"])] if base else []
    found = RATIOS.get(plan["scenario"], (("CPU", plan["metric"]),))
    return [(f"{title}, times {base}", metric) for title, metric in found]


def shares(plan: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return () if plan["scenario"] == "idle" else SHARES


def times(name: str, server: str, base: str, metric: str, results: Results) -> str:
    value = ratio(results, name, server, base, metric)
    return "" if value in (None, float("inf")) else f"{value:.2f}x"


def spread(figures: list[float], divisor: float, digits: int) -> str:
    """Median (lowest to highest); nothing where the server has no such figure."""
    if not figures:
        return ""
    scaled = sorted(figure / divisor for figure in figures)
    low, middle, high = (number(each, digits) for each in (scaled[0], median(scaled), scaled[-1]))
    return f"{middle} ({low} to {high})" if len(scaled) > 1 else middle


def number(figure: float, digits: int) -> str:
    """A latency is infinite where the message never came."""
    return "never" if figure == float("inf") else f"{figure:,.{digits}f}"


def share(figures: list[float]) -> str:
    return f"{median(figures):.0%}" if figures else ""


def lost(rounds: list[dict[str, Any]], good: list[dict[str, Any]]) -> str:
    """Messages that never came, and rounds that were void."""
    missing = sum(int(dig(result, "lost") or 0) for result in good)
    strays = sum(int(dig(result, "strays") or 0) for result in good)
    words = [f"{missing:,}"]
    if strays:
        words.append(f"{strays:,} strays")
    if len(good) < len(rounds):
        failed = next(result["problem"] for result in rounds if "problem" in result)
        words.append(f"{len(rounds) - len(good)} void rounds ({one_line(failed)})")
    return ", ".join(words)


def one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")[:160]
