"""Signed consents by the million: read from their canonical bytes by their places, hashed as fixed-width words, many
at a time.

What consents of one campaign have in common (chain, asset, controller, recipient, purpose, notice ...) stands in front
in the canonical form, and is read once, strictly, by `SignedConsent`; what is a person's own follows in known places.
Bytes that do not stand so are read by `SignedConsent` alone: the same consent, or the same error.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from struct import Struct
from typing import Final, NamedTuple

from deedbook.domain.consents import (
    CONSENT_TYPE_HASH,
    ConsentDomain,
    SignedConsent,
    Terms,
    encode_consent,
)
from deedbook.domain.hashing import cut, keccak256, parse_json
from deedbook.domain.keccaks import KECCAKS
from deedbook.domain.notices import Notice, Sentences
from deedbook.errors import DeedbookError, InvalidFormat, InvalidInput

_OWN_AT: Final = b',"recordCommit":"0x'
_COMMIT: Final = slice(len(_OWN_AT), len(_OWN_AT) + 64)
_BEFORE_SALT: Final = b'","salt":"0x'
_SALT_AT: Final = _COMMIT.stop + len(_BEFORE_SALT)
_SALT: Final = slice(_SALT_AT, _SALT_AT + 64)
_BEFORE_STATEMENT: Final = b'","statement":"'
_STATEMENT_AT: Final = _SALT.stop + len(_BEFORE_STATEMENT)
_AFTER_STATEMENT: Final = b'","subject":"0x'
_AFTER: Final = re.compile(
    rb'","subject":"0x(.{40})","validFrom":(0|[1-9][0-9]{0,15}),"validUntil":(0|[1-9][0-9]{0,15})\},'
    rb'"contract":"0x(.{40})","format":"deedbook.consent","signature":"0x(.{130})","version":1\}',
    re.DOTALL,
)
"""Where a person's own stands. That digits are such, and small ones, is seen when they are read."""
_FRONT: Final = Struct(f"64s{len(_BEFORE_SALT)}s64s{len(_BEFORE_STATEMENT)}s")
_BETWEEN: Final = (
    _AFTER_STATEMENT,
    b'","validFrom":',
    b',"validUntil":',
    b'},"contract":"0x',
    b'","format":"deedbook.consent","signature":"0x',
    b'","version":1}',
)
"""What stands before, between and after the values that follow the statement."""
_MIDDLE: Final = slice(64, 320)
"""The words from assetId to noticeHash in the encoded struct: after the type hash and the subject."""
_TIMES: Final = Struct(">24xQ24xQ")
"""Two times as words."""
_MOST_KINDS: Final = 1024
_MOST_SENTENCES: Final = 100_000
"""As many as a day has seconds, and more: some 90 MB."""
_BEFORE_ACCOUNT: Final = CONSENT_TYPE_HASH + bytes(12)


@dataclass(frozen=True, slots=True)
class ConsentKind:
    """What consents share that differ in person, record, salt and times: asset, and terms with both times zero."""

    asset_id: int
    terms: Terms


_Said = tuple[bytes, int, int, bytes]
"""A sentence as it stands in canonical JSON, its two times, and the words of times and sentence in the struct."""


class ConsentRead(NamedTuple):
    """A signed consent as it was read: `struct` is what EIP-712 hashes of it (see `ConsentReader.consent_ids`),
    `document` are its canonical bytes."""

    struct: bytes
    subject: bytes
    kind: ConsentKind
    valid_from: int
    valid_until: int
    signature: bytes
    document: bytes


def commitment_in(document: bytes) -> bytes:
    """The recordCommit (32 bytes) of a signed consent's canonical bytes. Raises InvalidFormat (`recordCommit`)."""
    at = document.find(_OWN_AT) + len(_OWN_AT)
    try:
        found = unhexlify(document[at : at + 64])
    except ValueError as error:
        raise InvalidFormat("recordCommit", "is not 32 bytes of hexadecimal digits") from error
    if at < len(_OWN_AT) or len(found) != 32:
        raise InvalidFormat("recordCommit", "is not where a consent's canonical form has it")
    return found


