"""Events to rows: one pure function for each event, which tells what to write and writes nothing.

An operation names a table, and rows by its columns. A function knows its event alone: what needs other rows (the AND
of a binding's modes, what is live) is the queries' sum. Rows hold block numbers, never a clock's time, so the same
events give the same rows whenever they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import AssetState, MemberState, OfferState, Outcome, SaleState
from deedbook.domain.events import Event, plain
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, canonical_json
from deedbook.domain.merkle import consent_leaf
from deedbook.domain.sales import Offer, currency_text
from deedbook.errors import InvalidInput

Row = Mapping[str, Any]

STANDING: Final = 1
WITHDRAWN: Final = 2
MARK_PENDING: Final = 1
MARK_APPLIED: Final = 2
MARK_DISMISSED: Final = 3


@dataclass(frozen=True, slots=True)
class Add:
    """A new row; there is none of its key yet."""

    table: str
    row: Row


@dataclass(frozen=True, slots=True)
class Put:
    """A whole row, in place of one of the same key."""

    table: str
    row: Row


@dataclass(frozen=True, slots=True)
class Change:
    """New values, and sums to add, in the row of this key; there is one."""

    table: str
    key: Row
    values: Row = field(default_factory=dict)
    sums: Mapping[str, int] = field(default_factory=dict)


Operation = Add | Put | Change
Projector = Callable[[Event], tuple[Operation, ...]]

PROJECTORS: dict[tuple[str, str], Projector] = {}
"""Every event that the mirror understands, by contract and name."""


def project(event: Event) -> tuple[Operation, ...]:
    """What an event writes, by table. Raises InvalidInput where the mirror knows no such event."""
    projector = PROJECTORS.get((event.contract, event.name))
    if projector is None:
        raise InvalidInput("event", f"the mirror knows no {event.contract}.{event.name}")
    operations = projector(event)
    for operation in operations:
        _require_storable(operation)
    return operations


def _require_storable(operation: Operation) -> None:
    row = operation.values if isinstance(operation, Change) else operation.row
    for name, value in row.items():
        if isinstance(value, int) and value >= 2**63:
            raise InvalidInput(name, "does not fit 63 bits")


def json_text(value: Any) -> str:
    """An event's value as canonical JSON text (RFC 8785), in the form of `plain`."""
    return canonical_json(plain(value)).decode()


def _projects(contract: str, *names: str) -> Callable[[Projector], Projector]:
    def register(projector: Projector) -> Projector:
        PROJECTORS.update({(contract, name): projector for name in names})
        return projector

    return register


# Membership.


@_projects("Membership", "ParticipantAdmitted")
def _participant_admitted(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "account": args["account"],
        "identity": args["identity"],
        "state": int(MemberState.ADMITTED),
        **_standing(args),
        "reason": 0,
        "encryption_suite": 0,
        "encryption_key": ZERO32,
        "admitted_block": event.log.block_number,
        "changed_block": event.log.block_number,
    }
    return (Add("participants", row),)


@_projects("Membership", "ParticipantChanged")
def _participant_changed(event: Event) -> tuple[Operation, ...]:
    return _participant(event, **_standing(event.args))


@_projects("Membership", "ParticipantSuspended")
def _participant_suspended(event: Event) -> tuple[Operation, ...]:
    return _participant(event, state=int(MemberState.SUSPENDED), reason=event.args["reason"])


@_projects("Membership", "ParticipantReinstated")
def _participant_reinstated(event: Event) -> tuple[Operation, ...]:
    return _participant(event, state=int(MemberState.ADMITTED), reason=0)


@_projects("Membership", "ParticipantExpelled")
def _participant_expelled(event: Event) -> tuple[Operation, ...]:
    return _participant(event, state=int(MemberState.EXPELLED), reason=event.args["reason"])


@_projects("Membership", "EncryptionKeyRegistered")
def _encryption_key_registered(event: Event) -> tuple[Operation, ...]:
    return _participant(event, encryption_suite=event.args["suite"], encryption_key=event.args["key"])


