"""Contacts: who knows whom, who has asked whom, who blocks whom."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import BadRequest, NotFound
from app.models import Contact, User
from app.models.user import ASKED, ASKING, FRIEND, STRANGER
from app.store.conversations.acquaintance import STATES, Acquaintance, Change, ContactInfo
from app.store.database import Database

BLOCKED = "blocked"  # a filter beside the states
FILTERS = (*STATES.values(), BLOCKED)

_NO_REQUEST = "There is no open request of this user."


class Contacts:
    """The `contact` table. Each side of an acquaintance has a row and hears of it in its log.

    Every change raises BadRequest for oneself, and UnknownUser.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(
        self, user_id: int, limit: int, after: int = 0, only: str | None = None
    ) -> list[ContactInfo]:
        """The user's contacts behind the user `after`, by id; `only` is one of FILTERS."""
        query = (
            select(Contact, User).join(User, User.id == Contact.other_id)
            .where(Contact.user_id == user_id, Contact.other_id > after)
            .order_by(Contact.other_id).limit(limit)
        )
        if only == BLOCKED:
            query = query.where(Contact.blocked)
        elif only is not None:
            query = query.where(Contact.state.in_(
                [state for state, name in STATES.items() if name == only]
            ))
        with self._database.read() as session:
            return [ContactInfo(*row) for row in session.execute(query)]

    def ask(self, user_id: int, other_id: int, note: str = "") -> Change:
        """Ask to be a contact: an acceptance where the other has asked. Raises TooMany, Blocked."""

        def change(both: Acquaintance) -> None:
            mine, theirs = both.mine, both.theirs
            both.check_own_block()
            if mine.state == FRIEND == theirs.state:
                return
            if theirs.state in (ASKING, FRIEND):
                both.befriend()
                return
            both.check_requests()
            if mine.state == STRANGER:
                mine.state = ASKING
            if theirs.state == STRANGER and not theirs.blocked:
                theirs.state, theirs.note = ASKED, note

        return self._change(user_id, other_id, change)

    def accept(self, user_id: int, other_id: int) -> Change:
        """Raises NotFound where nobody has asked, Blocked."""

        def change(both: Acquaintance) -> None:
            if both.mine.state == FRIEND:
                return
            if both.mine.state != ASKED:
                raise NotFound(_NO_REQUEST)
            both.check_own_block()
            both.befriend()

        return self._change(user_id, other_id, change)

    def refuse(self, user_id: int, other_id: int) -> Change:
        """Let a request go. Raises NotFound for one that was accepted, or is one's own."""

        def change(both: Acquaintance) -> None:
            if both.mine.state in (FRIEND, ASKING):
                raise NotFound(_NO_REQUEST)
            if both.mine.state == ASKED:
                both.part()

        return self._change(user_id, other_id, change)

    def remove(self, user_id: int, other_id: int) -> Change:
        """End it on both sides: the friendship, or the request of either."""

        def change(both: Acquaintance) -> None:
            if both.mine.state != STRANGER:
                both.part()

        return self._change(user_id, other_id, change)

    def remark(self, user_id: int, other_id: int, remark: str) -> Change:
        """Give a contact a name of one's own. Raises NotFound."""

        def change(both: Acquaintance) -> None:
            if both.mine.state == STRANGER and not both.mine.blocked:
                raise NotFound("This user is not among your contacts.")
            both.mine.remark = remark

        return self._change(user_id, other_id, change)

    def block(self, user_id: int, other_id: int, blocked: bool) -> Change:
        """Block or unblock; the other side does not hear of it."""

        def change(both: Acquaintance) -> None:
            both.mine.blocked = blocked
            if not blocked and both.mine.state == ASKING and both.theirs.state == FRIEND:
                both.befriend()  # they have agreed meanwhile
            if not blocked and both.mine.state == STRANGER:
                both.mine.remark = ""

        return self._change(user_id, other_id, change)

    def befriend(self, user_id: int, other_id: int) -> Change:
        """Make both friends without asking, as the seed does. Raises TooMany, Blocked."""

        def change(both: Acquaintance) -> None:
            both.check_own_block()
            if both.mine.state != FRIEND:
                both.befriend()

        return self._change(user_id, other_id, change)

    def _change(
        self, user_id: int, other_id: int, change: Callable[[Acquaintance], None]
    ) -> Change:
        if user_id == other_id:
            raise BadRequest("This is yourself: name another user.")

        def work(session: Session) -> Change:
            both = Acquaintance(session, user_id, other_id)
            change(both)
            return both.save()

        return self._database.write(work)
