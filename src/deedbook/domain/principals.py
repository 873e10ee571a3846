"""Who asks the service: keys of programs, sessions of wallets, tokens of issuers; and what may be asked with each.

A secret is 32 random bytes. It is shown once, to whom it is given, and kept as a hash alone: of so many random bytes
nothing can be guessed, and no slow hash is needed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from deedbook.domain.documents import require_bytes
from deedbook.domain.hashing import sha256
from deedbook.errors import InvalidFormat, InvalidInput

SECRET: Final = 32
"""Bytes of a secret."""
KEY_ID: Final = 8
"""Bytes of a key's public id."""
KEY_TAG: Final = b"deedbook.api-key.v1"
SESSION_TAG: Final = b"deedbook.session.v1"
MATTER_TAG: Final = b"deedbook.personal-read.v1"

_KEY: Final = re.compile(r"dbk_([0-9a-f]{16})_([0-9a-f]{64})")
_SESSION: Final = re.compile(r"dbs_([0-9a-f]{64})")


class Scope(StrEnum):
    """What a key, a session or a token may be used for; the roles of its account on chain bound it further."""

    READ = "read"
    """What is on chain, where that is not open to everybody; the account's own operations."""
    COLLECT = "collect"
    """Hand in consents of people, and anchor them."""
    ACT = "act"
    """Have the account act on chain, where its key is in this home; its contracts say what it may do."""
    ANCHOR = "anchor"
    """Append to the exchange's own log."""
    OWN = "own"
    """The personal matter of the account's own: consents, statements, orders of its record."""
    OPERATE = "operate"
    """Alerts and metrics."""


ALL_SCOPES: Final = frozenset(Scope)


def scopes_of(words: Iterable[str], field: str = "scope") -> frozenset[Scope]:
    """The scopes of these words. Raises InvalidInput (`field`) for a word that is none, and where there is none."""
    given = list(words)
    for word in given:
        if word not in tuple(Scope):
            raise InvalidInput(field, f"is none of {', '.join(Scope)}")
    if not given:
        raise InvalidInput(field, f"names none of {', '.join(Scope)}")
    return frozenset(map(Scope, given))


class Means(StrEnum):
    """By what somebody is known."""

    OPEN = "open"
    """The service asks nobody who they are: all may do all."""
    NOBODY = "nobody"
    KEY = "key"
    SESSION = "session"
    ISSUED = "token"
    """By a token of an issuer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `account` (20 bytes) is None for nobody; `reference` is who it was in the log of reads: a
    key's id, or the account's mark (`reader_mark`)."""

    means: Means
    account: bytes | None = None
    scopes: frozenset[Scope] = frozenset()
    reference: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it is known who asks."""
        return self.account is not None

    @property
    def is_bound(self) -> bool:
        """Whether it is asked at all who somebody is."""
        return self.means is not Means.OPEN

    def is_one_of(self, accounts: Collection[bytes]) -> bool:
        """Whether what belongs to these accounts is the caller's own; where nobody is asked, everything is."""
        return not self.is_bound or (self.account is not None and self.account in accounts)


ANYBODY: Final = Caller(Means.OPEN, scopes=ALL_SCOPES)
NOBODY: Final = Caller(Means.NOBODY)


@dataclass(frozen=True, slots=True)
class Secret:
    """An API key (format 48): a public id (8 bytes) and what only its holder has."""

    key_id: bytes
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        require_bytes("id", self.key_id, KEY_ID)
        require_bytes("secret", self.secret, SECRET)

    @property
    def text(self) -> str:
        """The key as it is shown once: `dbk_`, the id, `_`, the secret."""
        return f"dbk_{self.key_id.hex()}_{self.secret.hex()}"

    @property
    def kept(self) -> bytes:
        """What is kept of it: SHA-256("deedbook.api-key.v1" || id(8) || secret(32))."""
        return sha256(KEY_TAG + self.key_id + self.secret)

    @classmethod
    def of(cls, text: str) -> Secret:
        """The key of its text. Raises InvalidFormat, without quoting it."""
        found = _KEY.fullmatch(text)
        if found is None:
            raise InvalidFormat("key", "is not an API key")
        return cls(bytes.fromhex(found[1]), bytes.fromhex(found[2]))


def session_text(token: bytes) -> str:
    """A session's token (32 bytes) as it is shown once: `dbs_` and its digits (format 48)."""
    require_bytes("token", token, SECRET)
    return f"dbs_{token.hex()}"


def session_of(text: str) -> bytes:
    """The token (32 bytes) of its text. Raises InvalidFormat, without quoting it."""
    found = _SESSION.fullmatch(text)
    if found is None:
        raise InvalidFormat("session", "is not a session's token")
    return bytes.fromhex(found[1])


def session_kept(token: bytes) -> bytes:
    """What is kept of a session's token: SHA-256("deedbook.session.v1" || token(32))."""
    require_bytes("token", token, SECRET)
    return sha256(SESSION_TAG + token)


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is known of an API key but its secret; times are Unix seconds, None where there is none.

    `former` is the key that it takes the place of. A key is good until it `ends_at`, or is revoked.
    """

    key_id: bytes
    name: str
    account: bytes
    scopes: frozenset[Scope]
    made_at: int
    ends_at: int | None = None
    revoked_at: int | None = None
    used_at: int | None = None
    former: bytes | None = None

    def is_good(self, now: int) -> bool:
        """Whether it is good now."""
        return self.revoked_at is None and (self.ends_at is None or now < self.ends_at)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in account (20 bytes), from when until when (Unix seconds), and what the session is for."""

    account: bytes
    scopes: frozenset[Scope]
    made_at: int
    ends_at: int


class Matter(StrEnum):
    """A kind of personal matter."""

    CONSENTS = "consents"
    STATEMENT = "statement"
    ORDERS = "orders"
    PAYEE = "payee"
    COMPLAINTS = "complaints"
    EVIDENCE = "evidence"
    """The signed consents of a sale's bundle, or of a batch."""


@dataclass(frozen=True, slots=True)
class PersonalRead:
    """That somebody read a person's matter. `matter` is a commitment (32 bytes) to what it was of: who knows the id can
    find its reads, and the log alone names nobody's."""

    means: Means
    reference: str
    kind: Matter
    matter: bytes
    request: str
    at: int


def matter_of(kind: Matter, identifier: bytes) -> bytes:
    """The commitment of the log of reads: SHA-256("deedbook.personal-read.v1" || kind || 0x00 || id)."""
    return sha256(MATTER_TAG + str(kind).encode() + b"\0" + identifier)


def reader_mark(account: bytes) -> str:
    """What stands in the log of reads for whoever read by a session or a token: 16 digits of
    SHA-256("deedbook.personal-read.v1" || "reader" || 0x00 || account)."""
    return sha256(MATTER_TAG + b"reader\0" + account)[:8].hex()
