"""Who asks the service: API keys, sessions, nonces that were used, whose operations are whose; the log of reads; legal
identities of members."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary, String

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY, ACCOUNT, WORD = LargeBinary(32), LargeBinary(20), String(200)


def upgrade() -> None:
    """Adds six tables."""
    op.create_table(
        "api_keys",
        Column("key_id", LargeBinary, primary_key=True),
        Column("position", BigInteger, nullable=False, unique=True),
        Column("secret_hash", KEY, nullable=False),
        Column("name", WORD, nullable=False),
        Column("account", ACCOUNT, nullable=False),
        Column("scopes", WORD, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("ends_at", BigInteger, nullable=True),
        Column("revoked_at", BigInteger, nullable=True),
        Column("used_at", BigInteger, nullable=True),
        Column("former", LargeBinary, nullable=True),
    )
    op.create_table(
        "sessions",
        Column("token_hash", KEY, primary_key=True),
        Column("account", ACCOUNT, nullable=False),
        Column("scopes", WORD, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("ends_at", BigInteger, nullable=False),
        Index("ix_sessions_ends_at", "ends_at"),
    )
    op.create_table(
        "used_nonces",
        Column("nonce_hash", KEY, primary_key=True),
        Column("ends_at", BigInteger, nullable=False),
        Index("ix_used_nonces_ends_at", "ends_at"),
    )
    op.create_table(
        "operation_owners",
        Column("operation_id", KEY, primary_key=True),
        Column("account", ACCOUNT, primary_key=True),
    )
    op.create_table(
        "personal_reads",
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
        Column("means", WORD, nullable=False),
        Column("reference", WORD, nullable=False),
        Column("kind", WORD, nullable=False),
        Column("matter", KEY, nullable=False),
        Column("request", WORD, nullable=False),
        Index("ix_personal_reads_matter_position", "matter", "position"),
    )
    op.create_table(
        "legal_identities",
        Column("account", ACCOUNT, primary_key=True),
        Column("commitment", KEY, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
    )
