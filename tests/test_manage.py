"""`manage.py`: one command on a bare Python, and a plain word for whatever is missing."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support import topology
from tests.support.client import PASSWORD
from tests.support.process import children, wait_until
from tests.support.server import ROOT, free_port

PATIENCE = 60
PROGRAM = "import sys; {first}; import manage; sys.exit({what})"
RUN = "manage.main(['run'])"
PREPARE = "print(manage.prepare(manage.VENV, 'requirements.txt')) or 0"


def environ(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a newcomer whose data goes into `folder`."""
    ours = ("HICHAT_", "PORT", "WEB_CONCURRENCY", "PIP_")
    inherited = {key: text for key, text in os.environ.items() if not key.startswith(ours)}
    return {**inherited, "HICHAT_DATA_DIR": str(folder), **settings}


def refused(folder: Path, *arguments: str, **settings: str) -> str:
    """A start that must end with status 2 and one line; that line."""
    done = subprocess.run(
        [sys.executable, "manage.py", "run", *arguments], cwd=ROOT, timeout=PATIENCE,
        env=environ(folder, **settings), capture_output=True, text=True,
    )
    assert done.returncode == 2, done
    said = done.stderr.splitlines()
    assert len(said) == 1, done.stderr
    assert said[0].startswith("manage.py: ")
    return said[0]


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False


@contextmanager
def started(
    folder: Path, port: int, *arguments: str, **settings: str
) -> Iterator[tuple[str, int]]:
    """`manage.py run` until it answers: what it printed, its process id. Ends with TERM."""
    log = folder / "start.log"
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--port", str(port), *arguments], cwd=ROOT,
            env=environ(folder, **settings), stdout=file, stderr=file, start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while "HiChat is ready" not in log.read_text() or not answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield log.read_text(), process.pid
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def log_in(port: int, verb: str) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{port}/v2/auth/{verb}", json={"name": "alice", "password": PASSWORD},
        timeout=PATIENCE,
    )


def test_run_serves_and_a_second_start_goes_on_with_the_same_data(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, port) as (printed, _):
        assert f"HiChat is ready: http://127.0.0.1:{port}\n" in printed
        assert "The database is migrated." in printed
        assert log_in(port, "register").status_code == 201
    with started(tmp_path, port) as (printed, _):
        assert printed == f"HiChat is ready: http://127.0.0.1:{port}\n"
        assert log_in(port, "login").status_code == 200


def test_run_serves_with_several_workers_when_they_share_a_database_and_a_bus(
    tmp_path: Path,
) -> None:
    port, settings = free_port(), topology.shared()
    with started(tmp_path, port, "--workers", "2", **settings) as (printed, master):
        assert printed.count(f"HiChat is ready: http://127.0.0.1:{port}\n") == 1
        wait_until(lambda: len(children(master)) == 2)
        assert log_in(port, "register").status_code == 201
        for worker in children(master):
            os.kill(worker, signal.SIGSTOP)
            try:
                assert log_in(port, "login").status_code == 200, "the other worker knows her"
            finally:
                os.kill(worker, signal.SIGCONT)


def test_several_workers_without_what_they_share_are_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, "--workers", "2")
    assert "HICHAT_DATABASE_URL" in said
    assert "HICHAT_REDIS_URL" in said
    assert "WEB_CONCURRENCY=1" in said
    assert list(tmp_path.iterdir()) == []


def test_a_weak_secret_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, HICHAT_SECRET_KEY="changeme")
    assert "HICHAT_SECRET_KEY is weak: use at least 32 random characters, or" in said


def test_a_folder_that_cannot_hold_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refused(tmp_path / "file" / "data")


def test_an_address_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = refused(tmp_path, "--port", port)
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in said
    assert "--port" in said


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, "--host", "192.0.2.7", "--port", str(free_port()))
    assert "cannot listen on 192.0.2.7" in said
    assert "--host" in said


def test_it_uses_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "manage.py").read_text())
    imported = {
        name.partition(".")[0] for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or "."] if isinstance(node, ast.ImportFrom) else []
        )
    }
    assert imported - sys.stdlib_module_names == set()


