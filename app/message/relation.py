"""The seed's group routes, `/v1/relation`: frozen words and envelopes for an existing client."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response

from app.auth.tickets import Pass
from app.errors import BadRequest, GroupFull, InviteOnly, NameTaken, NotAMember
from app.extensions import limiter
from app.http import answer, field, whole
from app.message import bp
from app.message.conversations import writing_rate
from app.message.groups import GROWTH, TEXT_CHARS, check_name
from app.message.groups import make as make_group
from app.services import services
from app.store.groups.groups import GroupInfo
from app.user.accounts import check_profile
from app.user.seed import envelope, refuse, seed_login_required, seed_time, seed_user_key

LIST_MOST = 1000

limit_seed_writing = limiter.shared_limit(writing_rate, "writing", key_func=seed_user_key)
limit_seed_growth = limiter.shared_limit(GROWTH, "groups", key_func=seed_user_key)


@bp.post("/v1/relation/new_group")
@seed_login_required
@limit_seed_growth
def seed_new_group(who: Pass) -> Response:
    """A new group that anybody may join: the seed knows no other."""
    if field("ownerId") != str(who.user):
        return refuse("只能为自己建群")
    if not field("name").strip():
        return refuse("群名称不能为空")
    try:
        name = check_name(field("name").strip())
        settings = {"name": name, **check_profile(who.user, {"avatar": field("icon")})}
        details = {"category": _category(), "description": _description()}
    except BadRequest:
        return refuse("参数不匹配")
    try:
        told = make_group(who.user, [], settings | {"join": "open"}, unique=True, **details)
    except NameTaken:
        return refuse("群名称已存在")
    return answer({"code": 0, "message": "建群成功", "data": told.entry.conversation_id})


@bp.post("/v1/relation/group_list")
@seed_login_required
def seed_groups(who: Pass) -> Response:
    """The groups that the user is in, at most 1,000."""
    if field("ownerId") != str(who.user):
        return envelope(code=-1, msg="只能查看自己的群")
    rows = [_row(info) for info in services().store.groups.listed(who.user, LIST_MOST)]
    return envelope(rows=rows, total=len(rows))


@bp.post("/v1/relation/join_group")
@seed_login_required
@limit_seed_writing
def seed_join_group(who: Pass) -> Response:
    """Join by number or by name."""
    if field("userId") != str(who.user):
        return refuse("只能自己加群")
    found = services()
    group = found.store.groups.find(who.user, field("comId").strip())
    if group is None:
        return refuse("没有找到群")
    try:
        joined = found.delivery.request(partial(found.store.joining.join, who.user, group))
    except NotAMember:
        return refuse("没有找到群")
    except InviteOnly:
        return refuse("该群只能通过邀请加入")
    except GroupFull:
        return refuse("该群已满")
    if joined.waits:
        return refuse("已提交申请，请等待管理员同意")
    if not joined.told:
        return refuse("已加过此群")
    return answer({"code": 0, "message": "加群成功"})


def _category() -> int:
    category = whole(field("cate") or "0")
    if category is None:
        raise BadRequest("cate must be a whole number.")
    return category


def _description() -> str:
    text = field("desc")
    if len(text) > TEXT_CHARS or "\0" in text:
        raise BadRequest(f"desc has at most {TEXT_CHARS} characters, and no NUL.")
    return text


def _row(info: GroupInfo) -> dict[str, Any]:
    """A group as the seed's client knows it."""
    found = info.group
    return {
        "ID": found.conversation_id, "Name": found.name, "OwnerId": found.owner_id,
        "Type": found.category, "Image": found.avatar, "Desc": found.description,
        "CreatedAt": seed_time(info.created_at),
    }
