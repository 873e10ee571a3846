from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain import consents
from deedbook.domain.codes import ConsentField, Licence, Mode, Purpose
from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    SignedConsent,
    Terms,
    Withdrawal,
    common_terms,
    consent_id,
    consent_id_of_args,
    narrower_field,
    receipt_digest,
    receipt_typed_data,
    record_commit,
    terms_hash,
    typed_data,
    withdrawal_digest,
    withdrawal_typed_data,
)
from deedbook.domain.hashing import keccak256
from deedbook.domain.notices import Notice, load_notice, render_statement, with_statement
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import InvalidFormat, InvalidInput, InvalidSignature, WrongVersion
from deedbook.wallet.recovery import verify_signer
from deedbook.wallet.signers import LocalSigner

DOMAIN = ConsentDomain(20230614, b"\x33" * 20)
CONSENT = Consent(
    subject=b"\x11" * 20,
    asset_id=7,
    controller=b"\x22" * 20,
    recipient=bytes(20),
    recipient_class=Licence.EMPLOYER,
    purpose=Purpose.RECRUITMENT,
    modes=Mode.RAW,
    cross_border=False,
    notice_hash=b"\x44" * 32,
    record_commit=b"\x55" * 32,
    valid_from=1_686_700_800,
    valid_until=1_718_323_199,
    statement="I agree.",
    salt=b"\x66" * 32,
)
SIGNED = SignedConsent(DOMAIN, CONSENT, b"\x01" * 65)

ADDRESS, WORD = st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)
U16, TIME = st.integers(0, 2**16 - 1), st.integers(0, 2**53 - 1)
CONSENTS = st.builds(
    Consent,
    subject=ADDRESS,
    asset_id=st.integers(0, 2**256 - 1),
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
    statement=st.text("人同意 I agree.é👍", min_size=1, max_size=40),
    salt=WORD,
)
DOMAINS = st.builds(ConsentDomain, st.integers(0, 2**64), ADDRESS)


@pytest.fixture
def notice() -> Notice:
    return load_notice("en", controller="Guiyang Resume Data", contact="privacy@example.org", asset_title="Resumes")


# -- digests


def digest_of(data: dict[str, Any]) -> bytes:
    message = encode_typed_data(full_message=data)
    return keccak256(b"\x19" + message.version + message.header + message.body)


@given(DOMAINS, CONSENTS)
def test_digest_is_that_of_the_typed_data_that_a_wallet_gets(domain: ConsentDomain, consent: Consent) -> None:
    assert digest_of(typed_data(domain, consent)) == consent_id(domain, consent)


@given(DOMAINS, WORD, st.integers(0, 2**256 - 1), ADDRESS)
def test_receipts_and_withdrawals_have_the_digest_of_their_typed_data(
    domain: ConsentDomain, identifier: bytes, asset_id: int, subject: bytes
) -> None:
    receipt = receipt_typed_data(domain, identifier, asset_id, subject)
    assert digest_of(receipt) == receipt_digest(domain, identifier, asset_id, subject)
    assert digest_of(withdrawal_typed_data(domain, identifier)) == withdrawal_digest(domain, identifier)


@given(CONSENTS)
def test_an_events_consent_has_the_same_identifier(consent: Consent) -> None:
    names = [name if name != "statement" else "statementHash" for name in consents.CONSENT_FIELDS]
    args = dict(zip(names, consent.as_tuple(), strict=True))
    assert consent_id_of_args(DOMAIN, args) == consent_id(DOMAIN, consent)


def test_a_wallets_signature_is_over_the_identifier() -> None:
    account = Account.from_key(b"\x07" * 32)
    signed = account.sign_typed_data(full_message=typed_data(DOMAIN, CONSENT))
    assert signed.message_hash == consent_id(DOMAIN, CONSENT)


