"""What search keeps beside its index, which has tables of its own (wordindex.py)."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model
from app.models.user import BigId


class Indexed(Model):
    """A message of which the index does not hold what it said at first.

    `source` is the seq of the edit whose words it holds, or 0 where it holds nothing.
    """

    __tablename__ = "indexed"
    __table_args__ = ({"sqlite_with_rowid": False},)

    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[int] = mapped_column(BigInteger)
