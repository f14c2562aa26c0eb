"""What one running application is made of: wired once, found through the Flask app."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import gevent
import structlog
from flask import Flask, current_app
from sqlalchemy import Engine

from app.auth.addresses import Addresses
from app.auth.passwords import Passwords
from app.auth.tickets import Tickets
from app.chat.backlog import Backlog
from app.chat.bus import Bus
from app.chat.delivery import Delivery, Rules
from app.chat.hub import Hub
from app.chat.node import Limits
from app.chat.presence import LocalLeases, Presence
from app.chat.seed import V1
from app.content.workshop import Workshop
from app.store import Database, Store
from app.store.media.blobs import Blobs
from app.store.media.disk import DiskBlobs
from app.store.media.sweeper import Sweeper
from config import Config

if TYPE_CHECKING:
    from app.cluster.cluster import Cluster

EXTENSION = "hichat"
EXIT_BROKEN = 70

log = structlog.get_logger()


@dataclass(frozen=True)
class Services:
    """The parts of the program that outlive a request."""

    config: Config
    store: Store
    blobs: Blobs
    hub: Hub
    bus: Bus
    delivery: Delivery
    presence: Presence
    limits: Limits
    passwords: Passwords
    tickets: Tickets
    addresses: Addresses
    v1: V1
    workshop: Workshop
    sweeper: Sweeper
    cluster: Cluster | None  # the other processes; None: there is one only

    def start(self) -> None:
        """Begin what nobody asks for: forgetting, sweeping; called once, before it serves."""
        if self.cluster is not None:
            self.cluster.start()
        begun = [gevent.spawn(self.sweeper.run)]
        if not self.store.database.embedded:
            begun.append(gevent.spawn(self.store.database.watch))
        if self.config.retention_days:
            begun.append(gevent.spawn(self.store.retention.run, self.config.retention_days))
        for greenlet in begun:
            greenlet.link_exception(lambda _: _die())

    def drain(self) -> None:
        """Say goodbye to every socket; called when the process is told to stop."""
        if not self.hub.draining:
            log.info("draining", connections=len(self.hub))
            self.hub.drain()
            self.presence.flush()
            if self.cluster is not None:
                self.cluster.stop(self.config.presence_grace)


def build(config: Config, engine: Engine) -> Services:
    """Wire the parts. Nothing runs yet: greenlets and threads begin with the first use."""
    store = Store(
        Database(engine, config.database_seconds), config.group_members, config.contacts_only,
        config.search, _die, config.media_day_bytes, config.media_user_bytes,
    )
    hub = Hub(config.user_connections, _die)
    rules = Rules(
        max_content_chars=config.max_content_chars,
        messages_per_second=config.messages_per_second if config.rate_limits else None,
        sync_events=config.sync_events,
        heartbeat=config.heartbeat,
        edit_seconds=config.edit_seconds,
        recall_seconds=config.recall_seconds,
    )
    limits = Limits(
        config.queue_frames, config.queue_bytes, config.heartbeat, config.send_timeout,
        Backlog(config.backlog_bytes),
    )
    cluster = _cluster(config, store, hub) if config.clustered else None
    bus: Bus = cluster.bus if cluster else hub
    presence = Presence(
        cluster.leases if cluster else LocalLeases(), store.sightings.visible,
        store.sightings.save, config.presence_grace, _die,
    )
    addresses, blobs = Addresses(config.signing_key()), blobs_of(config)
    return Services(
        config, store, blobs, hub, bus, Delivery(store, bus, rules, presence, _die), presence,
        limits, Passwords(config.password_threads),
        Tickets(config.signing_key(), cluster.marks if cluster else None), addresses,
        V1(addresses.for_conversation), Workshop(config.media_processes),
        Sweeper(store.media, store.uploads, blobs, config.data_path), cluster,
    )


def _cluster(config: Config, store: Store, hub: Hub) -> Cluster:
    from app.cluster.cluster import Cluster  # redis-py takes memory that one process need not pay
    from app.cluster.history import History

    return Cluster(config.redis_url, config.signing_key(), hub, History(store), _die)


def blobs_of(config: Config) -> Blobs:
    """Where this configuration keeps the bytes of files. Raises ConfigError."""
    if config.media_bucket is None:
        folder = config.data_path / "media"
        return DiskBlobs(folder, folder / "scratch")
    from app.store.media.s3 import S3Blobs  # boto3 is an extra, and takes its time to import

    return S3Blobs(*config.media_bucket)


def services() -> Services:
    """The services of the current Flask application."""
    return of(current_app)


def of(app: Flask) -> Services:
    return cast(Services, app.extensions[EXTENSION])


def _die() -> None:
    """A process whose committer or sweeper died serves nobody: end it, gunicorn starts another."""
    log.critical("background_greenlet_died")
    gevent.sleep(0.1)  # the line above reaches the log
    os._exit(EXIT_BROKEN)
