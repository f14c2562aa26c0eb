"""how far the index of words goes: in a table of its own, so that messages do not wait for it"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table("search_place",
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id"),
    )
    op.execute(
        "INSERT INTO search_place (conversation_id, seq)"
        " SELECT id, indexed_seq FROM conversation WHERE indexed_seq > 0"
    )
    op.drop_column("conversation", "indexed_seq")  # no version was released that reads it


def downgrade() -> None:
    op.add_column("conversation",
        sa.Column("indexed_seq", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.execute(
        "UPDATE conversation SET indexed_seq = search_place.seq FROM search_place"
        " WHERE conversation_id = conversation.id"
    )
    op.drop_table("search_place")
