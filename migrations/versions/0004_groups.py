"""there is one broadcast, and it is found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BROADCAST = sa.text("kind = 3")


def upgrade() -> None:
    op.create_index(
        "uq_conversation_broadcast", "conversation", ["kind"], unique=True,
        sqlite_where=BROADCAST, postgresql_where=BROADCAST,
    )


def downgrade() -> None:
    op.drop_index("uq_conversation_broadcast", "conversation")
