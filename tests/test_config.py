"""Settings: types, defaults, what is refused and with which words, the generated secret."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import config as configuration
from config import ConfigError, load
from tests.support.server import ROOT

GOOD_SECRET = "k3Jv9-QeXw7Zr2TyUi0PaSdFgHjKlMnB"


def refusal(**environ: str) -> str:
    """Load settings that must be refused; what it says."""
    with pytest.raises(ConfigError) as caught:
        load(environ)
    return str(caught.value)


def test_every_setting_has_a_default_that_suits_a_first_start() -> None:
    found = load({})
    assert isinstance(found, configuration.Production)
    assert (found.host, found.port, found.workers) == ("127.0.0.1", 8000, 1)
    assert (found.database_url, found.redis_url, found.data_dir) == ("", "", "instance")
    assert found.rate_limits is True
    assert found.origins == frozenset()


def test_every_setting_is_an_environment_variable_with_a_type_and_a_sentence() -> None:
    for item in configuration.settings():
        assert type(item.default) in (str, int, bool), item.name
        name = item.metadata["name"]
        assert name in ("PORT", "WEB_CONCURRENCY") or name.startswith("HICHAT_")
        assert len(item.metadata["text"]) > 10, name


def test_a_value_becomes_what_its_default_is() -> None:
    for item in configuration.settings():
        text, value = {
            bool: ("off", False), int: ("77", 77), str: ("text", "text"),
        }[type(item.default)]
        name = item.metadata["name"]
        if name in (
            "HICHAT_CONTACT_POLICY", "HICHAT_ENV", "HICHAT_LOG_LEVEL", "HICHAT_MEDIA_URL",
            "HICHAT_METRICS", "HICHAT_SECRET_KEY", "WEB_CONCURRENCY",
        ):
            continue  # these take no other value alone; see below
        assert getattr(load({name: f" {text} "}), item.name) == value, name


def test_an_empty_value_is_the_default() -> None:
    empty = {item.metadata["name"]: " " for item in configuration.settings()}
    assert load(empty) == load({})


def test_settings_do_not_change_while_the_server_runs() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load({}).port = 1  # type: ignore[misc]


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1e3", "８０", "0x10", "0", "9" * 5000])
def test_a_number_that_is_none_or_would_stop_the_server_is_refused(text: str) -> None:
    for name in ("PORT", "HICHAT_QUEUE_FRAMES", "HICHAT_PASSWORD_THREADS"):
        said = refusal(**{name: text})
        assert name in said
        assert "whole number" in said


def test_nothing_is_a_number_of_proxies() -> None:
    assert load({"HICHAT_TRUSTED_PROXIES": "0"}).trusted_proxies == 0


@pytest.mark.parametrize(("name", "text"), [
    ("HICHAT_RATE_LIMITS", "maybe"), ("HICHAT_ENV", "development"), ("PORT", "65536"),
    ("HICHAT_LOG_LEVEL", "loud"),
])
def test_a_word_that_is_no_choice_is_refused_with_the_choices(name: str, text: str) -> None:
    said = refusal(**{name: text})
    assert said.startswith(f"{name}={text}: use ")


def test_an_unknown_variable_is_refused_by_its_name() -> None:
    assert "HICHAT_SECRET" in refusal(HICHAT_SECRET="x")
    said = refusal(HICHAT_PROT="1", HICHAT_HOTS="x")
    assert "HICHAT_HOTS, HICHAT_PROT" in said
    load({"PATH": "/bin", "CHAT_PORT": "1"})


@pytest.mark.parametrize("secret", [
    "short", "x" * 64, "abcabcabcabcabcabcabcabcabcabcabcabc", GOOD_SECRET[:31],
    "changeme-changeme-changeme-0123456789", "Your-Secret-Key-Goes-Here-0123456789",
])
def test_a_secret_that_can_be_guessed_is_refused_in_production(secret: str) -> None:
    said = refusal(HICHAT_SECRET_KEY=secret)
    assert "HICHAT_SECRET_KEY" in said
    assert "32" in said
    assert secret not in said
    load({"HICHAT_SECRET_KEY": secret, "HICHAT_ENV": "testing"})


def test_a_good_secret_is_the_signing_key_and_none_is_generated(tmp_path: Path) -> None:
    found = load({"HICHAT_SECRET_KEY": GOOD_SECRET, "HICHAT_DATA_DIR": str(tmp_path)})
    assert found.signing_key() == GOOD_SECRET
    assert list(tmp_path.iterdir()) == []


BOTH = {"HICHAT_DATABASE_URL": "postgresql://h/db", "HICHAT_REDIS_URL": "redis://h"}


@pytest.mark.parametrize("missing", [list(BOTH), *([name] for name in BOTH)])
def test_several_workers_without_what_they_share_are_refused_with_the_remedy(
    missing: list[str]
) -> None:
    given = {name: url for name, url in BOTH.items() if name not in missing}
    said = refusal(WEB_CONCURRENCY="2", **given)
    assert [name for name in BOTH if f"{name}=" in said] == missing
    assert "WEB_CONCURRENCY=1" in said


def test_several_workers_with_a_database_and_a_bus_are_fine() -> None:
    found = load({"WEB_CONCURRENCY": "2", **BOTH})
    assert (found.workers, found.clustered) == (2, True)


def test_redis_beside_sqlite_keeps_rate_limits_only() -> None:
    assert load({"HICHAT_REDIS_URL": "redis://h"}).clustered is False


def test_the_generated_secret_is_private_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    found = load({"HICHAT_DATA_DIR": str(folder)})
    key = found.signing_key()
    assert len(key) >= 64
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["secret_key"]
    assert load({"HICHAT_DATA_DIR": str(folder)}).signing_key() == key
    assert load({"HICHAT_DATA_DIR": str(tmp_path / "other")}).signing_key() != key


def test_processes_that_start_at_once_share_one_generated_secret(tmp_path: Path) -> None:
    program = "import config; print(config.load().signing_key())"
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("HICHAT_")}
    environ = {**inherited, "HICHAT_DATA_DIR": str(tmp_path)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, env=environ, stdout=subprocess.PIPE
        )
        for _ in range(12)
    ]
    keys = {process.communicate(timeout=60)[0].decode().strip() for process in started}
    assert keys == {(tmp_path / "secret_key").read_text()}
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_kept_secret_that_was_emptied_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("")
    with pytest.raises(ConfigError, match="secret_key can be guessed: delete this file"):
        load({"HICHAT_DATA_DIR": str(tmp_path)}).signing_key()


def test_the_database_is_sqlite_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    found = load({"HICHAT_DATA_DIR": str(tmp_path)})
    assert found.sqlalchemy_url == f"sqlite:///{tmp_path}/hichat.db"
    assert load({}).data_path == ROOT / "instance"


@pytest.mark.parametrize(("given", "used"), [
    ("postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
    ("postgresql://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
    ("postgresql+psycopg://h/db", "postgresql+psycopg://h/db"),
    ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
])
def test_postgres_is_reached_by_the_driver_that_works_under_gevent(given: str, used: str) -> None:
    assert load({"HICHAT_DATABASE_URL": given}).sqlalchemy_url == used


def test_origins_are_a_list_without_trailing_slashes() -> None:
    found = load({"HICHAT_ALLOWED_ORIGINS": "https://a.org/, http://b.org:81 ,,"})
    assert found.origins == {"https://a.org", "http://b.org:81"}


@pytest.mark.parametrize(("url", "bucket"), [
    ("", None), ("s3://my-bucket", ("my-bucket", "")), ("s3://my.bucket/", ("my.bucket", "")),
    ("s3://abc/one", ("abc", "one")), ("s3://abc/one/Two_2.x/", ("abc", "one/Two_2.x")),
])
def test_files_are_kept_in_a_bucket_if_its_address_is_set(
    url: str, bucket: tuple[str, str] | None
) -> None:
    assert load({"HICHAT_MEDIA_URL": url}).media_bucket == bucket


@pytest.mark.parametrize("url", [
    "media", "/srv/media", "file:///srv/media", "https://bucket/prefix", "s3:bucket", "s3://",
    "s3://ab", "s3://Bucket", "s3://bucket//x", "s3://bucket/../x", "s3://bucket/.x",
    "s3://bucket/a b", "s3://bucket?x=1", "s3://key:hidden@bucket/x", "s3://bucket/x\ny",
])
def test_another_place_for_files_is_refused_with_the_remedy_and_no_key_is_shown(url: str) -> None:
    said = refusal(HICHAT_MEDIA_URL=url)
    assert said.startswith("HICHAT_MEDIA_URL: use s3://bucket/prefix")
    assert "AWS_SECRET_ACCESS_KEY" in said
    assert "hidden" not in said


@pytest.mark.parametrize(("url", "said"), [
    ("", "fine\n"), ("s3://bucket/prefix", "pip install -r requirements-s3.txt\n"),
])
def test_a_bucket_without_boto3_is_refused_with_the_remedy(
    tmp_path: Path, url: str, said: str
) -> None:
    """And without a bucket nobody misses it."""
    program = (
        "import sys; sys.modules['boto3'] = None; import config; from app import services\n"
        "try: services.blobs_of(config.load()); print('fine')\n"
        "except config.ConfigError as error: print(error)"
    )
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("HICHAT_")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**inherited, "HICHAT_MEDIA_URL": url, "HICHAT_DATA_DIR": str(tmp_path)},
    )
    assert done.stdout.endswith(said)