def _standing(args: Row) -> dict[str, Any]:
    return {
        "jurisdiction": args["jurisdiction"],
        "roles": args["roles"],
        "valid_until": str(args["validUntil"]),
        "licences": canonical_json(list(args["licences"])).decode(),
    }


def _participant(event: Event, **values: Any) -> tuple[Operation, ...]:
    key = {"account": event.args["account"]}
    return (Change("participants", key, {**values, "changed_block": event.log.block_number}),)


@_projects("Membership", "DeploymentSucceeded")
def _deployment_succeeded(event: Event) -> tuple[Operation, ...]:
    args = event.args
    if len(args["contracts"]) != len(args["heads"]):
        raise InvalidInput("heads", "are not one for each contract")
    stated = {"chain_id": str(args["chainId"]), "succeeded_block": event.log.block_number}
    former = zip(args["contracts"], args["heads"], strict=True)
    return tuple(
        Add("predecessors", {"place": place, "contract": contract, "head": head, **stated})
        for place, (contract, head) in enumerate(former)
    )


@_projects("Membership", "DeploymentClosing")
def _deployment_closing(event: Event) -> tuple[Operation, ...]:
    row = {
        "document_hash": event.args["documentHash"],
        "closes_at": event.args["closesAt"],
        "announced_block": event.log.block_number,
        "announced_tx": event.log.tx_hash,
    }
    return (Add("closings", row),)


@_projects("Membership", "AuthorityUpdated")
@_projects("Market", "AuthorityUpdated")
def _authority_updated(event: Event) -> tuple[Operation, ...]:
    row = {
        "contract": event.contract,
        "authority": event.args["authority"],
        "changed_block": event.log.block_number,
    }
    return (Put("authorities", row),)


# Cases.


@_projects("Cases", "CaseOpened")
def _case_opened(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "case_id": args["caseId"],
        "target": args["target"],
        "opener": args["opener"],
        "kind": args["kind"],
        "document_hash": args["documentHash"],
        "opened_block": event.log.block_number,
    }
    return (Add("cases", row),)


@_projects("Cases", "CaseDecided")
def _case_decided(event: Event) -> tuple[Operation, ...]:
    args = event.args
    values = {
        "decider": args["decider"],
        "outcome": args["outcome"],
        "decision_hash": args["documentHash"],
        "decided_block": event.log.block_number,
    }
    return (Change("cases", {"case_id": args["caseId"]}, values),)


@_projects("Cases", "TargetHeld")
def _target_held(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "target": args["target"],
        "holder": args["holder"],
        "active": True,
        "document_hash": args["documentHash"],
        "held_block": event.log.block_number,
        "release_hash": None,
        "released_block": None,
    }
    return (Put("holds", row),)


@_projects("Cases", "TargetReleased")
def _target_released(event: Event) -> tuple[Operation, ...]:
    args = event.args
    values = {
        "active": False,
        "release_hash": args["documentHash"],
        "released_block": event.log.block_number,
    }
    return (Change("holds", {"target": args["target"], "holder": args["holder"]}, values),)


# Attestations.


@_projects("Attestations", "Attested", "AttestationCorrected")
def _attested(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "target": args["target"],
        "kind": args["kind"],
        "attester": args["attester"],
        "state": STANDING,
        "outcome": args["outcome"],
        "document_hash": args["documentHash"],
        "valid_until": str(args["validUntil"]),
        "attested_block": event.log.block_number,
        "attested_tx": event.log.tx_hash,
        "corrected": event.name == "AttestationCorrected",
        "withdrawal_hash": None,
        "withdrawn_block": None,
    }
    return (Put("attestations", row),)


@_projects("Attestations", "AttestationWithdrawn")
def _attestation_withdrawn(event: Event) -> tuple[Operation, ...]:
    args = event.args
    key = {name: args[name] for name in ("target", "kind", "attester")}
    values = {
        "state": WITHDRAWN,
        "withdrawal_hash": args["documentHash"],
        "withdrawn_block": event.log.block_number,
    }
    return (Change("attestations", key, values),)


