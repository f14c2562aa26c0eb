"""What time it is for the log: one clock for all processes that write into one database.

That is the database's own, read by the statement that locks; an embedded one has only this process.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import BigInteger, Connection, literal, literal_column, select

POSTGRESQL = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"  # milliseconds since 1970
_COLUMN = literal_column(POSTGRESQL, BigInteger)


def now_ms() -> int:
    """Milliseconds since 1970 by this server's clock."""
    return time.time_ns() // 1_000_000


def column(connection: Connection) -> Any:
    """The time, as a column of any statement."""
    return literal(now_ms(), BigInteger) if connection.dialect.name == "sqlite" else _COLUMN


def clock(connection: Connection) -> int:
    """The time, where no statement locks anything."""
    if connection.dialect.name == "sqlite":
        return now_ms()
    return int(connection.scalar(select(_COLUMN)) or 0)
