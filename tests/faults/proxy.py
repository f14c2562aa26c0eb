"""A TCP proxy that breaks connections as networks do: one thread, one selector.

Who asks for something is answered when it is so.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

CHUNK = 65_536
MOST = 262_144  # bytes that wait in one direction; then the sender feels it
SLOW_CHUNK = 2048
ABRUPT = struct.pack("ii", 1, 0)
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Pipe:
    """One direction of a link."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self.waiting: deque[tuple[float, bytes]] = deque()  # when it is due, and what
        self.size = 0
        self.ready = False  # there is something to read
        self.rests_until = 0.0
        self.blocked = False  # the target takes no more for now
        self.ended = self.closed = False  # the source has said all; the target knows

    def next_at(self) -> float:
        """When there is something to do for it, without anybody's doing."""
        moments = [self.waiting[0][0]] if self.waiting and not self.blocked else []
        return min([*moments, self.rests_until] if self.rests_until else moments, default=1e18)


class Link:
    """A client, and the connection made for it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.up, self.down = Pipe(client, server), Pipe(server, client)
        self.half = False  # the client is gone, and the server does not know


class Proxy:
    """Listens on 127.0.0.1 for clients of `target`, a port there.

    `receive_buffer`: of the sockets towards the target, in bytes; with a small one it soon feels
    how slowly its peer reads.
    """

    def __init__(self, target: int, receive_buffer: int | None = None) -> None:
        self.target = target
        self._receive_buffer = receive_buffer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._links: list[Link] = []
        self._selector = selectors.DefaultSelector()
        self._bell, self._button = socket.socketpair()
        self._selector.register(self._bell, READ)
        self._selector.register(self._listener, READ)
        self._asked: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._delay = 0.0
        self._rate = 0.0
        self._hole = self._refuses = self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # -- for everybody ---------------------------------------------------------------------

    def delay(self, seconds: float) -> None:
        """Everything takes so long, in each direction."""
        self._ask(lambda: self._set(_delay=seconds))

    def slow(self, rate: float) -> None:
        """Clients read so many bytes a second."""
        self._ask(lambda: self._set(_rate=rate))

    def black_hole(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        self._ask(lambda: self._swallow(True))

    def refuse(self) -> None:
        """Whoever comes is sent away."""
        self._ask(lambda: self._set(_refuses=True))

    def cut(self) -> None:
        """Reset every connection, on both sides."""
        self._ask(lambda: [self._reset(link) for link in list(self._links)])

    def half_open(self) -> None:
        """Reset every connection, but tell the clients only."""
        self._ask(lambda: [self._halve(link) for link in self._links])

    def heal(self) -> None:
        """Be a wire again. What black holes have kept arrives; half-open connections end."""
        self._ask(self._heal)

    def stop(self) -> None:
        self._ask(lambda: self._set(_stopped=True))
        self._thread.join()

    @property
    def links(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    # -- the thread ------------------------------------------------------------------------

    def _ask(self, action: Callable[[], Any]) -> None:
        done = threading.Event()
        self._asked.append((action, done))
        self._button.send(b"!")
        done.wait()

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)

    def _swallow(self, hole: bool) -> None:
        """Who connects in a black hole hears from the kernel's queue only."""
        if hole != self._hole:
            self._hole = hole
            if hole:
                self._selector.unregister(self._listener)
            else:
                self._selector.register(self._listener, READ)

    def _heal(self) -> None:
        self._set(_delay=0.0, _rate=0.0, _refuses=False)
        self._swallow(False)
        for link in [link for link in self._links if link.half]:
            self._reset(link)

    def _run(self) -> None:
        while not self._stopped:
            for key, mask in self._selector.select(self._timeout()):
                self._notice(key, mask)
            while self._asked:
                action, done = self._asked.popleft()
                action()
                done.set()
            now = time.monotonic()
            for link in list(self._links):
                self._serve(link, now)
        for link in list(self._links):
            self._reset(link)
        for end in (self._listener, self._bell, self._button, self._selector):
            end.close()

    def _timeout(self) -> float:
        if self._hole:
            return 1.0
        moments = [pipe.next_at() for link in self._links for pipe in (link.up, link.down)]
        return max(0.0, min(min(moments, default=1e18) - time.monotonic(), 1.0))

    def _notice(self, key: selectors.SelectorKey, mask: int) -> None:
        if key.fileobj is self._bell:
            self._bell.recv(CHUNK)
        elif key.fileobj is self._listener:
            self._accept()
        else:
            source, sink = key.data
            source.ready = source.ready or bool(mask & READ)
            sink.blocked = sink.blocked and not mask & WRITE

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.socket()
        if self._receive_buffer is not None:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        try:
            if self._refuses:
                raise ConnectionRefusedError
            server.connect(("127.0.0.1", self.target))
        except OSError:
            _abort(client)
            _abort(server)
            return
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._links.append(Link(client, server))

    def _serve(self, link: Link, now: float) -> None:
        """Move what can be moved; then wait for what can come."""
        if link.half:
            return
        if not self._hole:
            try:
                for pipe in (link.up, link.down):
                    self._read(pipe, now)
                    self._write(pipe, now)
            except OSError:
                self._reset(link)
                return
            if link.up.closed and link.down.closed:
                self._drop(link, socket.socket.close)
                return
        self._watch(link.client, link.up, link.down)
        self._watch(link.server, link.down, link.up)

    def _read(self, pipe: Pipe, now: float) -> None:
        if now >= pipe.rests_until:
            pipe.rests_until = 0.0
        if not pipe.ready or pipe.rests_until or pipe.ended or pipe.size >= MOST:
            return
        pipe.ready = False
        data = pipe.source.recv(SLOW_CHUNK if self._rate else CHUNK)
        pipe.ended = not data
        if self._rate:
            pipe.rests_until = now + len(data) / self._rate
        if data:
            # Never before what was said before it, when the delay has become shorter.
            last = pipe.waiting[-1][0] if pipe.waiting else 0.0
            pipe.waiting.append((max(last, now + self._delay), data))
            pipe.size += len(data)

    def _write(self, pipe: Pipe, now: float) -> None:
        while pipe.waiting and pipe.waiting[0][0] <= now and not pipe.blocked:
            due, data = pipe.waiting.popleft()
            try:
                sent = pipe.target.send(data)
            except BlockingIOError:
                sent = 0
            pipe.size -= sent
            if sent < len(data):
                pipe.waiting.appendleft((due, data[sent:]))
                pipe.blocked = True
        if pipe.ended and not pipe.waiting and not pipe.closed:
            pipe.closed = True
            pipe.target.shutdown(socket.SHUT_WR)

    def _watch(self, end: socket.socket, source: Pipe, sink: Pipe) -> None:
        """Ask the kernel for what is of use now. In a black hole, for nothing: not even the end."""
        reads = not (source.ready or source.rests_until or source.ended or source.size >= MOST)
        mask = 0 if self._hole else (READ if reads else 0) | (WRITE if sink.blocked else 0)
        known = self._selector.get_map().get(end)
        if known is None and mask:
            self._selector.register(end, mask, (source, sink))
        elif known is not None and not mask:
            self._selector.unregister(end)
        elif known is not None and known.events != mask:
            self._selector.modify(end, mask, (source, sink))

    def _forget(self, end: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(end)

    def _halve(self, link: Link) -> None:
        if not link.half:
            link.half = True
            self._forget(link.client)
            self._forget(link.server)
            _abort(link.client)

    def _reset(self, link: Link) -> None:
        self._drop(link, _abort)

    def _drop(self, link: Link, end_it: Callable[[socket.socket], None]) -> None:
        self._links.remove(link)
        for end in (link.client, link.server):
            self._forget(end)
            end_it(end)


def _abort(end: socket.socket) -> None:
    """Close with a reset: what was not sent is lost, and the peer is told."""
    with contextlib.suppress(OSError):  # it is closed already
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
    end.close()
