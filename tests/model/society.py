"""Rules: who is there, in which group and may do what in it, and who knows whom."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model import groups
from tests.model.choosing import YES, Chooser, N, among
from tests.model.state import ADMIN, MEMBER

FEWEST_PEOPLE, MOST_PEOPLE = 2, 4
FAR = 2**52  # milliseconds since 1970: a mute that nobody sees the end of
POLICIES = st.sampled_from(("open", "approval", "invite"))
NOTES = st.sampled_from(("", "it is me", "你好"))
ACQUAINTANCE = st.sampled_from(
    ("ask", "ask", "accept", "accept", "refuse", "remove", "remark", "block", "unblock")
)
SETTINGS = st.fixed_dictionaries({}, optional={
    "name": st.sampled_from(("walkers", "climbers")), "join": POLICIES, "open_history": YES,
    "admins_only": YES, "announcement": st.sampled_from(("", "at nine")),
})


class Society(Chooser):
    """Groups, contacts, new users."""

    @rule(who=N, some=st.lists(N, max_size=3), join=POLICIES, open_history=YES)
    def make_group(self, who: int, some: list[int], join: str, open_history: bool) -> None:
        settings = {"name": "friends", "join": join, "open_history": open_history}
        self.run.make_group(self.user(who), settings, [self.user(whom) for whom in some])

    @rule(who=N, where=N, settings=SETTINGS)
    def change_group(self, who: int, where: int, settings: dict[str, object]) -> None:
        room = self.group(where)
        self.run.act(groups.change, self.actor(room, who), room, settings,
                     method="PATCH", body=settings, status=200)

    @rule(who=N, where=N, some=st.lists(N, min_size=1, max_size=2))
    def add_members(self, who: int, where: int, some: list[int]) -> None:
        room, others = self.group(where), [self.user(whom) for whom in some]
        self.run.act(groups.add, self.actor(room, who), room, others,
                     path="/members", body={"users": others}, status=200)

    @rule(who=N, where=N, whom=N)
    def remove_member(self, who: int, where: int, whom: int) -> None:
        room, other = self.group(where), self.user(whom)
        self.run.act(groups.remove, self.actor(room, who), room, other,
                     method="DELETE", path=f"/members/{other}")

    @rule(who=N, where=N)
    def leave(self, who: int, where: int) -> None:
        self.run.act(groups.leave, self.user(who), self.group(where), path="/leave")

    @rule(who=N, where=N, whom=N, admin=YES)
    def set_role(self, who: int, where: int, whom: int, admin: bool) -> None:
        room, other = self.group(where), self.user(whom)
        self.run.act(groups.set_role, self.actor(room, who), room, other,
                     ADMIN if admin else MEMBER, method="PATCH", path=f"/members/{other}",
                     body={"role": "admin" if admin else "member"})

    @rule(who=N, where=N, whom=N, until=st.sampled_from((FAR, 0, 1000)))
    def mute(self, who: int, where: int, whom: int, until: int) -> None:
        room, other = self.group(where), self.user(whom)
        self.run.act(groups.mute, self.actor(room, who), room, other, until,
                     method="PATCH", path=f"/members/{other}", body={"muted_until": until})

    @rule(who=N, where=N, whom=N)
    def transfer(self, who: int, where: int, whom: int) -> None:
        room, other = self.group(where), self.user(whom)
        self.run.act(groups.transfer, self.actor(room, who), room, other,
                     path="/transfer", body={"user": other})

    @rule(who=N, where=N, note=NOTES)
    def join(self, who: int, where: int, note: str) -> None:
        user, room = self.user(who), self.group(where)
        waits = room.group.get("join") == "approval" and user not in room.seats
        self.run.act(groups.join, user, room, note, path="/join", body={"note": note},
                     status=202 if waits else 200)

    @rule(who=N, where=N)
    def withdraw(self, who: int, where: int) -> None:
        user = self.user(who)
        self.run.act(groups.withdraw, user, self.group(where), method="DELETE", path="/join")

    @rule(who=N, where=N, whom=N, accept=YES)
    def answer(self, who: int, where: int, whom: int, accept: bool) -> None:
        room = self.group(where)
        waiting = [*room.requests, self.user(whom)]
        other = waiting[whom % len(waiting)]
        self.run.act(groups.answer, self.actor(room, who), room, other, accept,
                     path=f"/requests/{other}", body={"accept": accept})

    @rule(who=N, where=N, uses=st.sampled_from((None, 1, 2)))
    def invite(self, who: int, where: int, uses: int | None) -> None:
        room = self.group(where)
        self.run.invite(self.actor(room, who), room, uses)

    @rule(who=N, which=N)
    def come_by_link(self, who: int, which: int) -> None:
        links = [(room, link) for room in self.run.model.rooms for link in room.links]
        if links:
            self.run.come_by(self.user(who), *among(links, which))

    @rule(who=N, where=N, sure=st.integers(0, 2))
    def disband(self, who: int, where: int, sure: int) -> None:
        room = self.group(where)
        if sure == 2:  # a world without groups is a poor one
            self.run.act(groups.disband, self.actor(room, who), room, method="DELETE")

    @rule(who=N, whom=N, act=ACQUAINTANCE, text=NOTES)
    def know(self, who: int, whom: int, act: str, text: str) -> None:
        self.run.change_contact(self.user(who), self.user(whom), act, text)

    @rule(who=N, sure=st.integers(0, 2))
    def delete_account(self, who: int, sure: int) -> None:
        if sure == 2 and len(self.run.people) > FEWEST_PEOPLE:
            self.run.delete_account(among(self.run.people, who))

    @rule(devices=st.integers(1, 2))
    def register(self, devices: int) -> None:
        if len(self.run.people) < MOST_PEOPLE:
            self.run.register(devices)