# DataAssets. A first registration emits Transfer before AssetRegistered, so the holder has a table of its own.


@_projects("DataAssets", "AssetRegistered")
def _asset_registered(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "asset_id": asset_key(args["assetId"]),
        "registrant": args["registrant"],
        "source_hash": args["sourceHash"],
        "salt": args["salt"],
        "kind": args["kind"],
        "grade": args["grade"],
        "level": args["level"],
        "personal": args["personal"],
        "parents": json_text([asset_key(parent) for parent in args["parents"]]),
        "state": int(AssetState.REGISTERED),
        "version": 0,
        "registered_block": event.log.block_number,
        "registered_tx": event.log.tx_hash,
    }
    return (Add("assets", row),)


@_projects("DataAssets", "VersionPublished")
def _version_published(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "asset_id": asset_key(args["assetId"]),
        "version": args["version"],
        "version_key": args["versionKey"],
        "content_root": args["contentRoot"],
        "record_count": args["recordCount"],
        "descriptor_hash": args["descriptorHash"],
        "published_block": event.log.block_number,
        "published_tx": event.log.tx_hash,
    }
    current = Change("assets", {"asset_id": row["asset_id"]}, {"version": args["version"]})
    return (current, Add("versions", row))


@_projects("DataAssets", "AssetChanged")
def _asset_changed(event: Event) -> tuple[Operation, ...]:
    args = event.args
    stated = {"source_hash": args["sourceHash"], "grade": args["grade"], "level": args["level"]}
    row = {
        **_place(event),
        "asset_id": asset_key(args["assetId"]),
        "holder": args["holder"],
        **stated,
        "document_hash": args["documentHash"],
        "block_number": event.log.block_number,
        "tx_hash": event.log.tx_hash,
    }
    return (Change("assets", {"asset_id": row["asset_id"]}, stated), Add("asset_changes", row))


@_projects("DataAssets", "RightGranted")
def _right_granted(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        **_right(event),
        "grantor": args["grantor"],
        "modes": args["modes"],
        "purposes": args["purposes"],
        "valid_until": str(args["validUntil"]),
        "document_hash": args["documentHash"],
        "granted_block": event.log.block_number,
        "granted_index": event.log.log_index,
        "granted_tx": event.log.tx_hash,
        "ended_by": None,
        "end_hash": None,
        "ended_block": None,
    }
    return (Put("rights", row), _right_step(event, args["grantor"]))


@_projects("DataAssets", "RightEnded")
def _right_ended(event: Event) -> tuple[Operation, ...]:
    by = event.args["by"]
    values = {"ended_by": by, "end_hash": event.args["documentHash"], "ended_block": event.log.block_number}
    return (Change("rights", _right(event), values), _right_step(event, by))


def _right(event: Event) -> dict[str, Any]:
    args = event.args
    return {"asset_id": asset_key(args["assetId"]), "account": args["account"], "right": args["right"]}


def _right_step(event: Event, actor: bytes) -> Operation:
    row = {
        **_place(event),
        **_right(event),
        "event": event.name,
        "actor": actor,
        "document_hash": event.args["documentHash"],
        "block_number": event.log.block_number,
        "tx_hash": event.log.tx_hash,
    }
    return Add("right_steps", row)


@_projects("DataAssets", "AssetCancelled")
def _asset_cancelled(event: Event) -> tuple[Operation, ...]:
    values = {
        "state": int(AssetState.CANCELLED),
        "cancellation_hash": event.args["documentHash"],
        "cancelled_block": event.log.block_number,
    }
    return (Change("assets", {"asset_id": asset_key(event.args["assetId"])}, values),)


