"""What the server hands to a browser: a small page, files by their content, a strict policy."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.web.assets import STATIC, build

FIRST_LOAD = 150_000  # bytes, compressed
LONGEST_MODULE = 400  # lines
MODULES = sorted(path for path in STATIC.rglob("*.js"))
# Layer: what its modules may import of ours.
LAYERS = {
    "core": ("core/",), "client": ("client/", "core/signals.js"),
    "views": ("views/", "client/", "core/"),
}
NO_DOM = re.compile(r"\b(?:document|window|HTMLElement|localStorage|sessionStorage)\b(?!\s*:)")


def page(client: FlaskClient) -> str:
    return client.get("/").text


def import_map(text: str) -> dict[str, str]:
    found = re.search(r'<script type="importmap">(.*?)</script>', text)
    assert found is not None
    mapped: dict[str, str] = json.loads(found[1])["imports"]
    return mapped


def code(path: Path) -> str:
    """A module without its comments."""
    return re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", path.read_text(), flags=re.DOTALL)


def test_the_page_is_asked_for_anew_and_is_not_sent_twice(client: FlaskClient) -> None:
    first = client.get("/")
    assert first.content_type == "text/html; charset=utf-8"
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_every_file_has_the_address_of_its_content_and_stays_there(client: FlaskClient) -> None:
    text = page(client)
    named = set(re.findall(r'"(/assets/[^"]+)"', text))
    assert len(named) >= len(MODULES)
    for address in named:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        digest = hashlib.sha256(answer.data).hexdigest()
        assert digest.startswith(address.split("/")[2])


def test_an_address_of_another_content_is_not_answered(client: FlaskClient) -> None:
    assert client.get("/assets/0123456789abcdef/core/dom.js").status_code == 404
    address = import_map(page(client))["core/dom.js"]
    for path in (f"{address}/..", "/assets/x/../__init__.py", "/assets/x/%2e%2e/assets.py"):
        assert client.get(path).status_code == 404, path


def test_a_file_that_changes_changes_its_own_address_only(tmp_path: Path) -> None:
    for name, text in {
        "index.html": '{import_map}{styles}{modules}<img src="/icons/a.svg">',
        "worker.js": "", "core/a.js": "1", "core/b.js": "2", "icons/a.svg": "<svg/>",
        "styles/base.css": 'a { background: url("/icons/a.svg") }',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = build(tmp_path)
    (tmp_path / "icons/a.svg").write_text("<svg></svg>")
    after = build(tmp_path)
    changed = {path for path in before.assets if before.assets[path] != after.assets[path]}
    assert changed == {"icons/a.svg", "styles/base.css"}  # the style names the picture's address
    address = f'/assets/{after.assets["icons/a.svg"].digest}/icons/a.svg'
    assert address in after.assets["styles/base.css"].content.decode()
    assert f'<img src="{address}">' in after.shell.content.decode()


def test_files_are_packed_for_who_takes_that(client: FlaskClient) -> None:
    address = import_map(page(client))["core/dom.js"]
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == (STATIC / "core/dom.js").read_bytes()
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["ETag"] != packed.headers["ETag"]
    refused = client.get(address, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_the_policy_lets_nothing_run_but_the_files_and_the_import_map(client: FlaskClient) -> None:
    answer = client.get("/")
    policy = dict(
        part.strip().split(" ", 1)
        for part in answer.headers["Content-Security-Policy"].split(";")
    )
    found = re.search(r'<script type="importmap">(.*?)</script>', answer.text)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'", "script-src": f"'self' 'sha256-{digest}'",
        "style-src": "'self'", "img-src": "'self' blob: data:", "media-src": "'self' blob:",
        "connect-src": "'self'", "font-src": "'self'", "manifest-src": "'self'",
        "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'", "trusted-types": "hichat-worker",
    }


@pytest.mark.parametrize("path", ["/", "/worker.js"])
def test_every_answer_carries_the_headers_that_keep_others_out(
    client: FlaskClient, path: str
) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=(self)" in headers["Permissions-Policy"]


def test_the_page_has_nothing_inline_but_the_import_map(client: FlaskClient) -> None:
    text = page(client)
    assert re.findall(r"<script(?![^>]* src=)[^>]*>", text) == ['<script type="importmap">']
    assert not re.search(r"<style|\son\w+=|\sstyle=|https?://", text)


def test_every_module_is_mapped_and_those_seen_first_are_asked_for_at_once(
    client: FlaskClient,
) -> None:
    text = page(client)
    mapped = import_map(text)
    modules = {path.relative_to(STATIC).as_posix() for path in MODULES} - {"worker.js"}
    assert modules <= mapped.keys()
    preloaded = set(re.findall(r'<link rel="modulepreload" href="([^"]+)">', text))
    first = {name for name in modules if mapped[name] in preloaded}
    assert {"main.js", "views/app.js", "client/client.js", "core/dom.js"} <= first
    for name in first:  # none is found out about only when another one has arrived
        found = re.findall(r"""(?:from|^import) ["']([^"']+)["']""", code(STATIC / name), re.M)
        assert set(found) <= first, name


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_the_first_load_is_small(client: FlaskClient, locale: str) -> None:
    """All that the page names, and a catalogue of words."""
    text = page(client)
    mapped = import_map(text)
    named = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', text))
    named |= {address for name, address in mapped.items() if name.endswith(f"/{locale}.json")}
    headers = {"Accept-Encoding": "gzip"}
    sizes = {path: len(client.get(path, headers=headers).data) for path in ("/", *named)}
    assert sum(path.endswith(".json") for path in sizes) == 1
    print(f"first load in {locale}: {sum(sizes.values())} bytes in {len(sizes)} files")
    assert sum(sizes.values()) < FIRST_LOAD, sorted(sizes.items(), key=lambda item: -item[1])[:5]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_a_module_imports_what_its_layer_may_and_is_not_too_long(path: Path) -> None:
    name = path.relative_to(STATIC).as_posix()
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    allowed = LAYERS.get(name.split("/")[0], ("",))
    pattern = r"""(?:\bfrom|^import)\s+["']([^"']+)["']|\bimport\(["']([^"']+)["']\)"""
    imported = [one or other for one, other in re.findall(pattern, code(path), re.MULTILINE)]
    assert [found for found in imported if not found.startswith(allowed)] == []
    for found in imported:
        assert (STATIC / found).is_file(), f"{name} imports {found}, which is not there"


@pytest.mark.parametrize(
    "path", sorted((STATIC / "client").glob("*.js")), ids=lambda path: path.name
)
def test_the_client_layer_touches_no_document(path: Path) -> None:
    assert NO_DOM.findall(code(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_no_module_parses_markup_or_evaluates_text(path: Path) -> None:
    wrong = r"(?:inner|outer)HTML|insertAdjacent|document\.write|\beval\(|new Function|DOMParser"
    assert re.findall(wrong, code(path)) == []
