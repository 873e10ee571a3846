"""What a hash, an identifier or a number names on the ledger: looked up by indexes alone, never by a scan.

Nobody is found here: the account of a person is no key of any list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Column, Connection, Table, select

from deedbook.mirror import schema
from deedbook.queries.rows import Reading, many, one
from deedbook.queries.views import View

MOST_FOUND: Final = 50
"""The most places that one question gives."""


@dataclass(frozen=True)
class FoundView(View):
    """Something of the kind `noun`, and the identifiers that its page is asked for by."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id"})

    noun: str
    key: bytes | None = None
    asset_id: int | None = None
    number: int | None = None


_KEYS: Final[tuple[tuple[str, Table, Column[Any]], ...]] = (
    ("offer", schema.offers, schema.offers.c.offer_id),
    ("sale", schema.sales, schema.sales.c.sale_id),
    ("batch", schema.batches, schema.batches.c.batch_id),
    ("case", schema.cases, schema.cases.c.case_id),
    ("consent", schema.leaves_ended, schema.leaves_ended.c.consent_id),
    ("consent", schema.direct_grants, schema.direct_grants.c.consent_id),
)


def named_by_key(mirror: Reading, key: bytes) -> tuple[FoundView, ...]:
    """What 32 bytes name: an asset, a version, a batch, a consent that the chain names, an offer, a sale, a case, a
    block, or what attestations are about."""
    with mirror.reading() as connection:
        return tuple(dict.fromkeys(_by_key(connection, key)))


def named_by_account(mirror: Reading, account: bytes) -> tuple[FoundView, ...]:
    """The member with this account (20 bytes)."""
    with mirror.reading() as connection:
        found = _has(connection, schema.participants, schema.participants.c.account, account)
    return (FoundView("member", account),) if found else ()


def named_by_number(mirror: Reading, number: int) -> tuple[FoundView, ...]:
    """What a whole number names: a block, the sale of a certificate; an asset by its identifier in decimal."""
    found: list[FoundView] = []
    with mirror.reading() as connection:
        if number < 2**63:
            if _has(connection, schema.blocks, schema.blocks.c.number, number):
                found.append(FoundView("block", number=number))
            settled = select(schema.settlements).where(schema.settlements.c.certificate == number)
            found += [FoundView("sale", row["sale_id"]) for row in many(connection, settled)]
        if number < 2**256:
            found += _assets(connection, number.to_bytes(32, "big"))
    return tuple(found)


def described_by(mirror: Reading, descriptors: Sequence[bytes]) -> tuple[FoundView, ...]:
    """The assets of which a version has one of these descriptors (hashes of 32 bytes), each once."""
    query = select(schema.versions.c.asset_id).where(schema.versions.c.descriptor_hash.in_(descriptors)).distinct()
    with mirror.reading() as connection:
        return tuple(_asset(row["asset_id"]) for row in many(connection, query.limit(MOST_FOUND)))


def _by_key(connection: Connection, key: bytes) -> Iterator[FoundView]:
    yield from _assets(connection, key)
    version = one(connection, select(schema.versions).where(schema.versions.c.version_key == key))
    if version is not None:
        yield _asset(version["asset_id"])
    for noun, table, column in _KEYS:
        if _has(connection, table, column, key):
            yield FoundView(noun, key)
    block = one(connection, select(schema.blocks).where(schema.blocks.c.hash == key))
    if block is not None:
        yield FoundView("block", number=block["number"])
    if _has(connection, schema.attestations, schema.attestations.c.target, key):
        yield FoundView("attestations", key)


def _assets(connection: Connection, key: bytes) -> Iterator[FoundView]:
    if _has(connection, schema.assets, schema.assets.c.asset_id, key):
        yield _asset(key)


def _asset(key: bytes) -> FoundView:
    return FoundView("asset", asset_id=int.from_bytes(key, "big"))


def _has(connection: Connection, table: Table, column: Column[Any], value: bytes | int) -> bool:
    return one(connection, select(column).select_from(table).where(column == value).limit(1)) is not None
