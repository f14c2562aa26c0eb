"""PostgreSQL and Valkey for a benchmark: `python -m tests.support.stack FOLDER`.

Says in one line of JSON where they are, and ends them when its input ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psycopg

from tests.support.postgres import Postgres
from tests.support.valkey import Valkey

WAL = {"min_wal_size": "256MB"}
SEGMENTS = 16  # of 16 MB


def main(folder: Path) -> None:
    postgres, valkey = Postgres(**WAL), Valkey(folder)
    try:
        postgres.start()
        run_in(postgres)
        valkey.start()
        print(json.dumps({
            "settings": {"HICHAT_DATABASE_URL": postgres.url, "HICHAT_REDIS_URL": valkey.url},
            "pids": {"database": postgres.pid, "bus": valkey.pid},
        }), flush=True)
        sys.stdin.read()
    finally:
        valkey.stop()
        postgres.stop()


def run_in(postgres: Postgres) -> None:
    """Have it own WAL files that it can use again, as any that has run for some minutes.

    A new one writes each full of zeros first: 60 ms in which nobody commits.
    """
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for _ in range(SEGMENTS):
            connection.execute("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()")
        connection.execute("CHECKPOINT")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