@given(CONSENTS, st.sampled_from(list(Consent.__slots__)))
def test_every_field_is_signed(consent: Consent, field: str) -> None:
    value: Any = getattr(consent, field)
    if isinstance(value, bool):
        other: Any = not value
    elif isinstance(value, int):
        other = value ^ 1
    elif isinstance(value, bytes):
        other = bytes([value[0] ^ 1]) + value[1:]
    else:
        other = value + "."
    assert consent_id(DOMAIN, replace(consent, **{field: other})) != consent_id(DOMAIN, consent)


SIGNER = LocalSigner(b"\x07" * 32)
OWN = replace(CONSENT, subject=SIGNER.address)


def signature_for(domain: ConsentDomain, consent: Consent) -> bytes:
    return SIGNER.sign_digest(consent_id(domain, consent))


@pytest.mark.rule("other-chain")
def test_a_consent_signed_for_another_chain_is_refused() -> None:
    signature = signature_for(replace(DOMAIN, chain_id=1), OWN)
    with pytest.raises(InvalidSignature):
        verify_signer(consent_id(DOMAIN, OWN), signature, OWN.subject)


@pytest.mark.rule("other-contract")
def test_a_consent_signed_for_another_contract_is_refused() -> None:
    signature = signature_for(replace(DOMAIN, contract=bytes(20)), OWN)
    with pytest.raises(InvalidSignature):
        verify_signer(consent_id(DOMAIN, OWN), signature, OWN.subject)


@pytest.mark.rule("wrong-signer")
def test_a_consent_signed_by_another_is_refused() -> None:
    with pytest.raises(InvalidSignature):
        verify_signer(consent_id(DOMAIN, CONSENT), signature_for(DOMAIN, CONSENT), CONSENT.subject)


@pytest.mark.rule("wrong-signer")
def test_a_signed_consent_is_neither_a_receipt_nor_a_withdrawal() -> None:
    identifier, signature = consent_id(DOMAIN, OWN), signature_for(DOMAIN, OWN)
    verify_signer(identifier, signature, OWN.subject)
    for digest in (withdrawal_digest(DOMAIN, identifier), receipt_digest(DOMAIN, identifier, 7, OWN.subject)):
        with pytest.raises(InvalidSignature):
            verify_signer(digest, signature, OWN.subject)


# -- shapes


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("subject", bytes(19), "subject"),
        ("subject", "0x" + "00" * 20, "subject"),
        ("asset_id", -1, "assetId"),
        ("asset_id", 2**256, "assetId"),
        ("asset_id", True, "assetId"),
        ("controller", bytes(21), "controller"),
        ("recipient", b"", "recipient"),
        ("recipient_class", 2**16, "recipientClass"),
        ("purpose", -1, "purpose"),
        ("modes", 1.0, "modes"),
        ("cross_border", 1, "crossBorder"),
        ("notice_hash", bytes(31), "noticeHash"),
        ("record_commit", bytes(33), "recordCommit"),
        ("valid_from", -1, "validFrom"),
        ("valid_until", 2**53, "validUntil"),
        ("statement", "", "statement"),
        ("statement", "a\u202eb", "statement"),
        ("statement", "a\nb", "statement"),
        ("statement", "x" * 4097, "statement"),
        ("salt", bytes(16), "salt"),
    ],
)
def test_a_field_of_another_shape_is_refused_by_name(field: str, value: Any, named: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        replace(CONSENT, **{field: value})
    assert refusal.value.field == named


def test_a_domain_is_a_chain_and_a_contract() -> None:
    with pytest.raises(InvalidInput, match="chainId"):
        ConsentDomain(-1, bytes(20))
    with pytest.raises(InvalidInput, match="contract"):
        ConsentDomain(1, bytes(32))


# -- documents


@given(DOMAINS, CONSENTS)
def test_a_signed_consent_reads_back_from_its_bytes(domain: ConsentDomain, consent: Consent) -> None:
    signed = SignedConsent(domain, consent, bytes(65))
    assert SignedConsent.decode(signed.encode()) == signed
    assert signed.consent_id == consent_id(domain, consent)


@pytest.mark.parametrize("length", [0, 64, 66])
def test_signatures_of_another_length_are_refused(length: int) -> None:
    for make in (
        lambda: SignedConsent(DOMAIN, CONSENT, bytes(length)),
        lambda: Withdrawal(DOMAIN, bytes(32), bytes(20), bytes(length)),
        lambda: ConsentReceipt(SIGNED, "en", bytes(20), 1, bytes(length)),
    ):
        with pytest.raises(InvalidSignature, match="65 bytes"):
            make()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format": "deedbook.receipt"}, InvalidFormat),
        ({"version": 2}, WrongVersion),
        ({"version": True}, WrongVersion),
        ({"version": "1"}, WrongVersion),
        ({"chainId": 1}, InvalidFormat),
        ({"chainId": "01"}, InvalidFormat),
        ({"chainId": "-1"}, InvalidFormat),
        ({"chainId": "１"}, InvalidFormat),
        ({"contract": "0x33"}, InvalidFormat),
        ({"consent": []}, InvalidFormat),
        ({"consent": {}}, InvalidFormat),
        ({"signature": None}, InvalidFormat),
        ({"extra": 1}, InvalidFormat),
    ],
)
def test_a_document_of_another_form_is_refused(change: dict[str, Any], error: type[InvalidInput]) -> None:
    with pytest.raises(error):
        SignedConsent.from_json(SIGNED.to_json() | change)


