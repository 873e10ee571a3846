"""One sale of personal data as the contracts tell it: every event by hand, from the interfaces' definitions."""

from __future__ import annotations

from typing import Any

from deedbook.domain import codes
from deedbook.domain.hashing import sha256
from deedbook.domain.keytree import Cover, cover_all_but, cover_hash, delivered_count, encode_cover
from deedbook.domain.merkle import consent_leaf, positional_root, rfc9162_root
from tests.scripted_chain import Call

FAR = 2**64 - 1
"""A uint64 that no signed 64-bit column holds."""

EXCHANGE, PROVIDER, BUYER, REVIEWER, AUDITOR, SETTLER, BROKER, ARBITER = (bytes([n]) * 20 for n in range(1, 9))
LICENSEE, OPERATOR, GATEWAY = (bytes([n]) * 20 for n in range(0x21, 0x24))
FORMER = [(bytes([0xF0 + n]) * 20, sha256(b"former head" + bytes([n]))) for n in range(3)]
ASSET = 0xA55E7 << 200
VERSION_KEY = sha256(b"version 1")
BATCH = sha256(b"batch")
NOTICE = sha256(b"notice")
OFFER = sha256(b"offer")
SALE, SECOND_SALE = sha256(b"sale 1"), sha256(b"sale 2")
PEOPLE = 6
CONSENTS = [sha256(b"consent" + bytes([n])) for n in range(PEOPLE)]
SUBJECTS = [bytes([0x50 + n]) * 20 for n in range(PEOPLE)]
LEAVING = 2
ROOT = positional_root([consent_leaf(c, s) for c, s in zip(CONSENTS, SUBJECTS, strict=True)])
ALL: Cover = cover_all_but(PEOPLE, [])
WITHOUT: Cover = cover_all_but(PEOPLE, [LEAVING])
COVERS = {cover_hash(cover): encode_cover(cover) for cover in (ALL, WITHOUT)}


def admitted(account: bytes, roles: codes.Role, *, licences: tuple[int, ...] = ()) -> Call:
    args = {"account": account, "identity": sha256(account), "jurisdiction": 156, "roles": int(roles)}
    return ("Membership", "ParticipantAdmitted", {**args, "validUntil": FAR, "licences": licences})


def attested(kind: codes.AttestationKind, target: bytes, attester: bytes, valid_until: int = FAR) -> Call:
    args: dict[str, Any] = {"target": target, "kind": int(kind), "attester": attester, "outcome": 1}
    return ("Attestations", "Attested", {**args, "documentHash": sha256(b"opinion"), "validUntil": valid_until})


TERMS: dict[str, Any] = {
    "controller": PROVIDER,
    "recipient": bytes(20),
    "recipientClass": 256,
    "purpose": 1,
    "modes": 32,
    "crossBorder": False,
    "noticeHash": NOTICE,
    "validFrom": 1_600_000_000,
    "validUntil": FAR,
}

OFFER_STRUCT: dict[str, Any] = {
    "provider": PROVIDER,
    "assetId": ASSET,
    "version": 1,
    "versionKey": VERSION_KEY,
    "mode": 32,
    "purpose": 1,
    "price": {"data": 10_000, "algorithm": 0, "compute": 0, "service": 1_000, "currency": b"CNY"},
    "split": {
        "exchange": EXCHANGE,
        "exchangeBps": 500,
        "providerBps": 2500,
        "subjectsBps": 6000,
        "intermediaries": ({"account": BROKER, "bps": 1000},),
    },
    "termsHash": sha256(b"terms"),
    "policyHash": sha256(b"policy"),
    "quota": 0,
    "term": FAR,
    "validUntil": FAR,
    "conditions": {"buyerClass": 256, "jurisdictions": (156,)},
    "sandbox": {"on": False, "end": 0, "maxOrders": 0, "maxPrice": 0, "buyers": ()},
    "salt": sha256(b"salt"),
}


def members() -> list[Call]:
    role = codes.Role
    contracts, heads = zip(*FORMER, strict=True)
    succession = {"chainId": 2**200, "contracts": contracts, "heads": heads}
    return [
        ("Membership", "DeploymentSucceeded", succession),
        ("Membership", "AuthorityUpdated", {"authority": bytes([0xAA]) * 20}),
        ("Market", "AuthorityUpdated", {"authority": bytes([0xAA]) * 20}),
        admitted(EXCHANGE, role.OPERATOR),
        admitted(PROVIDER, role.PROVIDER),
        admitted(BUYER, role.BUYER, licences=(256,)),
        admitted(REVIEWER, role.REVIEWER),
        admitted(AUDITOR, role.AUDITOR),
        admitted(SETTLER, role.SETTLER),
        admitted(ARBITER, role.ARBITER),
        (
            "Membership",
            "EncryptionKeyRegistered",
            {"account": BUYER, "suite": 0x20, "key": sha256(b"key")},
        ),
    ]


