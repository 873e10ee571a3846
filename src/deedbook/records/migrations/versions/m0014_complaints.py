"""Complaints of persons."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table."""
    op.create_table(
        "complaints",
        Column("complaint_id", LargeBinary(32), primary_key=True),
        Column("position", BigInteger, nullable=False, unique=True),
        Column("subject", LargeBinary(20), nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Index("ix_complaints_subject", "subject"),
    )
