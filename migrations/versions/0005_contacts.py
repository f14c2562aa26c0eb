"""contacts are found from both sides; hidden until something new; what has expired"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_contact_other", "contact", ["other_id", "user_id"])
    op.create_index("ix_mention_seq", "mention", ["conversation_id", "seq"])
    op.add_column("conversation", _number("expired_seq", "0"))
    op.add_column("member", _number("hidden_seq", "-1"))
    op.drop_column("member", "hidden")


def downgrade() -> None:
    op.add_column(
        "member", sa.Column("hidden", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.drop_column("member", "hidden_seq")
    op.drop_column("conversation", "expired_seq")
    op.drop_index("ix_mention_seq", "mention")
    op.drop_index("ix_contact_other", "contact")


def _number(name: str, default: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)
