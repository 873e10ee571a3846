"""Until when each consent is valid, beside its sealed form: so that what has expired is found without opening any."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column, empty: who opens the consents for the first time fills it."""
    op.add_column("consents", Column("valid_until", BigInteger, nullable=True))