class ConsentReader:
    """Reads signed consents for one `domain`, whose notices are known by their SHA-256.

    It keeps what it has met once: use one for many consents, and not for ever.
    """

    def __init__(self, domain: ConsentDomain, notices: Mapping[bytes, Notice]) -> None:
        self._domain = domain
        self._notices = notices
        self._separator = b"\x19\x01" + domain.separator
        self._contract = domain.contract.hex().encode()
        self._shared: dict[bytes, _Shared] = {}
        self._last: tuple[bytes, int, _Shared | None] = _OWN_AT, 0, None
        self._end = _end(10, 10)

    def read(self, document: bytes) -> ConsentRead:
        """The consent of a JSON document, canonical or not, once its domain and its sentence are right.

        Raises InvalidFormat, WrongVersion, InvalidSignature (its length), InvalidInput naming `chainId`, `contract`,
        `noticeHash` or `statement`.
        """
        head, _, shared = self._last
        end = len(document) - self._end.size
        if shared is None or end < len(head) + _FRONT.size or not document.startswith(head):
            return self._read_anywhere(document)
        commit, before_salt, salt, before = _FRONT.unpack_from(document, len(head))
        one, subject, two, since, three, until, four, contract, five, signature, six = self._end.unpack_from(
            document, end
        )
        said = shared.known.get((since, until))
        digits = b"".join((commit, salt, subject, signature))
        if (
            said is None
            or document[len(head) + _FRONT.size : end] != said[0]
            or before != _BEFORE_STATEMENT
            or before_salt != _BEFORE_SALT
            or (one, two, three, four, five, six) != _BETWEEN
            or contract != self._contract
            or not digits.islower()
        ):
            return self._read_anywhere(document)
        try:
            values = unhexlify(digits)
        except ValueError:
            return self._read_strictly(document)
        return _own(shared, said, values, document)

    def _read_anywhere(self, document: bytes) -> ConsentRead:
        """A consent that does not stand as the one before, byte by byte of the same campaign."""
        at, shared = self._met(document)
        end = document.rfind(_AFTER_STATEMENT)
        found = None if shared is None else _AFTER.fullmatch(document, end)
        if shared is None or found is None:
            return self._read_strictly(document)
        subject, since, until, contract, signature = found.groups()
        self._end, said = _end(len(since), len(until)), shared.said(since, until)
        own = document[at:end]
        digits = b"".join((own[_COMMIT], own[_SALT], subject, signature))
        if (
            said is None
            or own[_STATEMENT_AT:] != said[0]
            or own[_SALT.stop : _STATEMENT_AT] != _BEFORE_STATEMENT
            or own[_COMMIT.stop : _SALT_AT] != _BEFORE_SALT
            or contract != self._contract
            or not digits.islower()
        ):
            return self._read_strictly(document)
        try:
            values = unhexlify(digits)
        except ValueError:
            return self._read_strictly(document)
        return _own(shared, said, values, document)

    def consent_ids(self, read: Iterable[ConsentRead]) -> list[bytes]:
        """The consentId of each: the digest that was signed (EIP-712, "Specification of the eth_signTypedData")."""
        structs = cut(KECCAKS.keccak256_each([each.struct for each in read]), 32)
        if not structs:
            return []
        rows = self._separator + self._separator.join(structs)
        return cut(KECCAKS.keccak256_rows(rows, len(self._separator) + 32), 32)

    def _met(self, document: bytes) -> tuple[int, _Shared | None]:
        """Where a person's own begins, and what is in front of it where that was met before."""
        head, at, shared = self._last
        if not document.startswith(head):
            at = document.find(_OWN_AT)
            shared = self._shared.get(document[:at])
            if shared is not None:
                self._last = document[: at + len(_OWN_AT)], at, shared
        return at, shared

    def _read_strictly(self, document: bytes) -> ConsentRead:
        signed = SignedConsent.from_json(parse_json(document, "deedbook.consent"))
        consent = signed.consent
        if signed.domain.chain_id != self._domain.chain_id:
            raise InvalidInput("chainId", "the consent is for another chain")
        if signed.domain.contract != self._domain.contract:
            raise InvalidInput("contract", "the consent is for another contract")
        notice = self._notices.get(consent.notice_hash)
        if notice is None:
            raise InvalidInput("noticeHash", "the consent names a notice that is not known here")
        struct, sentences = encode_consent(consent), Sentences(notice, consent)
        if consent.statement.encode() != sentences.between(consent.valid_from, consent.valid_until)[0]:
            raise InvalidInput("statement", "is not the sentence that the notice renders from the fields")
        kind = ConsentKind(consent.asset_id, replace(consent.terms, valid_from=0, valid_until=0))
        canonical = signed.encode()
        if len(self._shared) >= _MOST_KINDS:
            self._shared.clear()
        self._shared[canonical[: canonical.index(_OWN_AT)]] = _Shared(kind, struct[_MIDDLE], sentences)
        return ConsentRead(
            struct,
            consent.subject,
            kind,
            consent.valid_from,
            consent.valid_until,
            signed.signature,
            canonical,
        )


@cache
def _end(since: int, until: int) -> Struct:
    """How a document ends whose times have so many digits: each of _BETWEEN, and before the next one a value."""
    values = (40, since, until, 40, 130)
    return Struct("".join(f"{len(text)}s{width}s" for text, width in zip(_BETWEEN, (*values, 0), strict=True))[:-2])


def _own(shared: _Shared, said: _Said, values: bytes, document: bytes) -> ConsentRead:
    """What `values` (recordCommit, salt, subject, signature) and these times make of what is shared."""
    _, valid_from, valid_until, words = said
    account = values[64:84]
    struct = b"".join((_BEFORE_ACCOUNT, account, shared.middle, values[:32], words, values[32:64]))
    return ConsentRead(struct, account, shared.kind, valid_from, valid_until, values[84:], document)


class _Shared:
    """What one beginning of a document stands for: its kind, its words in the struct, its sentences."""

    __slots__ = ("_sentences", "kind", "known", "middle")

    def __init__(self, kind: ConsentKind, middle: bytes, sentences: Sentences) -> None:
        self.kind = kind
        self.middle = middle
        self._sentences = sentences
        self.known: dict[tuple[bytes, bytes], _Said] = {}
        """What was asked for so far."""

    def said(self, since: bytes, until: bytes) -> _Said | None:
        """What these times (decimal digits) make of it; None where there is no such sentence."""
        found = self.known.get((since, until))
        if found is None:
            valid_from, valid_until = int(since), int(until)
            try:
                plain, canonical = self._sentences.between(valid_from, valid_until)
            except DeedbookError:
                return None
            found = canonical, valid_from, valid_until, _TIMES.pack(valid_from, valid_until) + keccak256(plain)
            if len(self.known) >= _MOST_SENTENCES:
                self.known.clear()
            self.known[since, until] = found
        return found
