"""Deliveries: an envelope made for one buyer, committed on chain, and handed out only once that is final."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.codes import SaleState
from deedbook.domain.hashing import to_hex
from deedbook.domain.sales import Ordered
from deedbook.errors import IntegrityError, NotFound
from deedbook.ledger import sales
from deedbook.ledger.acting import Acting
from deedbook.records.deliveries import Deliveries, DeliveryRecord
from deedbook.vault.envelopes import Context, PublicKey
from deedbook.vault.payloads import Vault


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery recorded: the receipt on chain, the public cover, and how many records it opens."""

    receipt: Receipt
    cover: bytes
    count: int


def deliver(
    acting: Acting,
    vault: Vault,
    shelf: Deliveries,
    provider: Signer,
    ordered: Ordered,
    *,
    payload_id: bytes,
    excluded: Iterable[int],
    recipient: PublicKey,
    at: int,
    holder: bytes | None = None,
) -> Delivered:
    """Seals all records but `excluded` (record indices) at time `at` and commits to it on chain.

    `recipient` is the registered key of `holder` (20 bytes): the buyer, or whoever keeps the records for a use without
    possession.
    The envelope is on the shelf before the chain knows of it; after a crash another one may be made. Raises
    IntegrityError when the recipient's key is not the registered one, RejectedByContract when the
    contract refuses (the envelope stays on the shelf).
    """
    keeper = acting.read("Market", "sale", ordered.sale_id)["buyer"] if holder is None else holder
    require_registered_key(acting, keeper, recipient)
    context = Context(acting.chain_id, acting.addresses["Market"], ordered.sale_id, ordered.offer.version_key)
    made = vault.deliver(payload_id, excluded, recipient, context)
    shelf.add(DeliveryRecord(ordered.sale_id, made.envelope, made.cover_bytes, at))
    receipt = sales.deliver(
        acting,
        provider,
        ordered,
        envelope_hash=made.envelope_hash,
        cover_hash=made.cover_hash,
        delivered_count=made.delivered_count,
    )
    return Delivered(receipt, made.cover_bytes, made.delivered_count)


def require_registered_key(acting: Acting, member: bytes, key: PublicKey) -> None:
    """Raises IntegrityError unless the member registered exactly this key on chain."""
    participant = acting.read("Membership", "participant", member)
    if (participant["encryptionSuite"], participant["encryptionKey"]) != (int(key.suite), key.commitment):
        raise IntegrityError("the encryption key is not the one that the member registered", field="encryptionKey")


def hand_out(acting: Acting, shelf: Deliveries, delivered: Receipt) -> bytes:
    """The envelope that a delivery's receipt commits to, while that delivery stands. Raises NotFound before that."""
    event = delivered.event("SaleDelivered").args
    return hand_out_for(acting, shelf, event["saleId"], event["envelopeHash"])


def hand_out_for(acting: Acting, shelf: Deliveries, sale_id: bytes, envelope_hash: bytes) -> bytes:
    """The envelope of this hash while the sale's delivery stands. Raises NotFound before that."""
    state = acting.read("Market", "sale", sale_id)["state"]
    if state not in (SaleState.DELIVERED, SaleState.ACCEPTED, SaleState.DISPUTED):
        raise NotFound("delivery of sale", to_hex(sale_id), hint="the provider has to deliver first")
    return shelf.envelope(envelope_hash).envelope
