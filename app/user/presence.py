"""`/v2/presence`: who is online; and what a user shows of themself."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.frames import MAX_WATCHED
from app.chat.messages import MAX_ID
from app.http import answer, ids
from app.services import services
from app.user import bp


@bp.get("/v2/presence")
@login_required
def presence() -> Response:
    """How the users of `users=1,2,3` are now, in that order: `{presence: [...]}`."""
    states = services().presence.states(
        tokens.current().user, ids("users", MAX_WATCHED, MAX_ID)
    )
    return answer({"presence": states})


def tell_switches(user: int, values: Mapping[str, str | bool]) -> None:
    """What the user shows was changed: their sockets, and who watches them, go by it now."""
    found = services()
    if "shows_reading" in values:
        found.bus.show_reading(user, bool(values["shows_reading"]))
    if "shows_presence" in values:
        found.presence.review(user)