@_projects("DataAssets", "Transfer")
def _transfer(event: Event) -> tuple[Operation, ...]:
    args = event.args
    asset_id = asset_key(args["tokenId"])
    holding = {
        "asset_id": asset_id,
        "holder": args["to"],
        "approved": ZERO_ADDRESS,  # a transfer ends the approval (ERC-721)
        "changed_block": event.log.block_number,
    }
    transfer = {
        **_place(event),
        "asset_id": asset_id,
        "from_account": args["from"],
        "to_account": args["to"],
        "block_number": event.log.block_number,
        "tx_hash": event.log.tx_hash,
    }
    return (Put("holdings", holding), Add("transfers", transfer))


@_projects("DataAssets", "Approval")
def _approval(event: Event) -> tuple[Operation, ...]:
    values = {"approved": event.args["approved"], "changed_block": event.log.block_number}
    return (Change("holdings", {"asset_id": asset_key(event.args["tokenId"])}, values),)


@_projects("DataAssets", "ApprovalForAll")
def _approval_for_all(event: Event) -> tuple[Operation, ...]:
    row = {name: event.args[name] for name in ("owner", "operator", "approved")}
    return (Put("asset_operators", {**row, "changed_block": event.log.block_number}),)


# Consents.


@_projects("Consents", "BatchGranted")
def _batch_granted(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        **_batch(event, args["terms"]),
        "collector": args["collector"],
        "root": args["root"],
        "count": args["count"],
        "manifest_hash": args["manifestHash"],
        "direct": False,
    }
    return (Add("batches", row),)


@_projects("Consents", "ConsentGranted")
def _consent_granted(event: Event) -> tuple[Operation, ...]:
    args, consent = event.args, event.args["consent"]
    row = {
        **_batch(event, consent),
        "collector": consent["controller"],
        "root": consent_leaf(args["consentId"], consent["subject"]),
        "count": 1,
        "manifest_hash": ZERO32,
        "direct": True,
    }
    grant = {
        "batch_id": args["batchId"],
        "consent_id": args["consentId"],
        "subject": consent["subject"],
        "record_commit": consent["recordCommit"],
        "statement_hash": consent["statementHash"],
        "salt": consent["salt"],
    }
    return (Add("batches", row), Add("direct_grants", grant))


def _batch(event: Event, terms: Row) -> dict[str, Any]:
    return {
        "batch_id": event.args["batchId"],
        "asset_id": asset_key(event.args["assetId"]),
        "controller": terms["controller"],
        "recipient": terms["recipient"],
        "recipient_class": terms["recipientClass"],
        "purpose": terms["purpose"],
        "modes": terms["modes"],
        "cross_border": terms["crossBorder"],
        "notice_hash": terms["noticeHash"],
        "valid_from": str(terms["validFrom"]),
        "valid_until": str(terms["validUntil"]),
        "withdrawn": 0,
        "version": 0,
        "granted_block": event.log.block_number,
        "granted_tx": event.log.tx_hash,
    }


@_projects("Consents", "BatchBound")
def _batch_bound(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "asset_id": asset_key(args["assetId"]),
        "version": args["version"],
        "batch_id": args["batchId"],
        "record_offset": args["offset"],
        "count": args["count"],
        "withdrawn_before": args["withdrawn"],
        "auditor": args["auditor"],
        "bound_block": event.log.block_number,
        "bound_tx": event.log.tx_hash,
    }
    bound = Change("batches", {"batch_id": args["batchId"]}, {"version": args["version"]})
    return (bound, Add("bindings", row))


@_projects("Consents", "BindingClosed")
def _binding_closed(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "asset_id": asset_key(args["assetId"]),
        "version": args["version"],
        "record_count": args["recordCount"],
        "live": args["live"],
        "closed_block": event.log.block_number,
        "closed_tx": event.log.tx_hash,
    }
    return (Add("closed_bindings", row),)


