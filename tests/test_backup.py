"""A backup while people go on: all that was acknowledged, nothing torn, no half of a file."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from app import services
from app.models import Conversation, Event
from tests.support.backups import NewSite, World, command, hichat, opened
from tests.support.client import Person
from tests.support.process import wait_until
from tests.support.server import ROOT, Server, free_port

KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
WRITERS = 4
Place = tuple[int, int]  # conversation, seq


@pytest.fixture
def site(new_site: NewSite) -> Server:
    made: Server = new_site("sqlite")
    return made


@pytest.fixture
def world(site: Server) -> Iterator[World]:
    with opened(site, migrated=True) as app:
        yield World(app, site.folder)


class Traffic:
    """Pairs of people who write to each other without a pause."""

    def __init__(self, site: Server) -> None:
        self.site = site
        self.acked: dict[Place, str] = {}
        self.over = threading.Event()

    def write(self, number: int) -> None:
        writer, reader = Person(self.site), Person(self.site)
        with writer.device() as device:
            while not self.over.is_set():
                content = f"{number}-{len(self.acked)}"
                ack = device.text(content, reader.id)
                self.acked[ack["conversation"], ack["seq"]] = content


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_was_acknowledged_before_a_backup_is_in_it_and_no_log_is_torn(
    new_site: NewSite, tmp_path: Path, kind: str
) -> None:
    site, copy, file = new_site(kind), new_site("sqlite"), str(tmp_path / "backup.tar")
    site.prepare()
    site.start()
    traffic = Traffic(site)
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(traffic.write, number) for number in range(WRITERS)]
        try:
            wait_until(lambda: len(traffic.acked) > 100, 60)
            before = dict(traffic.acked)
            done = hichat(site, "backup", file)
            after = len(traffic.acked)
        finally:
            traffic.over.set()
        for writer in writers:
            writer.result()
    assert done.returncode == 0, done.stderr
    assert after > len(before), "nobody wrote meanwhile"
    assert hichat(copy, "restore", file).returncode == 0
    with opened(copy) as app, services.of(app).store.database.read() as session:
        heads = dict(
            map(tuple, session.execute(select(Conversation.id, Conversation.last_seq)))
        )
        stored = {
            (event.conversation_id, event.seq): msgspec.json.decode(event.body)["content"]
            for event in session.scalars(select(Event).where(Event.type == "message"))
        }
        logs: dict[int, list[int]] = {key: [] for key in heads}
        for key, seq in session.execute(select(Event.conversation_id, Event.seq)):
            logs[key].append(seq)
    assert before.items() <= stored.items()
    assert {key: sorted(seqs) for key, seqs in logs.items()} == {
        key: list(range(1, last + 1)) for key, last in heads.items()
    }


def members(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {found.name: tar.extractfile(found).read() for found in tar}  # type: ignore[union-attr]


def test_the_file_is_the_owners_and_holds_what_it_says(site: Server, world: World) -> None:
    file = site.folder / "backup.tar"
    done = hichat(site, "backup", str(file))
    assert done.returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    found = members(file.read_bytes())
    manifest = msgspec.json.decode(found["manifest.json"])
    first, *_, last = found
    assert (first, last) == ("manifest.json", "end.json")
    assert found[f"media/{world.shown}"] == b"what is shown" * 20_000
    assert {name for name in found if name.startswith("media/")} == {
        f"media/{world.shown}", f"media/{world.empty}",
    }
    lines = found["tables/event/000001.jsonl"].splitlines()
    assert len(lines) == manifest["tables"]["event"]["rows"] > 5
    assert not [name for name in manifest["tables"] if name.startswith(("search", "indexed"))]
    total = sum(table["rows"] for table in manifest["tables"].values())
    assert f"{total} rows, 2 files." in done.stderr.decode()


def test_the_signing_key_is_in_the_backup_and_nowhere_else(site: Server, world: World) -> None:
    file = site.folder / "backup.tar"
    key = (site.folder / "secret_key").read_bytes()
    done = hichat(site, "backup", str(file))
    assert members(file.read_bytes())["secret_key"] == key
    assert key not in done.stdout + done.stderr


def test_a_key_that_a_setting_holds_is_not_in_it_and_the_operator_is_told(
    new_site: NewSite
) -> None:
    site, copy = new_site("sqlite", HICHAT_SECRET_KEY=KEY), new_site("sqlite")
    site.prepare()
    file = site.folder / "backup.tar"
    done = hichat(site, "backup", str(file))
    assert b"keep HICHAT_SECRET_KEY" in done.stderr
    assert KEY.encode() not in file.read_bytes() + done.stdout + done.stderr
    assert b"set HICHAT_SECRET_KEY to what it was" in hichat(copy, "restore", str(file)).stdout


def test_a_restored_key_is_the_owners_and_is_not_printed(
    site: Server, new_site: NewSite, world: World
) -> None:
    copy, file = new_site("sqlite"), str(site.folder / "backup.tar")
    assert hichat(site, "backup", file).returncode == 0
    done = hichat(copy, "restore", file)
    kept = copy.folder / "secret_key"
    assert kept.read_bytes() == (site.folder / "secret_key").read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_bytes() not in done.stdout + done.stderr
    other = new_site("sqlite", HICHAT_SECRET_KEY=KEY)
    assert b"The key in the backup was not taken" in hichat(other, "restore", file).stdout


def test_a_backup_to_standard_output_is_the_same_tar(site: Server, world: World) -> None:
    done = hichat(site, "backup", "-")
    assert done.returncode == 0
    assert list(members(done.stdout))[-1] == "end.json"


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_an_interrupted_backup_leaves_no_file_and_the_one_before_as_it_was(
    site: Server, world: World, sign: signal.Signals
) -> None:
    kept, older, newer = world.kept(world.shown), site.folder / "old.tar", site.folder / "new.tar"
    older.write_bytes(b"the one before")
    content = kept.read_bytes()
    kept.unlink()
    os.mkfifo(kept)  # whoever opens it waits
    for file in (older, newer):
        process = subprocess.Popen(
            command("backup", str(file)), cwd=ROOT, env=site.environ, stderr=subprocess.PIPE
        )
        with process:
            wait_until(lambda file=file: drafts(file) != [], 60)
            process.send_signal(sign)
            assert process.wait(timeout=60) != 0
    assert older.read_bytes() == b"the one before"
    assert not newer.exists()
    if sign == signal.SIGTERM:
        assert drafts(older) + drafts(newer) == []
    kept.unlink()
    kept.write_bytes(content)
    assert hichat(site, "backup", str(older)).returncode == 0
    assert "end.json" in members(older.read_bytes())


def drafts(file: Path) -> list[Path]:
    return list(file.parent.glob(f".{file.name}.*.part"))


def test_files_that_are_gone_or_damaged_are_named_and_the_rest_is_kept(
    site: Server, new_site: NewSite, world: World
) -> None:
    world.kept(world.empty).unlink()
    damaged = world.kept(world.shown)
    copy, file = new_site("sqlite"), str(site.folder / "backup.tar")
    for content in (b"what is shawn" * 20_000, b"short"):
        damaged.write_bytes(content)
        done = hichat(site, "backup", file)
        assert done.returncode == 1
        told = done.stderr.decode()
        assert f"The file {world.empty} was not there" in told
        assert f"The file {world.shown} is not what it was" in told
    restored = hichat(copy, "restore", file)
    assert restored.returncode == 0
    for digest in (world.empty, world.shown):
        assert f"The file {digest} was " in restored.stderr.decode()
    assert [path for path in (copy.folder / "media").rglob("*") if path.is_file()] == []


def test_a_file_whose_upload_is_not_finished_is_not_missed(
    site: Server, new_site: NewSite, world: World
) -> None:
    """Its row comes before its bytes, and nobody has been told of it."""
    world.add_file("f" * 64, size=10, loose_since=1)
    copy, file = new_site("sqlite"), str(site.folder / "backup.tar")
    done = hichat(site, "backup", file)
    assert (done.returncode, b"was not there" in done.stderr) == (0, False)
    assert hichat(copy, "restore", file).returncode == 0


def test_a_full_disk_leaves_nothing(site: Server, world: World) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    file = site.folder / "backup.tar"
    done = hichat(site, "backup", str(file), preexec_fn=limit)
    assert done.returncode == 1
    assert f"Error: {file}: File too large\n" == done.stderr.decode()
    assert not file.exists()
    assert drafts(file) == []


def test_a_database_that_does_not_answer_is_said_in_one_line(
    site: Server, new_site: NewSite, world: World
) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    lost, good = new_site("sqlite", HICHAT_DATABASE_URL=url), str(site.folder / "good.tar")
    assert hichat(site, "backup", good).returncode == 0
    for arguments in (("backup", str(lost.folder / "backup.tar")), ("restore", good)):
        done = hichat(lost, *arguments)
        assert done.returncode == 1
        [line] = done.stderr.decode().splitlines()
        assert line.startswith("Error: The database refused it (connection failed")
    assert [path.name for path in lost.folder.rglob("*.tar")] == []


def test_what_cannot_be_backed_up_or_written_is_said_in_one_line(new_site: NewSite) -> None:
    site = new_site("sqlite")
    refusals: list[tuple[Any, str]] = [
        (site.folder / "none.tar", "nothing to back up"),
        (site.folder / "nowhere" / "x.tar", "No such file or directory"),
        (site.folder, "directory"),
    ]
    for file, told in refusals:
        if "directory" in told:
            site.prepare()
        done = hichat(site, "backup", str(file))
        assert done.returncode == 1
        [line] = done.stderr.decode().splitlines()
        assert line.startswith("Error: ") and told in line
    assert [*site.folder.glob("*.tar"), *site.folder.glob(".*.part")] == []
