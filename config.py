"""Settings: every one is an environment variable with a type, a default and a sentence.

The classes below are the only list of settings. `docs/operations.md` and `.env.example`
must name each of them; a test compares the three.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent
MIN_SECRET_CHARS = 32
METRICS = ("local", "all", "off")
CONTACT_POLICIES = ("open", "contacts")
LOG_LEVELS = ("debug", "info", "warning", "error")
# s3://bucket/prefix, in characters that no server and no proxy reads as anything else.
BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*)/?")
DEFAULT_WORDS = ("changeme", "change-me", "change_me", "your-secret", "your_secret", "secret-key")


class ConfigError(ValueError):
    """A setting that cannot be used; the message names the variable and the remedy."""


def is_weak(key: str) -> bool:
    """Whether a signing key can be guessed."""
    default = any(word in key.lower() for word in DEFAULT_WORDS)
    return len(key) < MIN_SECRET_CHARS or len(set(key)) < 8 or default


def setting(name: str, default: Any, text: str, least: int | None = None) -> Any:
    """Declare one setting: its environment variable, default value and meaning.

    `least` is the lowest number it takes; without it 1, or 0 where that is the default.
    """
    return field(default=default, metadata={"name": name, "text": text, "least": least})


@dataclass(frozen=True, kw_only=True)
class Config:
    """What all environments share. Durations are in seconds unless the name says otherwise."""

    env: str = setting("HICHAT_ENV", "production", "`production` or `testing`")
    host: str = setting("HICHAT_HOST", "127.0.0.1", "address to listen on; `0.0.0.0` for all")
    port: int = setting("PORT", 8000, "TCP port to listen on")
    workers: int = setting(
        "WEB_CONCURRENCY", 1, "worker processes; several need PostgreSQL and Redis"
    )
    database_url: str = setting(
        "HICHAT_DATABASE_URL", "", "SQLAlchemy address; empty: SQLite in the data folder"
    )
    database_connections: int = setting(
        "HICHAT_DATABASE_CONNECTIONS", 10, "connections to PostgreSQL, per process"
    )
    database_seconds: int = setting(
        "HICHAT_DATABASE_SECONDS", 10,
        "how long PostgreSQL may take for an answer; then it is `unavailable`",
    )
    redis_url: str = setting(
        "HICHAT_REDIS_URL", "",
        "Redis or Valkey, one server or a cluster, between processes; keeps the rate limits;"
        " empty: one process, in memory",
    )
    data_dir: str = setting(
        "HICHAT_DATA_DIR", "instance", "database, media and generated secrets"
    )
    secret_key: str = setting(
        "HICHAT_SECRET_KEY", "", "signs tokens, at least 32 characters; empty: generated once"
    )
    rate_limits: bool = setting(
        "HICHAT_RATE_LIMITS", True, "`off` lifts every rate limit (load tests only)"
    )
    allowed_origins: str = setting(
        "HICHAT_ALLOWED_ORIGINS", "",
        "further browser origins whose pages may use this server, separated by commas; `*` for any",
    )
    trusted_proxies: int = setting(
        "HICHAT_TRUSTED_PROXIES", 0, "reverse proxies in front whose X-Forwarded-* are believed"
    )
    metrics: str = setting(
        "HICHAT_METRICS", "local", "who may read `/metrics`: `local` (this host), `all` or `off`"
    )
    log_level: str = setting("HICHAT_LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`")

    access_token_seconds: int = setting(
        "HICHAT_ACCESS_TOKEN_SECONDS", 3600, "life of a `/v2` access token"
    )
    session_days: int = setting(
        "HICHAT_SESSION_DAYS", 30, "days a session lives without a refresh"
    )
    v1_token_days: int = setting("HICHAT_V1_TOKEN_DAYS", 7, "days a `/v1` token lives")
    password_min_chars: int = setting(
        "HICHAT_PASSWORD_MIN_CHARS", 8, "shortest password that `/v2` takes"
    )
    password_threads: int = setting(
        "HICHAT_PASSWORD_THREADS", 2, "threads that hash passwords, per process"
    )

    max_connections: int = setting(
        "HICHAT_MAX_CONNECTIONS", 20_000, "open connections per process"
    )
    user_connections: int = setting(
        "HICHAT_USER_CONNECTIONS", 256, "open sockets per user and process"
    )
    max_content_chars: int = setting(
        "HICHAT_MAX_CONTENT_CHARS", 10_000, "longest `content` of a message, in characters"
    )
    max_frame_bytes: int = setting(
        "HICHAT_MAX_FRAME_BYTES", 131_072, "longest socket message or HTTP body, in bytes"
    )
    queue_frames: int = setting(
        "HICHAT_QUEUE_FRAMES", 4096, "frames that may wait for one connection"
    )
    queue_bytes: int = setting(
        "HICHAT_QUEUE_BYTES", 1_048_576, "bytes that may wait for one connection"
    )
    backlog_bytes: int = setting(
        "HICHAT_BACKLOG_BYTES", 33_554_432,
        "bytes that may wait for all slow connections of a process together",
    )
    heartbeat: int = setting(
        "HICHAT_HEARTBEAT_SECONDS", 25, "silence before a ping; after twice that, the end"
    )
    send_timeout: int = setting(
        "HICHAT_SEND_TIMEOUT_SECONDS", 30, "64 KiB that take longer to write end the connection"
    )
    messages_per_second: int = setting(
        "HICHAT_MESSAGES_PER_SECOND", 100, "steady rate per connection; bursts of ten times that"
    )
    presence_grace: int = setting(
        "HICHAT_PRESENCE_GRACE_SECONDS", 10, "how long a user stays online without a socket"
    )
    sync_events: int = setting(
        "HICHAT_SYNC_EVENTS", 2000, "events in one answer to `sync`; the rest is `behind`"
    )
    contact_policy: str = setting(
        "HICHAT_CONTACT_POLICY", "open",
        "who may write to whom: `open` (all but the blocked) or `contacts` (friends only)",
    )
    retention_days: int = setting(
        "HICHAT_RETENTION_DAYS", 0, "days until a message is forgotten; 0: never"
    )

    group_members: int = setting(
        "HICHAT_GROUP_MEMBERS", 5000, "members that a group may have"
    )
    edit_seconds: int = setting(
        "HICHAT_EDIT_SECONDS", 86_400, "how long a message can be edited; 0: never", least=0
    )
    recall_seconds: int = setting(
        "HICHAT_RECALL_SECONDS", 120, "how long a message can be recalled; 0: never", least=0
    )
    media_file_bytes: int = setting(
        "HICHAT_MEDIA_FILE_BYTES", 2_147_483_648, "largest file that may be uploaded, in bytes"
    )
    media_day_bytes: int = setting(
        "HICHAT_MEDIA_DAY_BYTES", 10_737_418_240, "bytes that a user may upload in 24 hours"
    )
    media_user_bytes: int = setting(
        "HICHAT_MEDIA_USER_BYTES", 107_374_182_400, "bytes of uploads that are kept for a user"
    )
    media_pixels: int = setting(
        "HICHAT_MEDIA_PIXELS", 50_000_000, "largest picture, in pixels of all its frames together"
    )
    media_processes: int = setting(
        "HICHAT_MEDIA_PROCESSES", 1, "processes that work on pictures, for each worker"
    )
    media_url: str = setting(
        "HICHAT_MEDIA_URL", "",
        "where files are kept: empty: in the data folder; or `s3://bucket/prefix`",
    )
    search: bool = setting(
        "HICHAT_SEARCH", True, "full-text search; `off` keeps no index of words"
    )

    def __post_init__(self) -> None:
        if self.workers > 1:
            self.check_shared()
        if self.port > 65_535:
            raise ConfigError(f"PORT={self.port}: use a TCP port, up to 65535")
        if self.log_level not in LOG_LEVELS:
            raise ConfigError(
                f"HICHAT_LOG_LEVEL={self.log_level}: use one of {', '.join(LOG_LEVELS)}"
            )
        if self.metrics not in METRICS:
            raise ConfigError(f"HICHAT_METRICS={self.metrics}: use one of {', '.join(METRICS)}")
        if self.contact_policy not in CONTACT_POLICIES:
            raise ConfigError(
                f"HICHAT_CONTACT_POLICY={self.contact_policy}: use one of"
                f" {', '.join(CONTACT_POLICIES)}"
            )
        if self.media_url:
            self.check_media_url()
        if self.secret_key:
            self.check_secret()

    def check_shared(self) -> None:
        """Refuse several workers without what they must share."""
        missing = [name for name, absent in (
            ("HICHAT_DATABASE_URL=postgresql://...", self.embedded),
            ("HICHAT_REDIS_URL=redis://...", not self.redis_url),
        ) if absent]
        if missing:
            raise ConfigError(
                f"WEB_CONCURRENCY={self.workers} needs {' and '.join(missing)}: several processes"
                " share a database and a bus. Set what is named here (docs/operations.md says how"
                " to move from SQLite), or WEB_CONCURRENCY=1."
            )

    def check_media_url(self) -> None:
        """Refuse an address of no kind that is known, or one without the library for it."""
        if not BUCKET.fullmatch(self.media_url):  # not shown: somebody may have put keys into it
            raise ConfigError(
                "HICHAT_MEDIA_URL: use s3://bucket/prefix (small letters, digits, dots and hyphens;"
                " keys and the server's address go into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
                " and AWS_ENDPOINT_URL), or leave it empty to keep files in the data folder"
            )
        if importlib.util.find_spec("boto3") is None:
            raise ConfigError(
                "HICHAT_MEDIA_URL=s3://... needs boto3: run"
                " .venv/bin/pip install -r requirements-s3.txt"
            )

    def check_secret(self) -> None:
        """Refuse a signing key that can be guessed."""
        if is_weak(self.secret_key):
            raise ConfigError(
                f"HICHAT_SECRET_KEY is weak: use at least {MIN_SECRET_CHARS} random characters, or"
                " leave it empty and one is generated in the data folder."
            )

    @property
    def embedded(self) -> bool:
        """Whether the database is SQLite."""
        return self.sqlalchemy_url.startswith("sqlite")

    @property
    def clustered(self) -> bool:
        """Whether there may be other processes, here or on other hosts."""
        return bool(self.redis_url) and not self.embedded

    @property
    def contacts_only(self) -> bool:
        """Whether only friends may write to each other."""
        return self.contact_policy == "contacts"

    @property
    def data_path(self) -> Path:
        return ROOT / self.data_dir  # an absolute data_dir wins

    @property
    def media_bucket(self) -> tuple[str, str] | None:
        """The bucket that keeps the files, and the prefix there; None: the data folder does."""
        found = BUCKET.fullmatch(self.media_url)
        return (found[1], found[2].removeprefix("/")) if found else None

    @property
    def sqlalchemy_url(self) -> str:
        """The database's address, with the driver that works under gevent."""
        if not self.database_url:
            return f"sqlite:///{self.data_path / 'hichat.db'}"
        return with_driver(self.database_url)

    @property
    def origins(self) -> frozenset[str]:
        items = (item.strip().rstrip("/") for item in self.allowed_origins.split(","))
        return frozenset(item for item in items if item)

    def signing_key(self) -> str:
        """The signing key: the setting, or the one kept (mode 0600) in the data folder."""
        return self.secret_key or _kept_secret(self.data_path)

    def keep_signing_key(self, key: str) -> None:
        """Put `key` in the place of the one kept in the data folder."""
        _drafted_secret(self.data_path, key).replace(self.data_path / "secret_key")


