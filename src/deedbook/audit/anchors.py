"""Receipts, proofs and extensions of exchanges' logs, checked as they are, against each other and what is known.

Whether a root is the one that an exchange anchored only the chain knows: `facts` names what there is to ask it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deedbook.domain.anchors import LogDomain, LogExtension, LogProof, LogReceipt
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.errors import InvalidFormat, InvalidSignature
from deedbook.wallet.recovery import verify_signer

Log = tuple[LogDomain, bytes]


class Statements:
    """What was said of logs, heard one by one. `leaf` is the leaf hash that receipts and proofs have to be about,
    `exchange` (20 bytes) whose log all have to be of, `known` a size and its root; each may be None."""

    def __init__(self, leaf: bytes | None, exchange: bytes | None, known: tuple[int, bytes] | None) -> None:
        self.wrong: list[str] = []
        """What is false, in words."""
        self._leaf = leaf
        self._exchange = exchange
        self._known = known
        self._counts = {"receipts": 0, "proofs": 0, "extensions": 0}
        self._leaves: dict[tuple[Log, int], tuple[bytes, int]] = {}
        self._roots: dict[tuple[Log, int], tuple[bytes, int]] = {}
        self._anchored: dict[tuple[Log, int], LogProof] = {}

    def hear(self, value: object, number: int) -> None:
        """One document (JSON), the `number`th. Raises InvalidFormat for another kind, WrongVersion."""
        kind = value.get("format") if isinstance(value, Mapping) else None
        if kind == "deedbook.log-receipt":
            self._receipt(LogReceipt.from_json(value), number)
        elif kind == "deedbook.log-proof":
            self._proof(LogProof.from_json(value), number)
        elif kind == "deedbook.log-extension":
            self._extension(LogExtension.from_json(value), number)
        else:
            raise InvalidFormat("format", f"line {number} is no statement of a log", line=number)

    @property
    def facts(self) -> dict[str, Any]:
        """How much was heard, and under which checkpoints proofs stand, in JSON."""
        anchored = [
            {
                "exchange": checksum_address(proof.exchange),
                "size": str(proof.size),
                "root": to_hex(proof.root),
                "transaction": to_hex(proof.transaction),
                "block": proof.block,
            }
            for proof in self._anchored.values()
        ]
        return {**self._counts, "false": len(self.wrong), "checkpoints": anchored}

    def _receipt(self, receipt: LogReceipt, number: int) -> None:
        self._counts["receipts"] += 1
        try:
            verify_signer(receipt.digest, receipt.signature, receipt.exchange)
        except InvalidSignature as error:
            self.wrong.append(f"line {number}: not signed by the exchange ({error.reason})")
            return
        self._place((receipt.domain, receipt.exchange), receipt.index, receipt.leaf_hash, number)

    def _proof(self, proof: LogProof, number: int) -> None:
        self._counts["proofs"] += 1
        if not proof.holds:
            self.wrong.append(f"line {number}: the proof does not lead to its root")
            return
        log = (proof.domain, proof.exchange)
        self._place(log, proof.index, proof.leaf_hash, number)
        self._root(log, proof.size, proof.root, number)
        self._anchored.setdefault((log, proof.size), proof)

    def _extension(self, extension: LogExtension, number: int) -> None:
        self._counts["extensions"] += 1
        if not extension.holds:
            self.wrong.append(f"line {number}: the log does not go on from its former root")
            return
        log = (extension.domain, extension.exchange)
        self._own(log, number)
        self._root(log, extension.former_size, extension.former_root, number)
        self._root(log, extension.size, extension.root, number)

    def _place(self, log: Log, index: int, leaf: bytes, number: int) -> None:
        self._own(log, number)
        if self._leaf is not None and leaf != self._leaf:
            self.wrong.append(f"line {number}: is about another entry")
        found, first = self._leaves.setdefault((log, index), (leaf, number))
        if found != leaf:
            self.wrong.append(f"line {number}: place {index} has another entry than in line {first}")

    def _own(self, log: Log, number: int) -> None:
        if self._exchange is not None and log[1] != self._exchange:
            self.wrong.append(f"line {number}: is of another exchange")

    def _root(self, log: Log, size: int, root: bytes, number: int) -> None:
        if self._known is not None and size == self._known[0] and root != self._known[1]:
            self.wrong.append(f"line {number}: size {size} has another root than is known")
        found, first = self._roots.setdefault((log, size), (root, number))
        if found != root:
            self.wrong.append(f"line {number}: size {size} has another root than in line {first}")
