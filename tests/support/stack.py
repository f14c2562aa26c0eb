"""PostgreSQL and Valkey for a benchmark: `python -m tests.support.stack FOLDER`.

Says in one line of JSON where they are, and ends them when its input ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support.postgres import Postgres
from tests.support.valkey import Valkey


def main(folder: Path) -> None:
    postgres, valkey = Postgres(), Valkey(folder)
    try:
        postgres.start()
        valkey.start()
        print(json.dumps({
            "settings": {"HICHAT_DATABASE_URL": postgres.url, "HICHAT_REDIS_URL": valkey.url},
            "pids": {"database": postgres.pid, "bus": valkey.pid},
        }), flush=True)
        sys.stdin.read()
    finally:
        valkey.stop()
        postgres.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
