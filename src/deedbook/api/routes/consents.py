"""Consents: taken, shown, granted on chain, withdrawn, released."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import own
from deedbook.api.routes.inputs import Body, Home, Lines, asset_id_of, key_of
from deedbook.api.said import Account, Asset, Key32, Object
from deedbook.api.writing import ACCEPTED, DONE, OnceOnly, OperationAnswer, Waiting, accepted
from deedbook.domain.consents import SignedConsent, Withdrawal
from deedbook.domain.hashing import to_hex
from deedbook.domain.receipts import ConsentReceipt
from deedbook.ledger.consents import NO_SALT
from deedbook.queries import consents as queries

router = APIRouter(tags=["consents"])


@router.post("/consents", status_code=201, response_model=dict[str, Any], responses=DONE)
def collect(home: Home, body: Body, once: OnceOnly) -> Response:
    """Takes a signed consent (`deedbook.consent`, version 1) and answers with the collector's signed receipt."""
    return once.answer(lambda: home.collect(body))


@router.post("/assets/{asset_id}/consents", status_code=201, response_class=Response)
def collect_all(home: Home, asset_id: str, lines: Lines) -> Response:
    """Takes signed consents of an asset, all or none: NDJSON, one a line, some thousands of them. Answers with their
    receipts, one a line in the same order. The same consent again has the same receipt."""
    return Response(home.collect_all(asset_id_of(asset_id), lines), 201, media_type="application/x-ndjson")


@router.get("/consents/{consent_id}")
def consent(home: Home, consent_id: str) -> dict[str, Any]:
    """Where an anchored consent stands: batch, index, whether it still counts."""
    return queries.consent(home.mirror, key_of(consent_id, "consentId"), place=home.place_of).to_json()


@router.get("/consents/{consent_id}/proof")
def proof(home: Home, consent_id: str) -> dict[str, Any]:
    """The proof that an anchored consent is in its batch: with the person's signature, all that a withdrawal needs."""
    return dict(home.proof(key_of(consent_id, "consentId")))


@router.get("/consents/{consent_id}/receipt", response_model=dict[str, Any])
def receipt(home: Home, consent_id: str) -> Response:
    """The receipt that the person was given (ISO/IEC TS 27560 form), again."""
    return own(home.receipt(key_of(consent_id, "consentId")))


class DirectGrant(By):
    """A signed consent (`deedbook.consent`, version 1); the asset's salt while it is not registered."""

    consent: Object
    salt: Key32 = NO_SALT


class ByReceipt(By):
    """A signed withdrawal (`deedbook.withdrawal`, version 1), and the collector's receipt of the consent."""

    withdrawal: Object
    receipt: Object


@act(router, "/consents/grants", DirectGrant)
def grant(hand: Hand, said: DirectGrant) -> None:
    """Grants one consent on chain, a batch of one: the contract itself checks the person's signature (also of a
    contract wallet, ERC-1271)."""
    signed = SignedConsent.from_json(said.consent)
    hand.says(consentId=to_hex(signed.consent_id), assetId=str(signed.consent.asset_id))
    hand.consents.grant(signed, hand.me, salt=said.salt)


@act(router, "/withdrawals/by-receipt", ByReceipt)
def withdraw_by_receipt(hand: Hand, said: ByReceipt) -> None:
    """Withdraws by the collector's receipt, where no proof can be had: the asset's orders and deliveries stop until
    somebody applies the mark."""
    signed, given = Withdrawal.from_json(said.withdrawal), ConsentReceipt.from_json(said.receipt)
    hand.says(consentId=to_hex(signed.consent_id))
    hand.consents.withdraw_by_receipt(given, signed, hand.me)


@act(router, "/consents/{consent_id}/mark", By)
def apply_mark(hand: Hand, _said: By, consent_id: bytes) -> None:
    """Applies the proof to a consent that was withdrawn by receipt: its leaf ends, the asset's orders go on, and the
    record's key is destroyed."""
    hand.says(consentId=to_hex(consent_id))
    hand.consents.apply_mark(consent_id, hand.me)


class Dismissal(By):
    """Of which asset the consent is, and whose."""

    asset: Asset
    subject: Account


@act(router, "/consents/{consent_id}/mark/dismissal", Dismissal)
def dismiss_mark(hand: Hand, said: Dismissal, consent_id: bytes) -> None:
    """States, as an auditor who is no party, that no bound batch holds a consent that was withdrawn by receipt."""
    hand.says(consentId=to_hex(consent_id))
    hand.consents.dismiss_mark(hand.me, consent_id, said.asset, said.subject)


@act(router, "/consents/{consent_id}/release", By)
def release(hand: Hand, _said: By, consent_id: bytes) -> None:
    """Gives up one consent for ever, as its collector: for a person who lost the key."""
    hand.says(consentId=to_hex(consent_id))
    hand.consents.release(hand.me, consent_id)


@router.post("/withdrawals", status_code=202, response_model=OperationAnswer, responses=ACCEPTED)
async def withdraw(home: Home, body: Body, once: OnceOnly, wait: Waiting) -> Response:
    """Relays a signed withdrawal (`deedbook.withdrawal`, version 1), free of charge, and destroys the record's key. A
    consent that is in no batch yet is withdrawn at once (201): there is nothing to relay."""
    return await accepted(once, wait, lambda key: home.withdraw(body, key))
