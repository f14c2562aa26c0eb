"""`/metrics`: the numbers follow what happens, and only this host reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

import config as configuration
from app import create_app
from tests.support.client import Person
from tests.support.server import Server
from tests.support.web import problem


def numbers(server: Server) -> dict[str, float]:
    text = requests.get(f"{server.http}/metrics", timeout=10).text
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }


def test_what_happens_is_counted(server: Server, alice: Person, bob: Person) -> None:
    before = numbers(server)
    with alice.device() as hers, alice.device(), bob.seed_device():
        hers.text("counted", bob.id)
        found = numbers(server)
        assert found["hichat_connections[v2]"] - before["hichat_connections[v2]"] == 2
        assert found["hichat_connections[v1]"] - before["hichat_connections[v1]"] == 1
        assert found["hichat_users"] - before["hichat_users"] == 2
        stored = "hichat_journal_commands_total"
        assert found[stored] - before[stored] == 1
        hers.close()
        while "hichat_sockets_closed_total[1000]" not in (found := numbers(server)):
            pass
    assert found["process_resident_memory_bytes"] > 0


@pytest.mark.parametrize("setting, status", [("local", 404), ("off", 404), ("all", 200)])
def test_another_host_reads_them_only_where_a_setting_says_so(
    tmp_path: Path, setting: str, status: int
) -> None:
    client = create_app(configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(tmp_path), "HICHAT_METRICS": setting,
    })).test_client()
    far = client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    through_proxy = client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})
    assert far.status_code == through_proxy.status_code == status
    if status == 404:
        problem(far, 404, "not_found")


def test_a_policy_that_nobody_knows_is_refused() -> None:
    with pytest.raises(configuration.ConfigError, match="local, all, off"):
        configuration.load({"HICHAT_METRICS": "friends"})
