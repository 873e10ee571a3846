"""Who may seal blocks, as an auditor or an operator states it: trusted accounts by the block from which they count.

    validators.json: {"format": "deedbook.validators", "version": 1, "consensus": "clique" | "qbft",
                      "spans": [{"fromBlock": n, "accounts": [address, ...]}]}

A span lasts until the next one. One without accounts ends what is known, so that nothing after it is judged by a list
that no longer holds. Votes in headers are never counted: who wants a later set believed writes it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

from deedbook.domain.documents import MOST_NUMBER, Fields, read_document, require_bytes, require_unsigned
from deedbook.domain.hashing import ZERO_ADDRESS, canonical_json, checksum_address, parse_address, parse_json
from deedbook.errors import EvidenceMissing, InvalidFormat, InvalidInput

FORMAT: Final = "deedbook.validators"

Consensus = Literal["instant", "clique", "qbft"]
"""How a chain agrees: alone or in a test node (`instant`), Clique (EIP-225), QBFT (Besu, GoQuorum)."""

CONSENSUSES: Final[tuple[Consensus, ...]] = ("instant", "clique", "qbft")
"""All of them; those after the first seal their blocks."""

MOST_ACCOUNTS: Final = 1024
MOST_SPANS: Final = 1024


def clique_quorum(accounts: int) -> int:
    """How many of so many signers are a majority: floor(n / 2) + 1."""
    return accounts // 2 + 1


def qbft_quorum(accounts: int) -> int:
    """How many of so many validators must seal a block: ceil(2n / 3)."""
    return -(-2 * accounts // 3)


@dataclass(frozen=True, slots=True)
class Span:
    """The accounts (20 bytes each) that may seal from this block on; none where nobody knows.

    They are kept in ascending order. Raises InvalidInput ("fromBlock", "accounts"): zero, twice, too many.
    """

    from_block: int
    accounts: tuple[bytes, ...]

    def __post_init__(self) -> None:
        require_unsigned("fromBlock", self.from_block, MOST_NUMBER.bit_length())
        for account in self.accounts:
            require_bytes("accounts", account, 20)
        if len(self.accounts) > MOST_ACCOUNTS:
            raise InvalidInput("accounts", f"are more than {MOST_ACCOUNTS}")
        if ZERO_ADDRESS in self.accounts:
            raise InvalidInput("accounts", "name the zero account")
        if len(set(self.accounts)) != len(self.accounts):
            raise InvalidInput("accounts", "name one twice")
        object.__setattr__(self, "accounts", tuple(sorted(self.accounts)))

    def to_json(self) -> dict[str, Any]:
        """The entry of the list."""
        return {"fromBlock": self.from_block, "accounts": [checksum_address(account) for account in self.accounts]}


@dataclass(frozen=True, slots=True)
class Validators:
    """The trusted sealers of a chain, by block.

    Raises InvalidInput ("consensus", "spans"): not `clique` or `qbft`; none, or not ascending by their first block.
    """

    consensus: str
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        if self.consensus not in CONSENSUSES[1:]:
            raise InvalidInput("consensus", f"is neither {' nor '.join(CONSENSUSES[1:])}")
        if not 0 < len(self.spans) <= MOST_SPANS:
            raise InvalidInput("spans", f"are none or more than {MOST_SPANS}")
        if any(one.from_block >= next_.from_block for one, next_ in pairwise(self.spans)):
            raise InvalidInput("spans", "are not ascending by fromBlock")

    def at(self, block: int) -> tuple[bytes, ...]:
        """Who may seal this block, ascending. Raises EvidenceMissing (rule `seal.list`) where the list does not say."""
        accounts: Sequence[bytes] = ()
        for span in self.spans:
            if span.from_block > block:
                break
            accounts = span.accounts
        if not accounts:
            raise EvidenceMissing(f"no trusted validators are named for block {block}", rule="seal.list")
        return tuple(accounts)

    def quorum(self, block: int) -> int:
        """How many distinct ones make a block final, by the consensus's rule. Raises EvidenceMissing."""
        count = len(self.at(block))
        return clique_quorum(count) if self.consensus == "clique" else qbft_quorum(count)

    def to_json(self) -> dict[str, Any]:
        """The list as JSON values: the contents of `validators.json`, and a part of a trust."""
        return {
            "format": FORMAT,
            "version": 1,
            "consensus": self.consensus,
            "spans": [span.to_json() for span in self.spans],
        }

    def encode(self) -> bytes:
        """The canonical bytes of a `validators.json`."""
        return canonical_json(self.to_json())

    @classmethod
    def from_json(cls, value: object) -> Validators:
        """The list that JSON values state. Raises InvalidFormat naming the field, WrongVersion."""
        fields = read_document(value, FORMAT, ("consensus", "spans"))
        try:
            return cls(fields.text("consensus"), tuple(map(_span, fields.array("spans"))))
        except InvalidInput as reason:
            raise InvalidFormat(reason.field, reason.reason) from reason

    @classmethod
    def decode(cls, data: bytes) -> Validators:
        """The list of a `validators.json`, in any spelling. Raises InvalidFormat, WrongVersion."""
        return cls.from_json(parse_json(data, "validators"))


def _span(value: object) -> Span:
    fields = Fields(value, f"{FORMAT}.spans", ("fromBlock", "accounts"))
    accounts = (parse_address(account, fields.path("accounts")) for account in fields.array("accounts"))
    return Span(fields.number("fromBlock", MOST_NUMBER.bit_length()), tuple(accounts))
