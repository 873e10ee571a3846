"""A history for back-fills: people withdraw, uses are reported and logs are anchored, among everything else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from deedbook.domain.hashing import sha256
from tests import ledger_story as told
from tests.json_chain import JsonChain
from tests.scripted_chain import Call


def batch(number: int) -> Call:
    contract, name, args = told.granted()[0]
    return (contract, name, {**args, "batchId": sha256(b"batch" + bytes([number])), "count": 1_000})


def leaf(number: int, index: int) -> Call:
    args: dict[str, Any] = {"assetId": told.ASSET, "batchId": sha256(b"batch" + bytes([number])), "index": index}
    args |= {"consentId": sha256(b"c%d.%d" % (number, index)), "subject": sha256(b"s%d.%d" % (number, index))[:20]}
    return ("Consents", "LeafEnded", {**args, "cause": 1, "actor": args["subject"], "live": 1_000 - index})


def crowd(seed: int, blocks: int = 90, most: int = 12) -> list[list[Call]]:
    """A history in which people withdraw, uses are reported and logs are anchored, among everything else."""
    drawn = random.Random(seed)
    found: list[list[Call]] = [*told.story(), *told.aside()]
    batches, leaves, uses, size = 1, [0], 0, 1
    found.append([batch(0)])
    for _ in range(blocks):
        calls: list[Call] = []
        for _ in range(drawn.randrange(most)):
            kind = drawn.random()
            if kind < 0.05:
                calls.append(batch(batches))
                batches += 1
                leaves.append(0)
            elif kind < 0.7:
                number = drawn.randrange(batches)
                calls.append(leaf(number, leaves[number]))
                leaves[number] += 1
            elif kind < 0.85:
                calls.append(told.used(sha256(b"metered"), 10_000 + uses, 10_001 + uses, 3, 2**63 + uses))
                uses += 1
            else:
                calls.append(told.anchored(size + 100, size))
                size += 1
        found.append(calls)
    return found


def chain_of(history: Sequence[Sequence[Call]]) -> JsonChain:
    chain = JsonChain()
    for calls in history:
        chain.mine(*calls)
    return chain
