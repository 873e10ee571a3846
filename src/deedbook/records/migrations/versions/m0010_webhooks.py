"""Webhooks, and the messages that wait for them or were given up."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, String, Text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WORD = String(200)


def upgrade() -> None:
    """Adds two tables."""
    op.create_table(
        "webhooks",
        Column("hook_id", WORD, primary_key=True),
        Column("position", BigInteger, nullable=False, unique=True),
        Column("sealed", LargeBinary, nullable=False),
        Column("wanted", Text, nullable=False),
        Column("state", WORD, nullable=False),
        Column("reason", WORD, nullable=True),
        Column("block_number", BigInteger, nullable=False),
        Column("block_hash", LargeBinary(32), nullable=True),
        Column("told", BigInteger, nullable=False),
        Column("next_number", BigInteger, nullable=False),
        Column("delivered", BigInteger, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("owner", WORD, nullable=True),
        Column("until", BigInteger, nullable=True),
    )
    op.create_table(
        "webhook_messages",
        Column("hook_id", WORD, ForeignKey("webhooks.hook_id"), primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("type", WORD, nullable=False),
        Column("lanes", LargeBinary, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("state", WORD, nullable=False),
        Column("tries", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("failure", WORD, nullable=True),
        Column("status", BigInteger, nullable=True),
        Index("ix_webhook_messages_hook_id_state_number", "hook_id", "state", "number"),
    )
