"""refs before senders in their unique index: refs that ascend touch one page, not one a sender"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

HAS_REF = sa.text("ref IS NOT NULL")


def upgrade() -> None:
    _index("ref", "sender_id")


def downgrade() -> None:
    _index("sender_id", "ref")


def _index(*columns: str) -> None:
    op.drop_index("uq_event_ref", "event")
    op.create_index(
        "uq_event_ref", "event", columns, unique=True,
        sqlite_where=HAS_REF, postgresql_where=HAS_REF,
    )
