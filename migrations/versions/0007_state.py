"""where the last message of a conversation stands"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation",
        sa.Column("message_seq", sa.BigInteger(), server_default="0", nullable=False)
    )
    # Backwards through the key, to the first that fits: nearly every event is a message.
    op.execute("""
        UPDATE conversation SET message_seq = coalesce((
            SELECT seq FROM event
            WHERE event.conversation_id = conversation.id AND type = 'message'
            ORDER BY seq DESC LIMIT 1
        ), 0)""")


def downgrade() -> None:
    op.drop_column("conversation", "message_seq")
