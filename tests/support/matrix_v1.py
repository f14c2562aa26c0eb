"""The matrix of `/v1`, in the seed's words. The form says who one is; the token knows better."""

from __future__ import annotations

from typing import Any

from tests.support.matrix import Done, Expected, Policy, Row, everybody, policy, public
from tests.support.scene import secret


def logged_in(expected: Expected, **others: Expected) -> Policy:
    return everybody(expected, seed=True, **others)


def only_owner(words: str) -> Policy:
    return logged_in(words, owner=200)


NEW = {"name": "@new", "password": "p", "Identity": "p"}
WAITS = Done("已提交申请，请等待管理员同意")
SPAN = {"start": 0, "end": 9, "isRev": "false"}


def history(one: str, two: str) -> dict[str, Any]:
    return {"userIdA": one, "userIdB": two, **SPAN}


def joining(group: str) -> dict[str, str]:
    return {"userId": "@self", "comId": group}


ROWS = [
    Row("POST /v1/user/new", public(200), form=NEW),
    Row("POST /v1/user/login_pw", public(200), form={"name": "outsider", "password": "@password"}),
    Row("GET /v1/user/list", logged_in(200)),
    Row("POST /v1/user/updata", logged_in(200), form={"id": "@self", "gender": "famale"}),
    Row("POST /v1/user/updata", only_owner("只能修改自己的信息"), "the owner's",
        form={"id": "@owner", "gender": "famale"}),
    Row("DELETE /v1/user/delete", logged_in(200), form={"id": "@self"}),
    Row("DELETE /v1/user/delete", only_owner("只能注销自己的账号"), "the owner's",
        form={"id": "@owner"}),
    Row("POST /v1/user/find", public(200), form={"userId": "@owner"}),
    Row("GET /v1/user/list", logged_in("您的登录不合法", owner=200, revoked="您的登录不合法"),
        "as the owner", query={"userId": "@owner"}),
    Row("POST /v1/relation/list", logged_in(200), form={"userId": "@self"}),
    Row("POST /v1/relation/list", only_owner("只能查看自己的好友"), "the owner's",
        form={"userId": "@owner"}),
    Row("POST /v1/relation/add", logged_in(200, owner="不能添加自己"), "the owner, who blocks one",
        form={"userId": "@self", "targetName": "@owner"}),
    Row("POST /v1/relation/add", logged_in(200, owner="您已屏蔽该用户", blocked="不能添加自己"),
        "whom the owner blocks", form={"userId": "@self", "targetName": "@blocked"}),
    Row("POST /v1/relation/add", only_owner("只能为自己添加好友"), "for the owner",
        form={"userId": "@owner", "targetName": "@outsider"}),
    Row("POST /v1/relation/new_group", logged_in(200), form={"ownerId": "@self", "name": "@new"}),
    Row("POST /v1/relation/new_group", only_owner("只能为自己建群"), "for the owner",
        form={"ownerId": "@owner", "name": "@new"}),
    Row("POST /v1/relation/new_group", policy("群名称已存在", 200, seed=True),
        "named as one by invitation", form={"ownerId": "@self", "name": secret("card")},
        shows=("card",)),
    Row("POST /v1/relation/group_list", logged_in(200), form={"ownerId": "@self"}),
    Row("POST /v1/relation/group_list", only_owner("只能查看自己的群"), "the owner's",
        form={"ownerId": "@owner"}),
    Row("POST /v1/relation/join_group", logged_in(200), form=joining("@door")),
    Row("POST /v1/relation/join_group", logged_in(WAITS), "by approval",
        form=joining("@gate")),
    Row("POST /v1/relation/join_group",
        policy("已加过此群", "该群只能通过邀请加入", seed=True), "by invitation, by number",
        form=joining("@group")),
    Row("POST /v1/relation/join_group", policy("已加过此群", "没有找到群", seed=True),
        "by invitation, by name", form=joining(secret("card"))),
    Row("POST /v1/relation/join_group", only_owner("只能自己加群"), "for the owner",
        form={"userId": "@owner", "comId": "@door"}),
    Row("POST /v1/user/redisMsg", logged_in(200), form=history("@self", "@owner")),
    Row("POST /v1/user/redisMsg", logged_in("只能查看自己的消息", owner=200, member=200),
        "of others", form=history("@owner", "@member")),
    Row("GET /v1/user/SendUserMsg", logged_in(101)),
]
