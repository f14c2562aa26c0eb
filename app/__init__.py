"""HiChat: what it acknowledged is stored, in order, once, and reaches every device."""

from __future__ import annotations

import sys
from datetime import timedelta

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import config as configuration
from app import cli, health, http, logs, media, message, metrics, models, services, user, web
from app.cluster.letters import Names
from app.extensions import db, jwt, limiter, sock
from app.origins import allow_origins
from app.store.database import MIGRATIONS

__all__ = ["create_app", "models"]


def create_app(config: configuration.Config | None = None) -> Flask:
    """Build the application: wiring only. Nothing is opened before the first request."""
    config = config or configuration.load()
    logs.configure(config.log_level)
    config.data_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(_flask_settings(config))
    if config.trusted_proxies:
        # The address and the scheme only: a proxy passes on what else a client makes up.
        hops = config.trusted_proxies
        proxied = ProxyFix(app.wsgi_app, hops, hops, 0, 0)
        app.wsgi_app = proxied  # type: ignore[method-assign]  # as Flask's documents tell us to
    db.init_app(app)
    jwt.init_app(app)
    limiter.init_app(app)
    sock.init_app(app)
    with app.app_context():
        app.extensions[services.EXTENSION] = services.build(config, db.engine)
    http.register_errors(app)
    allow_origins(app, config.origins)
    app.url_map.converters["id"] = http.IdConverter
    app.register_blueprint(user.bp)
    app.register_blueprint(message.bp)
    app.register_blueprint(media.bp)
    app.register_blueprint(web.bp)
    app.register_blueprint(health.bp)
    app.register_blueprint(metrics.bp)
    app.cli.add_command(cli.commands)
    if "gunicorn" not in sys.modules:  # a server migrates nothing: a sixth of its start
        from flask_migrate import Migrate

        Migrate(app, db, str(MIGRATIONS), render_as_batch=True)
    return app


def _flask_settings(config: configuration.Config) -> dict[str, object]:
    return {
        "MAX_CONTENT_LENGTH": config.max_frame_bytes,
        "SQLALCHEMY_DATABASE_URI": config.sqlalchemy_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(config),
        "JWT_SECRET_KEY": config.signing_key(),
        "JWT_ALGORITHM": "HS256",
        "JWT_ENCODE_ISSUER": "hichat",
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(seconds=config.access_token_seconds),
        "JWT_TOKEN_LOCATION": ["headers"],
        "JWT_COOKIE_CSRF_PROTECT": False,  # no cookies: no claim for them
        "RATELIMIT_ENABLED": config.rate_limits,
        "RATELIMIT_STORAGE_URI": config.redis_url or "memory://",
        "RATELIMIT_KEY_PREFIX": Names(config.signing_key()).keys,
        "RATELIMIT_STORAGE_OPTIONS": _storage_options(config),
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,  # without Redis, each process counts
        "RATELIMIT_HEADERS_ENABLED": True,
        "SOCK_SERVER_OPTIONS": {
            "max_message_bytes": config.max_frame_bytes, "origins": config.origins,
        },
    }


def _storage_options(config: configuration.Config) -> dict[str, object]:
    if not config.redis_url:
        return {}
    from app.cluster.servers import home_of  # redis-py takes memory that one process need not pay

    home = home_of(Names(config.signing_key()).keys, config.redis_url)
    return {"connection_pool": home, "wrap_exceptions": True}  # see http.register_errors


def _engine_options(config: configuration.Config) -> dict[str, object]:
    options: dict[str, object] = {"hide_parameters": True}  # no message in a traceback
    if config.sqlalchemy_url.startswith("sqlite"):
        return options
    return options | {
        "pool_size": config.database_connections, "max_overflow": 0,
        "pool_timeout": config.database_seconds,
        "pool_use_lifo": True,  # a few that know their statements already, not all in turn
        "connect_args": {"connect_timeout": config.database_seconds},
    }
