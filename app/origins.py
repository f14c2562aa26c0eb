"""Pages of other hosts: what a browser must be told before it lets them read our answers (CORS).

There are no cookies, so a page gets nothing but what the tokens it holds allow.
"""

from __future__ import annotations

from flask import Flask, Response, request

SENT = (
    "Authorization", "Content-Type", "Range", "Tus-Resumable", "Upload-Length", "Upload-Metadata",
    "Upload-Offset", "X-HTTP-Method-Override",
)
SHOWN = (
    "Content-Range", "Location", "Retry-After", "Tus-Resumable", "Upload-Expires", "Upload-Length",
    "Upload-Offset",
)
DAY = 86_400  # seconds


def allow_origins(app: Flask, origins: frozenset[str]) -> None:
    """Let pages of these origins, or of any (`*`), use every route; without such, say nothing."""
    if not origins:
        return

    @app.after_request
    def allow(response: Response) -> Response:
        origin = request.headers.get("Origin", "")
        response.vary.add("Origin")
        if origin and not origins.isdisjoint((origin, "*")):
            response.access_control_allow_origin = origin
            response.access_control_expose_headers = SHOWN  # type: ignore[assignment]  # takes any names
            if request.method == "OPTIONS":
                response.access_control_allow_methods = response.allow
                response.access_control_allow_headers = SENT  # type: ignore[assignment]  # likewise
                response.access_control_max_age = DAY
        return response
