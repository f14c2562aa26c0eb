"""The files of the web client: read once, addressed by their content, packed once.

Modules import each other by their paths (`core/signals.js`); the page's import map leads these to
the addresses. Markup and style sheets name files as `/icons/x.svg`, which is replaced by the
address. So a file changes its address when its content changes, and at no other time.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
SHELL, WORKER = "index.html", "worker.js"  # these have addresses that stay
FIRST_STYLES = ("styles/tokens.css", "styles/base.css")  # what the other styles build on
DIGEST_CHARS = 16
TYPES = {
    ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8", ".json": "application/json",
    ".png": "image/png", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}
PLAIN = (".png",)  # what packing would not make smaller
ROOTS = ("main.js", "views/app.js")  # what is seen first, with all that these import
_imported = re.compile(r"""(?:\bfrom|^import)\s+["']([^"']+)["']""", re.MULTILINE)
_named = re.compile(r"""(?<=["'])/([a-z0-9/_.-]+\.[a-z]+)(?=["'])""")

POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{import_map}'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types hichat-worker"
)


@dataclass(frozen=True)
class Asset:
    """One file as it is served. `packed` is its gzip, if that is worth it."""

    digest: str
    content: bytes
    packed: bytes | None
    type: str

    @property
    def size(self) -> int:
        """How many bytes go over the network."""
        return len(self.packed or self.content)


@dataclass(frozen=True)
class Site:
    """The page, its Content-Security-Policy, the service worker, and the files by their paths."""

    shell: Asset
    policy: str
    worker: Asset
    assets: dict[str, Asset]


@cache
def site() -> Site:
    """The client as it was in the folder when it was first asked for."""
    return build(STATIC)


def build(folder: Path) -> Site:
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.suffix in TYPES
    }
    markup = found.pop(SHELL).decode()
    worker = _asset(WORKER, found.pop(WORKER))
    assets = {path: _asset(path, content) for path, content in found.items()}
    for path in (path for path in found if path.endswith(".css")):
        assets[path] = _asset(path, _addressed(found[path].decode(), assets).encode())
    import_map = json.dumps(
        {"imports": {path: address(path, asset) for path, asset in assets.items()}},
        separators=(",", ":"),
    )
    page = _addressed(markup, assets).format(
        import_map=import_map, styles=_styles(assets), modules=_modules(assets)
    )
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    return Site(_asset(SHELL, page.encode()), POLICY.format(import_map=digest), worker, assets)


def address(path: str, asset: Asset) -> str:
    return f"/assets/{asset.digest}/{path}"


def _asset(path: str, content: bytes) -> Asset:
    suffix = Path(path).suffix
    packed = None if suffix in PLAIN else gzip.compress(content, 9, mtime=0)
    return Asset(hashlib.sha256(content).hexdigest()[:DIGEST_CHARS], content, packed, TYPES[suffix])


def _addressed(text: str, assets: dict[str, Asset]) -> str:
    """The text with the addresses of the files that it names. Raises KeyError for unknown ones."""
    return _named.sub(lambda found: address(found[1], assets[found[1]]), text)


def _styles(assets: dict[str, Asset]) -> str:
    paths = sorted(
        (path for path in assets if path.endswith(".css")),
        key=lambda path: (path not in FIRST_STYLES, path != FIRST_STYLES[0], path),
    )
    return "\n".join(
        f'<link rel="stylesheet" href="{address(path, assets[path])}">' for path in paths
    )


def _modules(assets: dict[str, Asset]) -> str:
    """The modules of the first sight are asked for at once, not one import behind the other."""
    return "\n".join(
        f'<link rel="modulepreload" href="{address(path, assets[path])}">'
        for path in sorted(first_modules(assets))
    )


def first_modules(assets: dict[str, Asset]) -> set[str]:
    """The roots, and what they import, and what that imports. Raises KeyError for missing ones."""
    found: set[str] = set()
    left = [path for path in ROOTS if path in assets]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _imported.findall(assets[path].content.decode())
    return found
