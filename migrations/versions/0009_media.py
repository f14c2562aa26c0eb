"""uploaded files, and the messages that carry them"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table("blob",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("refs", sa.BigInteger(), nullable=False),
        sa.Column("free_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_blob_free", "blob", ["free_since"])
    op.create_table("medium",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("owner_id", BIG_ID, nullable=False),
        sa.Column("media", sa.String(8), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=True),
        sa.Column("waveform", sa.String(200), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("small", sa.String(64), nullable=True),
        sa.Column("large", sa.String(64), nullable=True),
        sa.Column("public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("loose_since", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"]),
        sa.ForeignKeyConstraint(["digest"], ["blob.digest"]),
        sa.ForeignKeyConstraint(["small"], ["blob.digest"]),
        sa.ForeignKeyConstraint(["large"], ["blob.digest"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_medium_owner", "medium", ["owner_id", "created_at"])
    op.create_index("ix_medium_loose", "medium", ["loose_since"])
    op.create_table("attachment",
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("medium_id", sa.String(22), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq"),
        sqlite_with_rowid=False
    )
    op.create_index("ix_attachment_medium", "attachment", ["medium_id", "conversation_id", "seq"])
    op.create_table("upload",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("owner_id", BIG_ID, nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("hints", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("medium_id", sa.String(22), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_upload_owner", "upload", ["owner_id"])
    op.create_index("ix_upload_expires", "upload", ["expires_at"])


def downgrade() -> None:
    for table in ("upload", "attachment", "medium", "blob"):
        op.drop_table(table)
