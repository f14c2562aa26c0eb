"""The seed's pictures, voice and files: uploaded, sent, shown, and there again after a reload."""

from __future__ import annotations

from typing import Any

import requests

from tests.support.client import PATIENCE, Person
from tests.support.media import png
from tests.support.seed import entries, history, message, private
from tests.support.server import Server


def seed_upload(who: Person, data: bytes, name: str = "blob", **fields: str) -> dict[str, Any]:
    answer = who.request(
        "POST", "/v1/upload/image", params={"token": who.token, "userId": who.id},
        files={"file": (name, data)}, data=fields,
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shown(server: Server, address: str) -> requests.Response:
    """What an `<img>` gets."""
    return requests.get(server.http + address, timeout=PATIENCE)


def test_a_picture_is_shown_to_both_live_and_after_a_reload(
    server: Server, alice: Person, bob: Person
) -> None:
    found = seed_upload(alice, png())
    assert (found["Code"], found["Rows"], found["Total"]) == (0, None, None)
    assert shown(server, found["Data"]).headers["Content-Type"] == "image/png"
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, Media=4, url=found["Data"]))
        live = message(b)
    assert (live["Media"], live["Url"]) == (4, "")
    for reader, other in ((alice, bob), (bob, alice)):
        [again] = entries(history(reader, other.id, 0, 9))
        assert again == live
    assert shown(server, live["url"]).headers["Content-Type"] == "image/png"


def test_a_voice_message_keeps_its_seconds(server: Server, alice: Person, bob: Person) -> None:
    voice = seed_upload(alice, b"ID3" + bytes(2000), "blob", filetype=".mp3")
    assert voice["Code"] == 0
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, Media=3, url=voice["Data"], amount=7))
        found = message(b)
    assert (found["Media"], found["amount"]) == (3, 7)
    assert shown(server, found["url"]).content == b"ID3" + bytes(2000)


def test_a_file_from_v2_has_its_address_name_and_size(
    server: Server, alice: Person, bob: Person
) -> None:
    medium = alice.upload(b"%PDF-1.7 x", "报告.pdf")
    carried = {"media": "file", "attachment": {"id": medium["id"]}}
    with alice.device() as a, bob.seed_device() as b:
        a.send(op="send", ref="f", to={"user": bob.id}, message=carried)
        found = message(b)
    assert (found["Media"], found["url"], found["Desc"], found["amount"]) == (
        5, "", "报告.pdf", 10,
    )
    assert shown(server, found["Url"]).content == b"%PDF-1.7 x"


def test_v2_learns_what_the_file_is(alice: Person, bob: Person) -> None:
    address = seed_upload(alice, png())["Data"]
    with alice.seed_device() as a, bob.device() as b:
        a.send(**private(bob.id, Media=4, url=address))
        file = b.expect("event")["message"]["attachment"]
    assert (file["type"], file["width"], file["height"]) == ("image/png", 60, 40)
    assert "url" not in file


def test_an_address_ends_with_its_message(server: Server, alice: Person, bob: Person) -> None:
    address = seed_upload(alice, png())["Data"]
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, Media=4, url=address))
        found = message(b)
        conversation, seq = found["Id"].split("-")
        alice.post(f"/v2/conversations/{conversation}/recalls", ref="back", seq=int(seq))
    assert shown(server, found["url"]).status_code == 404


def test_anothers_upload_stays_a_plain_address(alice: Person, bob: Person) -> None:
    address = seed_upload(bob, png())["Data"]
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, Media=4, url=address))
        assert message(b)["url"] == address
        a.send(**private(bob.id, Media=2, url="/emoji/smile.png"))
        assert message(b)["url"] == "/emoji/smile.png"


def test_what_is_refused_is_said_in_the_seeds_envelope(alice: Person) -> None:
    found = seed_upload(alice, png()[:-30])
    assert (found["Code"], found["Data"]) == (-1, None)
    assert found["Msg"]
    answer = alice.request("POST", "/v1/upload/image", files={"file": b"x"})
    assert answer.status_code == 401


def test_an_icon_is_shown_to_everybody(server: Server, alice: Person, bob: Person) -> None:
    address = seed_upload(alice, png())["Data"]
    form = {"id": alice.id, "icon": address}
    query = {"token": alice.token, "userId": alice.id}
    assert alice.request("POST", "/v1/user/updata", params=query, data=form).json()["code"] == 0
    found = bob.request("POST", "/v1/user/find", data={"userId": alice.id}).json()["Data"]
    assert shown(server, found["Avatar"]).headers["Content-Type"] == "image/png"
