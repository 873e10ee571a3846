"""The journal: every log of a contract folded into its own hash chain and into that of the entities it concerns.

A copy of the logs is complete exactly when folding it gives the heads that the chain proves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from deedbook.domain.abi import encode
from deedbook.domain.hashing import ZERO32, keccak256
from deedbook.errors import InvalidInput

JOURNAL_SLOT: Final = 0x35EA186C54920FEC12571065A4CDA6362DFE9D8D041545C86607B9DCFE795800
"""The storage slot of a contract's own head (ERC-7201, namespace `deedbook.journal`)."""

EMPTY_HEAD: Final = ZERO32
"""The head before the first log."""

POLICY_TAG: Final = keccak256(b"deedbook.policy.v1")

JOURNALLED: Final = (
    "Membership",
    "Cases",
    "Attestations",
    "DataAssets",
    "Consents",
    "Market",
    "Revenue",
    "Usage",
    "AnchorLog",
)
"""The contracts that keep a journal, in order of deployment."""

_OF_NO_ENTITY: Final = ("AuthorityUpdated", "EIP712DomainChanged")


def fold(head: bytes, block_number: int, topics: Sequence[bytes], data: bytes) -> bytes:
    """The head after one more log: keccak256(head || uint256(blockNumber) || keccak256(topics || data))."""
    return keccak256(head + block_number.to_bytes(32, "big") + keccak256(b"".join(topics) + data))


def entity_slot(entity: bytes) -> int:
    """The storage slot of an entity's head: keccak256(entity || uint256(JOURNAL_SLOT + 1)), as a number."""
    if len(entity) != 32:
        raise InvalidInput("entity", f"is {len(entity)} bytes, not 32")
    return int.from_bytes(keccak256(entity + (JOURNAL_SLOT + 1).to_bytes(32, "big")), "big")


def account_entity(account: bytes) -> bytes:
    """The entity of an account: bytes32(uint160(account))."""
    if len(account) != 20:
        raise InvalidInput("account", f"is {len(account)} bytes, not 20")
    return bytes(12) + account


def asset_entity(asset_id: int) -> bytes:
    """The entity of an asset: bytes32(assetId)."""
    if not 0 <= asset_id < 2**256:
        raise InvalidInput("assetId", "is not a uint256")
    return asset_id.to_bytes(32, "big")


def policy_entity(kind: int, grade: int) -> bytes:
    """The entity of a listing policy: keccak256(abi.encode(POLICY_TAG, kind, grade))."""
    return keccak256(encode(["bytes32", "uint8", "uint8"], [POLICY_TAG, kind, grade]))


def entities_of(contract_name: str, event_name: str, args: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The entities (32 bytes each) whose heads this event's log is folded into, besides the contract's own.

    `args` by ABI name (integers, bytes, 20-byte addresses). Raises InvalidInput: a contract without a journal, or an
    event that it does not have.
    """
    rules = _RULES.get(contract_name)
    if rules is None:
        raise InvalidInput("contract", f"{contract_name} keeps no journal")
    rule = _nobody if event_name in _OF_NO_ENTITY else rules.get(event_name)
    if rule is None:
        raise InvalidInput("event", f"{contract_name} has no event {event_name}")
    return rule(args)


def events_of(contract_name: str) -> frozenset[str]:
    """The names of a contract's events. Raises InvalidInput: a contract without a journal."""
    rules = _RULES.get(contract_name)
    if rules is None:
        raise InvalidInput("contract", f"{contract_name} keeps no journal")
    return frozenset(rules) | {*_OF_NO_ENTITY}


_Rule = Callable[[Mapping[str, Any]], tuple[bytes, ...]]


def _nobody(_: Mapping[str, Any]) -> tuple[bytes, ...]:
    return ()


def _account(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (account_entity(args["account"]),)


def _exchange(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (account_entity(args["exchange"]),)


def _owner(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (account_entity(args["owner"]),)


def _target(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (args["target"],)


def _asset(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (asset_entity(args["assetId"]),)


def _token(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (asset_entity(args["tokenId"]),)


def _sale(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (args["saleId"],)


def _sale_and_asset(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return _sale(args) + _asset(args)


def _policy(args: Mapping[str, Any]) -> tuple[bytes, ...]:
    return (policy_entity(args["kind"], args["grade"]),)


def _each(rule: _Rule, *events: str) -> dict[str, _Rule]:
    return dict.fromkeys(events, rule)


_RULES: Final[Mapping[str, Mapping[str, _Rule]]] = {
    "Membership": {
        **_each(
            _account,
            "ParticipantAdmitted",
            "ParticipantChanged",
            "ParticipantSuspended",
            "ParticipantReinstated",
            "ParticipantExpelled",
            "EncryptionKeyRegistered",
        ),
        **_each(_nobody, "DeploymentSucceeded", "DeploymentClosing"),
    },
    "Cases": _each(_target, "CaseOpened", "CaseDecided", "TargetHeld", "TargetReleased"),
    "Attestations": _each(_target, "Attested", "AttestationCorrected", "AttestationWithdrawn"),
    "DataAssets": {
        **_each(
            _asset,
            "AssetRegistered",
            "VersionPublished",
            "AssetChanged",
            "RightGranted",
            "RightEnded",
            "AssetCancelled",
        ),
        **_each(_token, "Transfer", "Approval"),
        **_each(_owner, "ApprovalForAll"),
    },
    "Consents": _each(
        _asset,
        "BatchGranted",
        "ConsentGranted",
        "BatchBound",
        "BindingClosed",
        "LeafEnded",
        "LeafChallenged",
        "WithdrawalMarked",
        "WithdrawalResolved",
    ),
    "Market": {
        **_each(_asset, "OfferListed", "OfferClosed"),
        **_each(_sale_and_asset, "SaleOrdered"),
        **_each(
            _sale,
            "SalePaid",
            "SalePrepared",
            "SaleDelivered",
            "SaleAccepted",
            "SaleCancelled",
            "SaleRefunded",
            "SaleDisputed",
            "DisputeDecided",
        ),
        **_each(_policy, "PolicySet"),
    },
    "Revenue": {
        **_each(_sale_and_asset, "SaleSettled"),
        **_each(
            _sale,
            "PayoutConfirmed",
            "OrdinalsDeferred",
            "DeferredPayoutConfirmed",
            "PaymentsBounced",
            "RefundConfirmed",
        ),
    },
    "Usage": _each(_sale, "UsageReported"),
    "AnchorLog": _each(_exchange, "CheckpointAnchored"),
}
