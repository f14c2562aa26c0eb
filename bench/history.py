"""The scenario `history`: pages at random places of one conversation, one client, closed loop."""

from __future__ import annotations

import json
from random import Random
from time import perf_counter
from typing import Any

from .client import Trouble
from .job import Job
from .loops import percentiles
from .proc import Meter
from .web import Browser

PAGE = 50


class Reader:
    """The job's first user, who has one conversation."""

    def __init__(self, job: Job) -> None:
        self.browser = Browser(job.port)
        self.token = job.users[0].token
        self.random = Random(job.first)
        chats = self.browser.get_json("/v2/conversations", self.token)["conversations"]
        self.events: int = chats[0]["last_seq"]
        self.path = f"/v2/conversations/{chats[0]['id']}/events"
        self.times: list[float] = []

    def run(self, seconds: float) -> None:
        """One page after the other, forwards and backwards in turn."""
        until = perf_counter() + seconds
        while perf_counter() < until:
            start = self.random.randint(0, self.events - PAGE)
            self._page(f"after={start}", start)
            start = self.random.randint(0, self.events - PAGE)
            self._page(f"before={start + PAGE + 1}", start)

    def _page(self, place: str, start: int) -> None:
        begin = perf_counter()
        body = self.browser.get(f"{self.path}?{place}", self.token)
        self.times.append(perf_counter() - begin)
        seqs = [event["seq"] for event in json.loads(body)["events"]]
        if seqs != list(range(start + 1, start + PAGE + 1)):
            raise Trouble(f"{place} of {self.events} events brought {seqs}")


def history(job: Job) -> dict[str, Any]:
    """Milliseconds from the request to the last byte of the page; the server's CPU for each."""
    reader = Reader(job)
    reader.run(job.plan.warmup)
    reader.times.clear()
    meter = Meter(job.pid)
    reader.run(job.plan.seconds)
    result = meter.stop()
    reader.browser.close()
    pages = len(reader.times)
    return result | {
        "events": reader.events,
        "pages": pages,
        "rate": pages / result["wall"],
        "page_ms": percentiles(reader.times),
        "cpu_us": result["server_cpu"] * 1e6 / pages,
    }
