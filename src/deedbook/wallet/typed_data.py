"""Typed data (EIP-712 JSON) to documents: what a wallet is asked to sign, read strictly.

Only what is signed in a wallet is known here - a person's consent, withdrawal, payee and request to see it, a member's
usage report and its act that somebody else sends - and only in exactly the form in which `domain` writes it: what is
shown is what is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    SignedConsent,
    Withdrawal,
    consent_id,
    typed_data,
    withdrawal_digest,
    withdrawal_typed_data,
)
from deedbook.domain.documents import Fields, read_hex
from deedbook.domain.hashing import canonical_json, parse_address
from deedbook.domain.payees import (
    Payee,
    PayeeRequest,
    SignedPayee,
    payee_digest,
    payee_request_digest,
    payee_request_typed_data,
    payee_typed_data,
)
from deedbook.domain.relaying import (
    ForwardDomain,
    ForwardRequest,
    SignedRequest,
    request_digest,
    request_typed_data,
)
from deedbook.domain.usage import SignedReport, UsageDomain, UsageReport, report_digest, report_typed_data
from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.wallet.signers import Signer

TYPES = ("Consent", "Withdrawal", "Payee", "PayeeRequest", "UsageReport", "ForwardRequest")
"""What a wallet signs, by its EIP-712 type."""
_ADDRESSES = ("subject", "controller", "recipient")


def consent_of(typed: Any) -> tuple[ConsentDomain, Consent]:
    """The consent that typed data asks to sign. Raises InvalidFormat naming `typedData` or the field."""
    message = _message(typed, "Consent")
    for name in _ADDRESSES:
        message[name] = "0x" + parse_address(message.get(name), f"message.{name}").hex()
    domain, consent = _domain(typed), Consent.from_json(message)
    _require_same(typed, typed_data(domain, consent))
    return domain, consent


def withdrawal_of(typed: Any) -> tuple[ConsentDomain, bytes]:
    """The consentId whose withdrawal typed data asks to sign. Raises InvalidFormat."""
    domain = _domain(typed)
    identifier = read_hex(_message(typed, "Withdrawal").get("consentId"), "message.consentId", 32)
    _require_same(typed, withdrawal_typed_data(domain, identifier))
    return domain, identifier


def payee_of(typed: Any) -> tuple[ConsentDomain, Payee]:
    """The payee that typed data asks to sign. Raises InvalidFormat, InvalidInput; neither quotes it."""
    domain, payee = _domain(typed), Payee.from_json(_message(typed, "Payee"))
    _require_same(typed, payee_typed_data(domain, payee))
    return domain, payee


def payee_request_of(typed: Any) -> tuple[ConsentDomain, bytes, int]:
    """The consentId and the time of the request to see a payee that typed data asks to sign. Raises InvalidFormat."""
    domain, message = _domain(typed), Fields(_message(typed, "PayeeRequest"), "message", ("consentId", "askedAt"))
    asked = (message.hex("consentId", 32), message.number("askedAt", 64))
    _require_same(typed, payee_request_typed_data(domain, *asked))
    return domain, *asked


def report_of(typed: Any) -> tuple[UsageDomain, UsageReport]:
    """The usage report that typed data asks to sign. Raises InvalidFormat."""
    where, report = _domain(typed), UsageReport.from_json(_message(typed, "UsageReport"))
    domain = UsageDomain(where.chain_id, where.contract)
    _require_same(typed, report_typed_data(domain, report))
    return domain, report


def request_of(typed: Any) -> tuple[ForwardDomain, ForwardRequest]:
    """The relayed act that typed data asks to sign. Raises InvalidFormat."""
    message = _message(typed, "ForwardRequest")
    for name in ("from", "to"):
        message[name] = "0x" + parse_address(message.get(name), f"message.{name}").hex()
    where, request = _domain(typed), ForwardRequest.from_json(message)
    domain = ForwardDomain(where.chain_id, where.contract)
    _require_same(typed, request_typed_data(domain, request))
    return domain, request


def primary_type(typed: Any) -> str:
    """One of TYPES. Raises InvalidFormat for everything else."""
    found = typed.get("primaryType") if isinstance(typed, Mapping) else None
    if found not in TYPES:
        raise InvalidFormat("typedData", f"is none of {', '.join(TYPES)}")
    return str(found)


def sign_consent(typed: Any, signer: Signer) -> SignedConsent:
    """The consent, signed by its subject. Raises InvalidFormat, InvalidInput (`subject`) where it is another's."""
    domain, consent = consent_of(typed)
    if consent.subject != signer.address:
        raise InvalidInput("subject", "is another account than the one that signs")
    return SignedConsent(domain, consent, signer.sign_digest(consent_id(domain, consent)))


def sign_withdrawal(typed: Any, signer: Signer) -> Withdrawal:
    """The withdrawal, signed. Raises InvalidFormat."""
    domain, identifier = withdrawal_of(typed)
    signature = signer.sign_digest(withdrawal_digest(domain, identifier))
    return Withdrawal(domain, identifier, signer.address, signature)


def sign_payee(typed: Any, signer: Signer) -> SignedPayee:
    """The payee, signed. Raises InvalidFormat, InvalidInput."""
    domain, payee = payee_of(typed)
    return SignedPayee(domain, payee, signer.address, signer.sign_digest(payee_digest(domain, payee)))


def sign_payee_request(typed: Any, signer: Signer) -> PayeeRequest:
    """The request to see a payee, signed. Raises InvalidFormat."""
    domain, identifier, asked_at = payee_request_of(typed)
    signature = signer.sign_digest(payee_request_digest(domain, identifier, asked_at))
    return PayeeRequest(domain, identifier, asked_at, signer.address, signature)


def sign_report(typed: Any, signer: Signer) -> SignedReport:
    """The usage report, signed. Raises InvalidFormat."""
    domain, report = report_of(typed)
    return SignedReport(domain, report, signer.address, signer.sign_digest(report_digest(domain, report)))


def sign_request(typed: Any, signer: Signer) -> SignedRequest:
    """The relayed act, signed by its member. Raises InvalidFormat, InvalidInput (`from`) where it is another's."""
    domain, request = request_of(typed)
    if request.sender != signer.address:
        raise InvalidInput("from", "is another account than the one that signs")
    return SignedRequest(domain, request, signer.sign_digest(request_digest(domain, request)))


def _message(typed: Any, primary: str) -> dict[str, Any]:
    if primary_type(typed) != primary or not isinstance(typed.get("message"), Mapping):
        raise InvalidFormat("typedData", f"is no {primary}")
    return dict(typed["message"])


def _domain(typed: Any) -> ConsentDomain:
    domain = typed.get("domain") if isinstance(typed, Mapping) else None
    chain_id = domain.get("chainId") if isinstance(domain, Mapping) else None
    if not isinstance(domain, Mapping) or not isinstance(chain_id, int) or isinstance(chain_id, bool):
        raise InvalidFormat("typedData", "has no domain with a chainId")
    return ConsentDomain(chain_id, parse_address(domain.get("verifyingContract"), "domain.verifyingContract"))


def _require_same(given: Any, ours: Mapping[str, Any]) -> None:
    for part in ("types", "domain", "message"):
        if canonical_json(given.get(part)) != canonical_json(ours[part]):
            raise InvalidFormat(f"typedData.{part}", "is not what Deedbook asks to sign")
    if set(given) != set(ours):
        raise InvalidFormat("typedData", "has other parts than types, primaryType, domain and message")
