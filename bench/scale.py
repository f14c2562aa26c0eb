"""How many machines so many users need, and how long a message takes then.

    python -m bench.scale                      10,000, 100,000 and 1,000,000 users who are online
    python -m bench.scale --users 50000 --messages 20000 --seed 2

A model: it counts processes from the measured costs in sizing.py, then lets messages run through
them, one by one, in simulated time (simulation.py). Nothing is measured here, and no server runs.
docs/scale.md says what of this is built, and what the figures leave out.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from .simulation import simulate
from .sizing import Costs, Load, plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--messages", type=int, default=5000, help="at least so many of each")
    parser.add_argument("--minutes", type=float, default=1.0, help="between two of a user")
    parser.add_argument("--flush-ms", type=float, default=Costs.flush_ms)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    costs = replace(Costs(), flush_ms=asked.flush_ms)
    print("| users online | messages/s | frames/s | workers | database cores | bus cores | GB "
          "| ack p50 ms | p99 | delivery p50 | p99 |")
    print("|---:" * 11 + "|")
    for users in asked.users:
        load = Load(users, minutes=asked.minutes)
        made = plan(load, costs)
        memory = users * load.devices * costs.device_kb / 1e6 + made.workers * costs.worker_mb / 1e3
        found = simulate(load, costs, made, asked.messages, asked.seed)
        times = [found[name] for name in ("ack p50", "ack p99", "delivery p50", "delivery p99")]
        numbers = (
            users, load.rate, load.rate * load.deliveries, made.workers, made.database_cores,
            made.bus_cores,
        )
        print("| " + " | ".join(
            [f"{number:,.0f}" for number in numbers] + [f"{memory:.1f}"]
            + [f"{time:.1f}" for time in times]
        ) + " |", flush=True)


if __name__ == "__main__":
    main()