def registered() -> list[Call]:
    asset = {"assetId": ASSET, "registrant": PROVIDER, "sourceHash": sha256(b"source"), "salt": sha256(b"asset salt")}
    version = {"assetId": ASSET, "version": 1, "versionKey": VERSION_KEY, "contentRoot": sha256(b"root")}
    return [
        ("DataAssets", "Transfer", {"from": bytes(20), "to": PROVIDER, "tokenId": ASSET}),
        (
            "DataAssets",
            "AssetRegistered",
            {**asset, "kind": 1, "grade": 1, "level": 3, "personal": True, "parents": ()},
        ),
        (
            "DataAssets",
            "VersionPublished",
            {**version, "recordCount": PEOPLE, "descriptorHash": sha256(b"descriptor")},
        ),
    ]


def granted() -> list[Call]:
    batch = {"batchId": BATCH, "assetId": ASSET, "collector": PROVIDER, "root": ROOT, "count": PEOPLE}
    return [("Consents", "BatchGranted", {**batch, "terms": TERMS, "manifestHash": sha256(b"manifest")})]


def bound() -> list[Call]:
    binding = {"assetId": ASSET, "version": 1, "batchId": BATCH, "offset": 0, "count": PEOPLE}
    closed = {"assetId": ASSET, "version": 1, "recordCount": PEOPLE, "live": PEOPLE}
    return [
        attested(codes.AttestationKind.CONSENT_AUDIT, BATCH, AUDITOR),
        ("Consents", "BatchBound", {**binding, "withdrawn": 0, "auditor": AUDITOR}),
        ("Consents", "BindingClosed", closed),
        attested(codes.AttestationKind.LEGAL_OPINION, VERSION_KEY, REVIEWER, FAR),
        attested(codes.AttestationKind.SOURCE_LEGALITY, VERSION_KEY, REVIEWER, 1_900_000_000),
    ]


def listed() -> list[Call]:
    policy = {"kind": 1, "grade": 1, "toList": 12, "toOrder": 14, "modes": 63}
    offer = {"offerId": OFFER, "assetId": ASSET, "provider": PROVIDER, "offer": OFFER_STRUCT}
    return [("Market", "PolicySet", policy), ("Market", "OfferListed", offer)]


def ordered(sale: bytes, live: int) -> list[Call]:
    order: dict[str, Any] = {"saleId": sale, "offerId": OFFER, "buyer": BUYER, "assetId": ASSET, "version": 1}
    order |= {"reference_": sha256(sale), "price": 11_000, "currency": b"CNY", "live": live}
    paid = {"saleId": sale, "settler": SETTLER, "receiptHash": sha256(b"bank" + sale), "amount": 11_000}
    return [
        ("Market", "SaleOrdered", {**order, "attesters": (REVIEWER, REVIEWER)}),
        ("Market", "SalePaid", {**paid, "currency": b"CNY"}),
    ]


def delivered(sale: bytes, cover: Cover) -> list[Call]:
    count = delivered_count(cover)
    delivery = {"saleId": sale, "provider": PROVIDER, "envelopeHash": sha256(b"envelope" + sale)}
    return [
        ("Market", "SalePrepared", {"saleId": sale, "provider": PROVIDER, "version": 1, "live": count}),
        ("Market", "SaleDelivered", {**delivery, "coverHash": cover_hash(cover), "deliveredCount": count}),
        ("Market", "SaleAccepted", {"saleId": sale, "by": BUYER, "byTimeout": False}),
    ]


def settled(sale: bytes, certificate: int, per_head: int, count: int, carry_in: int, carry_out: int) -> list[Call]:
    args: dict[str, Any] = {"saleId": sale, "assetId": ASSET, "certificate": certificate, "currency": b"CNY"}
    args |= {"price": 11_000, "carryIn": carry_in, "exchangeShare": 550, "providerShare": 2750}
    args |= {"intermediaryShares": (1100,), "perHead": per_head, "deliveredCount": count, "carryOut": carry_out}
    return [("Revenue", "SaleSettled", args)]


