"""Resumable uploads, by the tus protocol 1.0."""

from __future__ import annotations

import base64
import os
from fcntl import LOCK_EX, flock
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import services
from tests.support.media import fetch, files, png, sweep
from tests.support.web import Account, problem

BOTH_DATABASES = True

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"
DATA = b"%PDF-1.7 " + bytes(range(256)) * 40


def ask(who: Account, method: str, path: str, data: bytes = b"", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    token = {"Authorization": f"Bearer {who.token}"}
    return who.client.open(path, method=method, data=data, headers=token | VERSION | named)


def begin(who: Account, length: int, data: bytes = b"", **headers: str) -> TestResponse:
    more = {"Content_Type": BYTES} if data else {}
    return ask(who, "POST", "/v2/uploads", data, Upload_Length=str(length), **more, **headers)


def begun(who: Account, length: int = len(DATA), **options: Any) -> str:
    answer = begin(who, length, **options)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    return answer.headers["Location"]


def append(who: Account, path: str, offset: int, data: bytes) -> TestResponse:
    return ask(who, "PATCH", path, data, Upload_Offset=str(offset), Content_Type=BYTES)


def offset(who: Account, path: str) -> int:
    answer = ask(who, "HEAD", path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


def metadata(**values: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items()
    )


def test_the_server_says_what_it_can(ada: Account) -> None:
    answer = ada.client.options("/v2/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "expiration", "termination",
    }
    assert int(answer.headers["Tus-Max-Size"]) == 2**31


def test_a_file_that_comes_in_pieces_becomes_a_medium(ada: Account) -> None:
    path = begun(ada, Upload_Metadata=metadata(filename="报告.pdf", filetype="application/pdf"))
    for start in range(0, len(DATA), 3000):
        answer = append(ada, path, start, DATA[start : start + 3000])
        assert answer.status_code == 204
        assert int(answer.headers["Upload-Offset"]) == min(start + 3000, len(DATA))
    medium = ada.get(path).json
    assert medium["name"] == "报告.pdf"
    assert fetch(ada, medium["id"]).data == DATA
    assert offset(ada, path) == len(DATA)


def test_the_first_bytes_may_come_with_the_beginning(ada: Account) -> None:
    path = begun(ada, data=DATA[:100])
    assert offset(ada, path) == 100
    append(ada, path, 100, DATA[100:])
    whole = begun(ada, data=DATA)
    for done in (path, whole):
        assert fetch(ada, ada.get(done).json["id"]).data == DATA


def test_a_picture_is_cleaned_as_any_other(ada: Account) -> None:
    data = png()
    medium = ada.get(begun(ada, len(data), data=data)).json
    assert (medium["media"], medium["width"]) == ("image", 60)
    assert medium["small"]


def test_a_wrong_offset_changes_nothing(ada: Account) -> None:
    path = begun(ada)
    append(ada, path, 0, DATA[:50])
    for wrong in (0, 49, 51, len(DATA)):
        found = append(ada, path, wrong, DATA[50:60])
        problem(found, 409, "wrong_offset")
        assert found.headers["Upload-Offset"] == "50"
    assert offset(ada, path) == 50


def test_more_than_was_declared_is_refused(ada: Account) -> None:
    path = begun(ada, 10)
    problem(append(ada, path, 0, DATA[:11]), 413, "too_long")
    assert offset(ada, path) == 0
    problem(begin(ada, 5, data=DATA[:6]), 413, "too_long")


def test_it_is_the_uploaders_alone(ada: Account, ben: Account) -> None:
    path = begun(ada)
    for answer in (
        ask(ben, "HEAD", path), append(ben, path, 0, DATA), ben.get(path),
        ask(ben, "DELETE", path),
    ):
        assert answer.status_code == 404
    assert offset(ada, path) == 0
    problem(ada.get(path), 409, "not_finished")


def test_an_upload_can_be_given_up(app: Flask, ada: Account) -> None:
    path = begun(ada, data=DATA[:10])
    assert files(app)
    assert ask(ada, "DELETE", path).status_code == 204
    assert files(app) == set()
    assert ask(ada, "HEAD", path).status_code == 404


def test_what_became_a_medium_outlives_its_upload(ada: Account) -> None:
    path = begun(ada, data=DATA)
    medium = ada.get(path).json["id"]
    assert ask(ada, "DELETE", path).status_code == 204
    assert fetch(ada, medium).data == DATA


def test_a_file_that_cannot_be_taken_is_forgotten(app: Flask, ada: Account) -> None:
    broken = png(500, 500)[:-40]
    path = begun(ada, len(broken))
    problem(append(ada, path, 0, broken), 422, "bad_media")
    assert ask(ada, "HEAD", path).status_code == 404
    assert files(app) == set()


def test_an_upload_that_was_given_up_expires(app: Flask, ada: Account) -> None:
    path = begun(ada, data=DATA[:10])
    assert "GMT" in ask(ada, "HEAD", path).headers["Upload-Expires"]
    sweep(app, days=2)
    assert offset(ada, path) == 10
    sweep(app, days=4)
    assert ask(ada, "HEAD", path).status_code == 404
    assert files(app) == set()


def test_only_so_many_uploads_are_open_at_once(ada: Account, ben: Account) -> None:
    first = begun(ada)
    for _ in range(19):
        begun(ada)
    problem(begin(ada, 10), 409, "too_many")
    begun(ben)
    append(ada, first, 0, DATA)
    begun(ada)


def test_open_uploads_count_by_what_they_have_declared(app: Flask, ada: Account) -> None:
    gigabyte = 2**30
    for _ in range(9):
        begun(ada, gigabyte)
    problem(begin(ada, 2 * gigabyte), 403, "quota_exceeded")
    begun(ada, gigabyte)


@pytest.mark.parametrize("headers, status, code", [
    ({"Upload_Length": "x"}, 400, "bad_request"), ({"Upload_Length": "-1"}, 400, "bad_request"),
    ({}, 400, "bad_request"), ({"Upload_Length": str(2**40)}, 413, "too_long"),
    ({"Upload_Length": "5", "Tus_Resumable": "0.2.2"}, 412, "tus_version"),
    ({"Upload_Length": "5", "Upload_Metadata": "filename ###"}, 400, "bad_request"),
    ({"Upload_Length": "5", "Upload_Metadata": "width d2lkZQ=="}, 400, "bad_request"),
    ({"Upload_Length": "5", "Upload_Metadata": "a" * 5000}, 413, "too_long"),
    ({"Upload_Length": "5", "Upload_Metadata": "duration LTU="}, 400, "bad_request"),
    ({"Upload_Length": "5", "Upload_Metadata": "waveform eA=="}, 400, "bad_request"),
    ({"Upload_Length": "0"}, 422, "bad_media"),
])
def test_what_is_no_beginning_is_refused(
    ada: Account, headers: dict[str, str], status: int, code: str
) -> None:
    found = problem(ask(ada, "POST", "/v2/uploads", **headers), status, code)
    assert found["detail"]


def test_bytes_of_another_type_are_refused(ada: Account) -> None:
    path = begun(ada)
    found = ask(ada, "PATCH", path, DATA, Upload_Offset="0", Content_Type="text/plain")
    problem(found, 415, "wrong_type")


def test_a_client_without_patch_uses_post(ada: Account) -> None:
    path = begun(ada)
    override = {"X_HTTP_Method_Override": "PATCH", "Content_Type": BYTES, "Upload_Offset": "0"}
    assert ask(ada, "POST", path, DATA[:10], **override).status_code == 204
    assert offset(ada, path) == 10
    problem(ask(ada, "POST", path), 400, "bad_request")


def test_what_was_interrupted_when_all_had_arrived_is_finished_when_asked_for(
    app: Flask, ada: Account
) -> None:
    path = begun(ada)
    append(ada, path, 0, DATA[:-1])
    # As a kill behind the last byte leaves it.
    base = services.of(app).config.data_path
    with open(base / "uploads" / path.rpartition("/")[2], "ab") as file:
        file.write(DATA[-1:])
    assert offset(ada, path) == len(DATA)
    assert fetch(ada, ada.get(path).json["id"]).data == DATA


def test_asking_for_the_medium_leaves_the_upload_as_it_is(app: Flask, ada: Account) -> None:
    path = begun(ada)
    base = services.of(app).config.data_path
    with open(base / "uploads" / path.rpartition("/")[2], "ab") as file:
        flock(file, LOCK_EX)  # as the request does that brings its bytes
        problem(ada.get(path), 409, "not_finished")


def test_a_beginning_that_fails_leaves_nothing(app: Flask, ada: Account) -> None:
    """Nobody was told where it would go on."""
    broken = png(500, 500)[:-40]
    for _ in range(25):
        problem(begin(ada, len(broken), data=broken), 422, "bad_media")
        problem(begin(ada, 5, data=DATA[:6]), 413, "too_long")
    assert files(app) == set()
    begun(ada)


def test_what_a_killed_process_left_is_swept(app: Flask, ada: Account) -> None:
    """A file whose row is gone, a folder of scratch: after the time that one may take."""
    base, path = services.of(app).config.data_path, begun(ada, data=DATA[:10])
    (base / "scratch" / "killed").mkdir(parents=True)
    for orphan in (base / "uploads" / "orphan", base / "scratch" / "killed" / "file"):
        orphan.write_bytes(b"half of it")
    sweep(app, days=0)
    assert len(files(app)) == 3
    for found in [*base.glob("uploads/orphan"), *base.glob("scratch/**/*")]:
        os.utime(found, (0, 0))
    sweep(app, days=0)
    assert files(app) == {f"uploads/{path.rpartition('/')[2]}"}


@pytest.mark.parametrize(("given", "shown"), [
    ("a\0b.pdf", "ab.pdf"), ("../../etc/passwd", "passwd"), ("..\\boot.ini", "boot.ini"),
    ("a\r\nb.pdf", "ab.pdf"), ("\u202efdp.exe", "fdp.exe"), ("/", "file"), ("报告.pdf", "报告.pdf"),
])
def test_a_name_leads_nowhere(ada: Account, given: str, shown: str) -> None:
    path = begun(ada, data=DATA, Upload_Metadata=metadata(filename=given))
    assert ada.get(path).json["name"] == shown
