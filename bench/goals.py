"""The goals of the issues "The engine" and "Many processes", judged by the latest results.

Failed ones stay in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

Results = dict[str, dict[str, Any]]
OURS = ("hichat_v2", "hichat_v1")


def values(results: Results, plan: str, name: str, metric: str) -> list[float]:
    """One competitor's figure in each round of a scenario; empty if it was not measured."""
    rounds = results.get(plan, {}).get("rounds", {}).get(name, [])
    found = [dig(result, metric) for result in rounds]
    return [value for value in found if value is not None]


def dig(result: dict[str, Any], metric: str) -> float | None:
    """`ack_ms.p99` is result["ack_ms"]["p99"]."""
    value: Any = result
    for key in metric.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else float(value)


def ratio(results: Results, plan: str, name: str, to: str, metric: str) -> float | None:
    """The median of the rounds' own ratios: each pair of figures is of the same minute."""
    pairs = zip(
        values(results, plan, name, metric), values(results, plan, to, metric), strict=False
    )
    ratios = [one / other for one, other in pairs if other]
    return median(ratios) if ratios else None


Measure = Callable[[Results], float | None]


def times(plan: str, peer: str) -> Measure:
    """How many times the peer's cost is ours: the worse of `/v1` and `/v2`."""
    return lambda results: worst(max, [ratio(results, plan, us, peer, "cpu_us") for us in OURS])


def cheaper(plan: str, *peers: str) -> Measure:
    """How many times ours is the peer's cost: the worst of all pairs."""
    return lambda results: worst(
        min, [ratio(results, plan, peer, us, "cpu_us") for peer in peers for us in OURS]
    )


def against(plan: str, name: str, to: str, metric: str = "cpu_us") -> Measure:
    """How many times one row's cost is another's."""
    return lambda results: ratio(results, plan, name, to, metric)


def own(
    plan: str,
    metric: str,
    divisor: float = 1.0,
    pick: Callable[[list[float]], float] = max,
) -> Measure:
    """Our own figure, the median of the rounds: the worse of `/v1` and `/v2`, as `pick` says."""

    def measure(results: Results) -> float | None:
        found = [values(results, plan, us, metric) for us in OURS]
        return worst(pick, [median(each) / divisor if each else None for each in found])

    return measure


def of(plan: str, name: str, metric: str) -> Measure:
    """One row's figure, the median of the rounds."""

    def measure(results: Results) -> float | None:
        found = values(results, plan, name, metric)
        return median(found) if found else None

    return measure


def worst(pick: Callable[[list[float]], float], figures: list[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return pick(known) if known else None


@dataclass(frozen=True)
class Goal:
    """`bar` and `moonshot` are upper limits, or lower ones where `more` is better."""

    what: str
    unit: str
    bar: float
    moonshot: float | None
    measure: Measure | None
    more: bool = False

    def met(self, value: float, limit: float) -> bool:
        return value >= limit if self.more else value <= limit

    def limit(self, limit: float | None) -> str:
        if limit is None:
            return ""
        return f"at {'least' if self.more else 'most'} {limit:,g} {self.unit}".strip()

    def verdict(self, results: Results) -> tuple[str, str]:
        """(the measured value, what it means), both for the table."""
        value = self.measure(results) if self.measure else None
        if value is None:
            return "", "not measured by this program" if not self.measure else "not measured"
        shown = f"{value:,.2f} {self.unit}"
        if self.moonshot is not None and self.met(value, self.moonshot):
            return shown, "**pass**, moonshot"
        if self.met(value, self.bar):
            return shown, "**pass**"
        return shown, f"**FAIL**, off by {miss(value, self.bar):.1f}x"


def miss(value: float, limit: float) -> float:
    return max(value, limit) / min(value, limit) if min(value, limit) else float("inf")


GOALS = (
    Goal(
        "private message, stored, acked, delivered, 8 in flight: CPU against the Go relay",
        "x", 2, 1.5, times("cost8", "go_relay"),
    ),
    Goal("the same, 1 in flight", "x", 3, 2, times("cost1", "go_relay")),
    Goal(
        "the same, 8 in flight: cheaper than Flask-SocketIO without storage",
        "x", 6, 10, cheaper("cost8", "flask_socketio_relay"), more=True,
    ),
    Goal(
        "the same: cheaper than Flask-SocketIO and FastAPI that commit each message",
        "x", 40, 60, cheaper("cost8", "flask_socketio_commit", "fastapi_commit"), more=True,
    ),
    Goal(
        "group fan-out, 1,000 online members, 1 in flight: CPU per delivery",
        "us", 5, 3, own("fanout", "cpu_us"),
    ),
    Goal(
        "idle connection, 5,000 open: RSS per connection",
        "KB", 32, 20, own("idle", "rss_per_connection", 1024),
    ),
    Goal(
        "send to ack at 2,000 messages/s offered: p99",
        "ms", 10, 5, own("latency", "ack_ms.p99"),
    ),
    Goal(
        "the same while 8 users upload 12-megapixel pictures: p99 against without",
        "x", 2, None, own("uploads", "times"),
    ),
    Goal(
        "connect storm: hellos per second",
        "/s", 2000, 5000, own("storm", "rate", pick=min), more=True,
    ),
    Goal(
        "page of 50 events out of 1,000,000: p99",
        "ms", 5, None, of("history", "history_1m", "page_ms.p99"),
    ),
    Goal(
        "the same: CPU against a page out of 1,000 (flat)",
        "x", 1.25, None, against("history", "history_1m", "history_1k"),
    ),
    Goal(
        "cost per message after 10 million stored",
        "x", 1.15, 1.05, against("stored", "store_10m", "store_empty"),
    ),
    Goal(
        "memory over a 10-minute soak with churn: growth (flat)",
        "%", 2, None, own("soak", "growth_percent"),
    ),
    Goal("the same: messages lost", "", 0, None, own("soak", "lost")),
    Goal(
        "2 workers, PostgreSQL, Valkey, 1,000 messages/s: delivery p99",
        "ms", 25, None, of("many", "hichat_many", "delivery_ms.p99"),
    ),
    Goal(
        "the same: CPU across processes against one process, database and bus apart",
        "x", 3, None, against("many", "hichat_many", "hichat_v2", "server_us"),
    ),
    Goal(
        "Valkey stopped for 30 s: ack p99 meanwhile",
        "ms", 250, None, of("bus_stop", "hichat_many", "ack_ms.p99"),
    ),
    Goal(
        "the same: latest delivery",
        "ms", 2000, None, of("bus_stop", "hichat_many", "delivery_ms.max"),
    ),
    Goal("200 stalled readers: memory", "MB", 64, None, of("stalled", "hichat_v2", "growth_mb")),
    Goal(
        "the same: delivery p99 of the others against before",
        "x", 1.5, None, of("stalled", "hichat_v2", "delivery_ratio"),
    ),
    Goal(
        "2,000 clients come back at once after kill -9: all caught up",
        "s", 10, None, of("comeback", "hichat_v2", "seconds_all"),
    ),
    Goal("the same, 2 workers", "s", 10, None, of("comeback", "hichat_many", "seconds_all")),
)  # fmt: skip
