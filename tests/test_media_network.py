"""Uploads over a network that breaks, to a disk that is full, and a very large one."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from tusclient.client import TusClient

from tests.support.client import PATIENCE, Person
from tests.support.disks import MIB, files_below, some_bytes, tmpfs
from tests.support.files import encoded
from tests.support.media import png
from tests.support.process import Growth, descriptors, wait_until
from tests.support.server import Server, running

BOUNDARY = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
LARGE = 2**30  # bytes
GROWTH = 64 * MIB  # of the server's memory while it passes by


def raw_upload(who: Person, length: int) -> socket.socket:
    """A connection that has announced a body of that length, and sent nothing of it."""
    sock = socket.create_connection(("127.0.0.1", who.server.port), timeout=PATIENCE)
    sock.sendall(
        b"POST /v2/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + who.token.encode()
        + b"\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: "
        + str(length).encode() + b"\r\n\r\n"
    )
    return sock


def noise(width: int, height: int) -> bytes:
    return encoded(Image.effect_noise((width, height), 60), "JPEG")


def under_way(server: Server) -> list[Path]:
    return files_below(server.folder / "scratch")


def wait_until_empty(server: Server) -> None:
    wait_until(lambda: not under_way(server))


def test_nothing_is_left_of_an_upload_whose_sender_has_gone(
    server: Server, alice: Person
) -> None:
    sock = raw_upload(alice, 1_000_000)
    sock.sendall(BOUNDARY + some_bytes(300_000))
    wait_until(lambda: any(path.stat().st_size for path in under_way(server)))
    sock.close()
    wait_until_empty(server)


def test_a_body_that_is_longer_than_it_says_is_not_taken(server: Server, alice: Person) -> None:
    with raw_upload(alice, len(BOUNDARY) + 10) as sock:
        sock.sendall(BOUNDARY + b"%PDF-1.7 " + bytes(500) + b"\r\n--x--\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 400")
    wait_until_empty(server)


def test_a_large_body_that_is_refused_holds_nobody_up(
    server: Server, alice: Person, bob: Person
) -> None:
    """Its sender goes on sending; the others are served, and it is cut off."""
    with raw_upload(alice, 2**40) as sock, bob.device() as b:
        answer = sock.recv(4096)
        assert answer.startswith(b"HTTP/1.1 413")
        slice_ = bytes(2**20)
        with pytest.raises(OSError):
            for _ in range(4096):
                sock.sendall(slice_)
        b.text("hello", alice.id)


def test_what_is_on_its_way_counts_already(tmp_path: Path) -> None:
    """Or a hundred uploads that stop before their last byte would fill the disk."""
    with running(tmp_path, HICHAT_MEDIA_DAY_BYTES="3000000") as server:
        alice, bob = Person(server), Person(server)
        with raw_upload(alice, 2_000_000) as sock:
            sock.sendall(BOUNDARY)
            wait_until(lambda: bool(under_way(server)))
            answer = alice.request("POST", "/v2/media", files={"file": some_bytes(1_100_000)})
            assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
            bob.upload(some_bytes(1_100_000))
        wait_until_empty(server)
        alice.upload(some_bytes(1_100_000))


def test_a_user_sends_only_so_many_files_at_once(
    server: Server, alice: Person, bob: Person
) -> None:
    with ExitStack() as stack:
        for number in range(1, 21):
            stack.enter_context(raw_upload(alice, 1_000_000)).sendall(BOUNDARY)
            wait_until(lambda number=number: len(under_way(server)) == number)
        answer = alice.request("POST", "/v2/media", files={"file": b"%PDF-1.7 x"})
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many")
        bob.upload(b"%PDF-1.7 x")
    wait_until_empty(server)
    alice.upload(b"%PDF-1.7 x")


def test_one_users_album_does_not_hold_up_the_others(alice: Person, bob: Person) -> None:
    """Pictures wait for one thread: those of one user behind each other, not before all others."""
    large, order = noise(2000, 1500), []

    def upload(who: Person, data: bytes) -> None:
        answer = requests.post(
            f"{who.server.http}/v2/media", files={"file": data}, headers=who.headers, timeout=120
        )
        assert answer.status_code == 201, answer.text
        order.append(who)

    with ThreadPoolExecutor(9) as pool:
        done = [pool.submit(upload, alice, large) for _ in range(8)]
        wait_until(lambda: bool(order), 60)
        done.append(pool.submit(upload, bob, png()))
        for each in done:
            each.result()
    assert order.index(bob) <= 4


def test_a_reader_that_does_not_read_is_let_go(tmp_path: Path) -> None:
    with running(tmp_path, HICHAT_SEND_TIMEOUT_SECONDS="1") as server:
        alice = Person(server)
        url = alice.upload(some_bytes(40_000_000))["url"]
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sock:
            sock.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
            wait_until(lambda: not opened(server))
        answer = requests.get(server.http + url, timeout=PATIENCE)
        assert answer.content == some_bytes(40_000_000)
        assert "Traceback" not in server.log()


def opened(server: Server) -> list[str]:
    """The kept files that the server has open."""
    base = str(server.folder / "media")
    return [
        name for worker in server.workers() for name in descriptors(worker)
        if name.startswith(base)
    ]


def test_two_uploads_of_one_file_at_once_are_both_there(alice: Person, bob: Person) -> None:
    data = some_bytes(3_000_000)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda who: who.upload(data), [alice, bob, alice, bob]))
    assert len({medium["id"] for medium in found}) == 4
    for medium in found:
        answer = requests.get(alice.server.http + medium["url"], timeout=PATIENCE)
        assert answer.content == data


def test_a_full_disk_refuses_the_file_and_the_chat_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with tmpfs(folder / "scratch", "1m"), running(folder) as server:
        alice, bob = Person(server), Person(server)
        answer = alice.request("POST", "/v2/media", files={"file": some_bytes(3_000_000)})
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert under_way(server) == []
        with alice.device() as device:
            assert device.text("still here", bob.id)["seq"] == 1
        assert alice.upload(png())["media"] == "image"


def test_a_full_disk_refuses_the_next_bytes_and_keeps_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with tmpfs(folder / "uploads", "1m"), running(folder) as server:
        alice, data = Person(server), some_bytes(3_000_000)
        headers = {**alice.headers, "Tus-Resumable": "1.0.0"}
        bytes_ = {**headers, "Content-Type": "application/offset+octet-stream"}
        begun = alice.request("POST", "/v2/uploads", data=data[:500_000], headers={
            **bytes_, "Upload-Length": str(len(data)),
        })
        path = begun.headers["Location"]
        answer = alice.request("PATCH", path, data=data[500_000:], headers={
            **bytes_, "Upload-Offset": "500000",
        })
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        offset = int(alice.request("HEAD", path, headers=headers).headers["Upload-Offset"])
        assert 500_000 <= offset <= 2**20
        assert alice.request("DELETE", path, headers=headers).status_code == 204
        assert files_below(folder / "uploads") == []
        assert "Traceback" not in server.log()


def test_a_beginning_whose_connection_breaks_leaves_nothing(server: Server, alice: Person) -> None:
    """Its sender was never told how to go on."""
    lines = ["POST /v2/uploads HTTP/1.1", "Host: x", f"Authorization: Bearer {alice.token}",
             "Tus-Resumable: 1.0.0", "Upload-Length: 1000000", "Content-Length: 1000000",
             "Content-Type: application/offset+octet-stream"]
    before = files_below(server.folder / "uploads")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sock:
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + some_bytes(300_000))
        wait_until(lambda: files_below(server.folder / "uploads") != before)
    wait_until(lambda: files_below(server.folder / "uploads") == before)


@pytest.fixture
def tus(alice: Person) -> Iterator[TusClient]:
    yield TusClient(f"{alice.server.http}/v2/uploads", headers=alice.headers)


def test_a_stock_tus_client_uploads_and_resumes(alice: Person, tus: TusClient) -> None:
    data = some_bytes(900_000)
    options = {"chunk_size": 200_000, "metadata": {"filename": "film.bin"}}
    first = tus.uploader(file_stream=io.BytesIO(data), **options)
    first.upload_chunk()
    again = tus.uploader(file_stream=io.BytesIO(data), url=first.url, **options)
    assert again.get_offset() == 200_000
    again.upload()
    medium = alice.request("GET", "/" + again.url.split("/", 3)[3]).json()
    assert medium["name"] == "film.bin"
    shown = requests.get(alice.server.http + medium["url"], timeout=PATIENCE)
    assert shown.content == data


def test_who_comes_back_takes_over_from_the_connection_that_died(alice: Person) -> None:
    """Of which the server does not know: no byte comes, and no end."""
    data = some_bytes(500_000)
    headers = {**alice.headers, "Tus-Resumable": "1.0.0"}
    begun = alice.request(
        "POST", "/v2/uploads", headers={**headers, "Upload-Length": str(len(data))}
    )
    path = begun.headers["Location"]
    with socket.create_connection(("127.0.0.1", alice.server.port), timeout=PATIENCE) as dead:
        lines = [f"PATCH {path} HTTP/1.1", "Host: x", "Upload-Offset: 0",
                 "Content-Type: application/offset+octet-stream",
                 f"Content-Length: {len(data)}", *(f"{k}: {v}" for k, v in headers.items())]
        dead.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data[:200_000])
        time.sleep(0.3)
        offset = int(alice.request("HEAD", path, headers=headers).headers["Upload-Offset"])
        assert 0 < offset <= 200_000
        answer = alice.request("PATCH", path, data=data[offset:], headers={
            **headers, "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        })
        assert answer.status_code == 204
    medium = alice.request("GET", path).json()
    shown = requests.get(alice.server.http + medium["url"], timeout=PATIENCE)
    assert shown.content == data


def test_an_acknowledged_offset_survives_a_kill(own_server: Server) -> None:
    own_server.start()
    alice, data = Person(own_server), some_bytes(400_000)
    headers = {**alice.headers, "Tus-Resumable": "1.0.0"}
    begun = alice.request("POST", "/v2/uploads", data=data[:150_000], headers={
        **headers, "Upload-Length": str(len(data)),
        "Content-Type": "application/offset+octet-stream",
    })
    path = begun.headers["Location"]
    own_server.kill()
    own_server.start()
    found = alice.request("HEAD", path, headers=headers)
    assert int(found.headers["Upload-Offset"]) == 150_000


def stream(length: int) -> Iterator[bytes]:
    block = some_bytes(MIB)
    for _ in range(length // MIB):
        yield block


def send_resumable(who: Person, length: int) -> dict[str, Any]:
    headers = {**who.headers, "Tus-Resumable": "1.0.0"}
    begun = who.request("POST", "/v2/uploads", headers={**headers, "Upload-Length": str(length)})
    path = begun.headers["Location"]
    answer = requests.patch(who.server.http + path, data=stream(length), timeout=120, headers={
        **headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream",
    })
    assert answer.status_code == 204, answer.text
    found: dict[str, Any] = who.request("GET", path).json()
    return found


def send_form(who: Person, length: int) -> dict[str, Any]:
    answer = requests.post(
        f"{who.server.http}/v2/media", timeout=120,
        data=chain([BOUNDARY], stream(length), [b"\r\n--x--\r\n"]),
        headers={**who.headers, "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("send", [send_resumable, send_form])
def test_a_gigabyte_passes_through_in_flat_memory(
    server: Server, alice: Person, send: Callable[[Person, int], dict[str, Any]]
) -> None:
    alice.upload(png())  # what is loaded late is loaded
    growth = Growth(server)
    medium = send(alice, LARGE)
    assert medium["size"] == LARGE
    seen = 0
    with requests.get(server.http + medium["url"], stream=True, timeout=60) as download:
        for part in download.iter_content(MIB):
            seen += len(part)
    assert seen == LARGE
    assert growth.most() < GROWTH
