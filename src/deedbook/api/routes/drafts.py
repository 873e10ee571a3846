"""Drafts of what a person or a party signs: typed data as `eth_signTypedData_v4` takes it, the sentence to show, what
is signed (`digest`), until when it is good (`expires`, Unix seconds), and where the signature goes: into
`send.document` as `signature`, by POST to `send.path`. Nothing is kept; drafts of members' acts are beside their nouns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from deedbook.api.acting import PREFIX, Draft
from deedbook.api.reading import own
from deedbook.api.routes.inputs import Body, Home
from deedbook.api.said import (
    Account,
    Asset,
    ClassCode,
    Key32,
    Modes,
    Object,
    PurposeCode,
    Said,
    Seconds,
)
from deedbook.api.serving import Serving
from deedbook.api.writing import DRAFTED_OR_NOT
from deedbook.domain.codes import Role, class_of_role
from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    SignedConsent,
    Withdrawal,
    consent_id,
    record_commit,
    typed_data,
    withdrawal_digest,
    withdrawal_typed_data,
)
from deedbook.domain.hashing import ZERO_ADDRESS, parse_address, to_hex
from deedbook.domain.notices import Notice, with_statement
from deedbook.domain.payees import (
    Payee,
    PayeeRequest,
    SignedPayee,
    kind_of,
    payee_digest,
    payee_request_digest,
    payee_request_typed_data,
    payee_typed_data,
)
from deedbook.domain.usage import (
    SignedReport,
    UsageDomain,
    UsageReceipt,
    report_digest,
    report_of,
    report_typed_data,
)
from deedbook.errors import InvalidInput

router = APIRouter(prefix=PREFIX, tags=["drafts"])

UNSIGNED: Final = bytes(65)
YEAR: Final = 365 * 86_400
SOON: Final = 600
"""Seconds for which a request to see a payee is good."""


class ConsentDraft(Said):
    """Who consents to what. The record is committed to by `recordCommit`; or give the `record`, with its salt or a
    fresh one. Any member of `class` may receive it where no `recipient` is named; a year from now where no time is."""

    subject: Account
    asset_id: Asset
    controller: Account
    notice: Key32
    purpose: PurposeCode
    modes: Modes
    record_commit: Key32 | None = None
    record: Object | None = None
    record_salt: Key32 | None = None
    recipient: Account = ZERO_ADDRESS
    recipient_class: Annotated[ClassCode, Field(alias="class")] = class_of_role(Role.BUYER)
    cross_border: bool = False
    valid_from: Seconds | None = None
    valid_until: Seconds | None = None


class OfConsent(Said):
    """Which consent, and whose it is."""

    consent: Key32
    subject: Account


class PayeeDraft(OfConsent):
    """Where the money of a consent goes."""

    kind: Literal["bank-account", "e-cny-wallet"]
    institution: str
    account: str
    holder: str


class UsageDraft(Said):
    """A period of a sale's use [`from`, `to`) by the receipts of its uses (`deedbook.usage-receipt`), in order;
    `signer` is provider or gateway."""

    sale: Key32
    signer: Account
    first: Annotated[Seconds, Field(alias="from")]
    end: Annotated[Seconds, Field(alias="to")]
    receipts: list[Object]


@router.post("/consents", response_model=Draft, responses=DRAFTED_OR_NOT, openapi_extra=ConsentDraft.described())
def consent(home: Home, body: Body) -> Response:
    """Drafts a consent: the sentence is the published notice's. Keep `recordSalt`: the record is sealed with it."""
    said, now = ConsentDraft.read(body), home.now()
    salt = said.record_salt or home.draw()
    if (said.record is None) == (said.record_commit is None):
        raise InvalidInput("record", "give either the record or its commitment")
    unsaid = Consent(
        subject=said.subject,
        asset_id=said.asset_id,
        controller=said.controller,
        recipient=said.recipient,
        recipient_class=said.recipient_class,
        purpose=said.purpose,
        modes=said.modes,
        cross_border=said.cross_border,
        notice_hash=said.notice,
        record_commit=said.record_commit or record_commit(salt, said.record or {}),
        valid_from=now if said.valid_from is None else said.valid_from,
        valid_until=now + YEAR if said.valid_until is None else said.valid_until,
        statement="-",
        salt=home.draw(),
    )
    domain, asked = _consents(home), with_statement(Notice.decode(home.document(said.notice)[1]), unsaid)
    name = consent_id(domain, asked)
    more = {"consentId": to_hex(name)} | ({} if said.record is None else {"recordSalt": to_hex(salt)})
    document = SignedConsent(domain, asked, UNSIGNED).to_json()
    expires = asked.valid_until
    return _draft(typed_data(domain, asked), asked.statement, name, expires, "/consents", document, **more)


