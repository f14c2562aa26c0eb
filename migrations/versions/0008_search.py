"""the index of words, and what it holds of edited messages"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The text is split before it comes here; `ascii` leaves what is not ASCII as it is. No content and
# no sizes are kept: a hit is read from its event. Merging is done by us, in small steps.
SQLITE = (
    """CREATE VIRTUAL TABLE search USING fts5(
        words, content='', columnsize=0, tokenize="ascii tokenchars ':.@#'")""",
    "INSERT INTO search (search, rank) VALUES ('automerge', 0)",
    "INSERT INTO search (search, rank) VALUES ('crisismerge', 64)",
)
# No list of pending entries: every search would have to read it from end to end.
POSTGRESQL = (
    """CREATE TABLE search (
        conversation_id BIGINT NOT NULL, seq BIGINT NOT NULL, words TSVECTOR NOT NULL,
        PRIMARY KEY (conversation_id, seq))""",
    "CREATE INDEX ix_search_words ON search USING gin (words) WITH (fastupdate = off)",
)


def upgrade() -> None:
    op.create_table("indexed",
        sa.Column("conversation_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq"),
        sqlite_with_rowid=False
    )
    embedded = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if embedded else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("search")
    op.drop_table("indexed")
    op.execute("UPDATE conversation SET indexed_seq = 0 WHERE indexed_seq > 0")
