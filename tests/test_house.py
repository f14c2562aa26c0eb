"""House rules: who may import whom, and that every route asks for a token."""

from __future__ import annotations

import ast
import re
import socket
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.support.served import ONCE
from tests.support.server import ROOT

LONGEST_MODULE = 400  # lines
BLUEPRINTS = ("app.user", "app.message", "app.media")
CORE = [f"app.chat.{name}" for name in (
    "codec", "websocket", "messages", "frames", "seed", "backlog", "node", "hub", "bus", "journal",
    "presence", "typing", "membership",
)] + [f"app.cluster.{name}" for name in (
    "bus", "cluster", "follower", "headcheck", "leases", "letters", "marks", "publisher",
    "servers", "shard", "shards", "subscriber",
)] + [f"app.content.{name}" for name in (
    "containers", "examiner", "gifs", "kinds", "orders", "pictures", "skeletons", "sounds",
    "workshop",
)]
EVERYONE = ("app.errors", "config")

# Package or module: what of ours it may import. The longest prefix that fits counts.
ARROWS = {
    "app.errors": (),
    "app.extensions": ("app.chat.websocket",),
    "app.models": ("app.models", "app.extensions"),
    "app.store": ("app.store", "app.models", "app.extensions"),
    "app.chat": ("app.chat",),
    "app.chat.catching_up": ("app.chat", "app.store"),
    "app.chat.attachments": ("app.chat", "app.models"),
    "app.chat.delivery": ("app.chat", "app.store"),
    "app.chat.changes": ("app.chat", "app.store"),
    "app.chat.forwards": ("app.chat", "app.store"),
    "app.cluster": ("app.cluster", "app.chat"),
    "app.cluster.history": ("app.cluster", "app.chat", "app.store"),
    "app.auth": ("app.auth", "app.extensions", "app.http", "app.models", "app.services"),
    "app.http": (),
    "app.logs": (),
    "app.origins": (),
    "app.content": ("app.content",),
    "app.services": ("app.auth", "app.chat", "app.cluster", "app.content", "app.store"),
    "app.health": ("app.http", "app.services", "app.store"),
    "app.metrics": ("app.services",),
    "app.cli": ("app.health", "app.services", "app.store"),
    "app.user": (
        "app.user", "app.auth", "app.chat.frames", "app.chat.messages", "app.extensions",
        "app.http", "app.models", "app.services", "app.store",
    ),
    "app.message": (
        "app.message", "app.media", "app.user", "app.auth", "app.chat", "app.extensions",
        "app.http", "app.models", "app.services", "app.store",
    ),
    "app.media": (
        "app.media", "app.user", "app.auth", "app.chat.messages", "app.content", "app.extensions",
        "app.http", "app.models", "app.services", "app.store",
    ),
    "app.web": ("app.web",),
    "app": ("app",),
}
# The rooms of the store: each may import of those before it, and the modules beside them.
STORE_ROOMS = (
    "accounts", "media", "log", "conversations", "groups", "search", "changes", "archive",
)
MAY_IMPORT_SQLALCHEMY = ("app.store", "app.models", "app.extensions")
PUBLIC = {
    ("GET", "/"), ("GET", "/assets/<digest>/<path:path>"), ("GET", "/worker.js"),
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/version"), ("GET", "/metrics"),
    ("GET", "/v2/limits"),
    ("POST", "/v2/auth/register"), ("POST", "/v2/auth/login"),
    ("POST", "/v1/user/new"), ("POST", "/v1/user/login_pw"), ("POST", "/v1/user/find"),
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the application by its dotted name."""
    found = {}
    for path in (ROOT / "app").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """The modules that a module imports, wherever the statement stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports hide who imports whom"
            base = node.module or ""
            names = {f"{base}.{alias.name}" for alias in node.names}
            submodules = names & modules().keys()
            found |= submodules
            if submodules != names:
                found.add(base)
    return frozenset(found)


def within(module: str, packages: tuple[str, ...] | list[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in packages)


def ours(names: frozenset[str]) -> list[str]:
    return sorted(name for name in names if within(name, ("app", "config")))


def test_each_room_of_the_store_builds_on_those_before_it() -> None:
    def floor(module: str) -> int:
        room = module.split(".")[2]
        return STORE_ROOMS.index(room) if room in STORE_ROOMS else -1

    wrong = [
        f"{module} imports {other}"
        for module in modules() if module.startswith("app.store.")
        for other in imports(module)
        if other.startswith("app.store.") and floor(other) > floor(module)
    ]
    assert not wrong


def test_imports_follow_the_arrows_of_the_design() -> None:
    wrong = []
    for module in modules():
        rule = max((name for name in ARROWS if within(module, (name,))), key=len)
        allowed = (*EVERYONE, *ARROWS[rule])
        wrong += [(module, name) for name in ours(imports(module)) if not within(name, allowed)]
    assert wrong == []


def test_every_package_has_its_own_arrow() -> None:
    """A new one must say what it may import; `app` alone is for the factory."""
    top = {".".join(name.split(".")[:2]) for name in modules()}
    assert top - ARROWS.keys() == set()


@pytest.mark.parametrize("module", CORE)
def test_the_core_knows_neither_flask_nor_the_database(module: str) -> None:
    for name in imports(module):
        assert not within(name, ["flask", "sqlalchemy", "alembic", "werkzeug"]), name
        assert not name.startswith("flask_"), name
        package = ".".join(module.split(".")[:2])
        core = [package, "app.errors", *CORE]
        assert not within(name, ["app"]) or within(name, core), name


def test_what_files_are_is_told_without_the_event_loop() -> None:
    """It runs in threads, where gevent must not be touched."""
    files = [name for name in modules() if within(name, ["app.content"])]
    loop = {name for name in files if any(within(used, ["gevent"]) for used in imports(name))}
    assert loop == {"app.content.workshop"}


def test_only_the_store_and_the_tables_import_sqlalchemy() -> None:
    using = {name for name in modules() if any(within(n, ["sqlalchemy"]) for n in imports(name))}
    allowed = {name for name in using if within(name, MAY_IMPORT_SQLALCHEMY)}
    assert using - allowed <= {"app.services"}
    tree = ast.parse(modules()["app.services"].read_text())
    named = [
        alias.name for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy"
        for alias in node.names
    ]
    assert named in ([], ["Engine"])


def test_nobody_imports_the_command_line_but_the_factory() -> None:
    assert [name for name in modules() if "app.cli" in imports(name)] == ["app"]


def test_there_is_no_import_cycle() -> None:
    """A blueprint's package makes `bp`, then imports the modules that put routes on it."""
    graph = {
        module: {name for name in imports(module) if name in modules() and not (
            module in BLUEPRINTS and within(name, [module])
        )}
        for module in modules()
    }
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index("app.errors") < order.index("app.store") < order.index("app")


@pytest.mark.parametrize("beginning", ONCE)
def test_what_is_left_out_over_two_workers_is_there(beginning: str) -> None:
    path, _, name = beginning.partition("::")
    assert (ROOT / path).exists()
    assert not name or f"def {name}" in (ROOT / path).read_text()


def test_no_module_is_longer_than_one_can_read() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert {name: count for name, count in lengths.items() if count > LONGEST_MODULE} == {}


def routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule


def without_token(client: FlaskClient, method: str, rule: Rule) -> int:
    """Ask a route for something, as a WebSocket client where it is a socket's."""
    path = re.sub(r"<[^>]*>", "1", rule.rule)
    if not rule.websocket:
        return client.open(path, method=method).status_code
    headers = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    here, there = socket.socketpair()
    with here, there:
        answer = client.open(path, headers=headers, environ_overrides={"gunicorn.socket": here})
        return answer.status_code


def test_every_route_asks_for_a_token_or_is_declared_public(
    app: Flask, client: FlaskClient
) -> None:
    open_routes = {
        (method, rule.rule) for method, rule in routes(app)
        if without_token(client, method, rule) != 401
    }
    assert open_routes == PUBLIC


def test_both_sockets_are_among_the_routes_that_were_asked(app: Flask) -> None:
    sockets = {rule.rule for _, rule in routes(app) if rule.websocket}
    assert sockets == {"/v2/socket", "/v1/user/SendUserMsg"}
