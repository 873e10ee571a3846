"""Data assets: registered, published, changed, licensed, handed over, cancelled by their holder."""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.assets import Scope, Version
from deedbook.ledger.acting import Acting


def register(
    acting: Acting,
    registrant: Signer,
    *,
    salt: bytes,
    kind: int,
    grade: int,
    level: int,
    source: bytes,
    parents: Sequence[int] = (),
    version: Version | None = None,
    attester: bytes | None = None,
) -> Receipt:
    """First registration; with `version` also its first version. What is graded below a parent names the `attester` (20
    bytes) of its DEIDENTIFICATION.

    `kind` is an AssetKind, `grade` a Grade, `level` 1 to 4 inside GENERAL; `source` is the SHA-256 of the source
    statement; `salt` (32 bytes) fixes the asset's id.
    """
    first = version.as_tuple() if version else (bytes(32), 0, bytes(32))
    registration = (salt, kind, grade, level, source, tuple(parents))
    if attester is not None:
        return acting.act(registrant, "DataAssets", "registerDeidentified", registration, first, attester)
    return acting.act(registrant, "DataAssets", "register", registration, first)


def publish(
    acting: Acting, holder: Signer, asset_id: int, version: Version, *, attester: bytes | None = None
) -> Receipt:
    """Publishes the next version of an asset; the former is superseded. `attester` as for `register`."""
    if attester is not None:
        return acting.act(holder, "DataAssets", "publishDeidentified", asset_id, version.as_tuple(), attester)
    return acting.act(holder, "DataAssets", "publish", asset_id, version.as_tuple())


def cancel(acting: Acting, holder: Signer, asset_id: int, document: bytes) -> Receipt:
    """Cancels an asset for ever; `document` (SHA-256) says why. Withdrawals go on."""
    return acting.act(holder, "DataAssets", "cancel", asset_id, document)


def change(acting: Acting, holder: Signer, asset_id: int, *, level: int, source: bytes, document: bytes) -> Receipt:
    """Changes the level inside GENERAL and the source statement (SHA-256); `document` says why. The grade stays."""
    return acting.act(holder, "DataAssets", "change", asset_id, level, source, document)


def transfer(acting: Acting, holder: Signer, asset_id: int, to: bytes) -> Receipt:
    """Hands an asset over to another member in good standing; every right granted in it ends."""
    return acting.act(holder, "DataAssets", "transferFrom", holder.address, to, asset_id)


def grant_right(
    acting: Acting, grantor: Signer, asset_id: int, account: bytes, right: int, scope: Scope, document: bytes
) -> Receipt:
    """Grants PROCESS or OPERATE (Right) to a provider: a licence, whose text is `document`."""
    return acting.act(grantor, "DataAssets", "grantRight", asset_id, account, right, scope.as_tuple(), document)


def end_right(acting: Acting, by: Signer, asset_id: int, account: bytes, right: int, document: bytes) -> Receipt:
    """Ends a right and what was granted from it: its grantor, its grantee or the asset's holder may."""
    return acting.act(by, "DataAssets", "endRight", asset_id, account, right, document)
