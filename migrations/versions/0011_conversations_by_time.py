"""conversations by the time of their last event: what has advanced, for the other processes"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # On SQLite there is one process, and nobody asks: the index is empty, and costs nothing.
    never = sa.text("last_at < 0")
    op.create_index("ix_conversation_last_at", "conversation", ["last_at"], sqlite_where=never)


def downgrade() -> None:
    op.drop_index("ix_conversation_last_at", "conversation")
