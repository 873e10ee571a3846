"""Data assets: registered, published, cancelled by their holder."""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.assets import Version
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
) -> Receipt:
    """First registration; with `version` also its first version.

    `kind` is an AssetKind, `grade` a Grade, `level` 1 to 4 inside GENERAL; `source` is the SHA-256 of the source
    statement; `salt` (32 bytes) fixes the asset's id.
    """
    first = version.as_tuple() if version else (bytes(32), 0, bytes(32))
    registration = (salt, kind, grade, level, source, tuple(parents))
    return acting.act(registrant, "DataAssets", "register", registration, first)


def publish(acting: Acting, holder: Signer, asset_id: int, version: Version) -> Receipt:
    """Publishes the next version of an asset; the former is superseded."""
    return acting.act(holder, "DataAssets", "publish", asset_id, version.as_tuple())


def cancel(acting: Acting, holder: Signer, asset_id: int, document: bytes) -> Receipt:
    """Cancels an asset for ever; `document` (SHA-256) says why. Withdrawals go on."""
    return acting.act(holder, "DataAssets", "cancel", asset_id, document)
