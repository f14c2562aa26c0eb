"""The application in this process, for everything that needs no socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

import config as configuration
from app import create_app, services
from app.extensions import limiter


@contextmanager
def application(folder: Path, **settings: str) -> Iterator[Flask]:
    """One over a migrated database of its own; `settings` are further environment variables.

    Rate limits, where they are on, begin anew.
    """
    config = configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(folder), "HICHAT_RATE_LIMITS": "off",
        **settings,
    })
    made = create_app(config)
    try:
        with made.app_context():
            upgrade()
            if config.rate_limits:
                limiter.reset()
        yield made
    finally:
        services.of(made).store.database.close()
