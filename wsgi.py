"""The WSGI entry point: `gunicorn wsgi:app`. Patches before anything else is imported."""

from gevent import config, monkey

config.track_greenlet_tree = False  # who spawned whom: 2 KB for each connection
monkey.patch_all()

from app import create_app  # noqa: E402

app = create_app()
