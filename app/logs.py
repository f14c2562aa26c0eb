"""Structured logs: one JSON object a line on stdout. No secret, token, body or query string."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

QUERY = re.compile(r"\?[^\s'\"]*")
SECRET = re.compile(r"(?i)bearer\s+\S+|ticket\.[\w-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]*")


def redact(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Last line of defence: cut query strings and tokens out of every text."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = SECRET.sub("[redacted]", QUERY.sub("?[redacted]", value))
    return event


def configure(level: str) -> None:
    """Send our log and everybody else's (gunicorn, Flask, SQLAlchemy) through one renderer."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level, *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("alembic").setLevel(logging.WARNING)
