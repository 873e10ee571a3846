"""The node as a source: the embedded chain with the real contracts, and the same node lying at every seam."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.services import Services
from deedbook.chain.client import NodeError, Request, one_by_one
from deedbook.config import Settings
from deedbook.errors import ChainUnavailable, IntegrityError
from deedbook.ledger import members
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.source import NodeSource, slot_of
from deedbook.mirror.store import Mirror
from deedbook.queries.members import member
from deedbook.queries.status import status

Answer = Callable[[str, Sequence[Any], Any], Any]


class Lying:
    """A node whose answers pass through `answer`."""

    def __init__(self, node: Any, answer: Answer) -> None:
        self._node = node
        self._answer = answer

    def request(self, method: str, params: Sequence[Any]) -> Any:
        return self._answer(method, params, copy.deepcopy(self._node.request(method, params)))

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return one_by_one(self, requests)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("home") / "exchange"
    with Services.init(Settings(home=home)) as opened:
        for name, roles in (("provider", 2), ("buyer", 4)):
            account = opened.create_account(name).address
            members.admit(
                opened.acting,
                opened.signer("governance"),
                account,
                identity=bytes([roles]) * 32,
                jurisdiction=156,
                roles=roles,
                valid_until=2**40,
            )
        yield opened


@pytest.fixture
def mirror(services: Services, tmp_path: Path) -> Mirror:
    return Mirror.open(f"sqlite:///{tmp_path / 'mirror.sqlite'}", services.mirrored_chain)


def follow(services: Services, mirror: Mirror, answer: Answer, *, span: int = 200) -> None:
    source = NodeSource(Lying(services.node, answer), services.mirrored_chain.contracts)
    Follower(source, mirror, services.decoder.decode, span=span).follow()


def honest(method: str, params: Sequence[Any], result: Any) -> Any:
    return result


def test_the_real_contracts_are_copied_and_proven(services: Services, mirror: Mirror) -> None:
    follow(services, mirror, honest, span=3)
    now = status(mirror)
    assert now.verified
    assert now.quarantined == 0
    assert {journal.proven_block for journal in now.journals} == {now.head}
    account = services.signer("buyer").address
    assert member(mirror, account).identity == bytes([4]) * 32
    assert check(services.source, mirror, services.decoder.decode).equal


def _without(key: str) -> Answer:
    def answer(method: str, params: Sequence[Any], result: Any) -> Any:
        return result[:-1] if method == key and result else result

    return answer


def _header(field: str, value: str) -> Answer:
    def answer(method: str, params: Sequence[Any], result: Any) -> Any:
        if method == "eth_getBlockByNumber" and params[0] == "0x3":
            result[field] = value
        return result

    return answer


def _proof(change: Callable[[Any], None]) -> Answer:
    def answer(method: str, params: Sequence[Any], result: Any) -> Any:
        if method == "eth_getProof":
            change(result)
        return result

    return answer


def _drop_storage_node(proof: Any) -> None:
    for item in proof["storageProof"]:
        item["proof"] = item["proof"][:-1]


def _flip_account_node(proof: Any) -> None:
    node = proof["accountProof"][-1]
    proof["accountProof"][-1] = node[:-1] + ("0" if node[-1] != "0" else "1")


def _leave_out_slots(proof: Any) -> None:
    proof["storageProof"] = []


@pytest.mark.parametrize(
    "answer",
    [
        _without("eth_getLogs"),
        _header("timestamp", "0x1"),
        _header("stateRoot", "0x" + "11" * 32),
        _header("number", "0x4"),
        _header("hash", "0x" + "22" * 32),
        _header("parentHash", "0x12"),
        _proof(_drop_storage_node),
        _proof(_flip_account_node),
        _proof(_leave_out_slots),
    ],
)
def test_a_lie_at_any_seam_is_found_and_nothing_is_written(services: Services, mirror: Mirror, answer: Answer) -> None:
    with pytest.raises(IntegrityError):
        follow(services, mirror, answer)
    assert mirror.cursor() is None


def test_logs_of_a_block_that_was_removed_are_asked_again(services: Services, mirror: Mirror) -> None:
    def answer(method: str, params: Sequence[Any], result: Any) -> Any:
        return [{**log, "removed": True} for log in result] if method == "eth_getLogs" else result

    with pytest.raises(ChainUnavailable):
        follow(services, mirror, answer)


def test_a_node_without_logs_says_nothing(services: Services, mirror: Mirror) -> None:
    def silent(method: str, params: Sequence[Any], result: Any) -> Any:
        return None if method == "eth_getLogs" else result

    with pytest.raises(ChainUnavailable):
        follow(services, mirror, silent)

    def refuse(method: str, params: Sequence[Any], result: Any) -> Any:
        if method == "eth_getLogs":
            raise NodeError(-32000, "unknown block")
        return result

    with pytest.raises(ChainUnavailable):
        follow(services, mirror, refuse)


def test_a_node_without_proofs_leaves_the_mirror_unverified(services: Services, mirror: Mirror) -> None:
    def answer(method: str, params: Sequence[Any], result: Any) -> Any:
        if method == "eth_getProof":
            raise NodeError(-32601, "the method does not exist")
        return result

    follow(services, mirror, answer)
    assert not status(mirror).verified
    assert {journal.proven_block for journal in status(mirror).journals} == {None}


def test_slots_are_those_of_the_journal() -> None:
    assert slot_of(b"") == 0x35EA186C54920FEC12571065A4CDA6362DFE9D8D041545C86607B9DCFE795800
    assert slot_of(bytes(32)) != slot_of(b"")
