"""The chain's newest blocks, followed by parent hash: what came, what was forked away, and receipts by block.

    advance():  same      the newest block is the one we know: nothing
                behind    the node shows an older block that we know: it lags, nothing
                next      new blocks, each the child of the one before
                fork      another block where we know one: back to the last block in common; what was above is gone

What this file refuses to know: whose transactions those are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deedbook.chain.client import Node, NodeError
from deedbook.domain.hashing import from_hex
from deedbook.domain.intents import Mined
from deedbook.errors import ChainUnavailable, InvalidInput

AT_ONCE: Final = 32
"""How many blocks are asked for in one batch."""
REMEMBERED: Final = 256
"""How many blocks are remembered at the least: the deepest fork that is unwound without asking for each block."""
_FEW: Final = 4
"""Up to how many receipts of a block are asked for one by one."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block as the node names it; `transactions` are hashes as 0x-hex text, `base_fee` is None before London."""

    number: int
    hash: bytes
    parent: bytes
    base_fee: int | None
    transactions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What came since the last look, oldest first, and the hashes of blocks that are no longer the chain's.

    `ancestor` is the number of the last block in common after a fork; -1 where none is known any more.
    """

    blocks: tuple[Block, ...] = ()
    gone: frozenset[bytes] = frozenset()
    ancestor: int | None = None


class Track:
    """The newest blocks of a node's chain, from the first that was seen on."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._hashes: dict[int, bytes] = {}
        self._by_block = True
        self.tip: Block | None = None

    def advance(self) -> Moved:
        """Goes on to the newest block, or back to the last one in common. Raises ChainUnavailable."""
        newest = self._blocks(["latest"])
        if not newest:
            raise ChainUnavailable("the node has no newest block")
        latest, tip = newest[0], self.tip
        if tip is None:
            self._add([latest])
            return Moved((latest,))
        if latest.number <= tip.number:
            is_old = latest.number < min(self._hashes)
            return Moved() if is_old or self._hashes[latest.number] == latest.hash else self._back(latest)
        missing = range(tip.number + 1, latest.number)
        before = self._blocks(map(hex, missing[:AT_ONCE]))
        blocks = [*before, latest] if len(before) == len(missing) else before
        linked: list[Block] = []
        for block in blocks:
            if block.parent != (linked[-1] if linked else tip).hash:
                break
            linked.append(block)
        return self._back(blocks[0]) if blocks and not linked else self._add(linked)

    def hash_at(self, number: int) -> bytes | None:
        """The hash of the chain's block of this number, or None where the node has none yet."""
        if number not in self._hashes:
            found = self._blocks([hex(number)])
            return found[0].hash if found else None
        return self._hashes[number]

    def block_at(self, number: int) -> Block | None:
        """The chain's block of this number, or None where the node has none yet."""
        return next(iter(self._blocks([hex(number)])), None)

    def retreat(self, before: Block) -> None:
        """Forgets a block and what follows it, so that they are looked at again."""
        for number in [number for number in self._hashes if number >= before.number]:
            del self._hashes[number]
        self._hashes[before.number - 1] = before.parent
        self.tip = Block(before.number - 1, before.parent, b"", before.base_fee, ())

    def forget_below(self, number: int | None) -> None:
        """Keeps what is at or above this number (None: nothing special), and the newest blocks anyway."""
        if self.tip is not None and len(self._hashes) > 2 * REMEMBERED:
            lowest = self.tip.number - REMEMBERED if number is None else min(number, self.tip.number - REMEMBERED)
            self._hashes = {at: value for at, value in self._hashes.items() if at >= lowest}

    def receipts(self, block: Block, wanted: Collection[str]) -> list[Mined] | None:
        """Where these transactions of the block were mined; None where the node shows another block by now."""
        if len(wanted) <= _FEW or not self._by_block:
            one_by_one = self._node.batch([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in wanted])
            ours = _receipts_in(block, wanted, one_by_one)
            if len(ours) == len(wanted):
                return ours
        ours = _receipts_in(block, wanted, self._of_block(block))
        return ours if len(ours) == len(wanted) else None

    def _of_block(self, block: Block) -> Sequence[Any]:
        if self._by_block:
            try:
                found = self._node.request("eth_getBlockReceipts", [hex(block.number)])
            except NodeError:
                self._by_block = False
            else:
                return found if isinstance(found, list) else ()
        return ()

    def _add(self, blocks: Sequence[Block]) -> Moved:
        for block in blocks:
            self._hashes[block.number] = block.hash
            self.tip = block
        return Moved(tuple(blocks))

    def _back(self, latest: Block) -> Moved:
        """Back to the highest block in common; `latest` is of the other branch."""
        known = sorted((number for number in self._hashes if number < latest.number), reverse=True)
        ancestor = -1
        for at in range(0, len(known), AT_ONCE):
            asked = known[at : at + AT_ONCE]
            same = [block for block in self._blocks(map(hex, asked)) if self._hashes.get(block.number) == block.hash]
            if same:
                ancestor = max(block.number for block in same)
                self.tip = next(block for block in same if block.number == ancestor)
                break
        gone = frozenset(value for number, value in self._hashes.items() if number > ancestor)
        self._hashes = {number: value for number, value in self._hashes.items() if number <= ancestor}
        if ancestor < 0:
            self.tip = None
        return Moved((), gone, ancestor)

    def _blocks(self, names: Iterable[str]) -> list[Block]:
        """The blocks of these numbers or tags, as far as the node has them."""
        requests = [("eth_getBlockByNumber", [name, False]) for name in names]
        found: list[Block] = []
        for answer in self._node.batch(requests) if requests else []:
            if isinstance(answer, NodeError):
                raise ChainUnavailable("the node gives no block") from answer
            if answer is None:
                break
            found.append(_block(answer))
        return found


def _receipts_in(block: Block, wanted: Collection[str], receipts: Sequence[Any]) -> list[Mined]:
    ours = [receipt for receipt in receipts if isinstance(receipt, Mapping) and _tx_hash(receipt) in wanted]
    return [mined for mined in map(mined_of, ours) if mined is not None and mined.block_hash == block.hash]


def _tx_hash(receipt: Mapping[str, Any]) -> str | None:
    found = receipt.get("transactionHash")
    return found.lower() if isinstance(found, str) else None


def mined_of(receipt: Any) -> Mined | None:
    """Where a receipt says its transaction was mined; None for no receipt. Raises ChainUnavailable for a malformed."""
    if not isinstance(receipt, Mapping) or receipt.get("blockNumber") is None:
        return None
    created = receipt.get("contractAddress")
    try:
        return Mined(
            tx_hash=bytes.fromhex(receipt["transactionHash"][2:]),
            block_number=int(receipt["blockNumber"], 16),
            block_hash=bytes.fromhex(receipt["blockHash"][2:]),
            tx_index=int(receipt["transactionIndex"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            status=int(receipt["status"], 16),
            contract_address=bytes.fromhex(created[2:]) if created else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainUnavailable("the node gives a malformed receipt") from error


def _block(answer: Any) -> Block:
    try:
        base_fee = answer.get("baseFeePerGas")
        return Block(
            int(answer["number"], 16),
            from_hex(answer["hash"].lower(), "hash", 32),
            from_hex(answer["parentHash"].lower(), "parentHash", 32),
            None if base_fee is None else int(base_fee, 16),
            tuple(answer["transactions"]),
        )
    except (InvalidInput, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainUnavailable("the node gives a malformed block") from error