@pytest.mark.parametrize("document", [None, [], "text", 1, {}])
def test_what_is_no_document_is_refused(document: object) -> None:
    for read in (SignedConsent.from_json, Withdrawal.from_json, ConsentReceipt.from_json, Notice.from_json):
        with pytest.raises(InvalidFormat):
            read(document)


def test_receipts_and_withdrawals_read_back() -> None:
    receipt = ConsentReceipt(SIGNED, "zh-CN", b"\x77" * 20, 1_686_701_000, b"\x02" * 65)
    withdrawal = Withdrawal(DOMAIN, SIGNED.consent_id, CONSENT.subject, b"\x03" * 65)
    assert ConsentReceipt.from_json(receipt.to_json()) == receipt
    assert Withdrawal.from_json(withdrawal.to_json()) == withdrawal
    assert receipt.digest == receipt_digest(DOMAIN, SIGNED.consent_id, 7, CONSENT.subject)
    assert withdrawal.digest == withdrawal_digest(DOMAIN, SIGNED.consent_id)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(pii_principal_id="0x" + "00" * 20),
        lambda told: told.update(event=[]),
        lambda told: told.update(event=told["event"] * 2),
        lambda told: told["event"][0].update(event_state="withdrawn"),
        lambda told: told["pii_processing"]["purposes"][0].update(purpose="something else"),
        lambda told: told["party_identification"].pop(),
        lambda told: told.pop("receipt_id"),
    ],
)
def test_a_receipt_that_tells_another_story_than_its_consent_is_refused(change: Callable[[Any], Any]) -> None:
    told = ConsentReceipt(SIGNED, "en", b"\x77" * 20, 1_686_701_000, b"\x02" * 65).to_json()
    change(told)
    with pytest.raises(InvalidFormat):
        ConsentReceipt.from_json(told)


# -- terms


TERMS = CONSENT.terms


def test_terms_read_back_and_go_to_the_chain_in_the_order_of_the_abi() -> None:
    assert Terms.from_json(TERMS.to_json()) == TERMS
    assert Terms.from_args(dict(zip(consents.TERMS_FIELDS, TERMS.as_tuple(), strict=True))) == TERMS


