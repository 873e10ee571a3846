"""The tables of the mirror, and which of them are rebuilt byte for byte.

`CANONICAL` lists the tables whose rows follow from the chain alone: no wall-clock time, no counter of ours, nothing
that depends on when or in which ranges the mirror followed. `LOCAL` are the mirror's own books (where it stands, what
it could undo, which heads were proven, what a fork left behind) and are no part of a comparison.

`*_block` columns are block numbers; the time of a block is `blocks.timestamp`. See `records.columns` for the types.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, MetaData, Table

from deedbook.records.columns import account, blob, flag, key32, number, text, wide, word

SCHEMA_VERSION: Final = 3
"""Of the canonical rows (docs/formats.md, format 19). A mirror of another version is rebuilt, never carried over."""

metadata = MetaData()


def _table(name: str, *columns: Column[int] | Column[str] | Column[bytes] | Column[bool], index: str = "") -> Table:
    table = Table(name, metadata, *columns)
    for group in index.split():
        Index(f"ix_{name}_{group.replace(',', '_')}", *(table.c[column] for column in group.split(",")))
    return table


# The chain itself.

blocks = _table(
    "blocks", number("number", primary=True), key32("hash", unique=True), key32("parent_hash"), number("timestamp")
)

logs = _table(
    "logs",
    number("block_number", primary=True),  # of one chain, so that it names the block
    number("log_index", primary=True),
    key32("block_hash"),
    key32("tx_hash"),
    number("tx_index"),
    word("contract"),
    blob("topics"),  # 32 bytes each, one after the other
    blob("data"),
    word("event", null=True),  # None: not decoded, quarantined
)

_UNDECODED = logs.c.event.is_(None)
UNDECODED: Final = Index("ix_logs_undecoded", logs.c.contract, sqlite_where=_UNDECODED, postgresql_where=_UNDECODED)
"""Of next to no rows."""

quarantine = _table(
    "quarantine", key32("block_hash", primary=True), number("log_index", primary=True), word("code"), text("reason")
)

journal_heads = _table(
    "journal_heads",
    word("contract", primary=True),
    Column("entity", blob("entity").type, primary_key=True),  # empty: the contract's own head
    key32("head"),
    number("logs"),
    number("last_block"),
)

# Membership.

participants = _table(
    "participants",
    account("account", primary=True),
    key32("identity"),
    number("state"),
    number("jurisdiction"),
    number("roles"),
    wide("valid_until"),
    text("licences"),
    number("reason"),
    number("encryption_suite"),
    key32("encryption_key"),
    number("admitted_block"),
    number("changed_block"),
)

authorities = _table("authorities", word("contract", primary=True), account("authority"), number("changed_block"))

# Cases.

cases = _table(
    "cases",
    key32("case_id", primary=True),
    key32("target"),
    account("opener"),
    number("kind"),
    key32("document_hash"),
    number("opened_block"),
    account("decider", null=True),
    number("outcome", null=True),
    key32("decision_hash", null=True),
    number("decided_block", null=True),
    index="target",
)

holds = _table(
    "holds",
    key32("target", primary=True),
    account("holder", primary=True),
    flag("active"),
    key32("document_hash"),
    number("held_block"),
    key32("release_hash", null=True),
    number("released_block", null=True),
)

# Attestations.

attestations = _table(
    "attestations",
    key32("target", primary=True),
    number("kind", primary=True),
    account("attester", primary=True),
    number("state"),  # 1 standing, 2 withdrawn
    number("outcome"),
    key32("document_hash"),
    wide("valid_until"),
    number("attested_block"),
    key32("attested_tx"),
    flag("corrected"),
    key32("withdrawal_hash", null=True),
    number("withdrawn_block", null=True),
)

# DataAssets.

assets = _table(
    "assets",
    key32("asset_id", primary=True),
    account("registrant"),
    key32("source_hash"),
    key32("salt"),
    number("kind"),
    number("grade"),
    number("level"),
    flag("personal"),
    text("parents"),
    number("state"),
    number("version"),
    number("registered_block"),
    key32("registered_tx"),
    key32("cancellation_hash", null=True),
    number("cancelled_block", null=True),
)

_DERIVED = assets.c.parents != "[]"
Index("ix_assets_derived", assets.c.asset_id, sqlite_where=_DERIVED, postgresql_where=_DERIVED)

versions = _table(
    "versions",
    key32("asset_id", primary=True),
    number("version", primary=True),
    key32("version_key"),
    key32("content_root"),
    number("record_count"),
    key32("descriptor_hash"),
    number("published_block"),
    key32("published_tx"),
    index="version_key",
)

holdings = _table(
    "holdings", key32("asset_id", primary=True), account("holder"), account("approved"), number("changed_block")
)

transfers = _table(
    "transfers",
    key32("block_hash", primary=True),
    number("log_index", primary=True),
    key32("asset_id"),
    account("from_account"),
    account("to_account"),
    number("block_number"),
    key32("tx_hash"),
    index="asset_id",
)

asset_operators = _table(
    "asset_operators",
    account("owner", primary=True),
    account("operator", primary=True),
    flag("approved"),
    number("changed_block"),
)

# Consents.

batches = _table(
    "batches",
    key32("batch_id", primary=True),
    key32("asset_id"),
    account("collector"),
    key32("root"),
    number("count"),
    account("controller"),
    account("recipient"),
    number("recipient_class"),
    number("purpose"),
    number("modes"),
    flag("cross_border"),
    key32("notice_hash"),
    wide("valid_from"),
    wide("valid_until"),
    key32("manifest_hash"),
    flag("direct"),
    number("withdrawn"),  # leaves that ended, for whatever reason
    number("version"),  # of the binding it was last bound to; 0 none
    number("granted_block"),
    key32("granted_tx"),
    index="asset_id",
)

direct_grants = _table(
    "direct_grants",
    key32("batch_id", primary=True),
    key32("consent_id"),
    account("subject"),
    key32("record_commit"),
    key32("statement_hash"),
    key32("salt"),
    index="consent_id",
)

bindings = _table(
    "bindings",
    key32("asset_id", primary=True),
    number("version", primary=True),
    key32("batch_id", primary=True),
    number("record_offset"),
    number("count"),
    number("withdrawn_before"),
    account("auditor"),
    number("bound_block"),
    key32("bound_tx"),
    index="batch_id",
)

closed_bindings = _table(
    "closed_bindings",
    key32("asset_id", primary=True),
    number("version", primary=True),
    number("record_count"),
    number("live"),  # when it closed
    number("closed_block"),
    key32("closed_tx"),
)

leaves_ended = _table(
    "leaves_ended",
    key32("batch_id", primary=True),
    number("leaf_index", primary=True),
    key32("asset_id"),
    key32("consent_id"),
    account("subject"),
    number("cause"),
    account("actor"),
    number("live"),
    number("ended_block"),
    key32("ended_tx"),
    index="asset_id consent_id subject",
)

challenges = _table(
    "challenges",
    key32("block_hash", primary=True),
    number("log_index", primary=True),
    key32("asset_id"),
    key32("batch_id"),
    key32("consent_id"),
    account("collector"),
    number("field"),
    number("block_number"),
    index="batch_id",
)

marks = _table(
    "marks",
    key32("consent_id", primary=True),
    key32("asset_id", primary=True),
    account("subject", primary=True),
    account("collector"),
    number("state"),  # 1 pending, 2 applied, 3 dismissed
    number("marked_block"),
    key32("marked_tx"),
    account("resolver", null=True),
    number("resolved_block", null=True),
    index="asset_id",
)

# Market.

policies = _table(
    "policies",
    number("kind", primary=True),
    number("grade", primary=True),
    number("to_list"),
    number("to_order"),
    number("modes"),
    number("set_block"),
)

offers = _table(
    "offers",
    key32("offer_id", primary=True),
    key32("asset_id"),
    account("provider"),
    number("version"),
    key32("version_key"),
    number("mode"),
    number("purpose"),
    wide("price"),  # the sum of its lines
    word("currency"),
    wide("valid_until"),
    text("offer"),  # the whole of it, canonical JSON
    number("state"),
    number("listed_block"),
    number("listed_index"),
    key32("listed_tx"),
    number("closed_block", null=True),
    index="asset_id listed_block,listed_index",
)

sales = _table(
    "sales",
    key32("sale_id", primary=True),
    key32("offer_id"),
    key32("asset_id"),
    number("version"),
    account("buyer"),
    key32("reference"),
    wide("price"),
    word("currency"),
    text("attesters"),
    number("state"),
    number("live_at_order"),
    number("ordered_block"),
    number("ordered_index"),
    account("settler", null=True),
    key32("payment_receipt", null=True),
    number("live_at_prepare", null=True),
    number("prepared_block", null=True),
    key32("envelope_hash", null=True),
    key32("cover_hash", null=True),
    number("delivered_count", null=True),
    number("delivered_block", null=True),
    account("accepted_by", null=True),
    flag("accepted_by_timeout", null=True),
    index="asset_id offer_id buyer ordered_block,ordered_index",
)

sale_steps = _table(
    "sale_steps",
    key32("block_hash", primary=True),
    number("log_index", primary=True),
    key32("sale_id"),
    word("event"),
    account("actor", null=True),
    number("block_number"),
    key32("tx_hash"),
    index="sale_id",
)

# Revenue.

settlements = _table(
    "settlements",
    key32("sale_id", primary=True),
    key32("asset_id"),
    number("certificate", unique=True),
    word("currency"),
    wide("price"),
    wide("carry_in"),
    wide("exchange_share"),
    wide("provider_share"),
    text("intermediary_shares"),
    wide("per_head"),
    number("delivered_count"),
    wide("carry_out"),
    number("paid_up_to"),
    number("settled_block"),
    key32("settled_tx"),
    index="asset_id",
)

payouts = _table(
    "payouts",
    key32("sale_id", primary=True),
    number("from_ordinal", primary=True),
    number("to_ordinal"),
    wide("total"),
    word("currency"),
    account("settler"),
    key32("receipt_hash"),
    number("paid_block"),
    key32("paid_tx"),
)

# Since version 2: whom this deployment follows, and its end.

predecessors = _table(
    "predecessors",
    number("place", primary=True),  # in order of deployment
    wide("chain_id"),
    account("contract"),
    key32("head"),
    number("succeeded_block"),
)

closings = _table(
    "closings",
    key32("document_hash", primary=True),
    number("closes_at"),
    number("announced_block"),
    key32("announced_tx"),
)

# Since version 2: what a registration said before and after a change, and the rights granted on.

asset_changes = _table(
    "asset_changes",
    key32("block_hash", primary=True),
    number("log_index", primary=True),
    key32("asset_id"),
    account("holder"),
    key32("source_hash"),
    number("grade"),
    number("level"),
    key32("document_hash"),
    number("block_number"),
    key32("tx_hash"),
    index="asset_id",
)

rights = _table(
    "rights",
    key32("asset_id", primary=True),
    account("account", primary=True),
    number("right", primary=True),
    account("grantor"),
    number("modes"),
    number("purposes"),
    wide("valid_until"),
    key32("document_hash"),
    number("granted_block"),
    number("granted_index"),
    key32("granted_tx"),
    account("ended_by", null=True),
    key32("end_hash", null=True),
    number("ended_block", null=True),
    index="account",
)

right_steps = _table(
    "right_steps",
    key32("block_hash", primary=True),
    number("log_index", primary=True),
    key32("asset_id"),
    account("account"),
    number("right"),
    word("event"),
    account("actor"),
    key32("document_hash"),
    number("block_number"),
    key32("tx_hash"),
    index="asset_id",
)

# Since version 2: disputes, money that went back, and who is paid later.

disputes = _table(
    "disputes",
    key32("sale_id", primary=True),
    account("buyer"),
    key32("document_hash"),
    number("disputed_block"),
    key32("disputed_tx"),
    account("decider", null=True),
    number("outcome", null=True),
    key32("decision_hash", null=True),
    number("decided_block", null=True),
    key32("decided_tx", null=True),
)

refunds = _table(
    "refunds",
    key32("sale_id", primary=True),
    key32("receipt_hash", primary=True),
    account("settler"),
    wide("amount"),
    wide("refunded"),  # of the sale so far, with this one
    word("currency"),
    number("refunded_block"),
    number("refunded_index"),
    key32("refunded_tx"),
)

deferred_lists = _table(
    "deferred_lists",
    key32("sale_id", primary=True),
    number("list", primary=True),
    number("parent"),  # the list whose places stand on this one; 0: the delivered ordinals
    number("from_place"),  # of the parent
    number("to_place"),
    key32("root"),
    number("count"),
    number("paid_up_to"),  # its places below are paid, or on a list of their own
    number("opened_block"),
    number("opened_index"),
    key32("opened_tx"),
)

deferred_payouts = _table(
    "deferred_payouts",
    key32("sale_id", primary=True),
    number("list", primary=True),
    number("from_place", primary=True),
    number("to_place"),
    wide("total"),
    word("currency"),
    account("settler"),
    key32("receipt_hash"),
    number("paid_block"),
    key32("paid_tx"),
)

bounces = _table(
    "bounces",
    key32("sale_id", primary=True),
    key32("receipt_hash", primary=True),
    number("list"),  # whose payments came back
    number("count"),
    wide("total"),
    word("currency"),
    account("settler"),
    number("bounced_block"),
    number("bounced_index"),
    key32("bounced_tx"),
)

# Since version 2: Usage and AnchorLog.

usage_reports = _table(
    "usage_reports",
    key32("sale_id", primary=True),
    number("from_time", primary=True),
    number("to_time"),
    account("provider"),
    account("gateway"),
    wide("count"),
    wide("used"),  # of the sale so far, with these
    key32("receipts_root"),
    number("reported_block"),
    key32("reported_tx"),
)

checkpoints = _table(
    "checkpoints",
    key32("block_hash", primary=True),
    number("log_index", primary=True),
    account("exchange"),
    wide("size"),
    key32("root"),
    wide("former_size"),
    number("block_number"),
    key32("tx_hash"),
    index="exchange,block_number",
)

FIRST: Final[tuple[Table, ...]] = (
    blocks,
    logs,
    quarantine,
    journal_heads,
    participants,
    authorities,
    cases,
    holds,
    attestations,
    assets,
    versions,
    holdings,
    transfers,
    asset_operators,
    batches,
    direct_grants,
    bindings,
    closed_bindings,
    leaves_ended,
    challenges,
    marks,
    policies,
    offers,
    sales,
    sale_steps,
    settlements,
    payouts,
)
"""The tables of version 1, in its order."""

SECOND: Final[tuple[Table, ...]] = (
    predecessors,
    closings,
    asset_changes,
    rights,
    right_steps,
    disputes,
    refunds,
    deferred_lists,
    deferred_payouts,
    bounces,
    usage_reports,
    checkpoints,
)
"""The tables that version 2 adds."""

CANONICAL: Final[tuple[Table, ...]] = FIRST + SECOND
"""The tables that a rebuild compares, in this order."""

# The mirror's own books.

meta = _table("meta", word("name", primary=True), text("value"))

cursor = _table("cursor", number("one", primary=True), number("number"), key32("hash"), number("final_number"))

proven_heads = _table(
    "proven_heads",
    word("contract", primary=True),
    Column("entity", blob("entity").type, primary_key=True),
    key32("head"),
    number("block_number"),
    key32("block_hash"),
)

undo = _table(
    "undo",
    number("block_number", primary=True),
    number("step", primary=True),
    word("table_name"),
    text("key"),
    text("before", null=True),  # None: there was no row
)

orphan_blocks = _table(
    "orphan_blocks",
    key32("hash", primary=True),
    number("number"),
    key32("parent_hash"),
    number("timestamp"),
)

orphan_logs = _table(
    "orphan_logs",
    key32("block_hash", primary=True),
    number("log_index", primary=True),
    number("block_number"),
    key32("tx_hash"),
    number("tx_index"),
    word("contract"),
    blob("topics"),
    blob("data"),
    word("event", null=True),
)

checks = _table(
    "checks",
    word("way", primary=True),  # RECEIPTS or NODES
    number("from_number"),  # checked from this block on without a gap; -1: none yet
    number("to_number"),
    key32("to_hash"),
    number("refused_number", null=True),  # the last block for which the node gave no receipts
)

RECEIPTS: Final = "receipts"
"""Our logs of the blocks are those that the headers bind, by bloom or by receipts root."""

NODES: Final = "nodes"
"""Two nodes or more named the same hash for the last of these blocks."""

LOCAL: Final[tuple[Table, ...]] = (meta, cursor, proven_heads, undo, orphan_blocks, orphan_logs, checks)
"""The tables that are the mirror's own and no copy of the chain. One that an earlier release did not have is added when
a mirror is opened."""
