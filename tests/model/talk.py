"""Rules: messages, and what is done to them."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.choosing import YES, Chooser, N

EMOJI = st.sampled_from(("👍", "🎉", "❤"))


class Talk(Chooser):
    """Sending, changing, forwarding, reading."""

    @rule(who=N, where=N, what=N, via=N)
    def say(self, who: int, where: int, what: int, via: int) -> None:
        self.do("send", who, where, via, message=self.text(what))

    @rule(who=N, whom=N, what=N, via=N)
    def write_to(self, who: int, whom: int, what: int, via: int) -> None:
        user, other = self.user(who), self.user(whom)
        room, fields = self.run.model.pair(user, other), {"message": self.text(what)}
        command = self.run.command("send", user, room, fields, to_user=other)
        self.run.give(command, self.device(user, via))

    @rule(who=N, where=N, what=N, via=N)
    def reply(self, who: int, where: int, what: int, via: int) -> None:
        message = {**self.text(what), "reply_to": self.at(who, where, what)}
        self.do("send", who, where, via, message=message)

    @rule(who=N, where=N, what=N, via=N, everybody=YES)
    def mention(self, who: int, where: int, what: int, via: int, everybody: bool) -> None:
        named = {"mention_all": True} if everybody else {"mentions": [self.user(what)]}
        self.do("send", who, where, via, message={**self.text(what), **named})

    @rule(who=N, where=N, what=N, via=N)
    def edit(self, who: int, where: int, what: int, via: int) -> None:
        content = self.text(what)["content"]
        seq = self.at(who, where, what, own=True)
        self.do("edit", who, where, via, seq=seq, message={"content": content})

    @rule(who=N, where=N, what=N, via=N)
    def recall(self, who: int, where: int, what: int, via: int) -> None:
        self.do("recall", who, where, via, seq=self.at(who, where, what, own=True))

    @rule(who=N, where=N, what=N, via=N, emoji=EMOJI, on=st.sampled_from((True, True, False)))
    def react(self, who: int, where: int, what: int, via: int, emoji: str, on: bool) -> None:
        self.do("react", who, where, via, seq=self.at(who, where, what), emoji=emoji, on=on)

    @rule(who=N, where=N, what=N, via=N, on=st.sampled_from((True, True, False)))
    def pin(self, who: int, where: int, what: int, via: int, on: bool) -> None:
        self.do("pin", who, where, via, seq=self.at(who, where, what), on=on)

    @rule(who=N, where=N, some=st.lists(N, min_size=1, max_size=3), via=N)
    def remove_for_oneself(self, who: int, where: int, some: list[int], via: int) -> None:
        self.do("remove", who, where, via, seqs=[self.at(who, where, what) for what in some])

    @rule(who=N, whence=N, where=N, some=st.lists(N, min_size=1, max_size=3), via=N)
    def forward(self, who: int, whence: int, where: int, some: list[int], via: int) -> None:
        user = self.user(who)
        source, room = self.room(user, whence), self.room(user, where)
        origin = {"conversation": source.id, "seqs": [self.seq(source, what) for what in some]}
        command = self.run.command("forward", user, room, {"from": origin}, source=source)
        self.run.give(command, self.device(user, via))

    @rule(who=N, where=N, what=N, over_socket=YES)
    def read(self, who: int, where: int, what: int, over_socket: bool) -> None:
        user = self.user(who)
        self.run.read(user, self.room(user, where), self.at(who, where, what), over_socket)

    @rule(who=N, what=N, as_admin=st.sampled_from((True, True, False)))
    def broadcast(self, who: int, what: int, as_admin: bool) -> None:
        user = self.world.admin.id if as_admin else self.user(who)
        room, fields = self.run.model.broadcast, {"message": self.text(what)}
        self.run.give(self.run.command("broadcast", user, room, fields), None)

    @rule(who=N, where=N, name=st.sampled_from(("pinned", "silent", "hidden")), on=YES)
    def set(self, who: int, where: int, name: str, on: bool) -> None:
        user = self.user(who)
        self.run.change_setting(user, self.room(user, where), {name: on})

    @rule(who=N, where=N, draft=st.sampled_from((None, "to be said", "unsaid")))
    def draft(self, who: int, where: int, draft: str | None) -> None:
        user = self.user(who)
        self.run.change_setting(user, self.room(user, where), {"draft": draft})

    @rule(who=N, where=N, after=N, limit=st.integers(1, 9))
    def look_back(self, who: int, where: int, after: int, limit: int) -> None:
        """A page of the history, from anywhere, of any size."""
        user = self.user(who)
        room = self.room(user, where)
        self.run.read_page(user, room, after % (room.last + 1), limit)

    @rule(who=N, whom=N)
    def open_chat(self, who: int, whom: int) -> None:
        self.run.open_chat(self.user(who), self.user(whom))
