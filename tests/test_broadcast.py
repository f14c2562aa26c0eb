"""The broadcast: one event for everybody, by site admins, unread until read, not answerable."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app import services
from app.errors import Forbidden, Muted, UnknownUser
from app.models import Conversation, Event, Member
from app.models.message import ADMIN, MEMBER
from app.store import Database, Store
from app.store.log.items import Stored
from tests.support.chat import collect, expect_silence, refused, text
from tests.support.client import Person
from tests.support.groups import team
from tests.support.log import into, people
from tests.support.seed import line
from tests.support.server import Server
from tests.support.web import Account, person, problem

BOTH_DATABASES = True

NEWS = {"media": "text", "content": "maintenance at noon"}


@pytest.fixture
def site(own_server: Server) -> Iterator[Server]:
    """A server of its own: everybody on it hears a broadcast."""
    own_server.start()
    yield own_server


def grant(server: Server, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    return server.operate("admin", name, *options, check=False)


def make_admin(app: Flask, name: str, admin: bool = True) -> None:
    services.of(app).store.users.set_admin(name, admin)


def announce(writer: Account, ref: str = "r1") -> int:
    answer = writer.post("/v2/broadcasts", ref=ref, message=NEWS)
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    return int(answer.json["conversation"])


def test_an_admin_named_on_the_command_line_reaches_every_connected_device(site: Server) -> None:
    alice, bob, carol = Person(site), Person(site), Person(site)
    with alice.device() as hers, bob.device() as his, carol.seed_device() as old:
        assert alice.post("/v2/broadcasts", ref="r", message=NEWS).status_code == 403
        done = grant(site, alice.name)
        assert (done.returncode, done.stdout) == (0, f"{alice.name} is an admin now.\n")
        assert alice.get("/v2/users/me")["admin"] is True
        answer = alice.post("/v2/broadcasts", ref="r", message=NEWS)
        assert answer.status_code == 201
        place = answer.json()
        assert (place["ref"], place["seq"]) == ("r", 1)
        for device in (hers, his):
            [event] = collect(device, 1, "event")
            assert (event["conversation"], event["seq"], event["sender"]) == (
                place["conversation"], 1, alice.id,
            )
            assert event["message"] == NEWS
        seed = json.loads(old.receive_text())
        assert (seed["Type"], seed["userId"], seed["Content"]) == (3, alice.id, NEWS["content"])
        again = alice.post("/v2/broadcasts", ref="r", message=NEWS)
        assert (again.status_code, again.json()) == (200, place)
        expect_silence(his)
        refused(his, "muted", op="send", conversation=place["conversation"], message=text("re"))
        hers.say("and again", place["conversation"])
        assert his.expect("event")["message"]["content"] == "and again"
        assert grant(site, alice.name, "--revoke").returncode == 0
        assert alice.post("/v2/broadcasts", ref="r2", message=NEWS).status_code == 403
        refused(hers, "muted", op="send", conversation=place["conversation"], message=text("x"))


def test_on_v1_type_3_of_an_admin_is_a_broadcast_and_of_others_a_line(site: Server) -> None:
    alice, bob = Person(site), Person(site)
    grant(site, alice.name)
    news = {"TargetId": 0, "Type": 3, "CreateTime": 5, "userId": alice.id, "Media": 1,
            "Content": "大家好"}
    with alice.seed_device() as hers, bob.seed_device() as his, bob.device() as new:
        his.send(**news)
        assert "forbidden" in line(his)
        hers.send(**news)
        found = json.loads(his.receive_text())
        assert (found["userId"], found["Type"], found["Content"], found["CreateTime"]) == (
            alice.id, 3, "大家好", 5,
        )
        event = new.expect("event")
        assert (event["seq"], event["message"]["content"]) == (1, "大家好")
        assert found["TargetId"] == event["conversation"]


def test_nobody_unknown_becomes_an_admin(own_server: Server) -> None:
    done = grant(own_server, "nobody")
    assert done.returncode == 1
    assert "There is no user nobody." in done.stderr


def test_it_is_among_everybodys_conversations_and_unread_until_read(
    client: FlaskClient, app: Flask
) -> None:
    ada, ben = team(client, "ada", "ben")
    make_admin(app, "ada")
    key = announce(ada)
    for reader in (ada, ben):
        [found] = reader.get("/v2/conversations").json["conversations"]
        assert (found["id"], found["kind"], found["user"]) == (key, "broadcast", None)
        assert (found["last_seq"], found["read_seq"]) == (1, 0)
        assert found["last_event"]["message"] == NEWS
    assert ben.post(f"/v2/conversations/{key}/read", seq=1).json == {"conversation": key, "seq": 1}
    [found] = ben.get("/v2/conversations").json["conversations"]
    assert found["read_seq"] == 1
    message = {"media": "text", "content": "thanks"}
    refused = ben.post(f"/v2/conversations/{key}/messages", ref="b", message=message)
    problem(refused, 403, "muted")


def test_who_registers_later_hears_what_comes_later(client: FlaskClient, app: Flask) -> None:
    ada = person(client, "ada")
    make_admin(app, "ada")
    key = announce(ada)
    ben = person(client, "ben")
    [found] = ben.get("/v2/conversations").json["conversations"]
    assert (found["last_seq"], found["read_seq"], found["last_event"]) == (1, 1, None)
    assert ben.get(f"/v2/conversations/{key}/events").json == {"events": [], "more": False}
    announce(ada, "r2")
    page = ben.get(f"/v2/conversations/{key}/events").json
    assert [event["seq"] for event in page["events"]] == [2]


@pytest.mark.parametrize("fields", [
    {}, {"ref": "r"}, {"message": NEWS}, {"ref": "", "message": NEWS},
    {"ref": "r", "message": {"media": "text", "content": ""}},
    {"ref": "r", "message": {"media": "smell", "content": "x"}},
    {"ref": "r", "message": NEWS, "to": 1}, {"ref": "r", "message": NEWS | {"reply_to": 99}},
])
def test_what_is_no_message_is_refused_and_nothing_is_stored(
    client: FlaskClient, app: Flask, fields: dict[str, object]
) -> None:
    ada = person(client, "ada")
    make_admin(app, "ada")
    problem(ada.post("/v2/broadcasts", **fields), 400, "bad_request")
    with services.of(app).store.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 0


def test_the_broadcast_is_no_group(client: FlaskClient, app: Flask) -> None:
    ada, ben = team(client, "ada", "ben")
    make_admin(app, "ada")
    path = f"/v2/groups/{announce(ada)}"
    for writer in (ada, ben):
        problem(writer.get(path), 403, "not_a_member")
        problem(writer.patch(path, name="x"), 403, "not_a_member")
        problem(writer.delete(path), 403, "not_a_member")
        problem(writer.get(f"{path}/members"), 403, "not_a_member")
        problem(writer.post(f"{path}/join"), 403, "not_a_member")
        problem(writer.post(f"{path}/leave"), 403, "not_a_member")
        problem(writer.delete(f"{path}/members/{ben.id}"), 403, "not_a_member")


def test_there_is_one_broadcast_of_everybody_and_admins_write_in_it(
    database: Database, store: Store
) -> None:
    ada, ben, gone = people(store, 3)
    store.users.delete(gone)
    with pytest.raises(Forbidden):
        store.broadcasts.conversation(ada)
    store.users.set_admin(store.users.get(ada).name, True)
    key = store.broadcasts.conversation(ada)
    assert store.broadcasts.conversation(ada) == key
    cyd, = people(store, 1)
    assert roles(database, key) == {ada: ADMIN, ben: MEMBER, cyd: MEMBER}
    place, refusal = store.journal.commit([into(ada, key), into(ben, key)])
    assert isinstance(place, Stored) and isinstance(refusal, Muted)
    store.users.set_admin(store.users.get(ben).name, True)
    assert isinstance(store.journal.commit([into(ben, key)])[0], Stored)
    store.users.set_admin(store.users.get(ada).name, False)
    assert isinstance(store.journal.commit([into(ada, key)])[0], Muted)
    with pytest.raises(Forbidden):
        store.broadcasts.conversation(ada)
    with pytest.raises(UnknownUser):
        store.users.set_admin("nobody", True)
    store.users.delete(ben)
    assert roles(database, key) == {ada: MEMBER, cyd: MEMBER}
    with pytest.raises(Forbidden):
        store.broadcasts.conversation(ben)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 1


def test_what_was_said_to_everybody_is_mended_by_who_said_it_and_withdrawn_by_admins(
    client: FlaskClient, app: Flask
) -> None:
    ada, ben, cyd = team(client, "ada", "ben", "cyd")
    for name in ("ada", "ben"):
        make_admin(app, name)
    path = f"/v2/conversations/{announce(ada)}"
    edit = {"seq": 1, "message": {"content": "maintenance at one"}}
    for other in (ben, cyd):
        problem(other.post(f"{path}/edits", ref="e", **edit), 403, "forbidden")
    assert ada.post(f"{path}/edits", ref="e", **edit).status_code == 201
    assert ada.post(f"{path}/pins", ref="p", seq=1, on=True).status_code == 201
    [pinned] = cyd.get(f"{path}/pins").json["pins"]
    assert pinned["event"]["message"]["content"] == "maintenance at one"
    for act, fields in (("pins", {"on": False}), ("reactions", {"on": True, "emoji": "!"})):
        problem(cyd.post(f"{path}/{act}", ref=act, seq=1, **fields), 403, "muted")
    long_ago = update(Event).values(at=1)
    services.of(app).store.database.write(lambda session: session.execute(long_ago).close())
    for other in (ben, cyd):
        problem(other.post(f"{path}/recalls", ref="r", seq=1), 403, "forbidden")
    make_admin(app, "ada", False)
    problem(ada.post(f"{path}/recalls", ref="r", seq=1), 403, "too_late")
    assert ben.post(f"{path}/recalls", ref="r", seq=1).status_code == 201
    assert announce(ben, "own") and announce(ben, "old")
    services.of(app).store.database.write(lambda session: session.execute(long_ago).close())
    assert ben.post(f"{path}/recalls", ref="s", seq=5).status_code == 201


def roles(database: Database, key: int) -> dict[int, int]:
    with database.read() as session:
        found = session.execute(
            select(Member.user_id, Member.role).where(Member.conversation_id == key)
        )
        return {row.user_id: row.role for row in found}
