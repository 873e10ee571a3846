"""The domain against the contracts themselves, on the embedded chain: the same identifiers, slots and heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook import config
from deedbook.bootstrap.services import GOVERNANCE, Services
from deedbook.chain.transactions import log_of
from deedbook.domain.assets import Version, asset_id, version_key
from deedbook.domain.codes import Licence, Role
from deedbook.domain.consents import Consent, ConsentDomain, Terms, batch_id, consent_id, terms_hash
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.journal import EMPTY_HEAD, JOURNAL_SLOT, JOURNALLED, account_entity, entity_slot, fold
from deedbook.domain.members import Admission
from deedbook.domain.sales import Conditions, Intermediary, Offer, Price, Sandbox, Split, offer_id, sale_id

ADDRESS, WORD = st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)
U16, U32, U64, U128, U256 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64, 128, 256))
TIME = st.integers(0, 2**53 - 1)
CONSENTS = st.builds(
    Consent,
    subject=ADDRESS,
    asset_id=U256,
    controller=ADDRESS,
    recipient=ADDRESS,
    recipient_class=U16,
    purpose=U16,
    modes=U16,
    cross_border=st.booleans(),
    notice_hash=WORD,
    record_commit=WORD,
    valid_from=TIME,
    valid_until=TIME,
    statement=st.text("本人同意 I agree.", min_size=1),
    salt=WORD,
)
OFFERS = st.builds(
    Offer,
    provider=ADDRESS,
    asset_id=U256,
    version=U32,
    version_key=WORD,
    mode=U16,
    purpose=U16,
    price=st.builds(Price, U128, U128, U128, U128, st.just(b"CNY")),
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
few = settings(max_examples=15)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A home with every contract deployed."""
    home = tmp_path_factory.mktemp("domain") / "home"
    with Services.init(config.load(home, {})) as made:
        yield made


@few
@given(CONSENTS)
def test_consents_have_the_identifier_of_the_contract(services: Services, consent: Consent) -> None:
    acting = services.acting
    domain = ConsentDomain(acting.chain_id, acting.addresses["Consents"])
    assert acting.read("Consents", "consentIdOf", consent.as_tuple()) == consent_id(domain, consent)


@few
@given(CONSENTS, WORD, WORD, U32)
def test_batches_have_the_identifier_of_the_contract(
    services: Services, consent: Consent, manifest: bytes, root: bytes, count: int
) -> None:
    terms: Terms = replace(consent.terms, valid_until=2**64 - 1)
    stated = (consent.asset_id, root, count, terms_hash(terms, manifest))
    assert services.acting.read("Consents", "batchIdOf", stated) == batch_id(*stated)


@few
@given(ADDRESS, WORD, WORD, U64, WORD)
def test_assets_and_versions_have_the_identifiers_of_the_contract(
    services: Services, registrant: bytes, salt: bytes, root: bytes, count: int, descriptor: bytes
) -> None:
    acting = services.acting
    version = Version(root, count, descriptor)
    asset = asset_id(acting.chain_id, acting.addresses["DataAssets"], registrant, salt)
    assert acting.read("DataAssets", "assetIdOf", registrant, salt) == asset
    assert acting.read("DataAssets", "versionKeyOf", asset, version.as_tuple()) == version_key(asset, version)


@few
@given(OFFERS, ADDRESS, WORD)
def test_offers_and_sales_have_the_identifiers_of_the_contract(
    services: Services, offer: Offer, buyer: bytes, reference: bytes
) -> None:
    acting = services.acting
    offered = offer_id(acting.chain_id, acting.addresses["Market"], offer)
    assert acting.read("Market", "offerIdOf", offer.as_tuple()) == offered
    assert acting.read("Market", "saleIdOf", offered, buyer, reference) == sale_id(offered, buyer, reference)


def test_heads_lie_in_their_slots_and_are_the_fold_of_all_logs(services: Services) -> None:
    acting, member = services.acting, b"\x77" * 20
    admission = Admission(b"\x01" * 32, 156, Role.BUYER, 2**40, (Licence.EMPLOYER,))
    acting.act(services.signer(GOVERNANCE), "Membership", "admit", member, admission.as_tuple())

    for name in JOURNALLED:
        address = to_hex(acting.addresses[name])
        given_logs = services.node.request("eth_getLogs", [{"address": address, "fromBlock": "0x0"}])
        head = EMPTY_HEAD
        for log in map(log_of, given_logs):
            head = fold(head, log.block_number, log.topics, log.data)
        stored = services.node.request("eth_getStorageAt", [address, hex(JOURNAL_SLOT), "latest"])
        assert acting.read(name, "journalHead") == from_hex(stored, "head", 32) == head

    entity = account_entity(member)
    address = to_hex(acting.addresses["Membership"])
    stored = services.node.request("eth_getStorageAt", [address, hex(entity_slot(entity)), "latest"])
    assert acting.read("Membership", "journalHeadOf", entity) == from_hex(stored, "head", 32) != EMPTY_HEAD
