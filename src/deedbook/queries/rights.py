"""Rights in an asset: to whom its holder licensed it, what of that stands, and who may operate it.

Whether a right lives is the contract's to say; what is shown here follows from the same events (see grantRight in
IDataAssets): it lives in its term, while nobody ended it, while the asset is neither cancelled nor transferred since it
was granted, and while the PROCESS right that it was granted from stands as it stood then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, and_, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import MODES_ALL, AssetState, Mode, Purpose, Right, bits_in
from deedbook.mirror.schema import assets, holdings, right_steps, transfers
from deedbook.mirror.schema import rights as table
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import Page, View, code_of

BY_ASSET: Final = Keyset("rights", table.c.asset_id, table.c.right)
IN_ORDER: Final = Keyset("right steps", right_steps.c.block_number, right_steps.c.log_index)


@dataclass(frozen=True)
class RightView(View):
    """The right that was granted last to an account. `stands`: neither ended, nor is what it rests on; it lives while
    it stands, up to and including `valid_until` (Unix seconds)."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "valid_until"})

    asset_id: int
    account: bytes
    right: Right | int
    grantor: bytes
    modes: Mode
    purposes: tuple[Purpose | int, ...]
    valid_until: int
    stands: bool
    document_hash: bytes
    granted_at: int
    granted_block: int
    granted_tx: bytes
    ended_by: bytes | None
    end_hash: bytes | None
    ended_block: int | None

    def is_live(self, now: int) -> bool:
        """Whether it stands and its term is not over at `now`."""
        return self.stands and now <= self.valid_until


@dataclass(frozen=True)
class RightStep(View):
    """A grant or an end: `actor` is the grantor, or whoever ended it."""

    event: str
    account: bytes
    right: Right | int
    actor: bytes
    document_hash: bytes
    at: int
    block: int
    tx: bytes


@dataclass(frozen=True)
class OperatorView(View):
    """An account that may operate an asset, and how far; `valid_until` None: no term, for it holds the asset."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"valid_until"})

    account: bytes
    holds: bool
    grantor: bytes | None
    modes: Mode
    purposes: tuple[Purpose | int, ...] | None
    valid_until: int | None


def rights(mirror: Reading, asset_id: int) -> tuple[RightView, ...]:
    """The rights in an asset that were granted, live or not, by account and right."""
    with mirror.reading() as connection:
        return rights_in(connection, asset_key(asset_id))


def rights_of(mirror: Reading, account: bytes, *, limit: int = 100, after: str | None = None) -> Page[RightView]:
    """The rights that were granted to an account (20 bytes), by asset and right. Raises InvalidInput."""
    query = select(table).where(table.c.account == account)
    with mirror.reading() as connection:
        return BY_ASSET.page(connection, query, lambda row: _right(connection, row), limit=limit, after=after)


def steps(mirror: Reading, asset_id: int, *, limit: int = 100, after: str | None = None) -> Page[RightStep]:
    """Every grant and every end of a right in an asset, oldest first. Raises InvalidInput."""
    query = select(right_steps).where(right_steps.c.asset_id == asset_key(asset_id))
    with mirror.reading() as connection:
        return IN_ORDER.page(connection, query, lambda row: _step(connection, row), limit=limit, after=after)


def operators(
    mirror: Reading, asset_id: int, now: int, *, mode: int | None = None, purpose: int | None = None
) -> tuple[OperatorView, ...]:
    """Who may operate an asset at `now`, the holder first; with `mode` (one bit) and `purpose`, only who may in those.

    Nobody may operate an asset that is cancelled, or unknown.
    """
    key = asset_key(asset_id)
    with mirror.reading() as connection:
        holder = _holder(connection, key)
        licensed = rights_in(connection, key)
    if holder is None:
        return ()
    return (
        OperatorView(holder, True, None, Mode(MODES_ALL), None, None),
        *(
            OperatorView(each.account, False, each.grantor, each.modes, each.purposes, each.valid_until)
            for each in licensed
            if each.right is Right.OPERATE
            and each.account != holder
            and each.is_live(now)
            and (mode is None or mode & ~int(each.modes) == 0)
            and (purpose is None or purpose in each.purposes)
        ),
    )


def rights_in(connection: Connection, key: bytes) -> tuple[RightView, ...]:
    """As `rights`, in a transaction that is open."""
    query = select(table).where(table.c.asset_id == key).order_by(table.c.account, table.c.right)
    return tuple(_right(connection, row) for row in many(connection, query))


def _step(connection: Connection, row: Mapping[str, Any]) -> RightStep:
    return RightStep(
        event=row["event"],
        account=row["account"],
        right=code_of(Right, row["right"]),
        actor=row["actor"],
        document_hash=row["document_hash"],
        at=time_of(connection, row["block_number"]),
        block=row["block_number"],
        tx=row["tx_hash"],
    )


def _right(connection: Connection, row: Mapping[str, Any]) -> RightView:
    return RightView(
        asset_id=int.from_bytes(row["asset_id"], "big"),
        account=row["account"],
        right=code_of(Right, row["right"]),
        grantor=row["grantor"],
        modes=Mode(row["modes"]),
        purposes=tuple(code_of(Purpose, bit.bit_length() - 1) for bit in bits_in(row["purposes"])),
        valid_until=int(row["valid_until"]),
        stands=_stands(connection, row),
        document_hash=row["document_hash"],
        granted_at=time_of(connection, row["granted_block"]),
        granted_block=row["granted_block"],
        granted_tx=row["granted_tx"],
        ended_by=row["ended_by"],
        end_hash=row["end_hash"],
        ended_block=row["ended_block"],
    )


def _stands(connection: Connection, row: Mapping[str, Any]) -> bool:
    holder = _holder(connection, row["asset_id"])
    if holder is None or row["ended_by"] is not None or _last_transfer(connection, row["asset_id"]) > _place(row):
        return False
    if row["grantor"] == holder:
        return True
    of_grantor = and_(table.c.asset_id == row["asset_id"], table.c.account == row["grantor"])
    source = one(connection, select(table).where(and_(of_grantor, table.c.right == int(Right.PROCESS))))
    return source is not None and source["ended_by"] is None and _place(source) < _place(row)


def _place(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["granted_block"], row["granted_index"]


def _last_transfer(connection: Connection, key: bytes) -> tuple[int, int]:
    query = select(transfers.c.block_number, transfers.c.log_index).where(transfers.c.asset_id == key)
    row = one(connection, query.order_by(transfers.c.block_number.desc(), transfers.c.log_index.desc()))
    return (-1, -1) if row is None else (row["block_number"], row["log_index"])


def _holder(connection: Connection, key: bytes) -> bytes | None:
    """Who holds an asset that is registered and not cancelled."""
    query = select(holdings.c.holder).join(assets, assets.c.asset_id == holdings.c.asset_id)
    row = one(connection, query.where(and_(assets.c.asset_id == key, assets.c.state == int(AssetState.REGISTERED))))
    return None if row is None else bytes(row["holder"])
