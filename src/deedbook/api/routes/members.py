"""Members: who takes part, and what they sold; admitted, changed, suspended, reinstated and expelled by governance."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, showing, shown, tabular
from deedbook.api.routes.inputs import After, Body, Home, Limit
from deedbook.api.said import Account, Key32, Licences, Number16, Octets, Roles, Said, Seconds
from deedbook.api.writing import DONE, OnceOnly
from deedbook.domain.codes import JURISDICTION_CN
from deedbook.domain.hashing import checksum_address, parse_address, to_hex
from deedbook.domain.members import encryption_key_commitment
from deedbook.ledger import members as ledger
from deedbook.queries import members as queries
from deedbook.queries import providers
from deedbook.queries.members import MemberView
from deedbook.queries.providers import ProviderView

router = APIRouter(prefix="/members", tags=["members"])


@tabular(router, "", MemberView)
def members(asked: Reads, limit: Limit = None, after: After = None) -> Response:
    """Members by account."""
    return listed(
        asked,
        MemberView,
        lambda mirror, few, at: queries.members(mirror, limit=few, after=at),
        limit=limit,
        after=after,
    )


@router.get("/{account}", **showing(MemberView))
def member(asked: Reads, account: str) -> Response:
    """One member: roles, licences, validity, and which key deliveries are sealed to."""
    at = parse_address(account, "account")
    return shown(asked, lambda mirror: queries.member(mirror, at).to_json())


@router.get("/{account}/statement", **showing(ProviderView))
def statement(asked: Reads, account: str) -> Response:
    """A provider's statement: assets, offers, sales by state, the money by currency."""
    at = parse_address(account, "account")
    return shown(asked, lambda mirror: providers.statement(mirror, at).to_json())


class Admission(By):
    """An admission; `identity` is the salted commitment to who the member is (`POST /commitments/identities`)."""

    account: Account
    identity: Key32
    roles: Roles
    valid_until: Seconds
    licences: Licences = ()
    jurisdiction: Number16 = JURISDICTION_CN


class Change(By):
    """What changes of a member; what is not named stays as it is."""

    roles: Roles | None = None
    licences: Licences | None = None
    valid_until: Seconds | None = None
    jurisdiction: Number16 | None = None


class Reason(By):
    """Why: a code of the exchange's own, public."""

    reason: Number16


class EncryptionKey(By):
    """A public HPKE key: KEM id (RFC 9180; 0x647a or 0x0020) and its bytes."""

    suite: Number16
    public_key: Octets


class PublicKey(Said):
    """As the member registered it."""

    suite: Number16
    public_key: Octets


@act(router, "", Admission, direct=True)
def admit(hand: Hand, said: Admission) -> None:
    """Admits a member, as governance."""
    hand.says(account=checksum_address(said.account), identity=to_hex(said.identity))
    ledger.admit(
        hand.acting,
        hand.me,
        said.account,
        identity=said.identity,
        jurisdiction=said.jurisdiction,
        roles=said.roles,
        valid_until=said.valid_until,
        licences=said.licences,
    )


@act(router, "/{account}/changes", Change, direct=True)
def change(hand: Hand, said: Change, account: bytes) -> None:
    """Changes a member's roles, licences, validity or jurisdiction, as governance."""
    known = queries.member(hand.mirror, account)
    hand.says(account=checksum_address(account))
    ledger.change(
        hand.acting,
        hand.me,
        account,
        jurisdiction=known.jurisdiction if said.jurisdiction is None else said.jurisdiction,
        roles=int(known.roles) if said.roles is None else said.roles,
        valid_until=known.valid_until if said.valid_until is None else said.valid_until,
        licences=tuple(map(int, known.licences)) if said.licences is None else said.licences,
    )


@act(router, "/{account}/suspension", Reason, direct=True)
def suspend(hand: Hand, said: Reason, account: bytes) -> None:
    """Suspends a member at once, as governance."""
    hand.says(account=checksum_address(account))
    ledger.suspend(hand.acting, hand.me, account, said.reason)


@act(router, "/{account}/reinstatement", By, direct=True)
def reinstate(hand: Hand, _said: By, account: bytes) -> None:
    """Ends a member's suspension, as governance."""
    hand.says(account=checksum_address(account))
    ledger.reinstate(hand.acting, hand.me, account)


@act(router, "/{account}/expulsion", Reason, direct=True)
def expel(hand: Hand, said: Reason, account: bytes) -> None:
    """Expels a member for ever, as governance."""
    hand.says(account=checksum_address(account))
    ledger.expel(hand.acting, hand.me, account, said.reason)


@act(router, "/encryption-keys", EncryptionKey)
def register_key(hand: Hand, said: EncryptionKey) -> None:
    """Registers the key that deliveries to a member are sealed to, as that member. Its private half is the member's,
    and never comes here; the public one is handed over by `POST /members/{account}/public-key` afterwards."""
    commitment = encryption_key_commitment(said.suite, said.public_key)
    hand.says(suite=said.suite, key=to_hex(commitment))
    ledger.register_encryption_key(hand.acting, hand.me, said.suite, commitment)


@router.post(
    "/{account}/public-key",
    status_code=201,
    response_model=dict[str, Any],
    responses=DONE,
    openapi_extra=PublicKey.described(),
)
def keep_key(home: Home, account: str, body: Body, once: OnceOnly) -> Response:
    """Keeps the public key that a member registered on chain, so that deliveries can be sealed to it."""
    at, said = parse_address(account, "account"), PublicKey.read(body)
    return once.answer(lambda: home.keep_key(at, said.suite, said.public_key))