def paid_out(sale: bytes, first: int, end: int, per_head: int) -> list[Call]:
    args: dict[str, Any] = {"saleId": sale, "settler": SETTLER, "receiptHash": sha256(sale + bytes([first]))}
    args |= {"from": first, "to": end, "total": (end - first) * per_head, "currency": b"CNY"}
    return [("Revenue", "PayoutConfirmed", args)]


def withdrawn() -> list[Call]:
    leaf: dict[str, Any] = {"assetId": ASSET, "batchId": BATCH, "consentId": CONSENTS[LEAVING], "index": LEAVING}
    leaf |= {"subject": SUBJECTS[LEAVING], "cause": int(codes.EndCause.WITHDRAWN), "actor": SUBJECTS[LEAVING]}
    return [("Consents", "LeafEnded", {**leaf, "live": PEOPLE - 1})]


def story() -> list[list[Call]]:
    """The events of each block, from the first members to the second sale."""
    return [
        members(),
        registered(),
        granted(),
        [],
        bound(),
        listed(),
        ordered(SALE, PEOPLE),
        delivered(SALE, ALL),
        settled(SALE, 1, 1100, PEOPLE, 0, 0),
        paid_out(SALE, 0, 4, 1100),
        withdrawn(),
        ordered(SECOND_SALE, PEOPLE - 1),
        delivered(SECOND_SALE, WITHOUT),
        settled(SECOND_SALE, 2, 1320, PEOPLE - 1, 0, 0),
    ]


DIRECT_BATCH, DIRECT_CONSENT, DIRECT_SUBJECT = sha256(b"direct"), sha256(b"direct consent"), bytes([0x66]) * 20
CASE, HELD = sha256(b"case"), sha256(b"held")


def direct() -> list[Call]:
    consent: dict[str, Any] = {**TERMS, "subject": DIRECT_SUBJECT, "assetId": ASSET, "recordCommit": sha256(b"r")}
    consent |= {"statementHash": sha256(b"sentence"), "salt": sha256(b"s")}
    grant = {"batchId": DIRECT_BATCH, "assetId": ASSET, "consentId": DIRECT_CONSENT, "consent": consent}
    return [("Consents", "ConsentGranted", grant)]


def marked() -> list[Call]:
    mark: dict[str, Any] = {"assetId": ASSET, "consentId": CONSENTS[4], "subject": SUBJECTS[4]}
    return [("Consents", "WithdrawalMarked", {**mark, "collector": PROVIDER, "pending": 1})]


def resolved(*, applied: bool) -> list[Call]:
    mark: dict[str, Any] = {"assetId": ASSET, "consentId": CONSENTS[4], "subject": SUBJECTS[4]}
    return [("Consents", "WithdrawalResolved", {**mark, "resolver": AUDITOR, "applied": applied, "pending": 0})]


def challenged() -> list[Call]:
    leaf: dict[str, Any] = {"assetId": ASSET, "batchId": BATCH, "consentId": CONSENTS[3]}
    end = {"index": 3, "subject": SUBJECTS[3], "cause": int(codes.EndCause.CHALLENGED), "actor": AUDITOR, "live": 4}
    return [
        ("Consents", "LeafChallenged", {**leaf, "collector": PROVIDER, "field": int(codes.ConsentField.MODES)}),
        ("Consents", "LeafEnded", {**leaf, **end}),
    ]


def case_opened() -> list[Call]:
    case = {"caseId": CASE, "target": HELD, "opener": BUYER, "kind": 2, "documentHash": sha256(b"complaint")}
    hold = {"target": HELD, "holder": ARBITER, "documentHash": sha256(b"hold")}
    return [("Cases", "CaseOpened", case), ("Cases", "TargetHeld", hold)]


def case_decided() -> list[Call]:
    case = {"caseId": CASE, "target": HELD, "decider": ARBITER, "outcome": 1, "documentHash": sha256(b"decision")}
    hold = {"target": HELD, "holder": ARBITER, "documentHash": sha256(b"released")}
    return [("Cases", "CaseDecided", case), ("Cases", "TargetReleased", hold)]


def opinion_changed() -> list[Call]:
    of: dict[str, Any] = {"target": VERSION_KEY, "attester": REVIEWER}
    new = {"outcome": 2, "documentHash": sha256(b"second opinion"), "validUntil": 1_900_000_000}
    return [
        ("Attestations", "AttestationCorrected", {**of, "kind": 1, **new}),
        ("Attestations", "AttestationWithdrawn", {**of, "kind": 2, "documentHash": sha256(b"withdrawn")}),
    ]