def test_terms_hold_any_time_of_64_bits() -> None:
    forever = replace(TERMS, valid_until=2**64 - 1)
    assert Terms.from_json(forever.to_json()) == forever
    assert terms_hash(forever, bytes(32)) != terms_hash(TERMS, bytes(32))
    with pytest.raises(InvalidInput, match="validUntil"):
        replace(TERMS, valid_until=2**64)


@given(st.lists(st.builds(lambda m, b, f, u: replace(CONSENT, modes=m, cross_border=b, valid_from=f, valid_until=u),
                          U16, st.booleans(), TIME, TIME), min_size=1, max_size=5))  # fmt: skip
def test_common_terms_are_granted_by_every_consent_and_could_not_be_wider(given_consents: list[Consent]) -> None:
    terms = common_terms(given_consents)
    assert all(narrower_field(CONSENT.asset_id, terms, consent) is None for consent in given_consents)
    for wider in (
        replace(terms, modes=terms.modes ^ (terms.modes + 1 & ~terms.modes)) if terms.modes != 0xFFFF else None,
        replace(terms, valid_from=terms.valid_from - 1) if terms.valid_from else None,
        replace(terms, valid_until=terms.valid_until + 1),
        None if terms.cross_border else replace(terms, cross_border=True),
    ):
        if wider is not None and wider.modes <= 0xFFFF:
            assert any(narrower_field(CONSENT.asset_id, wider, consent) for consent in given_consents)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"asset_id": 8}, ConsentField.ASSET),
        ({"controller": bytes(20)}, ConsentField.CONTROLLER),
        ({"recipient": b"\x99" * 20}, ConsentField.RECIPIENT),
        ({"recipient_class": 0}, ConsentField.RECIPIENT),
        ({"recipient_class": 257}, ConsentField.RECIPIENT_CLASS),
        ({"purpose": 2}, ConsentField.PURPOSE),
        ({"modes": 2}, ConsentField.MODES),
        ({"notice_hash": bytes(32)}, ConsentField.NOTICE),
        ({"valid_from": CONSENT.valid_from + 1}, ConsentField.VALID_FROM),
        ({"valid_until": CONSENT.valid_until - 1}, ConsentField.VALID_UNTIL),
        ({"modes": 63, "cross_border": True, "valid_from": 0, "valid_until": 2**53 - 1}, None),
    ],
)
@pytest.mark.rule("challenge")
def test_the_field_in_which_a_consent_grants_less_is_named(change: dict[str, Any], field: ConsentField | None) -> None:
    assert narrower_field(7, TERMS, replace(CONSENT, **change)) == field


def test_a_consent_within_the_border_grants_no_crossing() -> None:
    assert narrower_field(7, replace(TERMS, cross_border=True), CONSENT) == ConsentField.CROSS_BORDER


def test_a_consent_to_one_recipient_grants_nothing_to_a_class() -> None:
    named = replace(CONSENT, recipient=b"\x99" * 20)
    assert narrower_field(7, named.terms, named) is None
    assert narrower_field(7, TERMS, named) == ConsentField.RECIPIENT


def test_consents_that_disagree_have_no_common_terms() -> None:
    for change in ({"controller": bytes(20)}, {"recipient": b"\x99" * 20}, {"purpose": 2}, {"notice_hash": bytes(32)}):
        with pytest.raises(InvalidInput, match="differs between the consents"):
            common_terms([CONSENT, replace(CONSENT, **change)])
    with pytest.raises(InvalidInput, match="are none"):
        common_terms([])


# -- notices and statements


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_notices_that_ship_have_a_word_for_every_code(language: str) -> None:
    notice = load_notice(language, controller="贵阳", contact="x@example.org", asset_title="简历")
    assert Notice.decode(notice.encode()) == notice
    for purpose in Purpose:
        for licence in Licence:
            consent = replace(CONSENT, purpose=purpose, recipient_class=licence, modes=63)
            assert "贵阳" in render_statement(notice, consent)


