"""An application that echoes, over the transport that HiChat has: our WebSocket, Node and Hub.

`gunicorn -c gunicorn.conf.py tests.transport.echo:app`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402

from flask import Flask  # noqa: E402
from flask_sock import Sock  # noqa: E402

from app import extensions, services  # noqa: E402, F401  # extensions gives flask_sock our class
from app.chat.codec import Message, frame  # noqa: E402
from app.chat.hub import Hub  # noqa: E402
from app.chat.node import Limits, Node  # noqa: E402
from app.chat.websocket import WebSocket  # noqa: E402

MESSAGE_BYTES = 32 * 1024 * 1024
LIMITS = Limits(
    queue_frames=100_000, queue_bytes=4 * MESSAGE_BYTES, heartbeat=25, send_timeout=30
)



class Parts(Hub):
    """What gunicorn.conf.py starts and drains in place of `Services`."""

    def start(self) -> None:
        """Nothing runs here but sockets."""


app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = {"max_message_bytes": MESSAGE_BYTES}
hub = Parts(user_connections=1000, on_death=lambda: os._exit(70))
app.extensions[services.EXTENSION] = hub
sock = Sock(app)


@sock.route("/")
def echo(websocket: WebSocket) -> None:
    node = Node(websocket, LIMITS)
    hub.add(node)
    try:
        websocket.accept()
        node.run(repeat)
    finally:
        hub.remove(node)


def repeat(node: Node, message: Message) -> None:
    data = message.data
    node.offer(frame(message.opcode, data.encode() if isinstance(data, str) else data))


@app.get("/healthz")
def healthz() -> str:
    return "ok"