class Production(Config):
    """The default: nothing weak is accepted."""


class Testing(Config):
    """For test runs that read tokens themselves: any signing key is accepted."""

    def check_secret(self) -> None:
        return


ENVIRONMENTS: dict[str, type[Config]] = {"production": Production, "testing": Testing}


def with_driver(url: str) -> str:
    """A database's address, with the driver that works under gevent."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def settings() -> list[dataclasses.Field[Any]]:
    """Every setting, in the order of their declaration."""
    return list(dataclasses.fields(Config))


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read the environment (and the file `.env`, which it overrides) into a Config.

    Raises ConfigError for a value of the wrong type, an unknown HICHAT_ name, a weak secret,
    or settings that contradict each other.
    """
    if environ is None:
        dotenv = {name: value or "" for name, value in dotenv_values(ROOT / ".env").items()}
        environ = {**dotenv, **os.environ}
    known = {item.metadata["name"]: item for item in settings()}
    unknown = [name for name in environ if name.startswith("HICHAT_") and name not in known]
    if unknown:
        raise ConfigError(f"unknown setting {', '.join(sorted(unknown))}: see docs/operations.md")
    values = {
        item.name: _parse(name, item.default, environ[name], item.metadata["least"])
        for name, item in known.items()
        if environ.get(name, "").strip()
    }
    env = values.get("env", "production")
    if env not in ENVIRONMENTS:
        raise ConfigError(f"HICHAT_ENV={env}: use one of {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[env](**values)


def _parse(name: str, default: Any, text: str, least: int | None) -> Any:
    text, kind = text.strip(), type(default)
    if kind is bool:
        choices = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
        if text.lower() not in choices:
            raise ConfigError(f"{name}={text}: use on or off")
        return choices[text.lower()]
    if kind is int:
        if least is None:
            least = min(default, 1)  # 0 only where it is meant: elsewhere it stops the server
        if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text) >= least):
            raise ConfigError(f"{name}={text}: use a whole number of {least} or more")
        return int(text)
    return text


def _kept_secret(folder: Path) -> str:
    """Read the kept signing key; make it first if there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "secret_key"
    if not path.exists():
        # Written aside and linked: a second process starting at once sees all of it or nothing.
        draft = _drafted_secret(folder, secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    key = path.read_text().strip()
    if is_weak(key):
        raise ConfigError(
            f"the key in {path} can be guessed: delete this file, and the next start makes a new"
            " one (then everybody has to log in again)"
        )
    return key


def _drafted_secret(folder: Path, key: str) -> Path:
    """A new file beside the kept key, flushed."""
    draft = folder / f".secret_key.{secrets.token_hex(8)}"
    with open(draft, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return draft
