"""One run: what is asked without a ref, beside the commands that have one."""

from __future__ import annotations

from typing import Any

from tests.model import contacts, groups, messages
from tests.model.commands import Commands
from tests.model.state import GROUP, Fields, Link, Room, Verdict
from tests.model.views import log, plain
from tests.support.client import Person

LIST = "/v2/conversations"
ENDED = 4500  # a session that is over


class Run(Commands):
    """Groups, contacts, settings, reading."""

    def request(
        self, expected: Verdict, user: int, method: str, path: str, body: Fields | None = None,
        status: int = 200,
    ) -> Any:
        """A request that leaves the events of `expected`, one after the other; its answer."""
        self.world.commands += 1
        answer = self.world.http.call(self.token(user), method, path, body)
        plans = self.agree(answer, expected, status)
        if plans is None:
            return None
        for plan in plans:
            self.model.commit(plan, key=answer.data["id"] if not plan.room.id and (
                plan.room.kind == GROUP
            ) else 0)
        return answer.data

    def act(self, act: Any, user: int, room: Room, *arguments: Any, method: str = "POST",
            path: str = "", body: Fields | None = None, status: int = 204) -> Any:
        """Something in a group, as one of the functions of groups.py says."""
        expected = act(self.model, user, room, *arguments)
        return self.request(expected, user, method, f"/v2/groups/{room.id}{path}", body, status)

    def make_group(self, user: int, settings: Fields, members: list[int]) -> None:
        expected = groups.create(self.model, user, settings, members)
        self.request(expected, user, "POST", "/v2/groups", {**settings, "members": members}, 201)

    def invite(self, user: int, room: Room, uses: int | None) -> None:
        body = {"uses": uses} if uses else {}
        found = self.act(groups.invite, user, room, path="/invites", body=body, status=201)
        if found is not None:
            assert (found["user"], found["uses_left"]) == (user, uses)
            room.links.append(Link(found["code"], user, uses))

    def come_by(self, user: int, room: Room, link: Link) -> None:
        expected = groups.redeem(self.model, user, room, link)
        self.request(expected, user, "POST", f"/v2/invites/{link.code}")

    def open_chat(self, user: int, other: int) -> None:
        room = self.model.pair(user, other)
        status = 200 if room.id else 201
        found = self.request([], user, "POST", "/v2/conversations", {"user": other}, status)
        if not room.id:
            self.model.open(room, found["id"])
        assert found["id"] == room.id

    def change_contact(self, user: int, other: int, act: str, text: str) -> None:
        plans = contacts.change(self.model, user, other, act, text)
        ways: dict[str, tuple[str, str, Fields, int]] = {
            "ask": ("POST", "", {"user": other, "note": text}, 201),
            "accept": ("POST", f"/{other}/accept", {}, 200),
            "refuse": ("POST", f"/{other}/refuse", {}, 204),
            "remove": ("DELETE", f"/{other}", {}, 204),
            "remark": ("PATCH", f"/{other}", {"remark": text}, 200),
            "block": ("PUT", f"/{other}/block", {}, 200),
            "unblock": ("DELETE", f"/{other}/block", {}, 204),
        }
        method, path, body, status = ways[act]
        if act == "ask" and not any(
            plan.user == user for plan in plans if not isinstance(plan, str)
        ):
            status = 200
        self.request(plans, user, method, f"/v2/contacts{path}", body, status)
        if not isinstance(plans, str) and contacts.opens(self.model, user, other, plans):
            self.model.open(self.model.pair(user, other), self.find_pair(user, other))

    def find_pair(self, user: int, other: int) -> int:
        """The conversation of two users by the list of one of them; 0: there is none."""
        listed = self.world.http.get(self.token(user), "/v2/conversations", limit=200)
        return next((
            line["id"] for line in listed["conversations"]
            if line["kind"] == "private" and line["user"]["id"] == other
        ), 0)

    def delete_account(self, person: Person) -> None:
        """Their groups and contacts hear of it, their devices are sent away, their token ends."""
        user, model = person.id, self.model
        mine = [room for room in model.rooms_of(user) if room.kind == GROUP]
        plans = [groups.orphan(user, room) for room in mine] + contacts.parted(model, user)
        self.request(plans, user, "DELETE", "/v2/users/me", status=204)
        for device in [device for device in self.devices if device.user == user]:
            if device.is_connected:
                assert device.listen_to_the_end() == ENDED
            self.devices.remove(device)
        answer = self.world.http.call(person.token, "GET", "/v2/users/me")
        assert answer.code == "session_revoked", answer
        self.people.remove(person)
        self.past = [past for past in self.past if past.command.user != user]
        for room in model.rooms:
            room.requests.pop(user, None)
        model.delete(user)

    def change_setting(self, user: int, room: Room, asked: Fields) -> None:
        expected = contacts.setting(self.model, user, room, asked)
        path = f"{LIST}/{room.id}"
        found = self.request(expected, user, "PATCH", path, asked)
        if found is not None:
            now = contacts.settings_of(user, room)
            assert found == {"conversation": room.id, **now}

    def read(self, user: int, room: Room, seq: int, over_socket: bool) -> None:
        """Move a read cursor, which never moves back."""
        expected = messages.read(self.model, user, room, seq)
        device = next((device for device in self.connected if device.user == user), None)
        if over_socket and device is not None:
            answer = device.mark(room.id, seq)
        else:
            path = f"{LIST}/{room.id}/read"
            answer = self.world.http.call(self.token(user), "POST", path, {"seq": seq})
        verdict: Verdict = expected if isinstance(expected, str) else []
        if self.agree(answer, verdict, 200) is not None:
            assert (answer.data["conversation"], answer.data["seq"]) == (room.id, expected)

    def read_page(self, user: int, room: Room, after: int, limit: int) -> None:
        """A page of the history: for members only, and of what they may see only."""
        path = f"{LIST}/{room.id}/events"
        answer = self.world.http.call(self.token(user), "GET", path, after=after, limit=limit)
        if user not in room.seats:
            assert answer.code == "not_a_member"
            return
        seen = [event for event in log(user, room) if event["seq"] > after]
        assert [plain(event) for event in answer.data["events"]] == seen[:limit]
        assert answer.data["more"] == (len(seen) > limit)
