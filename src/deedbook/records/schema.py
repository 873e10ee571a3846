"""The tables of the records as of the newest migration. See `columns` for the types.

A test compares this with what the migrations make.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, MetaData, Table, false
from sqlalchemy import text as sql

from deedbook.records.columns import account, blob, flag, key32, number, text, wide, word

HEAD: Final = "0014"
"""The newest migration."""

metadata = MetaData()

documents = Table(
    "documents",
    metadata,
    key32("hash", primary=True),  # SHA-256 of the content
    word("kind"),
    word("media_type"),
    blob("content"),
    number("added_at"),
)

batches = Table(
    "batches",
    metadata,
    key32("batch_id", primary=True),
    number("position", unique=True),
    key32("asset_id"),
    key32("root"),
    number("count"),
    text("terms"),
    key32("manifest"),
    Index("ix_batches_asset_id", "asset_id"),
)

consents = Table(
    "consents",
    metadata,
    key32("consent_id", primary=True),
    key32("asset_id"),
    account("subject"),
    word("state"),  # staged, pending, anchored, withdrawn
    Column("batch_id", key32("batch_id").type, ForeignKey("batches.batch_id"), nullable=True),
    number("leaf_index", null=True),
    number("collected_at"),
    number("valid_until", null=True),  # none: in a row of an earlier release that nobody opened since
    Index("ix_consents_asset_id_state", "asset_id", "state"),
    Index("ix_consents_subject", "subject"),
    Index("ix_consents_batch_id_leaf_index", "batch_id", "leaf_index", unique=True),
)

consent_documents = Table(
    "consent_documents",
    metadata,
    Column("consent_id", key32("consent_id").type, ForeignKey("consents.consent_id"), primary_key=True),
    blob("sealed"),  # the signed consent's canonical JSON, sealed
    blob("receipt"),  # the collector's answer (or, by earlier releases, its whole receipt) in canonical JSON, sealed
)

members = Table(
    "members",
    metadata,
    account("account", primary=True),
    word("label"),  # for the operator's eyes only
    number("suite"),
    blob("public_key"),
    key32("commitment"),
)

payloads = Table(
    "payloads",
    metadata,
    key32("payload_id", primary=True),
    key32("asset_id"),
    number("version"),
    number("count"),
    key32("content_root", unique=True),
    word("object_key"),
    number("created_at"),
)

payload_keys = Table(
    "payload_keys",
    metadata,
    Column("payload_id", key32("payload_id").type, ForeignKey("payloads.payload_id"), primary_key=True),
    number("epoch"),
    number("generation"),
    blob("wrapped_key"),
    blob("sealed_seeds"),
)

erasures = Table(
    "erasures",
    metadata,
    key32("erasure_id", primary=True),
    number("position", unique=True),
    text("targets"),  # canonical JSON
    number("from_generation"),
    number("to_generation"),
    word("phase"),  # logged, switched, done
    number("logged_at"),
    blob("receipt"),
)

deferred_lists = Table(
    "deferred_lists",
    metadata,
    key32("root", primary=True),
    blob("places"),  # u64 big-endian each, ascending
    number("kept_at"),
)

payees = Table(
    "payees",
    metadata,
    number("position", primary=True),  # in the order in which they were named; a consent's last one counts
    key32("consent_id"),
    number("named_at"),  # as it was signed
    number("kept_at"),
    blob("sealed"),  # the signed payee's canonical JSON, sealed
    Index("ix_payees_consent_id_position", "consent_id", "position"),
)

bank_batches = Table(
    "bank_batches",
    metadata,
    key32("sale_id", primary=True),
    number("number", primary=True),  # of the sale's, from 1
    number("list"),
    number("first"),
    number("end"),
    number("deferred_count"),
    key32("deferred_root"),
    wide("total"),
    number("payees"),  # position of the newest payee that it knew
    number("made_at"),
    Index("ix_bank_batches_sale_id_list_first", "sale_id", "list", "first", unique=True),
)

covers = Table("covers", metadata, key32("cover_hash", primary=True), blob("cover"))

envelopes = Table(
    "envelopes",
    metadata,
    key32("envelope_hash", primary=True),
    key32("sale_id"),
    Column("cover_hash", key32("cover_hash").type, ForeignKey("covers.cover_hash"), nullable=False),
    blob("envelope"),
    number("sealed_at"),
    Index("ix_envelopes_sale_id", "sale_id"),
)

intents = Table(
    "intents",
    metadata,
    word("key", primary=True),
    number("position", unique=True),
    account("signer"),
    account("to_account", null=True),
    word("contract"),
    word("function"),
    blob("calldata"),
    word("state"),  # queued, submitted, mined, final, failed
    number("nonce", null=True),
    blob("raw", null=True),
    key32("tx_hash", null=True, unique=True),
    number("block_number", null=True),
    key32("block_hash", null=True),
    number("tx_index", null=True),
    wide("gas_used", null=True),
    number("status", null=True),
    account("contract_account", null=True),
    word("error", null=True),
    flag("judged", server_default=false()),
    text("refusal", null=True),  # JSON: why it had no effect, where it is known
    Index("ix_intents_state_signer_position", "state", "signer", "position"),
    Index("ix_intents_signer_nonce", "signer", "nonce", unique=True),
)

attempts = Table(
    "attempts",
    metadata,
    key32("tx_hash", primary=True),  # what was replaced, or fills a gap; the newest attempt is in the intent's row
    account("signer"),
    number("nonce"),
    Column("key", word("key").type, ForeignKey("intents.key"), nullable=True),  # none: it fills a gap
    blob("raw"),
    Index("ix_attempts_signer_nonce", "signer", "nonce"),
    Index("ix_attempts_key", "key"),
)

leases = Table(
    "leases",
    metadata,
    account("signer", primary=True),
    word("owner"),
    number("token"),  # grows with every change of hands
    number("beat"),  # grows with every renewal
    number("until"),  # Unix milliseconds by the owner's clock
    number("next_nonce"),  # the nonce ledger: none below is assigned again
)

counters = Table("counters", metadata, word("name", primary=True), number("next"))

relayed_acts = Table(
    "relayed_acts",
    metadata,
    word("key", primary=True),
    number("position", unique=True),
    key32("digest", unique=True),  # EIP-712 digest of the request
    account("signer"),
    number("nonce"),
    blob("document"),  # the signed request's canonical JSON
    word("state"),  # waiting, done, failed, refused, void
    account("relayer", null=True),
    word("carrier", null=True),  # key of the intent that carries it
    number("claimed_until", null=True),
    number("attempts"),
    number("seen_block"),
    key32("tx_hash", null=True),
    number("block_number", null=True),
    key32("block_hash", null=True),
    number("success", null=True),
    text("refusal", null=True),  # JSON
    Index("ix_relayed_acts_signer_nonce", "signer", "nonce"),
    Index("ix_relayed_acts_carrier", "carrier"),
    Index(
        "ix_relayed_acts_waiting",
        "signer",
        "nonce",
        unique=True,
        sqlite_where=sql("state = 'waiting'"),
        postgresql_where=sql("state = 'waiting'"),
    ),
)

operations = Table(
    "operations",
    metadata,
    key32("operation_id", primary=True),  # SHA-256 of the intent's key
    word("kind"),
    word("intent"),  # key of the intent that it is a view of
    text("about"),  # canonical JSON: what is shown beside the intent's state
    number("made_at"),
    Index("ix_operations_intent", "intent"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    key32("key_hash", primary=True),  # SHA-256 of the key that came with the request
    key32("request_hash"),
    number("made_at"),
    word("owner"),  # who is at it, and in which life
    word("life"),
    number("until"),  # Unix seconds; nobody is at it after that
    key32("operation_id", null=True),  # of `operations` or of a relayed act
    blob("answer", null=True),  # the answer's body, sealed
    Index("ix_idempotency_keys_made_at", "made_at"),
)

anchor_logs = Table(
    "anchor_logs",
    metadata,
    account("exchange", primary=True),
    number("size"),
    number("stated"),  # the size that is anchored, or on its way to be
    number("waiting_since", null=True),  # when the first entry after that came; none where there is none
)

anchor_tiles = Table(
    "anchor_tiles",
    metadata,
    account("exchange", primary=True),
    number("level", primary=True),
    number("position", primary=True),
    blob("hashes"),  # up to 256 of 32 bytes; they are added to, and never change
)

anchor_leaves = Table(
    "anchor_leaves",
    metadata,
    account("exchange", primary=True),
    key32("leaf_hash", primary=True),
    number("place"),
    sqlite_with_rowid=False,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", LargeBinary, primary_key=True),  # 8 bytes, public
    number("position", unique=True),
    key32("secret_hash"),
    word("name"),
    account("account"),
    word("scopes"),  # their words, by spaces, in order
    number("made_at"),
    number("ends_at", null=True),
    number("revoked_at", null=True),
    number("used_at", null=True),  # to the minute
    blob("former", null=True),  # the key that it takes the place of
)

sessions = Table(
    "sessions",
    metadata,
    key32("token_hash", primary=True),
    account("account"),
    word("scopes"),
    number("made_at"),
    number("ends_at"),
    Index("ix_sessions_ends_at", "ends_at"),
)

used_nonces = Table(
    "used_nonces",
    metadata,
    key32("nonce_hash", primary=True),
    number("ends_at"),  # when it is too old by itself
    Index("ix_used_nonces_ends_at", "ends_at"),
)

operation_owners = Table(
    "operation_owners",
    metadata,
    key32("operation_id", primary=True),  # of `operations` or of a relayed act
    account("account", primary=True),  # who handed it over
)

personal_reads = Table(
    "personal_reads",
    metadata,
    number("position", primary=True),
    number("at"),
    word("means"),
    word("reference"),
    word("kind"),
    key32("matter"),  # a commitment to what was read
    word("request"),
    Index("ix_personal_reads_matter_position", "matter", "position"),
)

complaints = Table(
    "complaints",
    metadata,
    key32("complaint_id", primary=True),
    number("position", unique=True),
    account("subject"),
    blob("sealed"),  # the complaint's canonical JSON, sealed
    Index("ix_complaints_subject", "subject"),
)

legal_identities = Table(
    "legal_identities",
    metadata,
    account("account", primary=True),
    key32("commitment"),  # as it is on chain
    blob("sealed"),  # salt(32) and the legal identity's canonical JSON, sealed
)

webhooks = Table(
    "webhooks",
    metadata,
    word("hook_id", primary=True),
    number("position", unique=True),
    blob("sealed"),  # URL and secrets in canonical JSON, sealed
    text("wanted"),  # canonical JSON: the filter
    word("state"),  # active, disabled
    word("reason", null=True),
    number("block_number"),  # where it stands among the events
    key32("block_hash", null=True),  # none: before block 0
    number("told"),
    number("next_number"),  # of its messages
    number("delivered"),
    number("made_at"),
    word("owner", null=True),  # who delivers, until when
    number("until", null=True),  # Unix seconds
)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column("hook_id", word("hook_id").type, ForeignKey("webhooks.hook_id"), primary_key=True),
    number("number", primary=True),
    word("type"),
    blob("lanes"),  # 32 bytes each
    blob("body"),
    word("state"),  # waiting, dead
    number("tries"),
    number("due_at"),
    number("made_at"),
    word("failure", null=True),
    number("status", null=True),
    Index("ix_webhook_messages_hook_id_state_number", "hook_id", "state", "number"),
)

shifts = Table(
    "shifts",
    metadata,
    word("work", primary=True),
    word("owner"),
    number("until"),  # Unix seconds
    number("done"),  # how far the work is; what that counts is the work's own matter
)

steps = Table(
    "steps",
    metadata,
    word("story", primary=True),
    word("step", primary=True),
    number("position"),
    text("facts"),  # canonical JSON
)
