"""Whose turn work is that one process does for all."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table."""
    op.create_table(
        "shifts",
        Column("work", String(200), primary_key=True),
        Column("owner", String(200), nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("done", BigInteger, nullable=False),
    )
