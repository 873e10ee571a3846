"""The deployed anchor log against another implementation of RFC 9162, transparency-dev/merkle, on anvil.

Under the deep profile that implementation (tests/vectors/check/consistency) makes 5,000 honest proofs, of logs of every
size to 5,000 entries, and 10,000 corrupted ones, there and then; else the committed ones of tests/vectors are tried.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain import abis, artifacts
from deedbook.chain.client import HttpNode, NodeError
from deedbook.domain.codes import Role
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.domain.members import Admission
from tests.conftest import START
from tests.integration.anvil_node import receipt_of, running_anvil

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
SEED, HONEST, CORRUPTED = 20_261_122, 5_000, 10_000
OPERATOR = b"\x0b" * 20


@dataclass(frozen=True, slots=True)
class Case:
    """A statement that one log continues another, and whether it is true."""

    kind: str
    former: tuple[int, bytes]
    later: tuple[int, bytes]
    proof: tuple[bytes, ...]
    continues: bool

    @staticmethod
    def of(kind: str, told: dict[str, Any], continues: bool) -> Case:
        former = int(told["formerSize"]), from_hex(told["formerRoot"], "formerRoot")
        later = int(told["size"]), from_hex(told["root"], "root")
        return Case(kind, former, later, tuple(from_hex(node, "proof") for node in told["proof"]), continues)


def made_by_the_other(vectors: Path) -> list[Case]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("the other implementation needs Go")
    counts = ["-seed", str(SEED), "-honest", str(HONEST), "-corrupted", str(CORRUPTED)]
    place = vectors / "check" / "consistency"
    lines = subprocess.run([go, "run", ".", *counts], cwd=place, check=True, capture_output=True, text=True).stdout
    told = [json.loads(line) for line in lines.splitlines()]
    return [Case.of(each["kind"], each["input"], each["continues"]) for each in told]


def committed(vectors: Path) -> list[Case]:
    told = json.loads((vectors / "log-consistency.json").read_text(encoding="utf-8"))["cases"]
    kinds = [each["name"].split(": ")[1].split(",")[0] for each in told]
    return [Case.of(kind, each["input"], each["expected"]["continues"]) for kind, each in zip(kinds, told, strict=True)]


class Anchors:
    """An AnchorLog on anvil with one operator, asked what it says of a checkpoint after any other one."""

    def __init__(self, node: HttpNode) -> None:
        self._node = node
        self._admin = from_hex(node.request("eth_accounts", [])[0], "account")
        manager = self._deploy("AccessManager", self._admin)
        forwarder = self._deploy("Forwarder", "a forwarder")
        membership = self._deploy("Membership", manager, forwarder, (0, (), ()))
        self._log = self._deploy("AnchorLog", membership, forwarder)
        admission = Admission(b"\x01" * 32, 156, Role.OPERATOR, 2**40).as_tuple()
        self._send(membership, abis.encode_call("Membership", "admit", [OPERATOR, admission]))
        (kept,) = artifacts.load("AnchorLog")["storageLayout"]["storage"]
        place = OPERATOR.rjust(32, b"\0") + int(kept["slot"]).to_bytes(32, "big")
        self._slot = int.from_bytes(keccak256(place), "big")

    def accepts(self, cases: list[Case]) -> list[bool]:
        """Whether each is anchored after its former checkpoint; else it is refused as inconsistent."""
        answers = self._node.batch([("eth_call", self._call(case)) for case in cases])
        return [self._accepted(case, answer) for case, answer in zip(cases, answers, strict=True)]

    def _call(self, case: Case) -> list[Any]:
        (former_size, former_root), (size, root) = case.former, case.later
        call = abis.encode_call("AnchorLog", "anchor", [size, root, case.proof])
        words = {self._slot: (START << 64 | former_size).to_bytes(32, "big"), self._slot + 1: former_root}
        kept = {to_hex(slot.to_bytes(32, "big")): to_hex(word) for slot, word in words.items()}
        return [
            {"from": to_hex(OPERATOR), "to": to_hex(self._log), "data": to_hex(call)},
            "latest",
            {to_hex(self._log): {"stateDiff": kept}},
        ]

    @staticmethod
    def _accepted(case: Case, answer: Any) -> bool:
        if not isinstance(answer, NodeError):
            assert answer == "0x"
            return True
        (selector,) = [key for key, error in abis.errors("AnchorLog").items() if error.name == "Inconsistent"]
        sizes = case.former[0].to_bytes(32, "big") + case.later[0].to_bytes(32, "big")
        assert answer.data == to_hex(selector + sizes), answer
        return False

    def _deploy(self, name: str, *arguments: Any) -> bytes:
        code = from_hex(artifacts.load(name)["bytecode"], "bytecode")
        receipt = self._send(None, code + abis.encode_arguments(abis.constructor(name), arguments))
        return from_hex(receipt["contractAddress"], name)

    def _send(self, to: bytes | None, data: bytes) -> dict[str, Any]:
        transaction = {"from": to_hex(self._admin), "data": to_hex(data), "gasPrice": "0x0"} | (
            {"to": to_hex(to)} if to else {}
        )
        sent = self._node.request("eth_sendTransaction", [transaction])
        receipt = receipt_of(self._node, sent)
        assert receipt["status"] == "0x1"
        return receipt


@pytest.fixture(scope="module")
def anchors(anvil: Path) -> Iterator[Anchors]:
    with running_anvil(anvil, chain_id=31_337, start=START) as node:
        yield Anchors(node)


def test_what_the_other_implementation_proves_is_anchored_and_nothing_else(anchors: Anchors, vectors: Path) -> None:
    cases = made_by_the_other(vectors) if DEEP else committed(vectors)
    wrong: list[Case] = []
    for first in range(0, len(cases), 250):
        some = cases[first : first + 250]
        for case, accepted in zip(some, anchors.accepts(some), strict=True):
            if accepted is not case.continues:
                wrong.append(case)
    assert not wrong
    kinds = Counter(case.kind for case in cases)
    print(json.dumps(kinds, indent=1))
    assert len(kinds) == 20
    if DEEP:
        assert kinds["honest"] == HONEST
        assert kinds.total() - HONEST == CORRUPTED
