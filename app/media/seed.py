"""`POST /v1/upload/image`: the seed's pictures and voice; the answer is an address to send."""

from __future__ import annotations

from flask import Response

from app.auth.tickets import Pass
from app.errors import HiChatError
from app.extensions import limiter
from app.media import bp
from app.media.upload import UPLOADS, received
from app.services import services
from app.user.seed import envelope, seed_login_required, seed_user_key

limit_seed_uploads = limiter.shared_limit(
    UPLOADS, "uploads", key_func=seed_user_key
)


@bp.post("/v1/upload/image")
@seed_login_required
@limit_seed_uploads
def seed_upload(who: Pass) -> Response:
    """Its client shows the address at once; in a message it becomes one for that conversation."""
    try:
        medium = received(who.user)
    except HiChatError as error:
        return envelope(code=-1, msg=error.message)
    return envelope(services().addresses.for_user(medium.id, who.user), msg="上传成功")
