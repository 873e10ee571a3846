"""The logs of the exchanges of a home: their tiles, and where each leaf stands."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes three tables, empty."""
    op.create_table(
        "anchor_logs",
        Column("exchange", LargeBinary(20), primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("stated", BigInteger, nullable=False),
        Column("waiting_since", BigInteger, nullable=True),
    )
    op.create_table(
        "anchor_tiles",
        Column("exchange", LargeBinary(20), primary_key=True),
        Column("level", BigInteger, primary_key=True, autoincrement=False),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("hashes", LargeBinary, nullable=False),
    )
    op.create_table(
        "anchor_leaves",
        Column("exchange", LargeBinary(20), primary_key=True),
        Column("leaf_hash", LargeBinary(32), primary_key=True),
        Column("place", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
