"""PostgreSQL and Valkey for a benchmark: `python -m tests.support.stack`.

Says in one line of JSON where they are, and ends them when its input ends.
"""

from __future__ import annotations

import json
import sys

from tests.support.postgres import Postgres
from tests.support.valkey import Valkey


def main() -> None:
    postgres, valkey = Postgres(), Valkey()
    try:
        postgres.start()
        valkey.start()
        print(json.dumps({
            "settings": {"HICHAT_DATABASE_URL": postgres.url, "HICHAT_REDIS_URL": valkey.url},
            "pids": {"database": postgres.pid, "bus": valkey.pid},
        }), flush=True)
        sys.stdin.read()
    finally:
        valkey.kill()
        postgres.stop()


if __name__ == "__main__":
    main()