def test_a_python_that_is_too_old_can_read_it() -> None:
    ast.parse((ROOT / "manage.py").read_text(), feature_version=(3, 7))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with manage.py, nothing to install, and no virtual environment."""
    shutil.copy(ROOT / "manage.py", tmp_path)
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    return tmp_path


def manage(
    bare: Path, what: str, first: str = "pass", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run something of manage.py in `bare`, in a Python to which `first` has happened."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first, what=what)], cwd=bare,
        env=environ(bare / "data", **settings), capture_output=True, text=True, timeout=PATIENCE,
    )


def test_a_python_that_is_too_old_is_named_with_what_is_needed(bare: Path) -> None:
    old = "sys.version_info = (3, 10, 4); sys.version = '3.10.4 (main)'"
    done = manage(bare, RUN, old)
    assert done.returncode == 2
    assert done.stderr == "manage.py: Python 3.10.4 is too old: HiChat needs 3.11 or later\n"
    assert not (bare / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_module_is_named_with_the_command_that_mends_it(
    bare: Path, module: str
) -> None:
    done = manage(bare, RUN, f"sys.modules['{module}'] = None")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert done.returncode == 2
    assert f"no module {module}: apt-get install python{version}-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (bare / ".venv").exists()


def test_packages_are_installed_once_and_again_only_when_they_change(bare: Path) -> None:
    python, listed = bare / ".venv" / "bin" / "python", bare / "requirements.txt"
    assert manage(bare, PREPARE).stdout == (
        f"Making .venv (once) ...\nInstalling requirements.txt (once) ...\n{python}\n"
    )
    listed.write_text("no-such-package-of-hichat==1.0\n")
    for _ in range(2):
        done = manage(bare, RUN, PIP_NO_INDEX="1")
        assert done.returncode == 2
        assert "pip could not install requirements.txt; check the network" in done.stderr
    listed.write_text("# nothing\n")
    (pip,) = (bare / ".venv").glob("lib/*/site-packages/pip")
    shutil.rmtree(pip)
    assert manage(bare, PREPARE).stdout == f"{python}\n"


def browser(bare: Path, user: int, **programs: str) -> subprocess.CompletedProcess[str]:
    """Look for Chromium as a user, on a machine that has these programs only."""
    found = bare / "bin"
    found.mkdir()
    for name, script in programs.items():
        (found / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
        (found / name.replace("_", "-")).chmod(0o755)
    first = f"import os; os.geteuid = lambda: {user}"
    what = "manage.main(['test'])"
    quick = "manage.prepare = lambda *_: '/bin/true'"
    return manage(bare, f"exec({quick!r}) or {what}", first, PATH=str(found))


def test_a_browser_that_is_there_is_used(bare: Path) -> None:
    done = browser(bare, 1000, chromium="exit 1")
    assert (done.returncode, done.stderr) == (0, "")


def test_who_may_not_install_a_browser_is_told_the_command(bare: Path) -> None:
    for user, programs in ((1000, {"apt_get": "exit 0"}), (0, {})):
        shutil.rmtree(bare / "bin", ignore_errors=True)
        done = browser(bare, user, **programs)
        assert done.returncode == 2
        assert "need Chromium: apt-get install chromium (Debian)" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_root_gets_the_browser_of_the_distribution(bare: Path) -> None:
    asked = bare / "asked"
    done = browser(bare, 0, apt_get=f'echo "$@" >> {asked}')
    assert done.returncode == 0, done.stderr
    assert asked.read_text().splitlines() == [
        "--quiet=2 update", "--quiet=2 install --yes --no-install-recommends chromium",
    ]


def test_a_browser_that_cannot_be_installed_is_named_with_the_command(bare: Path) -> None:
    done = browser(bare, 0, apt_get="exit 100")
    assert done.returncode == 2
    assert "apt-get could not install Chromium (see above)" in done.stderr


def test_a_virtual_environment_whose_python_has_gone_is_made_anew_and_filled(bare: Path) -> None:
    python = bare / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/nowhere/python3")
    stamp = bare / ".venv" / ".requirements.sha256"
    stamp.write_text(manage(bare, "print(manage.digest('requirements.txt'), end='')").stdout)
    assert manage(bare, PREPARE).stdout.splitlines() == [
        "Making .venv (once) ...", "Installing requirements.txt (once) ...", str(python),
    ]
    assert subprocess.run([python, "-c", ""]).returncode == 0
