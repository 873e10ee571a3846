"""How use cases act: one call, one key; nothing decided here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deedbook.chain.transactions import Call, Receipt, Signer
from deedbook.domain.sales import Conditions, Offer, Ordered, Price, Sandbox, Split
from deedbook.domain.usage import SignedReport, UsageReport
from deedbook.errors import IntegrityError, InvalidInput
from deedbook.ledger import usage
from deedbook.ledger.acting import Acting
from deedbook.wallet.signers import LocalSigner

ALICE, BOB = LocalSigner(bytes([1]) * 32), LocalSigner(bytes([2]) * 32)
AT = {"Membership": bytes([7]) * 20, "Cases": bytes([8]) * 20}
DONE = Receipt(bytes(32), 1, bytes(32), 21_000, ())


class Sent:
    """A sender that remembers."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        return (call.contract, call.function, sender, block)

    def simulate(self, call: Call, *, sender: bytes) -> None:
        self.keys.append(f"simulated {call.function} as {sender.hex()[:4]}")

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        self.keys.append(key)
        return DONE


def test_the_same_call_by_the_same_signer_is_the_same_intent() -> None:
    sent = Sent()
    acting = Acting(sent, 1, AT)
    for signer, account in ((ALICE, b"\1"), (ALICE, b"\1"), (BOB, b"\1"), (ALICE, b"\2")):
        acting.act(signer, "Membership", "reinstate", account * 20)
    first, again, others, other = sent.keys
    assert first == again
    assert len({first, others, other}) == 3
    assert first.startswith("Membership.reinstate/0x")
    assert max(map(len, sent.keys)) <= 200


def test_a_call_whose_intent_is_over_is_another_intent() -> None:
    sent, over = Sent(), set[str]()
    acting = Acting(sent, 1, AT, is_over=over.__contains__)
    for _ in range(3):
        acting.act(ALICE, "Membership", "reinstate", bytes(20))
        over.add(sent.keys[-1])
    first = sent.keys[0]
    assert sent.keys == [first, f"{first}/2", f"{first}/3"]


def test_a_key_that_is_given_is_used_as_it_is() -> None:
    sent = Sent()
    assert Acting(sent, 1, AT, is_over=lambda _: True).act(ALICE, "Membership", "reinstate", bytes(20), key="k") == DONE
    assert sent.keys == ["k"]


def test_reading_and_trying_send_nothing() -> None:
    sent = Sent()
    acting = Acting(sent, 1, AT)
    assert acting.read("Membership", "participant", bytes(20)) == ("Membership", "participant", None, "latest")
    acting.simulate(ALICE.address, "Membership", "reinstate", bytes(20))
    assert sent.keys == [f"simulated reinstate as {ALICE.address.hex()[:4]}"]


def test_a_call_that_is_none_is_named_before_it_is_sent() -> None:
    sent = Sent()
    with pytest.raises(InvalidInput) as refused:
        Acting(sent, 1, AT).act(ALICE, "Cases", "dismiss")
    assert refused.value.field == "function"
    assert sent.keys == []


def test_an_event_that_a_transaction_did_not_emit_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError) as refused:
        DONE.event("SaleOrdered")
    assert refused.value.fields == {"transaction": "0x" + "00" * 32}


# -- metered use

OFFER = Offer(
    ALICE.address, 1, 1, bytes(32), 2, 2, Price(1, 0, 0, 0, b"CNY"), Split(bytes(20), 0, 10_000, 0),
    bytes(32), bytes(32), 5, 0, 2**40, Conditions(), Sandbox(), bytes(32),
)  # fmt: skip
ORDERED = Ordered(bytes([5]) * 32, OFFER, bytes([6]) * 32)
REPORT = UsageReport(ORDERED.sale_id, 1, 2, 3, bytes([4]) * 32)


class Reported(Sent):
    """A sender that remembers the arguments of the last call."""

    arguments: tuple[Any, ...] = ()

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        self.arguments = call.arguments
        return super().send(call, signer, key=key)


def test_whoever_sends_a_report_needs_no_signature_of_its_own() -> None:
    sent = Reported()
    acting = Acting(sent, 1, AT | {"Usage": bytes([9]) * 20})
    by_provider, by_gateway = (usage.sign(acting, signer, REPORT) for signer in (ALICE, BOB))
    usage.report(acting, ALICE, ORDERED, BOB.address, [by_gateway])
    assert sent.arguments[3:] == (BOB.address, b"", by_gateway.signature)
    usage.report(acting, BOB, ORDERED, BOB.address, [by_provider])
    assert sent.arguments[3:] == (BOB.address, by_provider.signature, b"")
    usage.report(acting, LocalSigner(bytes([3]) * 32), ORDERED, BOB.address, [by_gateway, by_provider])
    assert sent.arguments[3:] == (BOB.address, by_provider.signature, by_gateway.signature)
    assert sent.arguments[:3] == (REPORT.as_tuple(), OFFER.as_tuple(), ORDERED.reference)


def test_a_report_of_another_contract_or_signer_or_two_that_differ_is_refused() -> None:
    acting = Acting(Sent(), 1, AT | {"Usage": bytes([9]) * 20})
    elsewhere = Acting(Sent(), 2, AT | {"Usage": bytes([9]) * 20})
    mine, theirs = usage.sign(acting, ALICE, REPORT), usage.sign(acting, BOB, replace(REPORT, count=4))
    forged = replace(mine, signer=BOB.address)
    given: list[tuple[list[SignedReport], str]] = [
        ([usage.sign(elsewhere, BOB, REPORT)], "contract"),
        ([mine, theirs], "report"),
        ([], "report"),
        ([forged], "signature"),
    ]
    for statements, field in given:
        with pytest.raises(InvalidInput) as refused:
            usage.report(acting, ALICE, ORDERED, BOB.address, statements)
        assert refused.value.field == field
