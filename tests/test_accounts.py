"""Accounts on `/v2`: registering, names, passwords, logging in, the profile, search, deletion."""

import hashlib

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import services
from tests.support.application import beside
from tests.support.client import PASSWORD, Person
from tests.support.web import log_in, person, problem, sign_up

BOTH_DATABASES = True


def test_registering_answers_201_with_the_user_and_a_pair_of_tokens(client: FlaskClient) -> None:
    answer = sign_up(client, "alice")
    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json.keys() == {"user", "access_token", "refresh_token"}
    user = answer.json["user"]
    assert user.keys() == {
        "id", "name", "avatar", "gender", "phone", "email", "created_at", "shows_presence",
        "shows_reading", "admin",
    }
    assert user["id"] > 0 and user["name"] == "alice"
    assert user["created_at"] > 1_600_000_000_000


@pytest.mark.parametrize("name", [
    "", "x" * 33, " alice", "alice ", "al\tice", "al\0ice", "al\nice",
    "a\u202elice", "\u200b", "\ue000", "ﷺ" * 32,
])
def test_a_name_that_breaks_a_rule_is_refused_with_the_rule(
    client: FlaskClient, name: str
) -> None:
    found = problem(sign_up(client, name), 400, "bad_request")
    assert "name" in found["detail"]


@pytest.mark.parametrize("name", ["x", "x" * 32, "张三", "Zoë O'Brien", "👋🏽", "7", "null"])
def test_any_printable_name_of_1_to_32_characters_is_taken_as_it_is(
    client: FlaskClient, name: str
) -> None:
    assert person(client, name).name == name


@pytest.mark.parametrize(("first", "second"), [
    ("alice", "ALICE"), ("alice", "Ａｌｉｃｅ"), ("ﬁsh", "fish"), ("STRASSE", "Straße"),
    ("Zoë", "Zoe\u0308"),
])
def test_names_that_differ_in_case_or_compatibility_forms_are_the_same(
    client: FlaskClient, first: str, second: str
) -> None:
    registered = person(client, first)
    problem(sign_up(client, second), 409, "name_taken")
    answer = log_in(client, second)
    assert answer.json is not None
    assert answer.json["user"]["id"] == registered.id


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129])
def test_a_password_has_8_to_128_characters(client: FlaskClient, password: str) -> None:
    found = problem(sign_up(client, "alice", password), 400, "bad_request")
    assert "8 to 128" in found["detail"]


def test_the_password_must_not_be_the_name(client: FlaskClient) -> None:
    found = problem(sign_up(client, "alice-in-chains", "Alice-In-Chains"), 400, "bad_request")
    assert "must not be the name" in found["detail"]


def test_a_wrong_name_and_a_wrong_password_cannot_be_told_apart(client: FlaskClient) -> None:
    person(client, "alice")
    wrong_password = problem(log_in(client, "alice", "not my password"), 401, "bad_credentials")
    wrong_name = problem(log_in(client, "nobody"), 401, "bad_credentials")
    nul = problem(log_in(client, "al\0ice"), 401, "bad_credentials")
    assert wrong_password == wrong_name == nul


def test_a_stored_hash_of_the_seed_is_taken_once_and_then_replaced_by_argon2id(
    client: FlaskClient, app: Flask
) -> None:
    alice = person(client, "alice")
    users = services.of(app).store.users
    digest = hashlib.md5(b"old password", usedforsecurity=False).hexdigest()
    users.change(alice.id, password_hash=f"{digest}$1298498081")
    problem(log_in(client, "alice"), 401, "bad_credentials")
    assert users.get(alice.id).password_hash.startswith(digest)
    assert log_in(client, "alice", "old password").status_code == 200
    assert users.get(alice.id).password_hash.startswith("$argon2id$")
    assert log_in(client, "alice", "old password").status_code == 200


def test_a_server_takes_19_mib_and_two_passes_for_a_password(alice: Person) -> None:
    """Only applications in the process of the tests take less (tests/support/passwords.py)."""
    with beside(alice.server) as app:
        kept = services.of(app).store.users.get(alice.id).password_hash
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_profile_shows_oneself_everything_and_others_the_public_part(
    client: FlaskClient,
) -> None:
    alice, bob = person(client, "alice"), person(client, "bob")
    changed = alice.patch(
        "/v2/users/me", name="Alice", avatar="https://example.org/a.png", gender="famale",
        phone="13912345678", email="alice@example.org",
    )
    assert changed.status_code == 200
    public = {"id": alice.id, "name": "Alice", "avatar": "https://example.org/a.png",
              "gender": "famale"}
    own = alice.get("/v2/users/me").json
    assert own == changed.json
    assert own == public | {"phone": "13912345678", "email": "alice@example.org",
                            "created_at": own["created_at"], "shows_presence": True,
                            "shows_reading": True, "admin": False}
    assert bob.get(f"/v2/users/{alice.id}").json == public


