"""The seed's user routes, `/v1/user`: exact words, envelopes and status codes.

The facts are those of the seed's contract: its client, unmodified, reads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from werkzeug.test import TestResponse

from tests.support.client import PASSWORD

USER_KEYS = {
    "ID", "CreatedAt", "UpdatedAt", "Name", "Avatar", "Gender", "Phone", "Email", "Identity",
    "ClientIp", "ClientPort", "LoginTime", "HeartBeatTime", "LoginOutTime", "IsLoginOut",
    "DeviceInfo",
}
AUTHENTICATED = [
    ("GET", "/v1/user/list"), ("POST", "/v1/user/updata"), ("DELETE", "/v1/user/delete"),
    ("POST", "/v1/user/redisMsg"),
]


@dataclass
class Visitor:
    """A user of the seed's client: the token and the id go into the query string."""

    client: FlaskClient
    id: int
    token: str

    def request(self, method: str, path: str, **fields: Any) -> TestResponse:
        query = {"token": self.token, "userId": self.id}
        return self.client.open(path, method=method, query_string=query, data=fields)


def new(client: FlaskClient, name: str, password: str = PASSWORD, again: str = "") -> TestResponse:
    fields = {"name": name, "password": password, "Identity": again or password}
    return client.post("/v1/user/new", data=fields)


def log_in(client: FlaskClient, name: str, password: str = PASSWORD) -> TestResponse:
    return client.post("/v1/user/login_pw", data={"name": name, "password": password})


def visitor(client: FlaskClient, name: str = "alice") -> Visitor:
    new(client, name)
    found = log_in(client, name).json
    assert found is not None
    return Visitor(client, found["userId"], found["tokens"])


def assert_says(answer: TestResponse, found: Any, status: int = 200) -> None:
    assert (answer.status_code, answer.json) == (status, found)
    assert answer.content_type == "application/json"


def test_new_answers_the_user_without_password_and_salt(client: FlaskClient) -> None:
    answer = new(client, "alice", "x")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json.keys() == {"code", "message", "data"}
    assert (answer.json["code"], answer.json["message"]) == (0, "新增用户成功！")
    user = answer.json["data"]
    assert user.keys() == USER_KEYS
    assert user["ID"] > 0 and (user["Name"], user["Gender"]) == ("alice", "male")


@pytest.mark.parametrize("missing", ["name", "password", "Identity"])
def test_new_refuses_an_empty_field(client: FlaskClient, missing: str) -> None:
    fields = {"name": "alice", "password": "x", "Identity": "x"}
    for given in (fields | {missing: ""}, {k: v for k, v in fields.items() if k != missing}):
        answer = client.post("/v1/user/new", data=given)
        assert_says(answer, {"code": -1, "message": "用户名或密码不能为空！"})


def test_new_refuses_a_taken_name_and_two_passwords(client: FlaskClient) -> None:
    assert_says(new(client, "alice", "x", "y"), {"code": -1, "message": "两次密码不一致！"})
    new(client, "alice")
    assert_says(new(client, "alice"), {"code": -1, "message": "该用户已注册"})
    assert_says(new(client, "ALICE"), {"code": -1, "message": "该用户已注册"})


def test_new_refuses_an_unprintable_name_with_code_minus_1(client: FlaskClient) -> None:
    answer = new(client, "al\0ice")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json.keys() == {"code", "message"}
    assert answer.json["code"] == -1


def test_login_answers_a_token_that_names_its_user(client: FlaskClient, app: Flask) -> None:
    created = new(client, "alice").json
    assert created is not None
    answer = log_in(client, "alice")
    assert answer.json is not None
    token = answer.json["tokens"]
    user = created["data"]["ID"]
    assert_says(answer, {"code": 0, "message": "登录成功", "tokens": token, "userId": user})
    claims = jwt.decode(token, app.config["JWT_SECRET_KEY"], algorithms=["HS256"])
    assert claims["userId"] == user
    assert claims["iss"]
    assert claims["exp"] > claims["iat"]


def test_login_says_which_of_the_two_was_wrong(client: FlaskClient) -> None:
    new(client, "alice")
    assert_says(log_in(client, "nobody"), {"code": -1, "message": "用户名不存在"})
    assert_says(log_in(client, "alice", "no"), {"code": -1, "message": "密码错误"})
    assert_says(client.post("/v1/user/login_pw"), {"code": -1, "message": "用户名不存在"})


@pytest.mark.parametrize(("method", "path"), AUTHENTICATED)
def test_a_bad_token_is_401_with_the_word_for_it(
    client: FlaskClient, app: Flask, method: str, path: str
) -> None:
    alice, bob = visitor(client, "alice"), visitor(client, "bob")
    with app.app_context():
        expired = create_access_token(
            str(alice.id), expires_delta=timedelta(seconds=-1), additional_claims={"sid": "x"}
        )
    for token, user_id, words in (
        ("", alice.id, "请登录"),
        ("nonsense", alice.id, "token失效"),
        (alice.token[:-2], alice.id, "token失效"),
        (expired, alice.id, "授权已过期"),
        (alice.token, bob.id, "您的登录不合法"),
        (alice.token, "alice", "您userId不合法"),
        (alice.token, "", "您userId不合法"),
    ):
        query = {"token": token, "userId": user_id}
        answer = client.open(path, method=method, query_string=query, data={"id": alice.id})
        assert_says(answer, {"message": words}, 401)
    assert log_in(client, "alice").json["code"] == 0


