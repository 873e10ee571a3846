"""Signed requests of members that are relayed: kept before anything is sent."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Text, text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table of relayed acts."""
    waits = text("state = 'waiting'")
    op.create_table(
        "relayed_acts",
        Column("key", String(200), primary_key=True),
        Column("position", BigInteger, nullable=False, unique=True),
        Column("digest", LargeBinary(32), nullable=False, unique=True),
        Column("signer", LargeBinary(20), nullable=False),
        Column("nonce", BigInteger, nullable=False),
        Column("document", LargeBinary, nullable=False),
        Column("state", String(200), nullable=False),
        Column("relayer", LargeBinary(20), nullable=True),
        Column("carrier", String(200), nullable=True),
        Column("claimed_until", BigInteger, nullable=True),
        Column("attempts", BigInteger, nullable=False),
        Column("seen_block", BigInteger, nullable=False),
        Column("tx_hash", LargeBinary(32), nullable=True),
        Column("block_number", BigInteger, nullable=True),
        Column("block_hash", LargeBinary(32), nullable=True),
        Column("success", BigInteger, nullable=True),
        Column("refusal", Text, nullable=True),
        Index("ix_relayed_acts_signer_nonce", "signer", "nonce"),
        Index("ix_relayed_acts_carrier", "carrier"),
        Index("ix_relayed_acts_waiting", "signer", "nonce", unique=True, sqlite_where=waits, postgresql_where=waits),
    )
