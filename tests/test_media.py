"""Uploads over HTTP: what the answer says, who may read them, and how they are served."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.http import parse_options_header

from app import services
from app.store.clock import now_ms
from tests.support.media import fetch, files, picture, png, send, sweep, uploaded
from tests.support.web import Account, person, problem

BOTH_DATABASES = True


@pytest.fixture
def eve(client: FlaskClient) -> Account:
    return person(client, "eve")


@pytest.fixture
def chat(ada: Account, ben: Account) -> int:
    """The conversation of ada and ben."""
    return int(ada.post("/v2/conversations", user=ben.id).json["id"])


def test_the_answer_says_what_the_file_is(ada: Account) -> None:
    found = uploaded(ada, picture("JPEG", 2000, 1000), name="sea.jpg", type="image/jpeg")
    assert found["media"] == "image"
    assert found["type"] == "image/jpeg"
    assert found["name"] == "sea.jpg"
    assert (found["width"], found["height"]) == (2000, 1000)
    assert found["size"] == len(ada.client.get(found["url"]).data)
    for name, longest in (("small", 320), ("large", 1280)):
        thumbnail = ada.client.get(found[name])
        assert thumbnail.content_type == "image/webp"
        assert max(Image.open(io.BytesIO(thumbnail.data)).size) == longest


def test_what_is_no_picture_is_kept_as_it_is(ada: Account) -> None:
    data = b"%PDF-1.7 " + bytes(range(256)) * 100
    found = uploaded(ada, data, name="报告.pdf", type="application/pdf")
    assert (found["media"], found["name"], found["small"]) == ("file", "报告.pdf", None)
    assert fetch(ada, found["id"]).data == data


def test_the_owner_alone_reads_what_is_in_no_message(ada: Account, ben: Account) -> None:
    found = uploaded(ada)
    assert fetch(ada, found["id"]).status_code == 200
    problem(fetch(ben, found["id"]), 404, "not_found")
    problem(ada.client.get(f"/v2/media/{found['id']}"), 401, "token_missing")


def test_who_sees_the_message_reads_the_file(
    ada: Account, ben: Account, eve: Account, chat: int
) -> None:
    found = uploaded(ada)
    assert send(ada, chat, found["id"]).status_code == 201
    assert fetch(ben, found["id"]).data == fetch(ada, found["id"]).data
    problem(fetch(eve, found["id"]), 404, "not_found")


def test_an_address_opens_the_file_without_a_token(ada: Account, ben: Account, chat: int) -> None:
    found = uploaded(ada)
    send(ada, chat, found["id"])
    asked = ben.post("/v2/media/addresses", ids=[found["id"]]).json["media"]
    assert [line["id"] for line in asked] == [found["id"]]
    assert ben.client.get(asked[0]["url"]).status_code == 200
    assert ben.client.get(asked[0]["small"]).content_type == "image/webp"


def test_an_address_that_was_changed_opens_nothing(ada: Account, ben: Account) -> None:
    url = uploaded(ada)["url"]
    other = uploaded(ada, png(color="red"))["id"]
    for wrong in (
        url.replace(f"for=u{ada.id}", f"for=u{ben.id}"), url.replace("until=", "until=9"),
        url[:-1] + ("A" if url[-1] != "A" else "B"), url.replace("key=", "key=%00"),
        f"/v2/media/{other}?{url.partition('?')[2]}",
        url.replace("until=", "until=x"), url.replace("for=u", "for=x"),
    ):
        problem(ada.client.get(wrong), 404, "not_found")


def test_an_address_ends_with_the_right_to_read(ada: Account, ben: Account, eve: Account) -> None:
    group = ada.post("/v2/groups", name="g", members=[ben.id, eve.id]).json["id"]
    found = uploaded(ada)
    send(ada, group, found["id"])
    [line] = ben.post("/v2/media/addresses", ids=[found["id"]]).json["media"]
    assert ben.client.get(line["url"]).status_code == 200
    assert ada.delete(f"/v2/groups/{group}/members/{ben.id}").status_code == 204
    problem(ben.client.get(line["url"]), 404, "not_found")
    assert ben.post("/v2/media/addresses", ids=[found["id"]]).json["media"] == []
    assert fetch(eve, found["id"]).status_code == 200


def test_a_new_member_reads_no_file_of_before(ada: Account, ben: Account, eve: Account) -> None:
    group = ada.post("/v2/groups", name="g", members=[ben.id]).json["id"]
    found = uploaded(ada)
    send(ada, group, found["id"])
    ada.post(f"/v2/groups/{group}/members", users=[eve.id])
    problem(fetch(eve, found["id"]), 404, "not_found")
    ada.patch(f"/v2/groups/{group}", open_history=True)
    assert fetch(eve, found["id"]).status_code == 200


def test_only_its_uploader_attaches_a_file(ada: Account, ben: Account, chat: int) -> None:
    found = uploaded(ada)
    send(ada, chat, found["id"])
    problem(send(ben, chat, found["id"]), 404, "unknown_media")
    problem(send(ben, chat, "A" * 22), 404, "unknown_media")


@pytest.mark.parametrize("file", [
    {"url": "/x"}, {}, {"id": ""}, {"id": "../../etc/passwd"}, {"id": 7}, {"id": "A" * 23},
    {"id": "A" * 22, "name": "mine.png"},
])
def test_an_attachment_is_the_id_of_an_upload(
    ada: Account, chat: int, file: dict[str, Any]
) -> None:
    message = {"media": "image", "attachment": file}
    answer = ada.post(f"/v2/conversations/{chat}/messages", ref="r", message=message)
    problem(answer, 400, "bad_request")


def test_a_file_is_sent_as_what_it_is(ada: Account, chat: int) -> None:
    found = uploaded(ada)["id"]
    problem(send(ada, chat, found, "audio"), 400, "bad_request")
    problem(send(ada, chat, found, "text"), 400, "bad_request")
    assert send(ada, chat, found, "file").status_code == 201


def test_the_log_tells_what_the_file_is(ada: Account, ben: Account, chat: int) -> None:
    found = uploaded(ada, name="tea.png")
    send(ada, chat, found["id"])
    [event] = ben.get(f"/v2/conversations/{chat}/events").json["events"]
    assert event["message"]["attachment"] == {
        "id": found["id"], "name": "tea.png", "type": "image/png", "size": found["size"],
        "width": 60, "height": 40,
    }


def test_a_repeat_gets_its_place_even_when_the_file_has_gone(
    app: Flask, ada: Account, chat: int
) -> None:
    found = uploaded(ada)["id"]
    first = send(ada, chat, found)
    assert first.status_code == 201
    assert send(ada, chat, found).status_code == 200
    ada.post(f"/v2/conversations/{chat}/recalls", ref="back", seq=first.json["seq"])
    sweep(app, days=2)
    problem(fetch(ada, found), 404, "not_found")
    again = send(ada, chat, found)
    assert (again.status_code, again.json) == (200, first.json)


def test_forwarding_lets_the_new_readers_read(
    ada: Account, ben: Account, eve: Account, chat: int
) -> None:
    found = uploaded(ada)["id"]
    seq = send(ada, chat, found).json["seq"]
    other = ben.post("/v2/conversations", user=eve.id).json["id"]
    source = {"conversation": chat, "seqs": [seq]}
    answer = ben.post(f"/v2/conversations/{other}/forwards", **{"ref": "f", "from": source})
    assert answer.status_code == 201, answer.text
    assert fetch(eve, found).status_code == 200
    ada.post(f"/v2/conversations/{chat}/recalls", ref="back", seq=seq)
    assert fetch(eve, found).status_code == 200  # the copy is ben's


def test_a_recalled_file_is_its_owners_again_and_goes_after_a_day(
    app: Flask, ada: Account, ben: Account, chat: int
) -> None:
    found = uploaded(ada)["id"]
    seq = send(ada, chat, found).json["seq"]
    ada.post(f"/v2/conversations/{chat}/recalls", ref="back", seq=seq)
    problem(fetch(ben, found), 404, "not_found")
    assert fetch(ada, found).status_code == 200
    sweep(app, days=2)
    problem(fetch(ada, found), 404, "not_found")


def test_a_file_is_its_owners_again_when_its_message_is_forgotten(
    app: Flask, ada: Account, ben: Account, chat: int
) -> None:
    found = uploaded(ada)["id"]
    send(ada, chat, found)
    [line] = ben.post("/v2/media/addresses", ids=[found]).json["media"]
    services.of(app).store.retention.forget(now_ms() + 1000)
    problem(fetch(ben, found), 404, "not_found")
    problem(ben.client.get(line["url"]), 404, "not_found")
    assert fetch(ada, found).status_code == 200


def test_the_files_of_a_disbanded_group_go(app: Flask, ada: Account, ben: Account) -> None:
    """Nobody reads its messages any more; what was forwarded before stays."""
    group = ada.post("/v2/groups", name="g", members=[ben.id]).json["id"]
    one, two = uploaded(ada)["id"], uploaded(ada, png(color="red"))["id"]
    seqs = [send(ada, group, key).json["seq"] for key in (one, two)]
    chat = ben.post("/v2/conversations", user=ada.id).json["id"]
    source = {"conversation": group, "seqs": [seqs[1]]}
    ben.post(f"/v2/conversations/{chat}/forwards", **{"ref": "f", "from": source})
    assert ada.delete(f"/v2/groups/{group}").status_code == 204
    sweep(app, days=0)
    sweep(app, days=2)
    problem(fetch(ada, one), 404, "not_found")
    assert fetch(ben, two).status_code == 200


def test_what_is_in_a_message_stays(app: Flask, ada: Account, ben: Account, chat: int) -> None:
    found = uploaded(ada)["id"]
    send(ada, chat, found)
    sweep(app, days=100)
    assert fetch(ben, found).status_code == 200


def test_the_same_file_twice_is_kept_once_and_goes_with_the_last(
    app: Flask, ada: Account, ben: Account, chat: int
) -> None:
    one, two = uploaded(ada)["id"], uploaded(ben)["id"]
    assert one != two
    kept = files(app)
    send(ada, chat, one)
    sweep(app, days=4)
    assert fetch(ada, one).status_code == 200
    problem(fetch(ben, two), 404, "not_found")
    assert files(app) == kept


def test_nothing_is_left_of_what_nobody_sent(app: Flask, ada: Account) -> None:
    uploaded(ada)
    uploaded(ada, b"%PDF-1.7 x", name="a.pdf")
    assert files(app)
    sweep(app, days=2)  # the files are loose no more, but gone; their bytes are kept for a day
    sweep(app, days=4)
    assert files(app) == set()


def test_an_avatar_is_for_everybody_and_stays(app: Flask, ada: Account, ben: Account) -> None:
    found = uploaded(ada)
    changed = ada.patch("/v2/users/me", avatar=found["url"]).json
    assert changed["avatar"] == f"/v2/media/{found['id']}"
    assert ben.client.get(changed["avatar"]).status_code == 200
    sweep(app, days=100)
    assert ben.client.get(changed["avatar"]).status_code == 200


def test_an_avatar_is_everybodys_only_while_it_is_one(
    app: Flask, ada: Account, ben: Account, chat: int
) -> None:
    """Then it is as any other upload: the owner's, the readers' of its messages, or swept."""
    one, sent, group = (uploaded(ada, png(color=color)) for color in ("red", "green", "blue"))
    send(ada, chat, sent["id"])
    made = ada.post("/v2/groups", name="g", members=[ben.id], avatar=group["url"]).json
    for found in (one, sent):
        ada.patch("/v2/users/me", avatar=found["url"])
    ada.patch("/v2/users/me", avatar="")
    sweep(app, days=2)
    for found in (one, sent):
        problem(ben.client.get(f"/v2/media/{found['id']}"), 401, "token_missing")
        assert fetch(ada, found["id"]).status_code == 200
    assert fetch(ben, sent["id"]).status_code == 200
    assert ben.client.get(made["avatar"]).status_code == 200
    sweep(app, days=4)
    problem(fetch(ada, one["id"]), 404, "not_found")
    assert fetch(ben, sent["id"]).status_code == 200
    assert ben.client.get(made["avatar"]).status_code == 200


def test_an_avatar_goes_with_its_account(app: Flask, ada: Account, ben: Account) -> None:
    avatar = ada.patch("/v2/users/me", avatar=uploaded(ada)["url"]).json["avatar"]
    assert ada.delete("/v2/users/me").status_code == 204
    sweep(app, days=2)
    problem(ben.client.get(avatar), 401, "token_missing")
    for days in (4, 6):
        sweep(app, days=days)
    assert files(app) == set()


def test_an_avatar_is_a_picture_of_ones_own(ada: Account, ben: Account) -> None:
    theirs, no_picture = uploaded(ben)["id"], uploaded(ada, b"%PDF-1.7 x")["id"]
    for key in (theirs, no_picture):
        problem(ada.patch("/v2/users/me", avatar=f"/v2/media/{key}"), 400, "bad_request")


def test_it_is_served_so_that_nothing_in_it_runs(ada: Account) -> None:
    page = b"<html><script>alert(1)</script>"
    for data, name, inline in ((png(), "a.png", True), (page, "a.html", False)):
        answer = fetch(ada, uploaded(ada, data, name=name)["id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"].startswith("inline" if inline else "attach")
        assert answer.content_type == ("image/png" if inline else "application/octet-stream")


def test_ranges_and_conditions_are_answered(ada: Account) -> None:
    data = b"%PDF-1.7 " + bytes(range(256))
    key = uploaded(ada, data)["id"]

    def asked(**headers: str) -> Any:
        token = {"Authorization": f"Bearer {ada.token}"}
        return ada.client.get(f"/v2/media/{key}", headers=token | headers)

    whole = asked()
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert "immutable" in whole.headers["Cache-Control"]
    part = asked(Range="bytes=5-9")
    assert (part.status_code, part.data) == (206, data[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(data)}"
    assert asked(Range="bytes=-4").data == data[-4:]
    assert asked(Range="bytes=0-1,4-5").data == data
    assert asked(Range="bytes=5-9", **{"If-Range": '"other"'}).data == data
    assert asked(Range="bytes=5-9", **{"If-Range": whole.headers["ETag"]}).data == data[5:10]
    problem(asked(Range=f"bytes={len(data)}-"), 416, "bad_range")
    assert asked(**{"If-None-Match": whole.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("given", [
    "bytes=", "bytes=-", "bytes=x-y", "bytes=5", "bytes=9-5", "bytes=--5", "bytes=1-2-3", "x=0-4",
    "bytes=0-0" + ",1-1" * 2000, "bytes=\uff10-4", "", "bytes 0-4", "bytes=0-4;bytes=1-2",
])
def test_what_is_no_range_brings_the_whole_file(ada: Account, given: str) -> None:
    data = b"%PDF-1.7 " + bytes(range(256))
    headers = {"Authorization": f"Bearer {ada.token}", "Range": given.encode().decode("latin-1")}
    answer = ada.client.get(f"/v2/media/{uploaded(ada, data)['id']}", headers=headers)
    assert (answer.status_code, answer.data) == (200, data)


@pytest.mark.parametrize(("given", "first", "last"), [
    ("bytes=0-0", 0, 0), ("bytes=100-999999999999999999999999", 100, 264), ("bytes=-99999", 0, 264),
    ("bytes=264-", 264, 264), ("bytes = 3-4", 3, 4),
])
def test_a_range_ends_with_the_file(ada: Account, given: str, first: int, last: int) -> None:
    data = b"%PDF-1.7 " + bytes(range(256))
    headers = {"Authorization": f"Bearer {ada.token}", "Range": given}
    answer = ada.client.get(f"/v2/media/{uploaded(ada, data)['id']}", headers=headers)
    assert (answer.status_code, answer.data) == (206, data[first:last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/265"


@pytest.mark.parametrize("name", [
    'a"; filename="evil.html', "a\\\".html", "\u202efdp.exe",
    "a;b=c.pdf", "%22.pdf", "💥.pdf", "报" * 300 + ".pdf", ".htaccess", " . ", "con",
])
def test_no_name_gets_into_the_headers_of_the_answer(ada: Account, name: str) -> None:
    """Whatever a file is called, the answer has one disposition, with one name in it."""
    found = uploaded(ada, b"%PDF-1.7 x", name=name)
    answer = fetch(ada, found["id"])
    [given] = answer.headers.getlist("Content-Disposition")
    kind, options = parse_options_header(given)
    assert kind == "attachment"
    assert options["filename"] == found["name"]  # of both forms, filename* is the one that counts
    assert "\u202e" not in found["name"]
    assert 0 < len(found["name"].encode()) <= 255
