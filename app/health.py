"""`healthz`: the process lives. `readyz`: it can store a message. `version`: which one it is.
`limits`: what it allows.
"""

from __future__ import annotations

import platform
import time

import structlog
from flask import Blueprint, Response

from app.errors import Draining, HiChatError, Unavailable
from app.http import answer
from app.services import services
from app.store.database import newest_revision

VERSION = "0.1.0"

bp = Blueprint("health", __name__)
log = structlog.get_logger()


@bp.get("/healthz")
def healthz() -> Response:
    return answer({"status": "ok"})


@bp.get("/readyz")
def readyz() -> Response:
    """200 when the database can be read and written and has this version's schema.

    Or a later one: in an upgrade this process serves on until it is replaced.
    """
    found = services()
    if found.hub.draining:
        raise Draining()
    try:
        if found.store.database.schema() < newest_revision():
            raise Unavailable("The schema is old: run `flask --app wsgi hichat prepare`.")
        found.store.database.ping()
    except HiChatError:
        raise
    except Exception:
        log.exception("not_ready")
        raise Unavailable("The database does not answer.") from None
    return answer({"status": "ready"})


@bp.get("/version")
def version() -> Response:
    return answer({"name": "HiChat", "version": VERSION, "python": platform.python_version()})


@bp.get("/v2/limits")
def limits() -> Response:
    """What a client wants to know before somebody tries; `at` is the server's clock."""
    config = services().config
    return answer({
        "at": time.time_ns() // 1_000_000,
        "password_min_chars": config.password_min_chars,
        "max_content_chars": config.max_content_chars,
        "edit_seconds": config.edit_seconds,
        "recall_seconds": config.recall_seconds,
    })
