"""The matrix of uploads: who uploads, who reads what, by a token or by an address."""

from __future__ import annotations

from typing import Any

from tests.support.matrix import Row, everybody, policy

MEDIA, UPLOADS = "/v2/media", "/v2/uploads"
FILE = {"file": ("a.pdf", b"%PDF-1.7 of a user")}
TUS = {"Tus-Resumable": "1.0.0"}
BEGIN = {**TUS, "Upload-Length": "10"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
OWNERS = everybody("not_found", owner=204)


def carry(medium: str) -> dict[str, Any]:
    return {"ref": "@new", "message": {"media": "file", "attachment": {"id": medium}}}


ROWS = [
    Row(f"POST {MEDIA}", everybody(201), files=FILE),
    Row(f"GET {MEDIA}/<key>", policy(200, "not_found"), "of a message", {"key": "medium"}),
    Row(f"GET {MEDIA}/<key>", policy(200, "not_found", newcomer="not_found"),
        "of before one came", {"key": "early_medium"}),
    Row(f"GET {MEDIA}/<key>", everybody("not_found", owner=200), "in no message",
        {"key": "loose_medium"}),
    Row(f"GET {MEDIA}/<key>", everybody("not_found"), "of none", {"key": "nowhere"}),
    Row(f"GET {MEDIA}/<key>",
        {**policy(200, 200), "anonymous": 200, "revoked": 200},
        "by an address of the owner's", {"key": "medium"}, query="@address", shows=("said",)),
    Row(f"GET {MEDIA}/<key>",
        {**policy("not_found", "not_found"), "anonymous": "not_found", "revoked": "not_found"},
        "by an address of who was removed", {"key": "early_medium"}, query="@removed_address"),
    Row(f"POST {MEDIA}/addresses", everybody(200), json={"ids": ["@medium"]}),
    Row(f"POST {UPLOADS}", everybody(201), headers=BEGIN),
    Row(f"GET {UPLOADS}/<key>", everybody("not_found", owner="not_finished"),
        at={"key": "upload"}),
    Row(f"PATCH {UPLOADS}/<key>", OWNERS, at={"key": "upload"}, headers=BYTES),
    Row(f"DELETE {UPLOADS}/<key>", OWNERS, at={"key": "upload"}, headers=TUS),
    Row(f"POST {UPLOADS}/<key>", OWNERS, "in place of DELETE", {"key": "upload"},
        headers={**TUS, "X-HTTP-Method-Override": "DELETE"}),
    Row("POST /v1/upload/image", everybody(200, seed=True), files=FILE),
    Row("POST /v2/conversations/<id:conversation>/messages",
        everybody("unknown_media", owner=201), "another's upload", {"conversation": "plaza"},
        json=carry("@loose_medium")),
]
