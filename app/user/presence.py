"""`/v2/presence`: who is online; and what a user shows of themself."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.frames import MAX_WATCHED
from app.chat.messages import MAX_ID
from app.errors import BadRequest
from app.http import answer
from app.services import services
from app.user import bp


@bp.get("/v2/presence")
@login_required
def presence() -> Response:
    """How the users of `users=1,2,3` are now, in that order: `{presence: [...]}`."""
    states = services().presence.states(tokens.current().user, _users())
    return answer({"presence": states})


def tell_switches(user: int, values: Mapping[str, str | bool]) -> None:
    """What the user shows was changed: their sockets, and who watches them, go by it now."""
    found = services()
    if "shows_reading" in values:
        found.bus.show_reading(user, bool(values["shows_reading"]))
    if "shows_presence" in values:
        found.presence.review(user)


def _users() -> list[int]:
    """The ids that are asked for, each once. Raises BadRequest."""
    parts = request.args.get("users", "").split(",", MAX_WATCHED)
    if len(parts) > MAX_WATCHED or not all(
        part.isascii() and part.isdigit() and len(part) < 17 and 1 <= int(part) <= MAX_ID
        for part in parts
    ):
        raise BadRequest(f"users must be 1 to {MAX_WATCHED} ids of users, separated by commas.")
    return list(dict.fromkeys(map(int, parts)))