@_projects("Consents", "LeafEnded")
def _leaf_ended(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "batch_id": args["batchId"],
        "leaf_index": args["index"],
        "asset_id": asset_key(args["assetId"]),
        "consent_id": args["consentId"],
        "subject": args["subject"],
        "cause": args["cause"],
        "actor": args["actor"],
        "live": args["live"],
        "ended_block": event.log.block_number,
        "ended_tx": event.log.tx_hash,
    }
    return (Change("batches", {"batch_id": args["batchId"]}, sums={"withdrawn": 1}), Add("leaves_ended", row))


@_projects("Consents", "LeafChallenged")
def _leaf_challenged(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        **_place(event),
        "asset_id": asset_key(args["assetId"]),
        "batch_id": args["batchId"],
        "consent_id": args["consentId"],
        "collector": args["collector"],
        "field": args["field"],
        "block_number": event.log.block_number,
    }
    return (Add("challenges", row),)


@_projects("Consents", "WithdrawalMarked")
def _withdrawal_marked(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "consent_id": args["consentId"],
        "asset_id": asset_key(args["assetId"]),
        "subject": args["subject"],
        "collector": args["collector"],
        "state": MARK_PENDING,
        "marked_block": event.log.block_number,
        "marked_tx": event.log.tx_hash,
        "resolver": None,
        "resolved_block": None,
    }
    return (Put("marks", row),)


@_projects("Consents", "WithdrawalResolved")
def _withdrawal_resolved(event: Event) -> tuple[Operation, ...]:
    args = event.args
    values = {
        "state": MARK_APPLIED if args["applied"] else MARK_DISMISSED,
        "resolver": args["resolver"],
        "resolved_block": event.log.block_number,
    }
    key = {"consent_id": args["consentId"], "asset_id": asset_key(args["assetId"]), "subject": args["subject"]}
    return (Change("marks", key, values),)


# Market.


@_projects("Market", "PolicySet")
def _policy_set(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "kind": args["kind"],
        "grade": args["grade"],
        "to_list": args["toList"],
        "to_order": args["toOrder"],
        "modes": args["modes"],
        "set_block": event.log.block_number,
    }
    return (Put("policies", row),)


@_projects("Market", "OfferListed")
def _offer_listed(event: Event) -> tuple[Operation, ...]:
    args, offer = event.args, Offer.from_args(event.args["offer"])
    row = {
        "offer_id": args["offerId"],
        "asset_id": asset_key(args["assetId"]),
        "provider": args["provider"],
        "version": offer.version,
        "version_key": offer.version_key,
        "mode": offer.mode,
        "purpose": offer.purpose,
        "price": str(offer.price.total),
        "currency": currency_text(offer.price.currency),
        "valid_until": str(offer.valid_until),
        "offer": offer.encode().decode(),
        "state": int(OfferState.OPEN),
        "listed_block": event.log.block_number,
        "listed_index": event.log.log_index,
        "listed_tx": event.log.tx_hash,
    }
    return (Add("offers", row),)


@_projects("Market", "OfferClosed")
def _offer_closed(event: Event) -> tuple[Operation, ...]:
    values = {"state": int(OfferState.CLOSED), "closed_block": event.log.block_number}
    return (Change("offers", {"offer_id": event.args["offerId"]}, values),)


@_projects("Market", "SaleOrdered")
def _sale_ordered(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "offer_id": args["offerId"],
        "asset_id": asset_key(args["assetId"]),
        "version": args["version"],
        "buyer": args["buyer"],
        "reference": args["reference_"],
        "price": str(args["price"]),
        "currency": currency_text(args["currency"]),
        "attesters": json_text(args["attesters"]),
        "state": int(SaleState.ORDERED),
        "live_at_order": args["live"],
        "ordered_block": event.log.block_number,
        "ordered_index": event.log.log_index,
    }
    return (Add("sales", row), _step(event, args["buyer"]))


