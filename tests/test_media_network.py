"""Uploads over a network that breaks, to a disk that is full, and a very large one."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from tusclient.client import TusClient

from tests.support.client import PATIENCE, Person
from tests.support.disks import files_below, some_bytes, tmpfs
from tests.support.media import png
from tests.support.server import Server, running

BOUNDARY = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
LARGE = 2**30  # bytes
GROWTH = 64 * 2**20  # of the server's memory while it passes by


def raw_upload(who: Person, length: int) -> socket.socket:
    """A connection that has announced a body of that length, and sent nothing of it."""
    sock = socket.create_connection(("127.0.0.1", who.server.port), timeout=PATIENCE)
    sock.sendall(
        b"POST /v2/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + who.token.encode()
        + b"\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: "
        + str(length).encode() + b"\r\n\r\n"
    )
    return sock


def under_way(server: Server) -> list[Path]:
    return files_below(server.folder / "scratch")


def wait_until_empty(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while under_way(server):
        assert time.monotonic() < deadline, "something of it is left"
        time.sleep(0.05)


def test_nothing_is_left_of_an_upload_whose_sender_has_gone(
    server: Server, alice: Person
) -> None:
    sock = raw_upload(alice, 1_000_000)
    sock.sendall(BOUNDARY + some_bytes(300_000))
    deadline = time.monotonic() + PATIENCE
    while not any(path.stat().st_size for path in under_way(server)):
        assert time.monotonic() < deadline, "nothing has arrived"
        time.sleep(0.05)
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


def test_a_gigabyte_passes_through_in_flat_memory(server: Server, alice: Person) -> None:
    worker, block = psutil.Process(server.worker()), some_bytes(2**20)
    alice.upload(png())  # what is loaded late is loaded
    before, most = worker.memory_info().rss, 0
    stop = threading.Event()

    def watch() -> None:
        nonlocal most
        while not stop.wait(0.05):
            most = max(most, worker.memory_info().rss)

    def body() -> Iterator[bytes]:
        for _ in range(LARGE // len(block)):
            yield block

    headers = {**alice.headers, "Tus-Resumable": "1.0.0"}
    begun = alice.request("POST", "/v2/uploads", headers={
        **headers, "Upload-Length": str(LARGE)
    })
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        answer = requests.patch(
            server.http + begun.headers["Location"], data=body(), timeout=120, headers={
                **headers, "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
            },
        )
        assert answer.status_code == 204, answer.text
        medium = alice.request("GET", begun.headers["Location"]).json()
        assert medium["size"] == LARGE
        seen = 0
        with requests.get(server.http + medium["url"], stream=True, timeout=60) as download:
            for part in download.iter_content(2**20):
                seen += len(part)
    finally:
        stop.set()
        watcher.join()
    assert seen == LARGE
    assert most - before < GROWTH