def membership_changed() -> list[Call]:
    change: dict[str, Any] = {"jurisdiction": 344, "roles": 6, "validUntil": 5, "licences": (257, 300)}
    return [
        ("Membership", "ParticipantChanged", {"account": BUYER, **change}),
        ("Membership", "ParticipantSuspended", {"account": BUYER, "reason": 3}),
        ("Membership", "ParticipantReinstated", {"account": BUYER}),
        ("Membership", "ParticipantExpelled", {"account": SETTLER, "reason": 4}),
    ]


def asset_handed_on() -> list[Call]:
    return [
        ("DataAssets", "Approval", {"owner": PROVIDER, "approved": BROKER, "tokenId": ASSET}),
        ("DataAssets", "ApprovalForAll", {"owner": PROVIDER, "operator": BROKER, "approved": True}),
        ("DataAssets", "Transfer", {"from": PROVIDER, "to": BROKER, "tokenId": ASSET}),
        ("DataAssets", "AssetCancelled", {"assetId": ASSET, "holder": BROKER, "documentHash": sha256(b"end")}),
    ]


def sales_ended() -> list[Call]:
    cancelled, refunded = sha256(b"sale 3"), sha256(b"sale 4")
    return [
        ordered(cancelled, PEOPLE)[0],
        ("Market", "SaleCancelled", {"saleId": cancelled, "by": BUYER}),
        *ordered(refunded, PEOPLE),
        ("Market", "SaleRefunded", {"saleId": refunded, "by": BUYER, "amount": 11_000, "currency": b"CNY"}),
        ("Market", "OfferClosed", {"offerId": OFFER, "assetId": ASSET, "provider": PROVIDER}),
    ]


def changed() -> list[Call]:
    stated: dict[str, Any] = {"assetId": ASSET, "holder": PROVIDER, "sourceHash": sha256(b"another source")}
    return [("DataAssets", "AssetChanged", {**stated, "grade": 1, "level": 2, "documentHash": sha256(b"change")})]


def right_granted(account: bytes, right: int, grantor: bytes, *, purposes: int = 2, until: int = FAR) -> Call:
    args: dict[str, Any] = {"assetId": ASSET, "account": account, "right": right, "grantor": grantor}
    args |= {"modes": 34, "purposes": purposes, "validUntil": until, "documentHash": sha256(b"licence")}
    return ("DataAssets", "RightGranted", args)


def right_ended(account: bytes, right: int, by: bytes) -> Call:
    args: dict[str, Any] = {"assetId": ASSET, "account": account, "right": right, "by": by}
    return ("DataAssets", "RightEnded", {**args, "documentHash": sha256(b"end of licence")})


def licensed() -> list[list[Call]]:
    """The holder licenses one who licenses another; one licence is ended, and granted anew."""
    process, operate = int(codes.Right.PROCESS), int(codes.Right.OPERATE)
    return [
        [right_granted(LICENSEE, process, PROVIDER, purposes=6), right_granted(OPERATOR, operate, LICENSEE)],
        [right_granted(BROKER, operate, PROVIDER, until=1_900_000_000)],
        [right_ended(BROKER, operate, PROVIDER), right_granted(BROKER, operate, PROVIDER, until=1_900_000_000)],
    ]


def listed_by_operator() -> list[Call]:
    offer = {"offerId": OPERATORS_OFFER, "assetId": ASSET, "provider": OPERATOR}
    return [
        ("Market", "OfferListed", {**offer, "offer": {**OFFER_STRUCT, "provider": OPERATOR, "mode": 2, "quota": 100}})
    ]


OPERATORS_OFFER, DISPUTED, UPHELD, FREE = (sha256(name) for name in (b"operators", b"sale 5", b"sale 6", b"sale 7"))


def disputed(sale: bytes, outcome: codes.Outcome) -> list[Call]:
    decision: dict[str, Any] = {"saleId": sale, "decider": ARBITER, "documentHash": sha256(b"award")}
    return [
        *ordered(sale, PEOPLE),
        *delivered(sale, ALL)[:2],
        ("Market", "SaleDisputed", {"saleId": sale, "buyer": BUYER, "documentHash": sha256(b"bad")}),
        ("Market", "DisputeDecided", {**decision, "outcome": int(outcome)}),
    ]


def given_away() -> list[Call]:
    order, paid = ordered(FREE, 0)
    nothing = {"settler": bytes(20), "receiptHash": bytes(32), "amount": 0}
    return [
        ("Market", "SaleOrdered", {**order[2], "price": 0, "offerId": OPERATORS_OFFER}),
        ("Market", "SalePaid", {**paid[2], **nothing}),
        *delivered(FREE, ALL)[:2],
    ]


