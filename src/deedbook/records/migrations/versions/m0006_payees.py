"""Payees that persons named, and the bank batches made of them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary, String

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = LargeBinary(32)


def upgrade() -> None:
    """Adds both tables."""
    op.create_table(
        "payees",
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("consent_id", KEY, nullable=False),
        Column("named_at", BigInteger, nullable=False),
        Column("kept_at", BigInteger, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Index("ix_payees_consent_id_position", "consent_id", "position"),
    )
    op.create_table(
        "bank_batches",
        Column("sale_id", KEY, primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("list", BigInteger, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("end", BigInteger, nullable=False),
        Column("deferred_count", BigInteger, nullable=False),
        Column("deferred_root", KEY, nullable=False),
        Column("total", String(78), nullable=False),
        Column("payees", BigInteger, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Index("ix_bank_batches_sale_id_list_first", "sale_id", "list", "first", unique=True),
    )
