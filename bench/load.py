"""The load generator's process: a job as JSON on stdin, its result as JSON on stdout.

It runs beside the server on a core of its own, reads the server's accounting from /proc at
the edges of the measuring window, and states its own CPU share, so that a reader can see
whether it was the bottleneck.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from . import proc
from .client import Trouble
from .history import history
from .job import Job
from .loops import Closed, Open, pair_up
from .proc import Meter
from .soak import soak
from .trouble import bus_stop, comeback, stalled
from .uploads import uploads


def closed(job: Job) -> dict[str, Any]:
    """Pairs, or one group: CPU per delivery while `window` messages are in flight per sender."""
    plan = job.plan
    swarm = job.swarm()
    swarm.open(job.crowd(plan.connections))
    group = plan.scenario == "fanout"
    deliveries = plan.connections - 1 if group else 1
    offer = Closed(swarm, job.first, deliveries, "group" if group else "pair")
    pair_up(swarm)
    swarm.poll(0.3)
    offer.start(swarm.connections[: plan.senders or None], plan.window)
    offer.run(plan.warmup)
    before, meter = offer.done, Meter(job.pid)
    offer.run(plan.seconds)
    result = meter.stop()
    messages = offer.done - before
    offer.running = False
    result["lost"] = offer.drain()
    swarm.close()
    if not messages:
        raise Trouble("no message was delivered")
    return result | {
        "messages": messages,
        "strays": offer.strays,
        "rate": messages / result["wall"],
        "cpu_us": result["server_cpu"] * 1e6 / messages / deliveries,
        "next": next(offer.numbers),
    }


def latency(job: Job) -> dict[str, Any]:
    """Pairs on a fixed schedule: p50, p99, p99.9 of ack and delivery from the time due."""
    plan = job.plan
    swarm = job.swarm()
    swarm.open(job.crowd(plan.connections))
    pair_up(swarm)
    swarm.poll(0.3)
    warm = Open(swarm, job.first, 1, "pair")
    warm.run(swarm.connections, plan.rate, plan.warmup)
    offer = Open(swarm, next(warm.numbers), 1, "pair")
    meter = Meter(job.pid, job.beside)
    lost = offer.run(swarm.connections, plan.rate, plan.seconds)
    result = meter.stop()
    swarm.close()
    for name in ("server", *job.beside):
        result[f"{name}_us"] = result[f"{name}_cpu"] * 1e6 / max(1, offer.done)
    return result | offer.figures(lost) | {"next": next(offer.numbers)}


def idle(job: Job) -> dict[str, Any]:
    """The server's memory per connection that is open and silent."""
    plan = job.plan
    warm = job.swarm()
    warm.open(job.crowd(50))
    warm.close()
    swarm = job.swarm()
    before = proc.rss_bytes(job.pid)
    opening = swarm.open(job.crowd(plan.connections), timeout=120)
    until = perf_counter() + plan.warmup
    while perf_counter() < until:
        swarm.poll(0.1)
    rss = proc.rss_bytes(job.pid)
    swarm.close(timeout=15)
    return {
        "rss_before": before,
        "rss": rss,
        "rss_per_connection": (rss - before) / plan.connections,
        "rate": plan.connections / opening,
    }


def storm(job: Job) -> dict[str, Any]:
    """All connect again, 48 handshakes at a time: per second, and the server's CPU for each."""
    plan = job.plan
    warm = job.swarm()
    warm.open(job.crowd(50))
    warm.close()
    swarm = job.swarm()
    meter = Meter(job.pid)
    opening = swarm.open(job.crowd(plan.connections))
    result = meter.stop()
    swarm.close(timeout=15)
    return result | {
        "rate": plan.connections / opening,
        "cpu_us": result["server_cpu"] * 1e6 / plan.connections,
    }


SCENARIOS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "cost": closed,
    "fanout": closed,
    "latency": latency,
    "idle": idle,
    "storm": storm,
    "history": history,
    "soak": soak,
    "bus_stop": bus_stop,
    "stalled": stalled,
    "comeback": comeback,
    "uploads": uploads,
}


def main() -> None:
    job = Job.read(sys.stdin.read())
    proc.allow_files(min(job.plan.connections + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        result = SCENARIOS[job.plan.scenario](job)
    except (Trouble, OSError) as problem:
        result = {"problem": str(problem)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
