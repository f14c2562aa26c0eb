"""Blueprint `web`: the browser client, a page and its files. What it shows comes over `/v2`."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.http import is_resource_modified

from app.errors import NotFound
from app.web.assets import Asset, site

FOR_EVER = "public, max-age=31536000, immutable"
# What no answer of ours leaves out. The policy of the page itself is made in assets.py.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=(), usb=(), microphone=(self)",
}

bp = Blueprint("web", __name__)


@bp.get("/")
def shell() -> Response:
    """The page. It is asked for at each visit, and names the files by their content."""
    response = _answer(site().shell, "no-cache")
    response.headers["Content-Security-Policy"] = site().policy
    return response


@bp.get("/worker.js")
def worker() -> Response:
    """The service worker: here, since it may answer for what is below its own address only."""
    return _answer(site().worker, "no-cache")


@bp.get("/assets/<digest>/<path:path>")
def asset(digest: str, path: str) -> Response:
    """A file of the client. Another content has another address."""
    found = site().assets.get(path)
    if found is None or found.digest != digest:
        raise NotFound("There is no such file in this version of the client: reload the page.")
    return _answer(found, FOR_EVER)


def _answer(found: Asset, caching: str) -> Response:
    packed = found.packed is not None and request.accept_encodings["gzip"] > 0
    response = Response(found.packed if packed else found.content, content_type=found.type)
    response.headers.update(HEADERS)
    response.headers.update({"Cache-Control": caching, "Vary": "Accept-Encoding"})
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    etag = f"{found.digest}-gzip" if packed else found.digest
    response.set_etag(etag)
    if not is_resource_modified(request.environ, etag=etag):
        response.status_code, response.response = 304, []
    return response
