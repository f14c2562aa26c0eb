"""What happens to a site. Each fault returns when it is over: from then on everything must mend."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults import cable
from tests.faults.flush import flush_fails, kill_at, kill_at_flush
from tests.faults.sites import Many, Site, SmallDisk

SLOW = 4000  # bytes a second
TCP = 4.0  # seconds; after an outage it repeats within what that lasted, and ours are shorter


@dataclass(frozen=True)
class Fault:
    """`refuses`: a message may be refused meanwhile (and is then repeated, later than others).

    `aftermath`: seconds behind it in which something that was on its way may still arrive: what its
    sender was refused meanwhile, at another worker, is stored and told then.
    """

    name: str
    happen: Callable[[Any, Random], None]
    kind: str  # of the site
    refuses: bool = False
    aftermath: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


# -- between clients and the server ---------------------------------------------------------


def calm(_site: Site, _random: Random) -> None:
    time.sleep(0.5)


def cut(site: Site, random: Random) -> None:
    for _ in range(random.randint(1, 3)):
        site.far.proxy.cut()
        time.sleep(random.uniform(0, 0.5))


def half_open(site: Site, random: Random) -> None:
    site.far.proxy.half_open()
    time.sleep(random.uniform(0, 1))
    site.far.proxy.heal()


def black_hole(site: Site, random: Random) -> None:
    site.far.proxy.black_hole()
    time.sleep(random.uniform(0.5, 4))
    site.far.proxy.heal()


def closed_door(site: Site, random: Random) -> None:
    site.far.proxy.refuse()
    site.far.proxy.cut()
    time.sleep(random.uniform(0.2, 1))
    site.far.proxy.heal()


def latency(site: Site, random: Random) -> None:
    site.far.proxy.delay(random.uniform(0.05, 0.4))
    time.sleep(1.5)
    site.far.proxy.heal()


def slow_reader(site: Site, random: Random) -> None:
    site.far.proxy.slow(SLOW)
    time.sleep(random.uniform(1, 3))
    site.far.proxy.heal()


# -- between all, the database and the bus, too ---------------------------------------------


def pulled(_site: Site, random: Random) -> None:
    cable.pull()
    try:
        time.sleep(random.uniform(0.5, 4))
    finally:
        cable.put_back()


# -- the server's processes -----------------------------------------------------------------


def worker_kill(site: Site, random: Random) -> None:
    site.kill_worker(random.randrange(100))


def master_kill(site: Site, _random: Random) -> None:
    site.kill_master()


def power_cut(site: Site, _random: Random) -> None:
    site.cut_power()


def restart(site: Site, _random: Random) -> None:
    site.restart()


def rolling(site: Site, _random: Random) -> None:
    site.roll()


# -- the embedded store ---------------------------------------------------------------------


def disk_full(site: SmallDisk, random: Random) -> None:
    site.fill()
    time.sleep(random.uniform(0.3, 1.5))
    site.empty()


def death_at_flush(number: int) -> Fault:
    """The worker is killed at its n-th flush from the beginning of the fault."""
    return Fault(f"flush {number}", lambda site, _random: kill_at(site, number), "single")


# -- PostgreSQL and Valkey ------------------------------------------------------------------


def database_kill(site: Many, _random: Random) -> None:
    site.kill_database()


def database_cut(site: Many, random: Random) -> None:
    for _ in range(random.randint(1, 3)):
        site.database.cut()
        time.sleep(random.uniform(0, 0.5))


def database_hole(site: Many, random: Random) -> None:
    site.database.black_hole()
    time.sleep(random.uniform(0.3, 2))
    site.database.heal()
    site.wait()


def bus_kill(site: Many, random: Random) -> None:
    site.kill_bus(random.uniform(0, 1))


def bus_stop(site: Many, random: Random) -> None:
    site.stop_bus(random.uniform(1, 3))


def bus_cut(site: Many, random: Random) -> None:
    for _ in range(random.randint(1, 3)):
        site.bus.cut()
        time.sleep(random.uniform(0, 0.5))


def bus_hole(site: Many, random: Random) -> None:
    site.bus.black_hole()
    time.sleep(random.uniform(0.5, 3))
    site.bus.heal()


def bus_latency(site: Many, random: Random) -> None:
    site.bus.delay(random.uniform(0.05, 0.3))
    time.sleep(1.5)
    site.bus.heal()


EVERYWHERE = (
    calm, cut, half_open, black_hole, closed_door, latency, slow_reader, worker_kill, master_kill,
    power_cut, restart, rolling,
)
FAULTS = {
    "single": {
        **{act.__name__: Fault(act.__name__, act, "single") for act in EVERYWHERE},
        "pulled": Fault("pulled", pulled, "single", aftermath=TCP),
        "flush_kill": Fault("flush_kill", kill_at_flush, "single"),
        "flush_fails": Fault("flush_fails", flush_fails, "single", refuses=True),
        "disk_full": Fault("disk_full", disk_full, "disk", refuses=True),
    },
    "many": {
        **{act.__name__: Fault(act.__name__, act, "many") for act in EVERYWHERE},
        "pulled": Fault("pulled", pulled, "many", refuses=True, aftermath=TCP),
        **{
            act.__name__: Fault(act.__name__, act, "many", refuses=True)
            for act in (database_kill, database_cut, database_hole)
        },
        **{
            act.__name__: Fault(act.__name__, act, "many")
            for act in (bus_kill, bus_stop, bus_cut, bus_hole, bus_latency)
        },
    },
}
