"""Sales on real contracts, records and vault: from order to payout, and everything that is refused on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.assets import Version
from deedbook.domain.codes import AttestationKind, OfferState, SaleState
from deedbook.domain.hashing import sha256
from deedbook.domain.revenue import Payout, payout
from deedbook.domain.sales import Price, offer_id
from deedbook.errors import IntegrityError, NotFound, RejectedByContract
from deedbook.ledger import assets, attestations, cases, deliveries, members, offers, revenue, sales
from deedbook.vault.envelopes import EncryptionKeyPair, Suite
from tests.conftest import START, Entropy
from tests.integration.scenario import (
    AUDITOR,
    BANK,
    BUYER,
    EXCHANGE,
    FIRM,
    KEYS,
    KINDS,
    PRICE,
    PROVIDER,
    SECOND,
    STRANGER,
    YEAR,
    Scenario,
    Stage,
    account,
    refused,
)

PEOPLE = 5
WINDOW = 15 * 60


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One asset, listed; nobody has ordered."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("listed") / "home", PEOPLE)
    scenario.stage_whole()
    return scenario.close()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One asset, published and attested; its binding is not begun."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("published") / "home", PEOPLE)
    scenario.collect()
    scenario.anchor()
    scenario.audit()
    version = scenario.publish()
    scenario.stage.offer = scenario.offered(version)
    for kind in KINDS:
        scenario.attest(FIRM, scenario.offer.version_key, kind)
    return scenario.close()


@pytest.fixture
def market(listed: Stage, tmp_path: Path) -> Iterator[Scenario]:
    with Scenario.copied(listed, tmp_path) as scenario:
        yield scenario


@pytest.fixture
def unbound(published: Stage, tmp_path: Path) -> Iterator[Scenario]:
    with Scenario.copied(published, tmp_path) as scenario:
        yield scenario


def state(market: Scenario, sale_id: bytes) -> int:
    found: int = market.acting.read("Market", "sale", sale_id)["state"]
    return found


# -- the whole way


def test_a_sale_goes_from_order_to_payout(market: Scenario) -> None:
    sale_id = market.order()
    market.pay(sale_id)
    market.prepare(sale_id)
    delivered = market.deliver(sale_id)
    assert delivered.count == PEOPLE
    envelope = deliveries.hand_out(market.acting, market.services.records.deliveries, delivered.receipt)
    assert sha256(envelope) == delivered.receipt.event("SaleDelivered").args["envelopeHash"]
    sales.accept(market.acting, BUYER, sale_id)
    settled = revenue.settle(market.acting, EXCHANGE, market.ordered(sale_id)).event("SaleSettled").args
    total = settled["perHead"] * PEOPLE
    shares = settled["exchangeShare"] + settled["providerShare"] + sum(settled["intermediaryShares"])
    assert shares + total + settled["carryOut"] == PRICE
    everybody = payout(first=0, end=PEOPLE, per_head=settled["perHead"], receipt=sha256(b"payout"))
    paid = revenue.confirm_payout(market.acting, BANK, market.ordered(sale_id), everybody)
    assert paid.event("PayoutConfirmed").args["total"] == total


# -- orders


@pytest.mark.rule("wrong-offer-hash")
def test_an_order_names_what_the_buyer_read(market: Scenario) -> None:
    cheaper = replace(market.offer, price=Price(1, 0, 0, 0, b"CNY"))
    given = offer_id(market.services.chain_id, market.services.addresses["Market"], cheaper)
    with refused("Market", "OfferMismatch", named=market.offer_id, given=given):
        market.order(offer=cheaper)


@pytest.mark.rule("unknown-or-suspended-member")
def test_a_buyer_is_a_member_in_good_standing(market: Scenario) -> None:
    with refused("Membership", "NotAdmitted", account=STRANGER.address):
        market.order(STRANGER)
    members.suspend(market.acting, market.governance, BUYER.address, 7)
    with refused("Membership", "ParticipantIs", account=BUYER.address, state=2):
        market.order()
    members.reinstate(market.acting, market.governance, BUYER.address)
    members.suspend(market.acting, market.governance, PROVIDER.address, 7)
    with refused("Membership", "ParticipantIs", account=PROVIDER.address, state=2):
        market.order()


@pytest.mark.rule("replay")
def test_an_order_counts_once(market: Scenario) -> None:
    sale_id = market.order()
    assert market.order() == sale_id
    with refused("Market", "SaleExists", saleId=sale_id):
        market.acting.act(
            BUYER, "Market", "order", market.offer_id, market.offer.as_tuple(), (FIRM.address,) * 3, bytes(32),
            key="another intent",
        )  # fmt: skip


@pytest.mark.rule("expired")
def test_an_offer_expires_while_no_block_is_made(market: Scenario) -> None:
    market.clock.now = market.offer.valid_until + 1
    with refused("Market", "OfferExpired", offerId=market.offer_id, validUntil=market.offer.valid_until):
        market.order()


@pytest.mark.rule("attester-is-provider")
def test_the_providers_own_opinion_is_no_opinion(market: Scenario) -> None:
    market.attest(PROVIDER, market.offer.version_key, AttestationKind.LEGAL_OPINION)
    with refused("Market", "AttesterIsParty", attester=PROVIDER.address):
        market.order(attesters=(PROVIDER.address, FIRM.address, FIRM.address))


def test_a_withdrawn_opinion_stops_the_next_order(market: Scenario) -> None:
    kind, key = AttestationKind.LEGAL_OPINION, market.offer.version_key
    attestations.withdraw(market.acting, FIRM, key, kind, sha256(b"why"))
    with pytest.raises(RejectedByContract) as caught:
        market.order()
    assert caught.value.error in ("AttestationMissing", "AttestationEnded")
    assert market.attest(FIRM, key, kind, START + YEAR - 1).gas_used > 0
    assert state(market, market.order()) == SaleState.ORDERED


@pytest.mark.rule("open-binding")
def test_a_version_without_a_closed_binding_is_not_sold(unbound: Scenario) -> None:
    asset = unbound.stage.asset_id
    with refused("Market", "BasisMissing", assetId=asset, version=1):
        offers.list_offer(unbound.acting, PROVIDER, unbound.offer, (FIRM.address, FIRM.address))
        unbound.order()


@pytest.mark.rule("open-binding")
def test_an_open_binding_is_no_basis(unbound: Scenario) -> None:
    version = Version(sha256(b"content"), PEOPLE + 1, sha256(b"descriptor"))
    assets.publish(unbound.acting, PROVIDER, unbound.stage.asset_id, version)
    unbound.stage.offer = unbound.offered(version, version=2)
    for kind in KINDS:
        unbound.attest(FIRM, unbound.offer.version_key, kind)
    unbound.consents.bind(PROVIDER, unbound.stage.asset_id, 2, [(unbound.batch, AUDITOR.address)])
    with refused("Market", "BindingOpen", assetId=unbound.stage.asset_id, bound=PEOPLE, recordCount=PEOPLE + 1):
        offers.list_offer(unbound.acting, PROVIDER, unbound.offer, (FIRM.address, FIRM.address))
        unbound.order()


def test_a_closed_offer_and_a_held_asset_are_not_ordered(market: Scenario) -> None:
    arbiter = account("arbiter")
    market.admit(arbiter, 1 << 5)
    key = market.stage.asset_id.to_bytes(32, "big")
    cases.hold(market.acting, arbiter, key, sha256(b"hold"))
    with refused("Cases", "Held", target=key):
        market.order()
    cases.release(market.acting, arbiter, key, sha256(b"over"))
    offers.close(market.acting, PROVIDER, market.offer)
    with refused("Market", "OfferNotOpen", offerId=market.offer_id, state=int(OfferState.CLOSED)):
        market.order()


# -- payment


@pytest.mark.rule("settler-is-seller")
def test_the_seller_confirms_no_payment_to_itself(market: Scenario) -> None:
    sale_id = market.order()
    with refused("Market", "SettlerIsParty", settler=PROVIDER.address):
        market.pay(sale_id, PROVIDER)
    assert state(market, sale_id) == SaleState.ORDERED


@pytest.mark.rule("wrong-amount")
def test_the_amount_and_the_currency_are_the_offers(market: Scenario) -> None:
    sale_id = market.order()
    with refused("Market", "WrongAmount", expected=PRICE, given=PRICE - 1):
        market.pay(sale_id, amount=PRICE - 1)
    with refused("Market", "WrongCurrency", expected=b"CNY", given=b"USD"):
        market.pay(sale_id, currency=b"USD")


@pytest.mark.rule("replay")
def test_a_bank_receipt_confirms_one_payment_only(market: Scenario) -> None:
    first, second = market.order(), market.order(SECOND)
    market.pay(first, receipt=sha256(b"one"))
    with refused("Market", "ReceiptUsed", receiptHash=sha256(b"one")):
        market.pay(second, receipt=sha256(b"one"))


@pytest.mark.rule("wrong-state")
def test_an_act_in_the_wrong_state_is_named(market: Scenario) -> None:
    sale_id = market.order()
    expected: dict[str, Any] = {"saleId": sale_id, "expected": int(SaleState.PAID), "actual": int(SaleState.ORDERED)}
    with refused("Market", "WrongSaleState", **expected):
        market.prepare(sale_id)
    with refused("Market", "WrongSaleState", **(expected | {"expected": int(SaleState.DELIVERED)})):
        sales.accept(market.acting, BUYER, sale_id)
    unknown = sha256(b"no sale")
    with refused("Market", "UnknownSale", saleId=unknown):
        sales.accept(market.acting, BUYER, unknown)
    with refused("Revenue", "SaleNotAccepted", saleId=sale_id, state=int(SaleState.ORDERED)):
        revenue.settle(market.acting, EXCHANGE, market.ordered(sale_id))


# -- delivery


def test_whoever_withdrew_before_prepare_is_not_delivered(market: Scenario) -> None:
    sale_id = market.order()
    market.pay(sale_id)
    market.consents.withdraw_for(market.withdrawal(market.stage.people[0]), EXCHANGE)
    assert market.prepare(sale_id).event("SalePrepared").args["live"] == PEOPLE - 1
    assert market.deliver(sale_id).count == PEOPLE - 1


def test_a_preparation_is_found_again_and_made_again_once_its_window_is_over(market: Scenario) -> None:
    sale_id = market.order()
    market.pay(sale_id)
    first = market.prepare(sale_id)
    assert market.prepare(sale_id) == first
    market.clock.advance(WINDOW + 1)
    second = market.prepare(sale_id)
    assert second.block_number > first.block_number
    assert market.prepare(sale_id).event("SalePrepared").args["live"] == PEOPLE
    assert market.deliver(sale_id).count == PEOPLE


def test_a_delivery_after_the_window_is_refused_and_stays_on_the_shelf(market: Scenario) -> None:
    sale_id = market.order()
    market.pay(sale_id)
    market.prepare(sale_id)
    prepared = market.clock.now
    market.clock.advance(WINDOW + 1)
    with refused("Market", "PrepareWindowOver", saleId=sale_id, preparedAt=prepared, time=prepared + WINDOW + 1):
        market.deliver(sale_id)
    assert state(market, sale_id) == SaleState.PREPARED


def test_another_buyers_key_opens_no_delivery(market: Scenario) -> None:
    sale_id = market.order()
    market.pay(sale_id)
    market.prepare(sale_id)
    with pytest.raises(IntegrityError) as caught:
        market.deliver(sale_id, SECOND)
    assert caught.value.fields["field"] == "encryptionKey"
    stranger = EncryptionKeyPair.generate(Entropy("stranger"), Suite.X25519)
    with pytest.raises(IntegrityError):
        deliveries.require_registered_key(market.acting, BUYER.address, stranger.public)
    deliveries.require_registered_key(market.acting, BUYER.address, KEYS[BUYER.address].public)


def test_an_envelope_leaves_the_vault_only_after_delivery(market: Scenario) -> None:
    sale_id = market.order()
    shelf = market.services.records.deliveries
    with pytest.raises(NotFound) as caught:
        deliveries.hand_out_for(market.acting, shelf, sale_id, sha256(b"any"))
    assert caught.value.kind == "delivery of sale"
    market.pay(sale_id)
    market.prepare(sale_id)
    market.deliver(sale_id)
    with pytest.raises(NotFound):
        deliveries.hand_out_for(market.acting, shelf, sale_id, sha256(b"any"))


def test_only_the_buyer_accepts_before_the_acceptance_window_ends(market: Scenario) -> None:
    sale_id = market.order()
    market.pay(sale_id)
    market.prepare(sale_id)
    market.deliver(sale_id)
    until = market.clock.now + 7 * 86_400
    with refused("Market", "AcceptanceWindowOpen", saleId=sale_id, until=until):
        sales.accept(market.acting, EXCHANGE, sale_id)
    market.clock.now = until + 1
    assert sales.accept(market.acting, EXCHANGE, sale_id).event("SaleAccepted").args["byTimeout"] is True


# -- withdrawal by receipt


def test_a_withdrawal_by_receipt_stops_orders_until_it_is_applied(market: Scenario) -> None:
    person = market.stage.people[2]
    receipt, withdrawal = market.receipt_of(person), market.withdrawal(person)
    with refused("Consents", "NotMarked", consentId=receipt.signed.consent_id):
        market.consents.apply_mark(receipt.signed.consent_id, STRANGER)
    forged = replace(receipt, collector=BANK.address, signature=BANK.sign_digest(receipt.digest))
    with pytest.raises(NotFound):
        market.consents.withdraw_by_receipt(forged, withdrawal, EXCHANGE)
    wrong = replace(receipt, signature=BANK.sign_digest(receipt.digest))
    with refused("Consents", "BadSignature", expected=PROVIDER.address):
        market.consents.withdraw_by_receipt(wrong, withdrawal, EXCHANGE)

    marked = market.consents.withdraw_by_receipt(receipt, withdrawal, EXCHANGE)
    assert marked.event("WithdrawalMarked").args["pending"] == 1
    with refused("Market", "WithdrawalPending", assetId=market.stage.asset_id, pending=1):
        market.order()
    with refused("Consents", "AlreadyMarked", consentId=receipt.signed.consent_id):
        market.consents.withdraw_by_receipt(receipt, withdrawal, BANK)

    applied = market.consents.apply_mark(receipt.signed.consent_id, STRANGER)
    assert applied.event("WithdrawalResolved").args["applied"] is True
    assert applied.event("LeafEnded").args["subject"] == person.address
    assert state(market, market.order()) == SaleState.ORDERED


# -- ends


def test_an_order_is_cancelled_by_a_party_and_a_payment_taken_back_only_when_it_lapsed(market: Scenario) -> None:
    first, second = market.order(), market.order(SECOND)
    with refused("Market", "NotParty", saleId=first, account=STRANGER.address):
        sales.cancel(market.acting, STRANGER, market.ordered(first))
    sales.cancel(market.acting, BUYER, market.ordered(first))
    market.pay(second)
    with refused("Market", "NotRefundable", saleId=second):
        sales.refund(market.acting, SECOND, market.ordered(second))
    version = Version(sha256(b"content"), PEOPLE, sha256(b"descriptor"))
    assets.publish(market.acting, PROVIDER, market.stage.asset_id, version)
    with refused("Market", "NotParty", saleId=second, account=BUYER.address):
        sales.refund(market.acting, BUYER, market.ordered(second))
    sales.refund(market.acting, SECOND, market.ordered(second))
    assert (state(market, first), state(market, second)) == (SaleState.CANCELLED, SaleState.REFUNDED)


def test_a_payout_of_a_wrong_total_or_by_a_party_is_refused(market: Scenario) -> None:
    sale_id = market.order()
    market.pay(sale_id)
    market.prepare(sale_id)
    market.deliver(sale_id)
    wrong = Payout(0, 0, PEOPLE, 0, bytes(32), 1, sha256(b"payout"))
    with refused("Revenue", "NotSettled", saleId=sale_id):
        revenue.confirm_payout(market.acting, BANK, market.ordered(sale_id), wrong)
    sales.accept(market.acting, BUYER, sale_id)
    settled = revenue.settle(market.acting, EXCHANGE, market.ordered(sale_id)).event("SaleSettled").args
    with refused("Revenue", "WrongTotal", expected=settled["perHead"] * PEOPLE, given=1):
        revenue.confirm_payout(market.acting, BANK, market.ordered(sale_id), wrong)
    with refused("Revenue", "SettlerIsParty", settler=PROVIDER.address):
        revenue.confirm_payout(market.acting, PROVIDER, market.ordered(sale_id), wrong)
