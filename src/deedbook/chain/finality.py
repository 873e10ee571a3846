"""Which blocks can no longer change, by how the network agrees: the highest final block number under a tip.

    Finality = (tip) -> number     -1 where no block is final

An instant chain and QBFT are final at once. A Clique block is final when floor(n/2)+1 distinct trusted signers have
sealed descendants of it: then every other branch has fewer signers than it needs to overtake.
"""

from __future__ import annotations

from collections.abc import Callable

Finality = Callable[[int], int]
"""The highest block number that can no longer change, when the newest is this; -1 for none."""


def at_once(tip: int) -> int:
    """Every block is final when it is there: the embedded chain, anvil, QBFT."""
    return tip
