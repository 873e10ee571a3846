from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.codes import Licence, Mode
from deedbook.domain.sales import (
    Conditions,
    Intermediary,
    Offer,
    Policy,
    Price,
    Sandbox,
    Split,
    currency_text,
    offer_id,
    parse_currency,
    sale_id,
)
from deedbook.errors import InvalidFormat, InvalidInput, WrongVersion

ADDRESS, WORD = st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)
U16, U32, U64, U128 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64, 128))
OFFERS = st.builds(
    Offer,
    provider=ADDRESS,
    asset_id=st.integers(0, 2**256 - 1),
    version=U32,
    version_key=WORD,
    mode=U16,
    purpose=U16,
    price=st.builds(Price, U128, U128, U128, U128, st.sampled_from([b"CNY", b"USD"])),
    split=st.builds(
        Split, ADDRESS, U16, U16, U16, st.lists(st.builds(Intermediary, ADDRESS, U16), max_size=3).map(tuple)
    ),
    terms_hash=WORD,
    policy_hash=WORD,
    quota=U64,
    term=U64,
    valid_until=U64,
    conditions=st.builds(Conditions, U16, st.lists(U16, max_size=3).map(tuple)),
    sandbox=st.builds(Sandbox, st.booleans(), U64, U32, U128, st.lists(ADDRESS, max_size=3).map(tuple)),
    salt=WORD,
)
OFFER = Offer(
    provider=b"\x01" * 20,
    asset_id=7,
    version=1,
    version_key=b"\x02" * 32,
    mode=Mode.RAW,
    purpose=1,
    price=Price(100, 20, 3, 4, b"CNY"),
    split=Split(b"\x03" * 20, 500, 3500, 6000),
    terms_hash=b"\x04" * 32,
    policy_hash=b"\x05" * 32,
    quota=0,
    term=86_400,
    valid_until=2**64 - 1,
    conditions=Conditions(Licence.EMPLOYER, (156,)),
    sandbox=Sandbox(),
    salt=b"\x06" * 32,
)


def args_of(offer: Offer) -> dict[str, Any]:
    """The offer as an event's decoder gives it."""
    told = offer.to_json()
    values = dict(zip((key for key in told if key not in ("format", "version")), offer.as_tuple(), strict=True))
    values["version"] = values.pop("assetVersion")
    for name in ("price", "split", "conditions", "sandbox"):
        values[name] = dict(zip(told[name], values[name], strict=True))
    split = values["split"]
    split["intermediaries"] = tuple({"account": account, "bps": bps} for account, bps in split["intermediaries"])
    return values


@given(OFFERS)
def test_an_offer_reads_back_from_its_document_and_from_its_event(offer: Offer) -> None:
    assert Offer.decode(offer.encode()) == offer
    assert Offer.from_args(args_of(offer)) == offer


@given(OFFERS, OFFERS)
def test_another_offer_has_another_identifier(one: Offer, other: Offer) -> None:
    assert (offer_id(1, bytes(20), one) == offer_id(1, bytes(20), other)) == (one == other)


def test_an_identifier_names_chain_market_buyer_and_reference() -> None:
    offers = {offer_id(chain, market, OFFER) for chain in (1, 2) for market in (bytes(20), b"\x01" * 20)}
    sales = {sale_id(bytes(32), buyer, ref) for buyer in (bytes(20), b"\x01" * 20) for ref in (bytes(32), b"\x01" * 32)}
    assert (len(offers), len(sales)) == (4, 4)


def test_a_price_is_the_sum_of_its_lines() -> None:
    assert OFFER.price.total == 127


def test_codes_go_into_documents_as_numbers() -> None:
    told = OFFER.to_json()
    assert (type(told["mode"]), type(told["conditions"]["buyerClass"])) == (int, int)
    assert Policy(2, 6, Mode.RAW).as_tuple() == (2, 6, 32)


@pytest.mark.parametrize("currency", [b"cny", b"CN", b"CNYY", b"C1Y", b"\xff\xff\xff"])
def test_a_currency_is_three_capital_letters(currency: bytes) -> None:
    with pytest.raises(InvalidInput, match="currency"):
        currency_text(currency)
    with pytest.raises(InvalidInput, match="currency"):
        parse_currency(currency.decode("latin-1"))
    assert parse_currency(currency_text(b"CNY")) == b"CNY"


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: replace(OFFER, provider=bytes(19)), "provider"),
        (lambda: replace(OFFER, asset_id=-1), "assetId"),
        (lambda: replace(OFFER, version=2**32), "version"),
        (lambda: replace(OFFER, version_key=b""), "versionKey"),
        (lambda: replace(OFFER, mode=2**16), "mode"),
        (lambda: replace(OFFER, purpose=-1), "purpose"),
        (lambda: replace(OFFER, terms_hash=b""), "termsHash"),
        (lambda: replace(OFFER, policy_hash=b""), "policyHash"),
        (lambda: replace(OFFER, quota=2**64), "quota"),
        (lambda: replace(OFFER, term=-1), "term"),
        (lambda: replace(OFFER, valid_until=2**64), "validUntil"),
        (lambda: replace(OFFER, salt=bytes(31)), "salt"),
        (lambda: Price(2**128, 0, 0, 0, b"CNY"), "price.data"),
        (lambda: Price(0, 0, 0, -1, b"CNY"), "price.service"),
        (lambda: Split(bytes(19), 0, 0, 0), "split.exchange"),
        (lambda: Split(bytes(20), 2**16, 0, 0), "split.exchange_bps"),
        (lambda: Intermediary(bytes(19), 0), "split.intermediaries.account"),
        (lambda: Intermediary(bytes(20), -1), "split.intermediaries.bps"),
        (lambda: Conditions(2**16), "conditions.buyerClass"),
        (lambda: Conditions(0, (2**16,)), "conditions.jurisdictions"),
        (lambda: Sandbox(on=1), "sandbox.on"),  # type: ignore[arg-type]
        (lambda: Sandbox(end=-1), "sandbox.end"),
        (lambda: Sandbox(max_orders=2**32), "sandbox.maxOrders"),
        (lambda: Sandbox(max_price=2**128), "sandbox.maxPrice"),
        (lambda: Sandbox(buyers=(b"",)), "sandbox.buyers"),
        (lambda: Policy(2**16, 0, 0), "toList"),
    ],
)
def test_a_value_out_of_range_is_refused_by_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make()
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.pop("split"),
        lambda told: told.update(quota=0),
        lambda told: told["price"].update(tax="0"),
        lambda told: told["split"].update(intermediaries=[{"account": "0x00"}]),
        lambda told: told["split"].update(intermediaries={}),
        lambda told: told["conditions"].update(jurisdictions=["156"]),
        lambda told: told["conditions"].update(jurisdictions=[True]),
        lambda told: told["sandbox"].update(buyers=["0x00"]),
        lambda told: told["sandbox"].update(on="yes"),
        lambda told: told.update(sandbox=None),
    ],
)
def test_a_document_of_another_form_is_refused(change: Callable[[Any], Any]) -> None:
    told = OFFER.to_json()
    change(told)
    with pytest.raises(InvalidFormat):
        Offer.from_json(told)


def test_a_later_version_is_refused_as_such() -> None:
    with pytest.raises(WrongVersion):
        Offer.from_json(OFFER.to_json() | {"version": 2})