@router.post("/withdrawals", response_model=Draft, responses=DRAFTED_OR_NOT, openapi_extra=OfConsent.described())
def withdrawal(home: Home, body: Body) -> Response:
    """Drafts a withdrawal. It is free, needs no reason, and cannot be undone."""
    said, domain = OfConsent.read(body), _consents(home)
    document = Withdrawal(domain, said.consent, said.subject, UNSIGNED).to_json()
    statement = f"withdraw the consent {to_hex(said.consent)} for ever"
    typed = withdrawal_typed_data(domain, said.consent)
    return _draft(typed, statement, withdrawal_digest(domain, said.consent), None, "/withdrawals", document)


@router.post("/payees", response_model=Draft, responses=DRAFTED_OR_NOT, openapi_extra=PayeeDraft.described())
def payee(home: Home, body: Body) -> Response:
    """Drafts where the money of a consent goes; the latest one counts."""
    said, domain = PayeeDraft.read(body), _consents(home)
    named = Payee(said.consent, kind_of(said.kind), said.institution, said.account, said.holder, home.now())
    document = SignedPayee(domain, named, said.subject, UNSIGNED).to_json()
    statement = f"pay what the consent {to_hex(said.consent)} earns to {named.masked}"
    return _draft(payee_typed_data(domain, named), statement, payee_digest(domain, named), None, "/payees", document)


@router.post("/payee-requests", response_model=Draft, responses=DRAFTED_OR_NOT, openapi_extra=OfConsent.described())
def payee_request(home: Home, body: Body) -> Response:
    """Drafts the question which payee is kept of a consent; good for ten minutes."""
    said, domain, now = OfConsent.read(body), _consents(home), home.now()
    document = PayeeRequest(domain, said.consent, now, said.subject, UNSIGNED).to_json()
    statement = f"show me the payee of the consent {to_hex(said.consent)}"
    typed, digest = payee_request_typed_data(domain, said.consent, now), payee_request_digest(domain, said.consent, now)
    return _draft(typed, statement, digest, now + SOON, "/payees/kept", document)


@router.post("/usage-reports", response_model=Draft, responses=DRAFTED_OR_NOT, openapi_extra=UsageDraft.described())
def usage_report(home: Home, body: Body) -> Response:
    """Drafts the report of a period of use, for provider and gateway each; both signed documents go to the sale."""
    said, domain = UsageDraft.read(body), UsageDomain(*_place(home, "Usage"))
    receipts = [UsageReceipt.from_json(each) for each in said.receipts]
    before = receipts[0].number - 1 if receipts else 0
    report = report_of(said.sale, said.first, said.end, receipts, after=before)
    document = SignedReport(domain, report, said.signer, UNSIGNED).to_json()
    statement = f"{report.count} uses of the sale {to_hex(said.sale)} from {said.first} to {said.end}"
    digest, path = report_digest(domain, report), f"/sales/{to_hex(said.sale)}/usage"
    return _draft(report_typed_data(domain, report), statement, digest, None, path, document)


def _draft(
    typed: Mapping[str, Any],
    statement: str,
    digest: bytes,
    expires: int | None,
    path: str,
    document: Mapping[str, Any],
    **more: Any,
) -> Response:
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    said = {"statement": statement, "typedData": typed, "digest": to_hex(digest), "expires": expires}
    return own({**said, **more, "send": {"path": path, "document": unsigned}})


def _consents(home: Serving) -> ConsentDomain:
    return ConsentDomain(*_place(home, "Consents"))


def _place(home: Serving, contract: str) -> tuple[int, bytes]:
    """The chain and the address of a contract."""
    deployment = home.deployment()
    return int(deployment["chainId"]), parse_address(deployment["contracts"][contract], contract)