@_projects("Market", "SalePaid")
def _sale_paid(event: Event) -> tuple[Operation, ...]:
    args, nobody = event.args, event.args["settler"] == ZERO_ADDRESS  # at a price of nothing
    return _sale(
        event,
        None if nobody else args["settler"],
        state=int(SaleState.PAID),
        settler=args["settler"],
        payment_receipt=args["receiptHash"],
    )


@_projects("Market", "SalePrepared")
def _sale_prepared(event: Event) -> tuple[Operation, ...]:
    args = event.args
    return _sale(
        event,
        args["provider"],
        state=int(SaleState.PREPARED),
        live_at_prepare=args["live"],
        prepared_block=event.log.block_number,
    )


@_projects("Market", "SaleDelivered")
def _sale_delivered(event: Event) -> tuple[Operation, ...]:
    args = event.args
    return _sale(
        event,
        args["provider"],
        state=int(SaleState.DELIVERED),
        envelope_hash=args["envelopeHash"],
        cover_hash=args["coverHash"],
        delivered_count=args["deliveredCount"],
        delivered_block=event.log.block_number,
    )


@_projects("Market", "SaleAccepted")
def _sale_accepted(event: Event) -> tuple[Operation, ...]:
    by = event.args["by"]
    return _sale(event, by, state=int(SaleState.ACCEPTED), accepted_by=by, accepted_by_timeout=event.args["byTimeout"])


@_projects("Market", "SaleCancelled")
def _sale_cancelled(event: Event) -> tuple[Operation, ...]:
    return _sale(event, event.args["by"], state=int(SaleState.CANCELLED))


@_projects("Market", "SaleRefunded")
def _sale_refunded(event: Event) -> tuple[Operation, ...]:
    return _sale(event, event.args["by"], state=int(SaleState.REFUNDED))


@_projects("Market", "SaleDisputed")
def _sale_disputed(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "buyer": args["buyer"],
        "document_hash": args["documentHash"],
        "disputed_block": event.log.block_number,
        "disputed_tx": event.log.tx_hash,
    }
    return (Add("disputes", row), *_sale(event, args["buyer"], state=int(SaleState.DISPUTED)))


@_projects("Market", "DisputeDecided")
def _dispute_decided(event: Event) -> tuple[Operation, ...]:
    args, upheld = event.args, event.args["outcome"] == Outcome.POSITIVE
    values = {
        "decider": args["decider"],
        "outcome": args["outcome"],
        "decision_hash": args["documentHash"],
        "decided_block": event.log.block_number,
        "decided_tx": event.log.tx_hash,
    }
    state = SaleState.REFUNDED if upheld else SaleState.ACCEPTED
    return (
        Change("disputes", {"sale_id": args["saleId"]}, values),
        *_sale(event, args["decider"], state=int(state)),
    )


def _sale(event: Event, actor: bytes | None, **values: Any) -> tuple[Operation, ...]:
    return (Change("sales", {"sale_id": event.args["saleId"]}, values), _step(event, actor))


def _step(event: Event, actor: bytes | None) -> Operation:
    row = {
        **_place(event),
        "sale_id": event.args["saleId"],
        "event": event.name,
        "actor": actor,
        "block_number": event.log.block_number,
        "tx_hash": event.log.tx_hash,
    }
    return Add("sale_steps", row)


# Revenue.


@_projects("Revenue", "SaleSettled")
def _sale_settled(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "asset_id": asset_key(args["assetId"]),
        "certificate": args["certificate"],
        "currency": currency_text(args["currency"]),
        "price": str(args["price"]),
        "carry_in": str(args["carryIn"]),
        "exchange_share": str(args["exchangeShare"]),
        "provider_share": str(args["providerShare"]),
        "intermediary_shares": json_text(args["intermediaryShares"]),
        "per_head": str(args["perHead"]),
        "delivered_count": args["deliveredCount"],
        "carry_out": str(args["carryOut"]),
        "paid_up_to": 0,
        "settled_block": event.log.block_number,
        "settled_tx": event.log.tx_hash,
    }
    return (Add("settlements", row), _step(event, None))


