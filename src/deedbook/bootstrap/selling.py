"""What the acts of a sale need to find first: the sale as the chain knows it, whose attestations are relied on, the key
that a delivery is sealed to, the records that it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from deedbook.domain.codes import AttestationKind
from deedbook.domain.hashing import checksum_address
from deedbook.domain.sales import Offer, Ordered
from deedbook.errors import MissingKey, NotFound
from deedbook.ledger import deliveries
from deedbook.ledger.acting import Acting
from deedbook.ledger.deliveries import Delivered
from deedbook.queries import assets, attestations, members, offers, sales
from deedbook.queries.assets import AssetView
from deedbook.queries.rows import Reading
from deedbook.queries.sales import SaleView
from deedbook.vault.envelopes import PublicKey, Suite

if TYPE_CHECKING:
    from deedbook.bootstrap.services import Services
    from deedbook.chain.transactions import Signer

NOBODY: Final = bytes(19) + b"\x01"
"""An account that attests nothing: a precompiled contract."""


def ordered_sale(mirror: Reading, sale_id: bytes) -> tuple[SaleView, Ordered]:
    """A sale as the mirror has it, and what every later act of it brings along. Raises NotFound."""
    found = sales.sale(mirror, sale_id)
    offer = offers.offer(mirror, found.offer_id).document
    return found, Ordered(found.sale_id, offer, found.reference)


def attesters_for(
    mirror: Reading, offer: Offer, named: Sequence[bytes], now: int, *, to_order: bool, buyer: bytes | None = None
) -> tuple[bytes, ...]:
    """One account for each attestation that the policy asks, lowest kind first: those named, else whoever's stands at
    `now`.

    Whether they suffice is the contract's to say: where nobody's stands, it is asked about one that ended, or NOBODY's.
    """
    if named:
        return tuple(named)
    asset = assets.asset(mirror, offer.asset_id)
    policy = next(
        (each for each in offers.policies(mirror) if (each.kind, each.grade) == (asset.kind, asset.grade)), None
    )
    if policy is None:
        return ()
    asked = _asked(mirror, offer, asset, policy.to_order if to_order else policy.to_list, buyer)
    stated = attestations.attestations(mirror, offer.version_key)
    found = {each.kind: each.attester for each in sorted(stated, key=lambda each: each.is_live(now))}
    return tuple(found.get(kind, NOBODY) for kind in asked)


def _asked(
    mirror: Reading, offer: Offer, asset: AssetView, kinds: Sequence[int], buyer: bytes | None
) -> tuple[int, ...]:
    """The kinds that the contract will ask about the version: not the audit of consents, which stands with the basis;
    the source where there may be no basis; the border where it is crossed."""
    found = set(kinds) - {AttestationKind.CONSENT_AUDIT}
    if not asset.personal:
        found.add(AttestationKind.SOURCE_LEGALITY)
    if buyer is not None and _jurisdiction(mirror, buyer) != _jurisdiction(mirror, offer.provider):
        found.add(AttestationKind.CROSS_BORDER)
    return tuple(sorted(found))


def _jurisdiction(mirror: Reading, account: bytes) -> int | None:
    """Where a member is; None of whoever is none: the contract will say so."""
    try:
        return members.member(mirror, account).jurisdiction
    except NotFound:
        return None


def recipient_of(services: Services, account: bytes, name: str = "") -> PublicKey:
    """A member's public key: of the directory, or of the account in this home, `name` or any. Raises MissingKey."""
    entry = services.records.members.find(account)
    if entry is not None and entry.suite:
        return PublicKey(Suite(entry.suite), entry.public_key)
    for candidate in [name] if name else services.keystore.names():
        if services.signer(candidate).address == account:
            return services.encryption_key(candidate).public
    raise MissingKey(
        "no encryption key of the buyer is kept",
        hint="keep it by: deedbook members keep-key",
        account=checksum_address(account),
    )


def deliver(
    services: Services, acting: Acting, provider: Signer, sale_id: bytes, *, keeper: bytes | None = None, name: str = ""
) -> Delivered:
    """Seals the keys of all live records to the buyer - or to `keeper`, who runs a use without possession - and commits
    to the envelope on chain. Raises as `ledger.deliveries.deliver`, NotFound, MissingKey."""
    services.reconcile()
    found, ordered = ordered_sale(services.mirror, sale_id)
    holder = found.buyer if keeper is None else keeper
    root = assets.version(services.mirror, found.asset_id, found.version).content_root
    return deliveries.deliver(
        acting,
        services.vault,
        services.records.deliveries,
        provider,
        ordered,
        payload_id=services.vault.payload_of(root).payload_id,
        excluded=services.ended_records(found.asset_id, found.version),
        recipient=recipient_of(services, holder, name if holder == found.buyer else ""),
        holder=holder,
        at=services.clock(),
    )
