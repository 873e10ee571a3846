"""Which blocks can no longer change, by how the network agrees: the highest final block number under a tip.

    Finality = (tip) -> number     -1 where no block is final

An instant chain and QBFT are final at once. A Clique block is final when floor(n/2)+1 distinct trusted signers have
sealed descendants of it. That is an assumption about delays, not a proof: Clique signers may change branches, and where
messages take longer than a block, a node was seen to give up a block upon which three of four had built
(`make test-network`, "slow links"). Whoever denies a final block is refused, never followed; QBFT has no such case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from deedbook.chain.client import Node, NodeError
from deedbook.chain.proofs import Header, decode_header, encode_header
from deedbook.chain.seals import Recover, clique_final
from deedbook.domain.validators import Validators
from deedbook.errors import ChainUnavailable, DeedbookError, EvidenceMissing, IntegrityError, InvalidFormat

Finality = Callable[[int], int]
"""The highest block number that can no longer change, when the newest is this; -1 for none."""

MOST_DESCENDANTS: Final = 1024
"""How far below the tip a final block is looked for."""


def at_once(tip: int) -> int:
    """Every block is final when it is there: the embedded chain, anvil, QBFT."""
    return tip


class CliqueFinality:
    """What is final on a Clique network, as a node tells its headers and `validators` says who may seal them.

    Where the list does not speak, or a seal is a stranger's, nothing more becomes final and `doubt` says why: the
    operator names the new signers, and nobody else does.
    """

    def __init__(self, node: Node, validators: Validators, recover: Recover) -> None:
        self._node = node
        self._validators = validators
        self._recover = recover
        self._known = -1
        self.doubt: DeedbookError | None = None

    def __call__(self, tip: int) -> int:
        """The highest final block; what was final once stays so. Raises ChainUnavailable."""
        try:
            found = clique_final(self._down_from(tip), self._validators, self._recover)
        except (EvidenceMissing, IntegrityError, InvalidFormat) as reason:
            self.doubt = reason
        else:
            self.doubt = None
            self._known = max(self._known, -1 if found is None else found)
        return min(self._known, tip)

    def _down_from(self, tip: int) -> Iterator[Header]:
        """The headers from the tip down, as many in one exchange as a block of now needs."""
        step = max(len(span.accounts) for span in self._validators.spans) // 2 + 2
        for high in range(tip, max(-1, tip - MOST_DESCENDANTS), -step):
            numbers = range(high, max(-1, high - step), -1)
            answers = self._node.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
            for number, answer in zip(numbers, answers, strict=True):
                yield _header(number, answer)


def _header(number: int, answer: Any) -> Header:
    if answer is None or isinstance(answer, NodeError):
        raise ChainUnavailable(f"the node has no block {number} below its own tip", block=number)
    header = decode_header(encode_header(answer), "clique")
    if header.number != number:
        raise IntegrityError(f"the node gives block {header.number} for block {number}", block=number)
    return header
