"""Sign-in with Ethereum (EIP-4361): the message, read and written in one form, and who signed it.

A message is ASCII, and says what the reader sees: the grammar of EIP-4361 with less room. An address has its EIP-55
case, a host no user part and no brackets, a chain id no leading zero, a list of resources an entry; `T` and `Z` of a
time (RFC 3339) are upper case, and its seconds at most 59. So whatever is read is written again to the same bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from deedbook.domain.documents import require_bytes
from deedbook.domain.hashing import checksum_address, keccak256, parse_address
from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.wallet.recovery import recover

MOST_MESSAGE: Final = 4096
"""Characters of the longest message."""
MOST_RESOURCES: Final = 16
ASKS: Final = " wants you to sign in with your Ethereum account:"

_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*"
_AUTHORITY = r"[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
_SIGN = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@\-]|%[0-9A-Fa-f]{2})"
_PATH = rf"(?://{_AUTHORITY}(?:/{_SIGN}*)*|/?{_SIGN}+(?:/{_SIGN}*)*)"
_URI: Final = re.compile(rf"{_SCHEME}:{_PATH}(?:\?(?:{_SIGN}|[/?])*)?(?:#(?:{_SIGN}|[/?])*)?")
_FIRST: Final = re.compile(rf"(?:({_SCHEME})://)?({_AUTHORITY}){re.escape(ASKS)}")
_STATEMENT: Final = re.compile(r"[A-Za-z0-9 ._~:/?#\[\]@!$&'()*+,;=\-]+")
_NONCE: Final = re.compile(r"[A-Za-z0-9]{8,96}")
_CHAIN: Final = re.compile(r"[1-9][0-9]{0,15}")
_REQUEST: Final = re.compile(rf"{_SIGN}{{1,200}}")
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class SignInMessage:
    """What a wallet is asked to sign (format 47). `account` is 20 bytes; times are RFC 3339 text, as they were written;
    what is optional is None, and `resources` empty, where the message lacks it.

    Raises InvalidInput by the field's name in EIP-4361.
    """

    domain: str
    account: bytes
    uri: str
    chain_id: int
    nonce: str
    issued_at: str
    scheme: str | None = None
    statement: str | None = None
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_bytes("address", self.account, 20)
        _require("scheme", re.compile(_SCHEME), self.scheme)
        _require("domain", re.compile(_AUTHORITY), self.domain)
        _require("statement", _STATEMENT, self.statement)
        _require("uri", _URI, self.uri)
        _require("chain-id", _CHAIN, str(self.chain_id))
        _require("nonce", _NONCE, self.nonce)
        _require("request-id", _REQUEST, self.request_id)
        if len(self.resources) > MOST_RESOURCES:
            raise InvalidInput("resources", f"are more than {MOST_RESOURCES}")
        for resource in self.resources:
            _require("resources", _URI, resource)
        for name, time in self._times:
            unix_of(time, name)
        if len(self.text) > MOST_MESSAGE:
            raise InvalidInput("message", f"is longer than {MOST_MESSAGE} characters")

    @property
    def _times(self) -> list[tuple[str, str]]:
        said = (
            ("issued-at", self.issued_at),
            ("expiration-time", self.expiration_time),
            ("not-before", self.not_before),
        )
        return [(name, time) for name, time in said if time is not None]

    @property
    def text(self) -> str:
        """The message as a wallet shows and signs it."""
        lines = [
            f"{'' if self.scheme is None else self.scheme + '://'}{self.domain}{ASKS}",
            checksum_address(self.account),
            "",
            *([] if self.statement is None else [self.statement]),
            "",
            f"URI: {self.uri}",
            "Version: 1",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {self.nonce}",
            f"Issued At: {self.issued_at}",
        ]
        if self.expiration_time is not None:
            lines.append(f"Expiration Time: {self.expiration_time}")
        if self.not_before is not None:
            lines.append(f"Not Before: {self.not_before}")
        if self.request_id is not None:
            lines.append(f"Request ID: {self.request_id}")
        if self.resources:
            lines += ["Resources:", *(f"- {resource}" for resource in self.resources)]
        return "\n".join(lines)

    @property
    def digest(self) -> bytes:
        """What is signed: the message by EIP-191, version 0x45 (`personal_sign`)."""
        return message_digest(self.text)

    @classmethod
    def of(cls, text: str) -> SignInMessage:
        """The message of its text. Raises InvalidFormat (`message`) naming the line, InvalidInput by field."""
        if not text.isascii() or len(text) > MOST_MESSAGE:
            raise InvalidFormat("message", f"is not ASCII of at most {MOST_MESSAGE} characters")
        lines = _Lines(text)
        first = _FIRST.fullmatch(lines.take())
        if first is None:
            raise InvalidFormat("message", "line 1 names no domain that asks to sign in")
        account = parse_address(lines.take(), "address")
        lines.take("")
        statement = lines.take() or None
        if statement is not None:
            lines.take("")
        message = cls(
            first[2],
            account,
            lines.said("URI: "),
            lines.version_then_chain(),
            lines.said("Nonce: "),
            lines.said("Issued At: "),
            first[1],
            statement,
            lines.maybe("Expiration Time: "),
            lines.maybe("Not Before: "),
            lines.maybe("Request ID: "),
            lines.resources(),
        )
        if message.text != text:  # such as an address without its case
            raise InvalidFormat("message", "is not written in its one form")
        return message


class _Lines:
    """The lines of a message, one after another."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._at = 0

    def take(self, wanted: str | None = None) -> str:
        """The next line, which is `wanted` where that is given."""
        self._at += 1
        if self._at > len(self._lines):
            raise InvalidFormat("message", f"ends before line {self._at}")
        line = self._lines[self._at - 1]
        if wanted is not None and line != wanted:
            raise InvalidFormat("message", f"line {self._at} is not {wanted!r}")
        return line

    def said(self, label: str) -> str:
        """What the next line says behind its label."""
        line = self.take()
        if not line.startswith(label):
            raise InvalidFormat("message", f"line {self._at} does not begin with {label!r}")
        return line[len(label) :]

    def maybe(self, label: str) -> str | None:
        """The same, where that line is there."""
        ahead = self._lines[self._at : self._at + 1]
        return self.said(label) if ahead and ahead[0].startswith(label) else None

    def version_then_chain(self) -> int:
        """The chain id, behind version 1."""
        self.take("Version: 1")
        said = self.said("Chain ID: ")
        _require("chain-id", _CHAIN, said)
        return int(said)

    def resources(self) -> tuple[str, ...]:
        """The rest: resources, or nothing."""
        if self._at == len(self._lines):
            return ()
        self.take("Resources:")
        found = [self.said("- ")]
        while self._at < len(self._lines):
            found.append(self.said("- "))
        return tuple(found)


def message_digest(text: str) -> bytes:
    """The 32-byte digest of a text by EIP-191, version 0x45 (`personal_sign`)."""
    content = text.encode()
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(content)).encode() + content)


def signed_by_key(message: SignInMessage, signature: bytes) -> bool:
    """Whether the account's own key made the signature (65 bytes). Raises InvalidSignature for another form of one."""
    return recover(message.digest, signature) == message.account


def unix_of(time: str, field: str) -> int:
    """The Unix seconds of an RFC 3339 time, fractions left out. Raises InvalidInput (`field`)."""
    found = _TIME.fullmatch(time)
    try:
        moment = datetime.fromisoformat(found[1] + found[2]) if found else None
    except ValueError:
        moment = None
    if moment is None or moment.year < 1970:
        raise InvalidInput(field, "is no time of RFC 3339 from 1970 on")
    return int(moment.timestamp())


def time_text(unix: int) -> str:
    """Unix seconds as RFC 3339 text, in UTC."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _require(field: str, form: re.Pattern[str], said: str | None) -> None:
    if said is not None and form.fullmatch(said) is None:
        raise InvalidInput(field, "is not written as EIP-4361 has it here")
