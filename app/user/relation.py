"""The seed's contacts, `/v1/relation`: it knows no requests, adding makes both friends at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import gevent
from flask import Response

from app.auth.tickets import Pass
from app.errors import BadRequest, Blocked, TooMany, UnknownUser
from app.extensions import limiter
from app.http import answer, field, whole
from app.models import User
from app.models.user import FRIEND
from app.services import services
from app.store.accounts.users import Users
from app.store.conversations.acquaintance import STATES
from app.user import bp
from app.user.contacts import CONTACTS_RATE
from app.user.seed import envelope, refuse, seed_login_required, seed_user, seed_user_key

PAGE = 500

limit_adding = limiter.shared_limit(
    CONTACTS_RATE, "contacts", key_func=seed_user_key
)


@bp.post("/v1/relation/list")
@seed_login_required
def seed_friends(who: Pass) -> Response:
    """All friends as the seed's users, and how many they are."""
    if not _is_own(who):
        return envelope(code=-1, msg="只能查看自己的好友")
    rows: list[dict[str, Any]] = []
    after, contacts = 0, services().store.contacts
    while page := contacts.listed(who.user, PAGE, after, STATES[FRIEND]):
        rows += [seed_user(item.other, who.user) for item in page]
        after = page[-1].other.id
        gevent.sleep(0)  # reading does not yield; others have their turn
    return envelope(rows=rows, total=len(rows))


@bp.post("/v1/relation/add")
@seed_login_required
@limit_adding
def seed_add(who: Pass) -> Response:
    """Become friends with `targetName`, a name or an id; by policy `contacts`, ask for it."""
    if not _is_own(who):
        return refuse("只能为自己添加好友")
    other = _target(services().store.users, field("targetName").strip())
    if other is None:
        return refuse("用户不存在")
    try:
        return _add(who.user, other.id)
    except BadRequest:
        return refuse("不能添加自己")
    except UnknownUser:
        return refuse("用户不存在")
    except Blocked:
        return refuse("您已屏蔽该用户")
    except TooMany:
        return refuse("好友数量已达上限")


def _add(user: int, other: int) -> Response:
    found = services()
    contacts = found.store.contacts
    asks = found.config.contacts_only
    act = partial(contacts.ask if asks else contacts.befriend, user, other)
    change = found.delivery.perform(act)
    if change.info.contact.state != FRIEND:
        return answer({"code": 0, "message": "好友申请已发送"})
    return answer({"code": 0, "message": "添加好友成功"}) if change.is_own else refuse(
        "该好友已经存在"
    )


def _target(users: Users, name: str) -> User | None:
    """The user of a form's id, or of its name."""
    number = whole(name)
    if number is not None:
        try:
            return users.get(number)
        except UnknownUser:
            pass  # a name may be a number too
    return users.by_name(name)


def _is_own(who: Pass) -> bool:
    return field("userId") == str(who.user)
