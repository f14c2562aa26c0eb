"""`python -m tests.support.moto_server PORT`: moto's S3 behind gevent's server.

moto's own server has threads, which trip over each other when two put the same key (it closes the
first one's bytes while it still reads them). Here many connections go on at once, but moto itself
is never interrupted.
"""

from __future__ import annotations

import sys

from gevent.pywsgi import WSGIServer
from moto.server import DomainDispatcherApplication, create_backend_app


def server_on(port: int) -> WSGIServer:
    return WSGIServer(("127.0.0.1", port), DomainDispatcherApplication(create_backend_app))


if __name__ == "__main__":
    server_on(int(sys.argv[1])).serve_forever()