@pytest.mark.parametrize("change", [
    {"id": 7}, {"phone": "12345678901"}, {"phone": "139123456789"}, {"phone": "+8613912345678"},
    {"email": "alice"}, {"email": "a@b"}, {"email": "a b@example.org"}, {"email": "a\0@b.org"},
    {"email": "x" * 250 + "@b.org"}, {"gender": "other"}, {"name": ""}, {"name": None},
    {"avatar": "javascript:alert(1)"}, {"avatar": "JavaScript:alert(1)"},
    {"avatar": "data:text/html,x"}, {"avatar": "java\nscript:x"}, {"avatar": "/" + "x" * 2048},
])
def test_a_change_that_breaks_a_rule_is_refused_and_changes_nothing(
    client: FlaskClient, change: dict[str, object]
) -> None:
    alice = person(client)
    before = alice.get("/v2/users/me").json
    problem(alice.patch("/v2/users/me", **({"avatar": "/a.png"} | change)), 400, "bad_request")
    assert alice.get("/v2/users/me").json == before


def test_a_name_cannot_be_changed_to_that_of_another_user(client: FlaskClient) -> None:
    alice, bob = person(client, "alice"), person(client, "bob")
    problem(alice.patch("/v2/users/me", name="BOB"), 409, "name_taken")
    assert alice.patch("/v2/users/me", name="ALICE").status_code == 200
    assert bob.get(f"/v2/users/{alice.id}").json["name"] == "ALICE"


def test_a_new_password_needs_the_current_one_and_ends_the_other_sessions(
    client: FlaskClient,
) -> None:
    alice = person(client)
    phone, new = alice.elsewhere(), "a new password"
    problem(alice.patch("/v2/users/me", password=new), 400, "bad_request")
    wrong = alice.patch("/v2/users/me", password=new, current_password="a guess", avatar="/x.png")
    problem(wrong, 401, "bad_credentials")
    assert alice.get("/v2/users/me").json["avatar"] == ""
    assert phone.is_logged_in()
    changed = alice.patch("/v2/users/me", password=new, current_password=PASSWORD)
    assert changed.status_code == 200
    assert alice.is_logged_in()
    problem(phone.get("/v2/users/me"), 401, "session_revoked")
    problem(phone.refresh(), 401, "session_revoked")
    problem(log_in(client, "alice"), 401, "bad_credentials")
    assert log_in(client, "alice", new).status_code == 200


def test_a_deleted_account_is_gone_and_its_name_is_free(client: FlaskClient) -> None:
    alice, bob = person(client, "alice"), person(client, "bob")
    phone = alice.elsewhere()
    assert alice.delete("/v2/users/me").status_code == 204
    problem(alice.get("/v2/users/me"), 401, "session_revoked")
    problem(phone.refresh(), 401, "session_revoked")
    problem(log_in(client, "alice"), 401, "bad_credentials")
    problem(bob.get(f"/v2/users/{alice.id}"), 404, "unknown_user")
    assert bob.get("/v2/users", q="alice").json["users"] == []
    assert person(client, "alice").id not in (alice.id, bob.id)


def test_users_are_found_by_the_beginning_of_their_name_in_pages(client: FlaskClient) -> None:
    alice = person(client, "alice")
    names = [f"Team {number}" for number in range(5)]
    for name in reversed(names):
        person(client, name)
    found: list[str] = []
    after = ""
    while page := alice.get("/v2/users", q="ｔEAM", limit=2, after=after).json["users"]:
        assert len(page) <= 2
        assert page[0].keys() == {"id", "name", "avatar", "gender"}
        found += [user["name"] for user in page]
        after = page[-1]["name"]
    assert found == names


def test_many_users_are_asked_for_at_once_by_their_ids(client: FlaskClient) -> None:
    alice, bob, gone = (person(client, name) for name in ("alice", "bob", "gone"))
    gone.delete("/v2/users/me")
    asked = f"{bob.id},{alice.id},{gone.id},{bob.id},{2**53}"
    found = alice.get("/v2/users", ids=asked).json
    assert found == {"users": [
        {"id": user.id, "name": user.name, "avatar": "", "gender": "male"} for user in (alice, bob)
    ], "next": None}


@pytest.mark.parametrize("query", [
    {}, {"q": ""}, {"q": "x" * 65}, {"q": "a", "limit": "0"}, {"q": "a", "limit": "101"},
    {"q": "a", "limit": "ten"}, {"q": "a", "limit": "9" * 5000}, {"ids": ""}, {"ids": "1,"},
    {"ids": "0"}, {"ids": "one"}, {"ids": str(2**53 + 1)}, {"ids": ",".join(["1"] * 201)},
])
def test_a_search_that_cannot_be_meant_is_refused(
    client: FlaskClient, query: dict[str, str]
) -> None:
    problem(person(client).get("/v2/users", **query), 400, "bad_request")


def test_a_search_for_what_a_pattern_would_match_finds_only_the_letters(
    client: FlaskClient,
) -> None:
    alice = person(client, "alice")
    for text in ("%", "_lice", "*", "\0", "alice\0"):
        assert alice.get("/v2/users", q=text).json["users"] == []
