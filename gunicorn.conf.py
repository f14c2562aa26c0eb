"""gunicorn's settings, from config.py. One worker is one core; sockets never time out here.

The master must not import the application: what it imports before the fork is not patched by
gevent in the workers.
"""

import contextlib
import functools
import gc
import os
import resource
import signal
import socket
from importlib import metadata

import config as configuration

DISCARDED_SLICES = 64  # of 64 KiB

_config = configuration.load()
os.umask(0o077)  # the database is nobody else's to read

# gevent asks for plug-ins 25 times while a worker patches, and each time every installed package is
# looked at: a seventh of a worker's start. They are the same each time.
metadata.entry_points = functools.cache(metadata.entry_points)

_host = f"[{_config.host}]" if ":" in _config.host else _config.host

bind = f"{_host}:{_config.port}"
workers = _config.workers
worker_class = "gevent"
worker_connections = _config.max_connections
max_requests = 0  # a worker's sockets must not die because other requests were many
keepalive = 30
backlog = 4096
timeout = 60  # a worker whose event loop stands still for that long is replaced
graceful_timeout = 3  # what our own drain (below) leaves over; the process is gone within 5 s
control_socket_disable = True
accesslog = None  # one line per socket, none per request: see docs/operations.md
loglevel = "warning"  # of the master; a worker's log goes through app/logs.py
limit_request_line = 8190
forwarder_headers = ""  # SCRIPT_NAME and PATH_INFO are ours to say, not a header's
secure_scheme_headers = {}  # nor is the scheme: the app's ProxyFix believes whom it is told to
forwarded_allow_ips = "*"  # to set those two headers that are none: it saves parsing addresses


def on_starting(server):
    """In the master, before the first worker: descriptors for all sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, _config.max_connections + 1024)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def post_request(worker, req, environ, resp):
    """Let others have their turn: gunicorn does not, while it reads what was pipelined.

    Nor while it throws away the rest of a body that was refused: we do so, and end a long one.
    """
    import gevent

    gevent.sleep(0)
    sock = environ.get("gunicorn.socket")
    if sock is None:  # it became a WebSocket
        return
    with contextlib.suppress(Exception):  # the peer has left, or breaks HTTP: gunicorn finds out
        for _ in range(DISCARDED_SLICES):
            if not req.body.read(65_536):
                return
            gevent.sleep(0)
        sock.shutdown(socket.SHUT_RD)


def post_worker_init(worker):
    """Tune the collector; stop by draining: 1012 to every socket, then gunicorn's own stop."""
    import gevent

    from app import services

    # The program's own objects live as long as it does: the collector need not look at them
    # again, and a message's objects form no cycles. A tenth of a message's cost otherwise. What
    # an ended connection leaves (flask_sock's class for it) is young, and goes with the youngest.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)

    app = services.of(worker.wsgi)
    app.start()
    stop, worker.drain = worker.handle_exit, None

    def drain_and_stop(signum, frame):
        worker.drain = worker.drain or gevent.spawn(app.drain)  # a second TERM may follow
        stop(signum, frame)

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(signum, drain_and_stop)
    if worker.age == 1:  # now it serves, and now TERM drains
        shown = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(_host, _host)
        with contextlib.suppress(OSError):  # no room for it, as for any other line of the log
            print(f"HiChat is ready: http://{shown}:{_config.port}", flush=True)


def worker_exit(server, worker):
    """It serves nobody any more, perhaps before the drain has noted who was here: wait for that.

    As long as it takes: the master ends whoever needs more than graceful_timeout.
    """
    if getattr(worker, "drain", None):
        worker.drain.join()
