"""Signed consents and their receipts in a table of their own: a place changes without them being written again."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Moves what is sealed out of the table of consents."""
    op.create_table(
        "consent_documents",
        Column("consent_id", LargeBinary(32), primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        Column("receipt", LargeBinary, nullable=False),
        ForeignKeyConstraint(["consent_id"], ["consents.consent_id"]),
    )
    op.execute(
        "INSERT INTO consent_documents (consent_id, sealed, receipt) SELECT consent_id, sealed, receipt FROM consents"
    )
    op.drop_column("consents", "sealed")
    op.drop_column("consents", "receipt")
