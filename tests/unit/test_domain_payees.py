"""Payees: what is signed, what is shown, and what is never quoted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from eth_account.messages import encode_typed_data

from deedbook.domain.consents import ConsentDomain
from deedbook.domain.hashing import keccak256, sha256
from deedbook.domain.payees import (
    Payee,
    PayeeKind,
    PayeeRequest,
    SignedPayee,
    payee_digest,
    payee_request_typed_data,
    payee_typed_data,
)
from deedbook.errors import InvalidFormat, InvalidInput, InvalidSignature, WrongVersion
from deedbook.wallet import typed_data
from deedbook.wallet.recovery import verify_signer
from deedbook.wallet.signers import LocalSigner

DOMAIN = ConsentDomain(20230614, bytes([7]) * 20)
PAYEE = Payee(sha256(b"consent"), PayeeKind.BANK_ACCOUNT, "工商银行", "6222020200112233", "王秀英", 1_700_000_000)
SIGNER = LocalSigner(sha256(b"key"))
SECRETS = ("工商银行", "6222020200112233", "王秀英")


def test_the_digest_is_that_of_eip_712() -> None:
    message = encode_typed_data(full_message=payee_typed_data(DOMAIN, PAYEE))
    assert payee_digest(DOMAIN, PAYEE) == keccak256(b"\x19" + message.version + message.header + message.body)


def test_a_wallet_signs_what_it_shows() -> None:
    signed = typed_data.sign_payee(payee_typed_data(DOMAIN, PAYEE), SIGNER)
    assert (signed.domain, signed.payee, signed.subject) == (DOMAIN, PAYEE, SIGNER.address)
    verify_signer(signed.digest, signed.signature, SIGNER.address)
    assert SignedPayee.decode(signed.encode()) == SignedPayee.from_json(json.loads(signed.encode())) == signed
    asked = payee_typed_data(DOMAIN, PAYEE)
    asked["types"]["Payee"] = asked["types"]["Payee"][:-1]
    with pytest.raises(InvalidFormat):
        typed_data.sign_payee(asked, SIGNER)


def test_a_wallet_signs_a_request_to_see_a_payee() -> None:
    asked = payee_request_typed_data(DOMAIN, PAYEE.consent_id, 1_700_000_000)
    signed = typed_data.sign_payee_request(asked, SIGNER)
    assert (signed.domain, signed.consent_id, signed.asked_at) == (DOMAIN, PAYEE.consent_id, 1_700_000_000)
    message = encode_typed_data(full_message=asked)
    assert signed.digest == keccak256(b"\x19" + message.version + message.header + message.body)
    verify_signer(signed.digest, signed.signature, SIGNER.address)
    assert PayeeRequest.from_json(json.loads(json.dumps(signed.to_json()))) == signed
    asked["message"]["subject"] = "0x" + SIGNER.address.hex()
    with pytest.raises(InvalidFormat):
        typed_data.sign_payee_request(asked, SIGNER)


def test_a_payee_is_shown_masked() -> None:
    assert PAYEE.masked == "bank-account *2233"
    short = replace(PAYEE, kind=PayeeKind.E_CNY_WALLET, account="0062")
    assert short.masked == "e-cny-wallet *2"


def test_no_repr_quotes_a_payee() -> None:
    signed = typed_data.sign_payee(payee_typed_data(DOMAIN, PAYEE), SIGNER)
    assert not [secret for secret in SECRETS if secret in repr(signed)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "622 202"),
        ("account", "６２２２０２０２"),
        ("account", "622"),
        ("account", "6" * 41),
        ("holder", ""),
        ("holder", "a\u202eb"),
        ("institution", "x" * 201),
        ("named_at", 2**53),
        ("consent_id", bytes(31)),
    ],
)
def test_a_malformed_payee_is_refused_by_its_field_and_not_quoted(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(PAYEE, **{field: value})
    named = {"named_at": "namedAt", "consent_id": "consentId"}.get(field, field)
    assert refused.value.field == named
    assert not [
        secret for secret in (*SECRETS, value) if isinstance(secret, str) and secret and secret in str(refused.value)
    ]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"version": 2}, WrongVersion),
        ({"format": "deedbook.withdrawal"}, InvalidFormat),
        ({"signature": "0x00"}, InvalidSignature),
        ({"chainId": 1}, InvalidFormat),
        ({"z": 1}, InvalidFormat),
    ],
)
def test_a_malformed_document_is_refused(change: dict[str, Any], error: type[InvalidInput]) -> None:
    signed = typed_data.sign_payee(payee_typed_data(DOMAIN, PAYEE), SIGNER)
    with pytest.raises(error) as refused:
        SignedPayee.from_json(signed.to_json() | change)
    assert not [secret for secret in SECRETS if secret in str(refused.value)]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidFormat):
        Payee.from_json(PAYEE.to_json() | {"kind": "cash"})
