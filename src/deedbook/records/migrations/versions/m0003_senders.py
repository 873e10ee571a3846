"""Several senders: leases with the nonce ledger, replaced transactions, intents that were judged before."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, LargeBinary, String, false

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY, ACCOUNT = LargeBinary(32), LargeBinary(20)


def upgrade() -> None:
    """Adds attempts, leases and counters; every account's ledger goes on after its highest nonce."""
    op.add_column("intents", Column("judged", Boolean(create_constraint=False), nullable=False, server_default=false()))
    op.drop_index("ix_intents_state_position", "intents")
    op.create_index("ix_intents_state_signer_position", "intents", ["state", "signer", "position"])
    op.create_table(
        "attempts",
        Column("tx_hash", KEY, primary_key=True),
        Column("signer", ACCOUNT, nullable=False),
        Column("nonce", BigInteger, nullable=False),
        Column("key", String(200)),
        Column("raw", LargeBinary, nullable=False),
        ForeignKeyConstraint(["key"], ["intents.key"]),
    )
    op.create_index("ix_attempts_signer_nonce", "attempts", ["signer", "nonce"])
    op.create_index("ix_attempts_key", "attempts", ["key"])
    op.create_table(
        "leases",
        Column("signer", ACCOUNT, primary_key=True),
        Column("owner", String(200), nullable=False),
        Column("token", BigInteger, nullable=False, autoincrement=False),
        Column("beat", BigInteger, nullable=False, autoincrement=False),
        Column("until", BigInteger, nullable=False, autoincrement=False),
        Column("next_nonce", BigInteger, nullable=False, autoincrement=False),
    )
    op.create_table(
        "counters",
        Column("name", String(200), primary_key=True),
        Column("next", BigInteger, nullable=False, autoincrement=False),
    )
    op.execute(
        "INSERT INTO leases (signer, owner, token, beat, until, next_nonce) "
        "SELECT signer, '', 0, 0, 0, MAX(nonce) + 1 FROM intents WHERE nonce IS NOT NULL GROUP BY signer"
    )
    op.execute("INSERT INTO counters (name, next) SELECT 'intents', COALESCE(MAX(position), 0) + 1 FROM intents")
