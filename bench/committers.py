"""Whether several committers in one process help: python -m bench.committers [--seconds S]

A closed loop on the journal alone, without sockets, over a PostgreSQL that is started for it: each
of the connections has so many messages under way, to one partner. With several committers each
conversation belongs to one of them. CPU is counted apart: this process, and all of PostgreSQL's.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import itertools  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402
from time import perf_counter, process_time  # noqa: E402

import gevent  # noqa: E402

from app import services  # noqa: E402
from app.chat.journal import Journal  # noqa: E402
from app.store import Store  # noqa: E402
from app.store.log.items import Draft, Stored  # noqa: E402
from app.store.log.journal import JournalStore  # noqa: E402
from tests.support.application import application  # noqa: E402
from tests.support.log import body, people  # noqa: E402
from tests.support.postgres import Postgres, new_database  # noqa: E402

from .proc import cpu_seconds  # noqa: E402

PAIRS = 50
BODY = body("x" * 100)
COMMITTERS = (1, 2, 4)
IN_FLIGHT = (1, 8)


class Loop:
    """Connections that send the next message when one was acked."""

    def __init__(self, store: Store, users: list[int], committers: int) -> None:
        self.journals = [
            Journal(JournalStore(store.database).commit, lambda: None) for _ in range(committers)
        ]
        self.users = users
        self.numbers = itertools.count()
        self.run = id(self)
        self.over = False
        self.under_way = 0

    def send(self, place: int) -> None:
        sender, receiver = self.users[place], self.users[place ^ 1]
        draft = Draft(sender, f"{self.run}-{next(self.numbers):012}", BODY, to_user=receiver)
        began = perf_counter()

        def answer(result: object) -> None:
            assert isinstance(result, Stored), result
            self.waits.append(perf_counter() - began)
            self.under_way -= 1
            if not self.over:
                self.send(place)

        self.under_way += 1
        self.journals[place // 2 % len(self.journals)].submit(draft, answer, len(BODY))

    def measure(self, window: int, seconds: float, postgres: int) -> tuple[float, ...]:
        """Messages/s, CPU us per message here and of PostgreSQL, batch, ms of an ack: p50, p99."""
        self.waits: list[float] = []
        for _ in range(window):
            for place in range(len(self.users)):
                self.send(place)
        gevent.sleep(1)  # pairs are open, statements prepared
        self.waits.clear()
        batches = sum(journal.batches for journal in self.journals)
        wall, own, theirs = perf_counter(), process_time(), cpu_seconds(postgres)
        gevent.sleep(seconds)
        wall, own = perf_counter() - wall, process_time() - own
        theirs = cpu_seconds(postgres) - theirs
        count, waits = len(self.waits), sorted(self.waits)
        batches = sum(journal.batches for journal in self.journals) - batches
        self.over = True
        while self.under_way:
            gevent.sleep(0.01)
        return (
            count / wall, own / count * 1e6, theirs / count * 1e6, count / batches,
            waits[count // 2] * 1e3, waits[count * 99 // 100] * 1e3,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    server = Postgres()
    try:
        server.start()
        assert server.process is not None
        with (
            tempfile.TemporaryDirectory() as folder, new_database(server.url) as url,
            application(Path(folder), HICHAT_DATABASE_URL=url) as app,
        ):
            store = services.of(app).store
            users = people(store, 2 * PAIRS)
            print("in flight | committers | messages/s | us | us PostgreSQL | batch | p50 | p99")
            for window, committers in itertools.product(IN_FLIGHT, COMMITTERS):
                found = Loop(store, users, committers).measure(window, seconds, server.process.pid)
                figures = " | ".join(f"{figure:.1f}" for figure in found)
                print(f"{window} | {committers} | {figures}", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
