"""The proxy breaks connections as its methods say, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy
from tests.support.client import PATIENCE
from tests.support.process import wait_until

LONG = 3_000_000


class Echo:
    """A server that gives back what it gets, and remembers how its connections are."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        self.ended: list[str] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self.threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while data := connection.recv(65_536):
                connection.sendall(data)
            self.ended.append("end")
        except ConnectionResetError:
            self.ended.append("reset")
        connection.close()

    def leave(self) -> None:
        """Take no connections any more."""
        if self.threads[0].is_alive():
            self.listener.shutdown(socket.SHUT_RDWR)
            self.threads[0].join()
        self.listener.close()

    def stop(self) -> None:
        self.leave()
        for thread in self.threads:
            thread.join(PATIENCE)


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.stop()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    made = Proxy(echo.port)
    yield made
    made.stop()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as made:
        assert said(made, b"hello") == b"hello"
        yield made


def said(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return heard(client, len(data))


def heard(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        data = client.recv(size - len(found))
        assert data, "the connection has ended"
        found += data
    return found


def is_sent_away(proxy: Proxy) -> bool:
    """Whether a new client gets a reset."""
    try:
        with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client:
            client.recv(1)
    except ConnectionResetError:
        return True
    return False


def hears_nothing(client: socket.socket) -> bool:
    client.settimeout(0.3)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE)
    return False


def test_a_whole_proxy_is_a_wire(client: socket.socket) -> None:
    data = bytes(range(256)) * (LONG // 256)
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    assert heard(client, len(data)) == data
    sender.join()


def test_an_end_arrives_behind_what_was_said(client: socket.socket, echo: Echo) -> None:
    client.sendall(b"goodbye")
    client.shutdown(socket.SHUT_WR)
    assert heard(client, 7) == b"goodbye"
    assert client.recv(1) == b""
    wait_until(lambda: echo.ended == ["end"])


def test_a_cut_resets_both_sides(client: socket.socket, proxy: Proxy, echo: Echo) -> None:
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    wait_until(lambda: echo.ended == ["reset"])
    assert proxy.links == 0


def test_half_open_is_told_to_the_client_only(
    client: socket.socket, proxy: Proxy, echo: Echo
) -> None:
    proxy.half_open()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    echo.open[0].sendall(b"is anybody there?")
    assert echo.ended == []
    proxy.heal()
    wait_until(lambda: echo.ended == ["reset"])


def test_a_black_hole_tells_nobody_and_loses_nothing(
    client: socket.socket, proxy: Proxy, echo: Echo
) -> None:
    proxy.black_hole()
    client.sendall(b"into the dark")
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as other:
        other.sendall(b"me, too")
        assert hears_nothing(client)
        assert hears_nothing(other)
        assert len(echo.open) == 1
        proxy.heal()
        assert heard(client, 13) == b"into the dark"
        assert heard(other, 7) == b"me, too"


def test_who_comes_to_a_closed_door_is_sent_away(client: socket.socket, proxy: Proxy) -> None:
    proxy.refuse()
    assert is_sent_away(proxy)
    assert said(client, b"who is in stays") == b"who is in stays"


def test_what_is_delayed_arrives_in_its_order(client: socket.socket, proxy: Proxy) -> None:
    proxy.delay(0.5)
    client.sendall(b"first ")
    assert hears_nothing(client)
    proxy.delay(0.0)
    client.sendall(b"second")
    assert heard(client, 12) == b"first second"


def test_a_slow_reader_is_felt_by_who_writes(
    proxy: Proxy, echo: Echo, client: socket.socket
) -> None:
    proxy.slow(10_000)
    echo.open[0].settimeout(0.5)
    with pytest.raises(TimeoutError):
        echo.open[0].sendall(bytes(30 * LONG))
    assert client.recv(65_536)
    proxy.cut()


def test_without_a_server_the_client_is_told(proxy: Proxy, echo: Echo) -> None:
    echo.leave()
    assert is_sent_away(proxy)
