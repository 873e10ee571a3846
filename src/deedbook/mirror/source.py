"""A JSON-RPC node as the follower's source: blocks whose hashes are checked, logs by block hash, proven journal heads,
receipts.

Nothing that the node says is taken for more than it is: a header must hash to its own name, logs are asked for by
block hash (never by number, where a fork could slip in between), and a head counts when `eth_getProof` verifies against
the header's state root. A block's logs are all of ours when its header's bloom has none of our addresses, or when they
are those of receipts that give the header's root. Whether that header is the chain's is for others to confirm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from deedbook.chain import proofs
from deedbook.chain.client import Node, NodeError, Text, text_of
from deedbook.chain.finality import at_once
from deedbook.chain.proofs import Header
from deedbook.chain.receipts import check_logs, logs_bloom
from deedbook.chain.transactions import log_of
from deedbook.domain.events import Log
from deedbook.domain.hashing import ZERO32, from_hex, to_hex
from deedbook.domain.journal import JOURNAL_SLOT, entity_slot
from deedbook.errors import ChainUnavailable, EvidenceMissing, IntegrityError, InvalidInput
from deedbook.mirror.copying import CONTRACT_HEAD, BlockHeader

SLOTS_PER_REQUEST = 200
HEADERS_PER_REQUEST = 100
KEPT_HEADERS = 1000
"""Headers that are remembered between two questions about their blocks."""


class NodeSource:
    """The `Source` and the `Receipts` over a node, for contracts at these addresses.

    `final` gives the highest final block number for a tip; `consensus` says how blocks are hashed.
    """

    def __init__(
        self,
        node: Node,
        contracts: Mapping[str, bytes],
        *,
        final: Callable[[int], int] = at_once,
        consensus: str = "instant",
    ) -> None:
        self._node = node
        self._contracts = dict(contracts)
        self._final = final
        self._consensus = consensus
        self._headers: dict[bytes, Header] = {}
        blooms = (logs_bloom([(address, (), b"")]) for address in self._contracts.values())
        self._blooms = [int.from_bytes(bloom, "big") for bloom in blooms]

    def tip(self) -> BlockHeader:
        """The newest block. Raises ChainUnavailable."""
        header = self._header("latest")
        if header is None:
            raise ChainUnavailable("the node has no newest block")
        return header

    def final(self, tip: int) -> int:
        """The highest block number that can no longer change."""
        return self._final(tip)

    def header(self, number: int) -> BlockHeader | None:
        """The block of this number, or None. Raises IntegrityError where its hash is not that of its fields."""
        header = self._header(hex(number))
        if header is not None and header.number != number:
            raise IntegrityError(f"the node gives block {header.number} for block {number}", block=number)
        return header

    def logs(self, header: BlockHeader) -> Sequence[Log]:
        """Our contracts' logs in exactly this block. Raises ChainUnavailable where the node lost it in a fork."""
        addresses = [to_hex(address) for address in self._contracts.values()]
        try:
            found = self._node.request("eth_getLogs", [{"blockHash": to_hex(header.hash), "address": addresses}])
        except NodeError as error:
            raise ChainUnavailable(f"the node gives no logs for block {header.number}") from error
        if not isinstance(found, list):
            raise ChainUnavailable(f"the node gives no logs for block {header.number}")
        return [self._log(item, header) for item in found]

    def proven_logs(self, header: BlockHeader) -> Sequence[Log] | None:
        """Our contracts' logs in exactly this block, as the header binds them; None where the node has pruned or
        refuses its receipts.

        Raises IntegrityError where the receipts are not the block's, ChainUnavailable where it was forked away.
        """
        bound = self._bound(header)
        bloom = int.from_bytes(bound.logs_bloom, "big")
        if not any(bloom & ours == ours for ours in self._blooms):
            return ()  # the header itself says that none of our contracts logged anything
        receipts = self._receipts(header)
        if receipts is None:
            return None
        try:
            logs = check_logs(bound, receipts)
        except (InvalidInput, IntegrityError) as error:
            self._require_unforked(header)
            raise IntegrityError(
                f"the node's receipts of block {header.number} are not the block's: {error}",
                hint="use another node",
                rule="receipts.root",
                block=header.number,
            ) from error
        addresses = set(self._contracts.values())
        return [log for log in logs if log.address in addresses]

    def _bound(self, header: BlockHeader) -> Header:
        """All that the header binds. Raises ChainUnavailable where the block was forked away meanwhile."""
        if header.hash not in self._headers:
            self._require_unforked(header)
        return self._headers[header.hash]

    def _receipts(self, header: BlockHeader) -> list[Any] | None:
        """The receipts by block hash; a node that only takes numbers is asked by number, and judged all the same."""
        for name in (to_hex(header.hash), hex(header.number)):
            with suppress(NodeError):
                found = self._node.request("eth_getBlockReceipts", [name])
                if isinstance(found, list):
                    return found
        self._require_unforked(header)
        return None

    def heads(self, header: BlockHeader, contract: str, entities: Sequence[bytes]) -> Mapping[bytes, bytes] | None:
        """The contract's proven heads after this block by entity; None where the node no longer has the state.

        Raises IntegrityError for a false proof, ChainUnavailable where the block was forked away.
        """
        heads: dict[bytes, bytes] = {}
        for at in range(0, len(entities), SLOTS_PER_REQUEST):
            some = entities[at : at + SLOTS_PER_REQUEST]
            stated = self._proof(header, contract, [slot_of(entity) for entity in some])
            if stated is None:
                return None
            heads |= dict(zip(some, stated, strict=True))
        return heads

    def headers(self, first: int, last: int) -> Sequence[BlockHeader]:
        """The blocks of these numbers in order, as far as the node has them. Raises as `header`."""
        found: list[BlockHeader] = []
        for at in range(first, last + 1, HEADERS_PER_REQUEST):
            numbers = range(at, min(at + HEADERS_PER_REQUEST, last + 1))
            requests = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
            for number, answer in zip(numbers, self._node.batch(requests), strict=True):
                if isinstance(answer, NodeError):
                    raise ChainUnavailable(f"the node gives no block {number}", block=number) from answer
                if answer is None:
                    return found
                found.append(self._checked(answer, hex(number)))
        return found

    def logs_between(self, first: int, last: int) -> Text | None:
        """The logs of our contracts in these blocks as JSON, unchecked; None where the node refuses so many.

        Raises ChainUnavailable.
        """
        addresses = [to_hex(address) for address in self._contracts.values()]
        wanted = {"fromBlock": hex(first), "toBlock": hex(last), "address": addresses}
        try:
            return text_of(self._node, "eth_getLogs", [wanted])
        except NodeError:
            return None
        except ChainUnavailable as error:
            if error.fields.get("failure") != "too-long":
                raise
            return None

    def _header(self, block: str) -> BlockHeader | None:
        found = self._node.request("eth_getBlockByNumber", [block, False])
        return None if found is None else self._checked(found, block)

    def _checked(self, found: Any, block: str) -> BlockHeader:
        try:
            header = BlockHeader(
                number=int(found["number"], 16),
                hash=from_hex(found["hash"], "hash", 32),
                parent_hash=from_hex(found["parentHash"], "parentHash", 32),
                timestamp=int(found["timestamp"], 16),
                state_root=from_hex(found["stateRoot"], "stateRoot", 32),
                logs_bloom=from_hex(found["logsBloom"], "logsBloom", 256),
            )
            bound = proofs.decode_header(proofs.encode_header(found), self._consensus)
        except (InvalidInput, KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"the node gives a malformed block {block}: {error}") from error
        if bound.hash != header.hash:
            raise IntegrityError(
                f"block {header.number} does not hash to {to_hex(header.hash)} by {self._consensus} consensus",
                hint="DEEDBOOK_CONSENSUS names how the chain agrees",
                block=header.number,
            )
        self._headers[header.hash] = bound
        if len(self._headers) > KEPT_HEADERS:
            self._headers.pop(next(iter(self._headers)), None)
        return header

    def _log(self, item: Any, header: BlockHeader) -> Log:
        try:
            if item.get("removed"):
                raise ChainUnavailable(f"block {header.number} was removed in a fork", block=header.number)
            return log_of(item)
        except (InvalidInput, KeyError, TypeError, ValueError, AttributeError) as error:
            raise IntegrityError(f"the node gives a malformed log in block {header.number}: {error}") from error

    def _proof(self, header: BlockHeader, contract: str, slots: Sequence[int]) -> list[bytes] | None:
        """What the slots hold, proven; None where the node has no proofs, or has pruned this state. A node that is just
        leaving a branch, or coming back to one, may prove another state: a false proof is asked for once more."""
        address = self._contracts[contract]
        keys = [to_hex(slot.to_bytes(32, "big")) for slot in slots]
        for is_last in (False, True):
            try:
                answer = self._node.request("eth_getProof", [to_hex(address), keys, hex(header.number)])
            except NodeError:
                return None
            if answer is None:
                return None
            try:
                return self._verified(header, contract, slots, answer)
            except (InvalidInput, EvidenceMissing, IntegrityError, KeyError, TypeError, ValueError) as error:
                self._require_unforked(header)
                if is_last:
                    raise IntegrityError(
                        f"the node's proof about {contract} in block {header.number} is false: {error}",
                        contract=contract,
                        block=header.number,
                    ) from error
        raise AssertionError("the last proof was taken, or refused")

    def _verified(self, header: BlockHeader, contract: str, slots: Sequence[int], answer: Any) -> list[bytes]:
        nodes = [from_hex(node, "accountProof") for node in answer["accountProof"] or ()]  # geth: null for none
        account = proofs.verify_account_proof(header.state_root, self._contracts[contract], nodes)
        if account is None:
            return [ZERO32] * len(slots)  # not deployed yet
        stated = {int(item["key"], 16): item["proof"] for item in answer["storageProof"]}
        return [_slot(account.storage_root, slot, stated[slot]) for slot in slots]

    def _require_unforked(self, header: BlockHeader) -> None:
        now = self.header(header.number)
        if now is None or now.hash != header.hash:
            raise ChainUnavailable(f"block {header.number} was forked away", block=header.number)


def slot_of(entity: bytes) -> int:
    """The storage slot of an entity's journal head, or of the contract's own where the entity is empty."""
    return JOURNAL_SLOT if entity == CONTRACT_HEAD else entity_slot(entity)


def _slot(storage_root: bytes, slot: int, proof: Sequence[str] | None) -> bytes:
    nodes = [from_hex(node, "storageProof") for node in proof or ()]
    return proofs.verify_storage_proof(storage_root, slot, nodes).to_bytes(32, "big")
