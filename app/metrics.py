"""`/metrics`: what an operator watches, in the text format of Prometheus.

Nothing is counted twice: the parts keep plain numbers, and a scrape reads them.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from app.errors import NotFound
from app.services import Services, services

bp = Blueprint("metrics", __name__)


class Numbers(Collector):
    """The numbers of one running application."""

    def __init__(self, found: Services) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        hub, journal = self._found.hub, self._found.delivery.journal
        nodes = hub.nodes()
        here = GaugeMetricFamily("hichat_connections", "Open sockets", labels=["dialect"])
        dialects = Counter(type(node.dialect).__name__.lower() for node in nodes)
        for dialect in ("v1", "v2"):
            here.add_metric([dialect], dialects[dialect])
        yield here
        waiting = sum(node.queued for node in nodes)
        yield GaugeMetricFamily("hichat_queued_bytes", "Waiting to be written", waiting)
        yield GaugeMetricFamily(
            "hichat_backlog_bytes", "Of these, for slow clients", self._found.limits.backlog.size
        )
        yield GaugeMetricFamily("hichat_users", "Users with an open socket", hub.users)
        yield GaugeMetricFamily(
            "hichat_journal_waiting", "Commands that wait for the next commit", journal.waiting
        )
        yield CounterMetricFamily(
            "hichat_journal_commands", "Messages and read marks stored", journal.items
        )
        yield CounterMetricFamily(
            "hichat_journal_commits", "Transactions that stored them", journal.batches
        )
        closed = CounterMetricFamily(
            "hichat_sockets_closed", "Ended sockets, by close code (0: lost)", labels=["code"]
        )
        for code, count in sorted(hub.closed.items()):
            closed.add_metric([str(code)], count)
        yield closed
        if self._found.cluster is not None:
            yield from self._between()

    def _between(self) -> Iterator[Metric]:
        """What a process among several watches."""
        assert self._found.cluster is not None
        bus = self._found.cluster.bus
        yield GaugeMetricFamily("hichat_bus_well", "Letters through Redis arrive", bus.well())
        yield GaugeMetricFamily(
            "hichat_bus_servers", "Servers of Redis that carry letters", len(bus.shards)
        )
        yield CounterMetricFamily(
            "hichat_bus_letters", "Letters that left for other processes", bus.shards.count.sent
        )
        yield CounterMetricFamily(
            "hichat_bus_dropped", "Letters that Redis did not take", bus.shards.count.dropped
        )
        yield CounterMetricFamily(
            "hichat_events_recovered", "Events told out of the log", bus.follower.recovered
        )


@bp.get("/metrics")
def metrics() -> Response:
    """For this host only, unless HICHAT_METRICS says otherwise; to others it is not there."""
    found = services()
    if found.config.metrics != "all" and not (found.config.metrics == "local" and _is_local()):
        raise NotFound()
    registry = CollectorRegistry()
    registry.register(Numbers(found))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _is_local() -> bool:
    """Whether a process of this host asks, and not a proxy on it for somebody else."""
    forwarded = "Forwarded" in request.headers or "X-Forwarded-For" in request.headers
    try:
        return not forwarded and ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
