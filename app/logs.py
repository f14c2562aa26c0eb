"""Structured logs: one JSON object a line on stdout. No secret, token, body or query string."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from typing import Any, TextIO, cast

import msgspec
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


def render(_logger: Any, _name: str, event: EventDict) -> str:
    """One line of JSON; what JSON has no form for is shown as Python would."""
    return msgspec.json.encode(event, enc_hook=repr).decode()


class Stdout:
    """Whatever standard output is when a line is written.

    Where nothing can be written (a full disk, a reader that is gone) the line is lost, and no more:
    an error here would end the greenlet that has something to say.
    """

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stdout.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stdout.flush()


def configure(level: str) -> None:
    """Our own lines go straight to stdout, everybody else's through the same processors."""
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, Stdout())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast(TextIO, Stdout()))
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("alembic").setLevel(logging.WARNING)
