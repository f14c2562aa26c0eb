"""an index of what is no message: the seed's history counts without it"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UNSAID = sa.text("type <> 'message' OR body = ''")


def upgrade() -> None:
    op.create_index(
        "ix_event_unsaid", "event", ["conversation_id", "seq"],
        sqlite_where=UNSAID, postgresql_where=UNSAID,
    )


def downgrade() -> None:
    op.drop_index("ix_event_unsaid", "event")
