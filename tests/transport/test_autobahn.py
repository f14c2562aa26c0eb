"""The Autobahn cases, run by kosoku against an echo under a real gunicorn.

12.* and 13.* are permessage-deflate, which the server does not negotiate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from kosoku import FailureError, run_fuzzingclient
from kosoku._kosoku import CaseResult

from tests.support.server import Server

PROTOCOL = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]
COMPRESSION = ["12.*", "13.*"]
ALL = 517

# kosoku forgets to close the files of its own test data.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file .*kosoku:ResourceWarning")


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("echo"), app="tests.transport.echo:app")
    made.start()
    yield made
    made.terminate()


def run(server: Server, cases: Sequence[str], seconds: float) -> list[CaseResult]:
    """Run cases; return all if all are fine, else those that are not."""

    async def drive() -> list[CaseResult]:
        client = run_fuzzingclient(f"{server.ws}/", cases, concurrency=8)
        return await asyncio.wait_for(client, seconds)

    try:
        return asyncio.run(drive())
    except FailureError as failure:
        return failure.results


def check(cases: Sequence[CaseResult]) -> None:
    """Every case is fine, in its messages and in its close, and nobody waited in vain."""
    assert [verdict(case) for case in cases if not case.passed or hung(case)] == []


def verdict(case: CaseResult) -> str:
    return (
        f"{case.case_id}: {case.behavior.value}, close {case.behavior_close.value}."
        f" {case.result} {case.result_close} Expected: {case.expectation}"
    )


def hung(case: CaseResult) -> bool:
    return (
        case.was_open_handshake_timeout or case.was_close_handshake_timeout
        or case.was_server_connection_drop_timeout
    )


def test_all_cases_pass_without_a_hang(echo: Server) -> None:
    cases = run(echo, PROTOCOL, seconds=120)
    compression = run(echo, COMPRESSION, seconds=60)
    check(cases)
    assert {case.behavior.value for case in compression} == {"UNIMPLEMENTED"}
    assert len(cases) + len(compression) == ALL
