"""The WSGI entry point: `gunicorn wsgi:app`. Patches before anything else is imported."""

import sys

from gevent import config, monkey

if "psycopg" in sys.modules:
    raise RuntimeError("psycopg was imported before gevent patched: it would block every greenlet")

config.track_greenlet_tree = False  # who spawned whom: 2 KB for each connection
monkey.patch_all()

from app import create_app  # noqa: E402

app = create_app()
