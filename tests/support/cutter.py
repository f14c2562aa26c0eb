"""Between a server and its PostgreSQL: cuts a connection after a COMMIT and before its answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit

PIECE = 65_536


class CommitCutter:
    """A TCP proxy on 127.0.0.1. The transaction with `armed` in it is committed, nobody told so.

    Empty: none. The server has others of its own, which index what was said before.
    """

    def __init__(self, url: str) -> None:
        found = urlsplit(url)
        self._target = found.hostname or "", found.port or 5432
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = found._replace(netloc=f"{found.username}@127.0.0.1:{port}").geturl()
        self.armed = b""
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for pump in (self._ask, self._answer):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        said = b""  # from what is armed on; its COMMIT may come in another piece
        with contextlib.suppress(OSError):
            while data := client.recv(PIECE):
                if said or (self.armed and self.armed in data):
                    said += data
                if b"COMMIT" in said:
                    self.armed = said = b""
                    client.shutdown(socket.SHUT_RDWR)  # whatever is answered finds nobody
                    self.cuts += 1
                server.sendall(data)
        server.close()

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(PIECE):
                client.sendall(data)
        client.close()
