"""Operations and the idempotency keys of requests; and why an intent had no effect."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = LargeBinary(32)


def upgrade() -> None:
    """Adds two tables and a column."""
    op.create_table(
        "operations",
        Column("operation_id", KEY, primary_key=True),
        Column("kind", String(200), nullable=False),
        Column("intent", String(200), nullable=False),
        Column("about", Text, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Index("ix_operations_intent", "intent"),
    )
    op.create_table(
        "idempotency_keys",
        Column("key_hash", KEY, primary_key=True),
        Column("request_hash", KEY, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("owner", String(200), nullable=False),
        Column("life", String(200), nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("operation_id", KEY, nullable=True),
        Column("answer", LargeBinary, nullable=True),
        Index("ix_idempotency_keys_made_at", "made_at"),
    )
    op.add_column("intents", Column("refusal", Text, nullable=True))
