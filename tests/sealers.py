"""Seals headers as the validators of a Clique or QBFT network would, with keys of the tests' own.

RLP comes from another library than the code under test, signatures from coincurve; the rules are written down here
again, from EIP-225 and from what Besu and GoQuorum do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import rlp
from coincurve import PrivateKey

from deedbook.domain.hashing import keccak256
from deedbook.domain.validators import Span, Validators

EXTRA = 12
DIFFICULTY = 7
VANITY = bytes(32)
Fields = list[bytes]


def address_of(key: PrivateKey) -> bytes:
    """The account of a key."""
    return keccak256(key.public_key.format(compressed=False)[1:])[12:]


def seal_of(key: PrivateKey, digest: bytes) -> bytes:
    """A seal as clients write it: r, s, and v 0 or 1."""
    return key.sign_recoverable(digest, hasher=None)


def keys_of(count: int, name: str = "sealer") -> tuple[PrivateKey, ...]:
    """So many keys, in ascending order of their accounts, as every client keeps its list."""
    keys = (PrivateKey(keccak256(name.encode() + bytes([number]))) for number in range(count))
    return tuple(sorted(keys, key=address_of))


@dataclass(frozen=True)
class Sealers:
    """Validators who seal every block of a chain; `quorum` of them where not all do (QBFT), `round` (QBFT) the round in
    which they agreed."""

    consensus: str
    keys: tuple[PrivateKey, ...]
    quorum: int | None = None
    round: int = 0

    @property
    def accounts(self) -> tuple[bytes, ...]:
        """Their accounts, ascending."""
        return tuple(map(address_of, self.keys))

    @property
    def validators(self) -> Validators:
        """The list that trusts them from the first block on."""
        return Validators(self.consensus, (Span(0, self.accounts),))

    def genesis(self, fields: Fields) -> tuple[bytes, bytes]:
        """The first header and its hash: it lists the validators, and nobody sealed it."""
        extra = VANITY + b"".join(self.accounts) + bytes(65)
        if self.consensus == "qbft":
            extra = rlp.encode([VANITY, list(self.accounts), [], b"", []])
        raw = rlp.encode(_with(fields, extra))
        return raw, keccak256(raw)

    def seal(self, fields: Fields, number: int) -> tuple[bytes, bytes]:
        """A header of this number, sealed, and its hash."""
        if self.consensus == "clique":
            return clique(fields, self.keys[number % len(self.keys)])
        return qbft(fields, self.accounts, self.keys[: self.quorum], self.round)

    def by(self, *keys: PrivateKey) -> Sealers:
        """The same network, whose blocks others seal."""
        return replace(self, keys=keys)


def clique(fields: Fields, key: PrivateKey) -> tuple[bytes, bytes]:
    """A Clique header sealed by this key, in turn, and its hash."""
    fields = [*fields[:DIFFICULTY], b"\x02", *fields[DIFFICULTY + 1 :]]
    seal = seal_of(key, keccak256(rlp.encode(_with(fields, VANITY))))
    raw = rlp.encode(_with(fields, VANITY + seal))
    return raw, keccak256(raw)


def qbft(fields: Fields, accounts: Sequence[bytes], keys: Sequence[PrivateKey], round_: int) -> tuple[bytes, bytes]:
    """A QBFT header that lists these accounts, sealed by these keys in a round, and its hash."""
    stated = [VANITY, list(accounts), []]
    number = round_.to_bytes((round_.bit_length() + 7) // 8, "big")
    signed = keccak256(rlp.encode(_with(fields, rlp.encode([*stated, number, []]))))
    seals = [seal_of(key, signed) for key in keys]
    named = keccak256(rlp.encode(_with(fields, rlp.encode([*stated, b"", []]))))
    return rlp.encode(_with(fields, rlp.encode([*stated, number, seals]))), named


def _with(fields: Fields, extra: bytes) -> Fields:
    return [*fields[:EXTRA], extra, *fields[EXTRA + 1 :]]
