"""groups, contacts, and what changes a message"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME_KEY = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
NO, YES = sa.false(), sa.true()


def upgrade() -> None:
    op.create_table("mention",
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("user_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", "seq"),
        sqlite_with_rowid=False
    )
    op.create_table("pin",
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq"),
        sqlite_with_rowid=False
    )
    op.create_table("reaction",
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("emoji", sa.String(length=32), nullable=False),
        sa.Column("user_id", BIG_ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq", "emoji", "user_id"),
        sqlite_with_rowid=False
    )
    op.create_table("removal",
        sa.Column("user_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "conversation_id", "seq"),
        sqlite_with_rowid=False
    )
    op.create_table("contact",
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("other_id", BIG_ID, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["other_id"], ["user.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"]),
        sa.PrimaryKeyConstraint("user_id", "other_id"),
        sqlite_with_rowid=False
    )
    op.create_table("chat_group",
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("name_key", NAME_KEY, nullable=False),
        sa.Column("avatar", sa.String(length=2048), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("announcement", sa.Text(), nullable=False),
        sa.Column("join_policy", sa.SmallInteger(), nullable=False),
        sa.Column("category", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"]),
        sa.PrimaryKeyConstraint("conversation_id")
    )
    op.create_index("ix_chat_group_name", "chat_group", ["name_key"])

    op.create_table("invite",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"]),
        sa.PrimaryKeyConstraint("code")
    )
    op.create_index("ix_invite_conversation", "invite", ["conversation_id"])

    op.create_table("join_request",
        sa.Column("conversation_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"]),
        sa.PrimaryKeyConstraint("conversation_id", "user_id"),
        sqlite_with_rowid=False
    )
    for table, column in _new_columns():
        op.add_column(table, column)


def downgrade() -> None:
    for table, column in reversed(_new_columns()):
        op.drop_column(table, column.name)
    op.drop_table("join_request")
    op.drop_index("ix_invite_conversation", "invite")

    op.drop_table("invite")
    op.drop_index("ix_chat_group_name", "chat_group")

    op.drop_table("chat_group")
    op.drop_table("contact")
    op.drop_table("removal")
    op.drop_table("reaction")
    op.drop_table("pin")
    op.drop_table("mention")


def _new_columns() -> list[tuple[str, sa.Column]]:
    return [
        ("conversation", _count("flags", sa.SmallInteger())),
        ("conversation", _count("size")),
        ("conversation", _count("indexed_seq")),
        ("event", sa.Column("revised", sa.Text())),
        ("member", _count("role", sa.SmallInteger())),
        ("member", _count("joined_seq")),
        ("member", _count("muted_until")),
        ("member", _switch("pinned", NO)),
        ("member", _switch("silent", NO)),
        ("member", _switch("hidden", NO)),
        ("member", sa.Column("draft", sa.Text())),
        ("user", sa.Column("seen_at", sa.BigInteger())),
        ("user", _switch("admin", NO)),
        ("user", _switch("shows_presence", YES)),
        ("user", _switch("shows_reading", YES)),
    ]


def _count(name: str, kind: object = sa.BigInteger()) -> sa.Column:
    return sa.Column(name, kind, server_default="0", nullable=False)


def _switch(name: str, value: object) -> sa.Column:
    return sa.Column(name, sa.Boolean(), server_default=value, nullable=False)
