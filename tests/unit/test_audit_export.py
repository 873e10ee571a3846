"""Exports from a simulated node and shelves: what is written, and what a node or a shelf that fails makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from deedbook.audit.export import Readers, export_sale, trust_at
from deedbook.audit.verify import verify
from deedbook.chain.client import NodeError
from deedbook.domain.consents import SignedConsent
from deedbook.domain.hashing import keccak256, sha256
from deedbook.errors import ChainUnavailable, EvidenceMissing, IntegrityError, InvalidInput, NotFound
from tests.simulator import ASSET, CONTRACTS, History, Published, SimulatedNode, honest


@dataclass
class Shelf:
    """Documents, covers, envelopes and consents as the exchange keeps them."""

    history: History

    def find(self, name: bytes) -> bytes | None:
        return self.history.documents.get(name)

    def cover(self, cover_hash: bytes) -> bytes | None:
        return next((s.cover for s in self.history.sales if s.cover and sha256(s.cover) == cover_hash), None)

    def envelope(self, envelope_hash: bytes) -> Sealed:
        for sold in self.history.sales:
            if sold.envelope and sha256(sold.envelope) == envelope_hash:
                return Sealed(sold.envelope)
        raise NotFound("envelope", envelope_hash.hex())

    def leaves_of(self, batch_id: bytes) -> Sequence[SignedConsent]:
        return dict(self.history.consents)[batch_id]


@dataclass
class Sealed:
    envelope: bytes


def readers(published: Published, node: Any = None) -> Readers:
    shelf = Shelf(published.history)
    return Readers(node or SimulatedNode(published), CONTRACTS, shelf, shelf, shelf, lambda _: published.history.units)


@pytest.fixture(scope="module")
def published() -> Published:
    return honest().publish()


def test_a_full_bundle_of_too_many_consents_is_refused_and_a_public_one_is_not(published: Published) -> None:
    sale = published.history.sales[0].sale
    with pytest.raises(InvalidInput) as refusal:
        export_sale(readers(published), sale, most=1)
    assert refusal.value.field == "public"
    assert export_sale(readers(published), sale, full=False, most=1)


@pytest.mark.parametrize("sale", [0, 1])
@pytest.mark.parametrize("full", [True, False])
def test_an_export_is_the_bundle_of_the_history(published: Published, sale: int, full: bool) -> None:
    exported = export_sale(readers(published), published.history.sales[sale].sale, full=full)
    assert exported == published.bundle(sale=sale, full=full).to_bytes()
    assert verify(exported, trust_at(SimulatedNode(published), CONTRACTS, published.last)).exit_code == 0


def test_an_unknown_sale_is_not_found(published: Published) -> None:
    with pytest.raises(NotFound):
        export_sale(readers(published), keccak256(b"no sale"))


def test_what_has_a_journal_and_is_no_sale_is_not_found(published: Published) -> None:
    with pytest.raises(NotFound):
        export_sale(readers(published), ASSET.to_bytes(32, "big"))


@pytest.mark.parametrize("event", ["LeafEnded", "PayoutConfirmed", "Attested", "CaseOpened"])
def test_a_node_that_hides_logs_gives_no_bundle(published: Published, event: str) -> None:
    node = SimulatedNode(published, hidden=frozenset({event}))
    if event == "CaseOpened":  # of nobody's concern
        assert export_sale(readers(published, node), published.history.sales[0].sale)
        return
    with pytest.raises(IntegrityError):
        export_sale(readers(published, node), published.history.sales[0].sale)


class Forger(SimulatedNode):
    """Tells other blocks than it has."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        found = super().request(method, params)
        if method == "eth_getBlockByNumber" and found is not None:
            return {**found, "timestamp": "0x1"}
        return found


class Forgetful(SimulatedNode):
    """Has lost its blocks."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        return None if method == "eth_getBlockByNumber" else super().request(method, params)


class Garbled(SimulatedNode):
    """Tells logs that are none."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        found = super().request(method, params)
        return [{**log, "topics": None} for log in found] if method == "eth_getLogs" else found


class Modest(SimulatedNode):
    """Gives the logs of no more than five blocks at once."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_getLogs" and int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) > 4:
            raise NodeError(-32005, "too many logs")
        return super().request(method, params)


class Mute(SimulatedNode):
    """Gives no logs at all."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_getLogs":
            raise NodeError(-32601, "no such method")
        return super().request(method, params)


def test_logs_are_asked_for_by_ranges_that_the_node_can_give(published: Published) -> None:
    sale = published.history.sales[0].sale
    assert export_sale(readers(published, Modest(published)), sale) == export_sale(readers(published), sale)
    with pytest.raises(NodeError):
        export_sale(readers(published, Mute(published)), sale)


@pytest.mark.parametrize(
    ("node", "error"), [(Forger, IntegrityError), (Forgetful, ChainUnavailable), (Garbled, IntegrityError)]
)
def test_a_node_that_misbehaves_is_named(
    published: Published, node: type[SimulatedNode], error: type[Exception]
) -> None:
    with pytest.raises(error):
        export_sale(readers(published, node(published)), published.history.sales[0].sale)


def test_a_sale_is_exported_as_of_an_earlier_block_only_with_its_state(published: Published) -> None:
    """The simulated node has only the last state; what it proves of another block is refused."""
    with pytest.raises(IntegrityError):
        export_sale(readers(published), published.history.sales[0].sale, block=published.last - 1)


def test_what_the_shelves_lost_is_missing_evidence() -> None:
    history = honest()
    published = history.publish()
    kept: Mapping[bytes, bytes] = dict(history.documents)
    for name in published.bundle().documents:
        history.documents = {digest: content for digest, content in kept.items() if digest != name}
        with pytest.raises(EvidenceMissing):
            export_sale(readers(published), history.sales[0].sale)
    history.documents = dict(kept)
    history.sales[0].cover = None
    with pytest.raises(EvidenceMissing):
        export_sale(readers(published), history.sales[0].sale)