def test_the_token_of_a_session_that_was_ended_is_worthless(client: FlaskClient) -> None:
    alice = visitor(client)
    headers = {"Authorization": f"Bearer {alice.token}"}
    assert client.post("/v2/auth/logout", headers=headers).status_code == 204
    assert_says(alice.request("GET", "/v1/user/list"), {"message": "token失效"}, 401)


def test_list_is_a_bare_array_that_shows_phone_email_and_log_in_only_of_oneself(
    client: FlaskClient,
) -> None:
    alice, bob = visitor(client, "alice"), visitor(client, "bob")
    for user in (alice, bob):
        user.request(
            "POST", "/v1/user/updata", id=user.id, phone="13912345678", email="a@example.org"
        )
    answer = alice.request("GET", "/v1/user/list")
    assert answer.status_code == 200
    assert isinstance(answer.json, list)
    assert [user["ID"] for user in answer.json] == [alice.id, bob.id]
    assert all(user.keys() == USER_KEYS for user in answer.json)
    own, other = answer.json
    assert (own["Phone"], own["Email"]) == ("13912345678", "a@example.org")
    assert (other["Phone"], other["Email"]) == ("", "")
    assert own["LoginTime"] and own["LoginTime"] == own["HeartBeatTime"]
    assert other["LoginTime"] is other["HeartBeatTime"] is None


def test_updata_changes_what_is_given_and_nothing_else(client: FlaskClient) -> None:
    alice = visitor(client)
    answer = alice.request(
        "POST", "/v1/user/updata", id=alice.id, name="Alice", icon="http://x.org/a.png",
        gender="famale", email="a@example.org", phone="13912345678", password="y",
    )
    assert_says(answer, {"code": 0, "message": "修改成功", "data": "Alice"})
    answer = alice.request("POST", "/v1/user/updata", id=alice.id, phone="", gender="male")
    assert_says(answer, {"code": 0, "message": "修改成功", "data": "Alice"})
    user = alice.request("GET", "/v1/user/list").json[0]
    assert [user[key] for key in ("Name", "Avatar", "Gender", "Email", "Phone")] == [
        "Alice", "http://x.org/a.png", "male", "a@example.org", "13912345678",
    ]
    assert_says(log_in(client, "Alice"), {"code": -1, "message": "密码错误"})
    assert log_in(client, "Alice", "y").json["code"] == 0


@pytest.mark.parametrize("change", [
    {"email": "alice"}, {"phone": "12912345678"}, {"phone": "1391234567"}, {"gender": "x"},
    {"icon": "javascript:alert(1)"}, {"name": "x" * 33},
])
def test_updata_with_a_parameter_that_does_not_validate_is_400(
    client: FlaskClient, change: dict[str, str]
) -> None:
    alice = visitor(client)
    answer = alice.request("POST", "/v1/user/updata", id=alice.id, **change)
    assert_says(answer, {"code": -1, "message": "参数不匹配"}, 400)


@pytest.mark.parametrize(("method", "path"), AUTHENTICATED[1:3])
@pytest.mark.parametrize("target", ["another", "", "0", "x", "１"])
def test_nobody_changes_or_deletes_another_account(
    client: FlaskClient, method: str, path: str, target: str
) -> None:
    alice, bob = visitor(client, "alice"), visitor(client, "bob")
    given = str(bob.id) if target == "another" else target
    answer = alice.request(method, path, id=given, name="stolen")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json.keys() == {"code", "message"}
    assert answer.json["code"] == -1
    names = [user["Name"] for user in alice.request("GET", "/v1/user/list").json]
    assert names == ["alice", "bob"]


def test_delete_takes_the_id_from_the_body_or_the_query_string(client: FlaskClient) -> None:
    alice, bob = visitor(client, "alice"), visitor(client, "bob")
    gone = {"code": 0, "message": "注销账号成功"}
    assert_says(alice.request("DELETE", "/v1/user/delete", id=alice.id), gone)
    query = {"token": bob.token, "userId": bob.id, "id": bob.id}
    assert_says(client.delete("/v1/user/delete", query_string=query), gone)
    assert_says(log_in(client, "alice"), {"code": -1, "message": "用户名不存在"})
    assert_says(bob.request("GET", "/v1/user/list"), {"message": "token失效"}, 401)


def test_find_needs_no_token_and_tells_nobody_phone_email_and_log_in(client: FlaskClient) -> None:
    alice = visitor(client)
    alice.request("POST", "/v1/user/updata", id=alice.id, phone="13912345678")
    answer = client.post("/v1/user/find", data={"userId": alice.id})
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json.keys() == {"Code", "Msg", "Data", "Rows", "Total"}
    assert (answer.json["Code"], answer.json["Rows"], answer.json["Total"]) == (0, None, None)
    assert answer.json["Data"].keys() == USER_KEYS
    assert (answer.json["Data"]["Name"], answer.json["Data"]["Phone"]) == ("alice", "")
    assert answer.json["Data"]["LoginTime"] is answer.json["Data"]["HeartBeatTime"] is None
    own = alice.request("POST", "/v1/user/find", userId=alice.id).json
    assert own["Data"]["Phone"] == "13912345678"
    client.post("/v2/auth/logout", headers={"Authorization": f"Bearer {alice.token}"})
    ended = alice.request("POST", "/v1/user/find", userId=alice.id).json
    assert ended["Data"]["Phone"] == ""


@pytest.mark.parametrize("user_id", ["", "0", "-1", "99", "x", "9" * 30, "1e3"])
def test_find_of_nobody_has_no_data(client: FlaskClient, user_id: str) -> None:
    answer = client.post("/v1/user/find", data={"userId": user_id}).json
    assert answer is not None
    assert (answer["Code"], answer["Data"]) == (-1, None)