@_projects("Revenue", "PayoutConfirmed")
def _payout_confirmed(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "from_ordinal": args["from"],
        "to_ordinal": args["to"],
        "total": str(args["total"]),
        "currency": currency_text(args["currency"]),
        "settler": args["settler"],
        "receipt_hash": args["receiptHash"],
        "paid_block": event.log.block_number,
        "paid_tx": event.log.tx_hash,
    }
    paid = Change("settlements", {"sale_id": args["saleId"]}, {"paid_up_to": args["to"]})
    return (paid, Add("payouts", row), _step(event, args["settler"]))


@_projects("Revenue", "OrdinalsDeferred")
def _ordinals_deferred(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "list": args["list"],
        "parent": args["parent"],
        "from_place": args["from"],
        "to_place": args["to"],
        "root": args["root"],
        "count": args["count"],
        "paid_up_to": 0,
        "opened_block": event.log.block_number,
        "opened_index": event.log.log_index,
        "opened_tx": event.log.tx_hash,
    }
    return (Add("deferred_lists", row), _step(event, None))


@_projects("Revenue", "DeferredPayoutConfirmed")
def _deferred_payout_confirmed(event: Event) -> tuple[Operation, ...]:
    args = event.args
    of = {"sale_id": args["saleId"], "list": args["list"]}
    row = {
        **of,
        "from_place": args["from"],
        "to_place": args["to"],
        "total": str(args["total"]),
        "currency": currency_text(args["currency"]),
        "settler": args["settler"],
        "receipt_hash": args["receiptHash"],
        "paid_block": event.log.block_number,
        "paid_tx": event.log.tx_hash,
    }
    paid = Change("deferred_lists", of, {"paid_up_to": args["to"]})
    return (paid, Add("deferred_payouts", row), _step(event, args["settler"]))


@_projects("Revenue", "PaymentsBounced")
def _payments_bounced(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "receipt_hash": args["receiptHash"],
        "list": args["list"],
        "count": args["count"],
        "total": str(args["total"]),
        "currency": currency_text(args["currency"]),
        "settler": args["settler"],
        "bounced_block": event.log.block_number,
        "bounced_index": event.log.log_index,
        "bounced_tx": event.log.tx_hash,
    }
    return (Add("bounces", row), _step(event, args["settler"]))


@_projects("Revenue", "RefundConfirmed")
def _refund_confirmed(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "receipt_hash": args["receiptHash"],
        "settler": args["settler"],
        "amount": str(args["amount"]),
        "refunded": str(args["refunded"]),
        "currency": currency_text(args["currency"]),
        "refunded_block": event.log.block_number,
        "refunded_index": event.log.log_index,
        "refunded_tx": event.log.tx_hash,
    }
    return (Add("refunds", row), _step(event, args["settler"]))


# Usage. A sale can have a report for every hour of years: they are no steps of it.


@_projects("Usage", "UsageReported")
def _usage_reported(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        "sale_id": args["saleId"],
        "from_time": args["from"],
        "to_time": args["to"],
        "provider": args["provider"],
        "gateway": args["gateway"],
        "count": str(args["count"]),
        "used": str(args["used"]),
        "receipts_root": args["receiptsRoot"],
        "reported_block": event.log.block_number,
        "reported_tx": event.log.tx_hash,
    }
    return (Add("usage_reports", row),)


# AnchorLog.


@_projects("AnchorLog", "CheckpointAnchored")
def _checkpoint_anchored(event: Event) -> tuple[Operation, ...]:
    args = event.args
    row = {
        **_place(event),
        "exchange": args["exchange"],
        "size": str(args["size"]),
        "root": args["root"],
        "former_size": str(args["formerSize"]),
        "block_number": event.log.block_number,
        "tx_hash": event.log.tx_hash,
    }
    return (Add("checkpoints", row),)


def _place(event: Event) -> dict[str, Any]:
    return {"block_hash": event.log.block_hash, "log_index": event.log.log_index}