def refunded(sale: bytes, amount: int, total: int) -> list[Call]:
    args: dict[str, Any] = {"saleId": sale, "settler": SETTLER, "receiptHash": sha256(sale + bytes([total % 251]))}
    return [("Revenue", "RefundConfirmed", {**args, "amount": amount, "refunded": total, "currency": b"CNY"})]


def list_root(places: list[int]) -> bytes:
    """The root over the places of a deferred list, each as u64."""
    return rfc9162_root([place.to_bytes(8, "big") for place in places])


LISTS = {(SECOND_SALE, 1): [1, 2], (SECOND_SALE, 2): [0], (SECOND_SALE, 3): [1]}
"""Who of the second sale is paid later: ordinals 1 and 2 had no payee, 0 bounced, and place 1 of list 1 did."""


def put_off(sale: bytes, number: int, parent: int, first: int, end: int) -> Call:
    places = LISTS[sale, number]
    args: dict[str, Any] = {"saleId": sale, "list": number, "root": list_root(places), "count": len(places)}
    return ("Revenue", "OrdinalsDeferred", {**args, "parent": parent, "from": first, "to": end})


def bounced(sale: bytes, number: int, total: int, receipt: bytes) -> Call:
    args: dict[str, Any] = {"saleId": sale, "settler": SETTLER, "receiptHash": sha256(receipt), "list": number}
    return ("Revenue", "PaymentsBounced", {**args, "count": 1, "total": total, "currency": b"CNY"})


def paid_later(sale: bytes, number: int, first: int, end: int, total: int) -> Call:
    args: dict[str, Any] = {"saleId": sale, "settler": SETTLER, "receiptHash": sha256(sale + bytes([number, first]))}
    args |= {"list": number, "from": first, "to": end, "total": total, "currency": b"CNY"}
    return ("Revenue", "DeferredPayoutConfirmed", args)


def deferred() -> list[list[Call]]:
    """The second sale is paid to four of five, two of them later; one of each bounces."""
    first = paid_out(SECOND_SALE, 0, 4, 1320)[0]
    return [
        [put_off(SECOND_SALE, 1, 0, 0, 4), ("Revenue", "PayoutConfirmed", {**first[2], "total": 2 * 1320})],
        [put_off(SECOND_SALE, 2, 0, 0, 4), bounced(SECOND_SALE, 0, 1320, b"came back")],
        [paid_later(SECOND_SALE, 1, 0, 2, 2 * 1320)],
        [put_off(SECOND_SALE, 3, 1, 0, 2), bounced(SECOND_SALE, 1, 1320, b"came back again")],
    ]


def used(sale: bytes, first: int, end: int, count: int, in_all: int) -> Call:
    args: dict[str, Any] = {"saleId": sale, "provider": PROVIDER, "gateway": GATEWAY, "from": first, "to": end}
    return ("Usage", "UsageReported", {**args, "count": count, "used": in_all, "receiptsRoot": sha256(b"uses")})


def anchored(size: int, former: int) -> Call:
    args: dict[str, Any] = {"exchange": EXCHANGE, "size": size, "root": sha256(b"log" + bytes([size % 256]))}
    return ("AnchorLog", "CheckpointAnchored", {**args, "formerSize": former})


def closing() -> list[Call]:
    return [("Membership", "DeploymentClosing", {"documentHash": sha256(b"the end"), "closesAt": 1_700_600_000})]


def since() -> list[list[Call]]:
    """What version 2 of the rows came with."""
    return [
        changed(),
        *licensed(),
        listed_by_operator(),
        disputed(DISPUTED, codes.Outcome.NEGATIVE),
        [*disputed(UPHELD, codes.Outcome.POSITIVE), *refunded(UPHELD, 11_000, 11_000)],
        given_away(),
        *deferred(),
        [*refunded(SALE, 500, 500), *refunded(SALE, 200, 700)],
        [used(FREE, 1_700_000_000, 1_700_003_600, 3, 3), used(FREE, 1_700_003_600, 1_700_007_200, 2, 5)],
        [anchored(3, 0), anchored(3, 3), anchored(2**64 - 1, 3)],
        closing(),
    ]


def aside() -> list[list[Call]]:
    """Every event that the story has no need of, in blocks after it."""
    return [
        direct(),
        marked(),
        resolved(applied=False),
        marked(),
        challenged(),
        case_opened(),
        case_decided(),
        case_opened()[1:],
        opinion_changed(),
        membership_changed(),
        *since(),
        sales_ended(),
        asset_handed_on(),
    ]


LAST = len(story()) + len(aside())
"""The number of the last block of both."""