def test_another_language_is_refused() -> None:
    with pytest.raises(InvalidInput, match="language"):
        load_notice("fr", controller="a", contact="b", asset_title="c")


def test_the_sentence_says_what_the_fields_say(notice: Notice) -> None:
    consent = with_statement(notice, replace(CONSENT, modes=Mode.CALL | Mode.RAW))
    assert consent.notice_hash == notice.hash
    assert consent.statement == (
        'I agree that Guiyang Resume Data provides my data in "Resumes" to any member licensed as an employer, '
        "only for recruitment, by queries and delivery of the record itself, not across borders, "
        "from 2023-06-14T00:00:00Z until 2024-06-13T23:59:59Z; I can withdraw at any time."
    )


def test_a_named_recipient_is_shown_by_address(notice: Notice) -> None:
    named = bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
    assert "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed" in render_statement(notice, replace(CONSENT, recipient=named))


@given(CONSENTS, CONSENTS)
def test_sentences_differ_where_the_shown_fields_do(one: Consent, other: Consent) -> None:
    notice = load_notice("en", controller="a", contact="b", asset_title="c")

    def shown(consent: Consent) -> Consent:
        modes, until = consent.modes & 63 or 1, consent.valid_until % 2**37
        terms: Any = {"recipient_class": 256, "purpose": consent.purpose % 4 + 1, "modes": modes}
        return replace(consent, **terms, valid_from=5, valid_until=until)

    one, other = shown(one), shown(other)
    same = all(
        getattr(one, name) == getattr(other, name)
        for name in ("recipient", "purpose", "modes", "cross_border", "valid_until")
    )
    assert (render_statement(notice, one) == render_statement(notice, other)) == same


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"template": "{asset}"}, "does not show 'controller'"),
        ({"template": "{price}"}, "unknown placeholder 'price'"),
        ({"template": "a } b"}, "unknown placeholder None"),
        ({"template": "{ asset }"}, "unknown placeholder ' asset '"),
        ({"controller": "a\u202eb"}, "hidden character U\\+202E"),
        ({"asset_title": ""}, "is not text of 1 to 4096"),
        ({"rights": ("a\x00",)}, "hidden character U\\+0000"),
        ({"language": 5}, "is not text"),
    ],
)
def test_a_notice_that_could_mislead_is_refused(notice: Notice, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidFormat, match=words):
        replace(notice, **change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"joiner": "\u200b"}, "hidden character"),
        ({"cross_border": {"true": "yes"}}, 'exactly "true" and "false"'),
        ({"mode": {"x": "y"}}, "'x' is no code"),
        ({"mode": {"01": "y"}}, "'01' is no code"),
        ({"purpose": {"65536": "y"}}, "'65536' is no code"),
        ({"purpose": {"1": "\u2066"}}, "hidden character"),
    ],
)
def test_labels_that_could_mislead_are_refused(notice: Notice, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidFormat, match=words):
        replace(notice, labels=replace(notice.labels, **change))


def test_labels_are_an_object(notice: Notice) -> None:
    told = notice.to_json()
    told["labels"]["mode"] = []
    with pytest.raises(InvalidFormat, match=r"labels\.mode"):
        Notice.from_json(told)


def test_a_code_without_a_label_has_no_sentence(notice: Notice) -> None:
    for change in ({"recipient_class": 3}, {"purpose": 9}, {"modes": 64}, {"modes": 0}):
        with pytest.raises(InvalidFormat):
            render_statement(notice, replace(CONSENT, **change))  # type: ignore[arg-type]


def test_records_are_committed_to_under_a_salt() -> None:
    assert record_commit(bytes(32), {"a": 1, "b": 2}) == record_commit(bytes(32), {"b": 2, "a": 1})
    assert record_commit(bytes(32), {"a": 1}) != record_commit(b"\x01" * 32, {"a": 1})
    with pytest.raises(InvalidInput, match="salt"):
        record_commit(bytes(16), {})
