"""The first tables."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, LargeBinary, String, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY, ACCOUNT = LargeBinary(32), LargeBinary(20)


def upgrade() -> None:
    """Creates every table of version 0001."""
    op.create_table(
        "documents",
        Column("hash", KEY, primary_key=True),
        Column("kind", String(200), nullable=False),
        Column("media_type", String(200), nullable=False),
        Column("content", LargeBinary, nullable=False),
        Column("added_at", BigInteger, nullable=False),
    )
    op.create_table(
        "batches",
        Column("batch_id", KEY, primary_key=True),
        Column("position", BigInteger, nullable=False, unique=True),
        Column("asset_id", KEY, nullable=False),
        Column("root", KEY, nullable=False),
        Column("count", BigInteger, nullable=False),
        Column("terms", Text, nullable=False),
        Column("manifest", KEY, nullable=False),
    )
    op.create_index("ix_batches_asset_id", "batches", ["asset_id"])
    op.create_table(
        "consents",
        Column("consent_id", KEY, primary_key=True),
        Column("asset_id", KEY, nullable=False),
        Column("subject", ACCOUNT, nullable=False),
        Column("state", String(200), nullable=False),
        Column("batch_id", KEY),
        Column("leaf_index", BigInteger),
        Column("sealed", LargeBinary, nullable=False),
        Column("receipt", LargeBinary, nullable=False),
        Column("collected_at", BigInteger, nullable=False),
        ForeignKeyConstraint(["batch_id"], ["batches.batch_id"]),
    )
    op.create_index("ix_consents_asset_id_state", "consents", ["asset_id", "state"])
    op.create_index("ix_consents_subject", "consents", ["subject"])
    op.create_index("ix_consents_batch_id_leaf_index", "consents", ["batch_id", "leaf_index"], unique=True)
    op.create_table(
        "members",
        Column("account", ACCOUNT, primary_key=True),
        Column("label", String(200), nullable=False),
        Column("suite", BigInteger, nullable=False),
        Column("public_key", LargeBinary, nullable=False),
        Column("commitment", KEY, nullable=False),
    )
    _create_payload_tables()
    _create_delivery_tables()
    _create_intents()
    op.create_table(
        "steps",
        Column("story", String(200), primary_key=True),
        Column("step", String(200), primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("facts", Text, nullable=False),
    )


def _create_payload_tables() -> None:
    op.create_table(
        "payloads",
        Column("payload_id", KEY, primary_key=True),
        Column("asset_id", KEY, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("count", BigInteger, nullable=False),
        Column("content_root", KEY, nullable=False, unique=True),
        Column("object_key", String(200), nullable=False),
        Column("created_at", BigInteger, nullable=False),
    )
    op.create_table(
        "payload_keys",
        Column("payload_id", KEY, primary_key=True),
        Column("epoch", BigInteger, nullable=False),
        Column("generation", BigInteger, nullable=False),
        Column("wrapped_key", LargeBinary, nullable=False),
        Column("sealed_seeds", LargeBinary, nullable=False),
        ForeignKeyConstraint(["payload_id"], ["payloads.payload_id"]),
    )
    op.create_table(
        "erasures",
        Column("erasure_id", KEY, primary_key=True),
        Column("position", BigInteger, nullable=False, unique=True),
        Column("targets", Text, nullable=False),
        Column("from_generation", BigInteger, nullable=False),
        Column("to_generation", BigInteger, nullable=False),
        Column("phase", String(200), nullable=False),
        Column("logged_at", BigInteger, nullable=False),
        Column("receipt", LargeBinary, nullable=False),
    )


def _create_delivery_tables() -> None:
    op.create_table("covers", Column("cover_hash", KEY, primary_key=True), Column("cover", LargeBinary, nullable=False))
    op.create_table(
        "envelopes",
        Column("envelope_hash", KEY, primary_key=True),
        Column("sale_id", KEY, nullable=False),
        Column("cover_hash", KEY, nullable=False),
        Column("envelope", LargeBinary, nullable=False),
        Column("sealed_at", BigInteger, nullable=False),
        ForeignKeyConstraint(["cover_hash"], ["covers.cover_hash"]),
    )
    op.create_index("ix_envelopes_sale_id", "envelopes", ["sale_id"])


def _create_intents() -> None:
    op.create_table(
        "intents",
        Column("key", String(200), primary_key=True),
        Column("position", BigInteger, nullable=False, unique=True),
        Column("signer", ACCOUNT, nullable=False),
        Column("to_account", ACCOUNT),
        Column("contract", String(200), nullable=False),
        Column("function", String(200), nullable=False),
        Column("calldata", LargeBinary, nullable=False),
        Column("state", String(200), nullable=False),
        Column("nonce", BigInteger),
        Column("raw", LargeBinary),
        Column("tx_hash", KEY, unique=True),
        Column("block_number", BigInteger),
        Column("block_hash", KEY),
        Column("tx_index", BigInteger),
        Column("gas_used", String(78)),
        Column("status", BigInteger),
        Column("contract_account", ACCOUNT),
        Column("error", String(200)),
    )
    op.create_index("ix_intents_state_position", "intents", ["state", "position"])
    op.create_index("ix_intents_signer_nonce", "intents", ["signer", "nonce"], unique=True)
