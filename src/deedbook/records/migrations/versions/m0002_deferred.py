"""Who is paid later: the places behind the root of each deferred list."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table of deferred lists."""
    op.create_table(
        "deferred_lists",
        Column("root", LargeBinary(32), primary_key=True),
        Column("places", LargeBinary, nullable=False),
        Column("kept_at", BigInteger, nullable=False),
    )
