"""What a wallet is asked to sign is read strictly: a person's two messages and a member's two, in exactly one form."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deedbook.domain.consents import Consent, ConsentDomain, consent_id, typed_data, withdrawal_typed_data
from deedbook.domain.relaying import ForwardDomain, ForwardRequest, request_digest, request_typed_data
from deedbook.domain.usage import UsageDomain, UsageReport, report_typed_data
from deedbook.errors import DeedbookError, InvalidInput
from deedbook.wallet import typed_data as reading
from deedbook.wallet.recovery import recover
from deedbook.wallet.signers import LocalSigner

DOMAIN = ConsentDomain(20230415, b"\x0c" * 20)


@pytest.fixture
def signer(entropy: Callable[[int], bytes]) -> LocalSigner:
    return LocalSigner.generate(entropy)


@pytest.fixture
def consent(signer: LocalSigner) -> Consent:
    return Consent(
        subject=signer.address,
        asset_id=2**200 + 7,
        controller=b"\x02" * 20,
        recipient=bytes(20),
        recipient_class=256,
        purpose=1,
        modes=32,
        cross_border=False,
        notice_hash=b"\x03" * 32,
        record_commit=b"\x04" * 32,
        valid_from=1_800_000_000,
        valid_until=1_900_000_000,
        statement="I agree.",
        salt=b"\x05" * 32,
    )


def test_a_consent_is_signed_as_it_stands(signer: LocalSigner, consent: Consent) -> None:
    signed = reading.sign_consent(typed_data(DOMAIN, consent), signer)
    assert (signed.domain, signed.consent) == (DOMAIN, consent)
    assert recover(consent_id(DOMAIN, consent), signed.signature) == signer.address


def test_a_withdrawal_is_signed_as_it_stands(signer: LocalSigner) -> None:
    signed = reading.sign_withdrawal(withdrawal_typed_data(DOMAIN, b"\x06" * 32), signer)
    assert (signed.domain, signed.consent_id, signed.subject) == (DOMAIN, b"\x06" * 32, signer.address)
    assert recover(signed.digest, signed.signature) == signer.address


@pytest.mark.rule("wrong-signer")
def test_anothers_consent_is_not_signed(signer: LocalSigner, consent: Consent) -> None:
    with pytest.raises(InvalidInput) as refusal:
        reading.sign_consent(typed_data(DOMAIN, replace(consent, subject=b"\x09" * 20)), signer)
    assert refusal.value.field == "subject"


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another name": lambda typed: typed["domain"].update(name="Uniswap"),
    "another version": lambda typed: typed["domain"].update(version="2"),
    "a salt in the domain": lambda typed: typed["domain"].update(salt="0x" + "00" * 32),
    "no chain": lambda typed: typed["domain"].pop("chainId"),
    "a chain in text": lambda typed: typed["domain"].update(chainId="20230415"),
    "no contract": lambda typed: typed["domain"].pop("verifyingContract"),
    "another type": lambda typed: typed["types"]["Consent"].pop(),
    "a type more": lambda typed: typed["types"].update(Permit=[]),
    "another field": lambda typed: typed["message"].update(value="1"),
    "a field less": lambda typed: typed["message"].pop("salt"),
    "a wrong checksum": lambda typed: typed["message"].update(controller="0x" + "aB" * 20),
    "an unsafe number": lambda typed: typed["message"].update(validUntil=2**60),
    "another primary type": lambda typed: typed.update(primaryType="Permit"),
    "a part more": lambda typed: typed.update(note="x"),
    "no message": lambda typed: typed.pop("message"),
    "a hidden character": lambda typed: typed["message"].update(statement="I\u202e agree."),
}


@pytest.mark.parametrize("change", CHANGES)
def test_typed_data_of_any_other_form_is_not_signed(change: str, signer: LocalSigner, consent: Consent) -> None:
    typed = copy.deepcopy(typed_data(DOMAIN, consent))
    CHANGES[change](typed)
    with pytest.raises(InvalidInput):
        reading.sign_consent(typed, signer)


@pytest.mark.parametrize("value", [None, [], "x", {}, {"primaryType": "Consent"}])
def test_what_is_no_typed_data_is_refused(value: Any, signer: LocalSigner) -> None:
    for sign in (reading.sign_consent, reading.sign_withdrawal):
        with pytest.raises(DeedbookError):
            sign(value, signer)


# -- reports of metered use

USAGE = UsageDomain(20230415, b"\x0d" * 20)
REPORT = UsageReport(b"\x01" * 32, 1_800_000_000, 1_800_003_600, 2**64 - 1, b"\x02" * 32)


def test_a_usage_report_is_signed_as_it_is_shown(signer: LocalSigner) -> None:
    signed = reading.sign_report(report_typed_data(USAGE, REPORT), signer)
    assert (signed.domain, signed.report, signed.signer) == (USAGE, REPORT, signer.address)
    assert recover(signed.digest, signed.signature) == signer.address


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("message", {"count": 3}),
        ("message", {"note": "?"}),
        ("domain", {"name": "Deedbook Consent"}),
        ("primaryType", "Report"),
    ],
)
def test_another_usage_report_is_refused(signer: LocalSigner, part: str, change: Any) -> None:
    typed = copy.deepcopy(report_typed_data(USAGE, REPORT))
    typed[part] = change if isinstance(change, str) else typed[part] | change
    with pytest.raises(InvalidInput):
        reading.sign_report(typed, signer)


# -- relayed acts

FORWARDER = ForwardDomain(20230415, b"\x0e" * 20)


def request_of(signer: LocalSigner) -> ForwardRequest:
    return ForwardRequest(signer.address, b"\x0f" * 20, 2**256 - 1, 2**64, 2**48 - 1, b"\x01\x02\x03\x04")


def test_a_relayed_act_is_signed_as_it_is_shown(signer: LocalSigner) -> None:
    request = request_of(signer)
    signed = reading.sign_request(request_typed_data(FORWARDER, request), signer)
    assert (signed.domain, signed.request) == (FORWARDER, request)
    assert recover(request_digest(FORWARDER, request), signed.signature) == signer.address


def test_anothers_act_is_not_signed(signer: LocalSigner) -> None:
    typed = request_typed_data(FORWARDER, replace(request_of(signer), sender=b"\x09" * 20))
    with pytest.raises(InvalidInput) as refusal:
        reading.sign_request(typed, signer)
    assert refusal.value.field == "from"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("message", {"nonce": 3}),
        ("message", {"deadline": 2**48}),
        ("message", {"data": "0x123"}),
        ("message", {"note": "?"}),
        ("message", {"to": "0x" + "aB" * 20}),
        ("domain", {"name": "Deedbook Consent"}),
        ("primaryType", "Request"),
    ],
)
def test_another_request_is_refused(signer: LocalSigner, part: str, change: Any) -> None:
    typed = copy.deepcopy(request_typed_data(FORWARDER, request_of(signer)))
    typed[part] = change if isinstance(change, str) else typed[part] | change
    with pytest.raises(InvalidInput):
        reading.sign_request(typed, signer)
