"""What sealed headers carry in extraData: Clique's signers and seal, QBFT's validators, vote, round and seals.

Knows the form only: neither whose a seal is nor whether it suffices (`seals`), nor the rest of a header (`proofs`).

    Clique (EIP-225):       vanity(32) || ascending accounts, in a checkpoint block only || seal(65)
    QBFT (Besu, GoQuorum):  RLP [vanity, [account ...], [] or [account, type], round, [seal(65) ...]]
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from deedbook.chain import rlp
from deedbook.errors import InvalidFormat

VANITY_LENGTH: Final = 32
SEAL_LENGTH: Final = 65

_ADDRESS = 20
_BARE_CLIQUE = VANITY_LENGTH + SEAL_LENGTH


def clique_signers(extra_data: bytes) -> tuple[bytes, ...]:
    """The signers that a checkpoint block (genesis, and every epoch's first) lists; none in any other.

    Raises InvalidFormat for extraData that is not vanity, ascending accounts, seal.
    """
    listed = extra_data[VANITY_LENGTH:-SEAL_LENGTH]
    if len(extra_data) < _BARE_CLIQUE or len(listed) % _ADDRESS:
        raise _malformed(f"{len(extra_data)} bytes are no vanity, signers and seal")
    signers = tuple(listed[at : at + _ADDRESS] for at in range(0, len(listed), _ADDRESS))
    if any(one >= next_ for one, next_ in pairwise(signers)):
        raise _malformed("the signers are not ascending")
    return signers


@dataclass(frozen=True, slots=True)
class QbftVote:
    """A validator's vote for or against an account; read, and never counted."""

    account: bytes
    add: bool


@dataclass(frozen=True, slots=True)
class QbftExtra:
    """What the extraData of a QBFT header says. `validators` are none where a contract names them."""

    vanity: bytes
    validators: tuple[bytes, ...]
    vote: QbftVote | None
    round: int
    seals: tuple[bytes, ...]

    def encode(self) -> bytes:
        """These extra data; a vote against is written as Besu does, its type empty."""
        vote = () if self.vote is None else (self.vote.account, b"\xff" if self.vote.add else b"")
        return rlp.encode([self.vanity, self.validators, vote, rlp.encode_int(self.round), self.seals])


def decode_qbft(extra_data: bytes) -> QbftExtra:
    """What these extra data say. Raises InvalidFormat ("extraData") for any form but that of the five items.

    The vanity is at most 32 bytes; a vote is an account and 0xff (add) or nothing or one zero byte (drop: Besu's and
    early GoQuorum's way to write it); the round is at most 4 bytes.
    """
    vanity, validators, vote, round_, seals = _qbft_items(extra_data)
    if not isinstance(vanity, bytes) or len(vanity) > VANITY_LENGTH:
        raise _malformed("the vanity is not at most 32 bytes")
    try:
        number = rlp.decode_int(round_, "round", most=4)
    except InvalidFormat as reason:
        raise _malformed("the round is no unsigned 32-bit integer") from reason
    return QbftExtra(vanity, _each(validators, _ADDRESS), _vote(vote), number, _each(seals, SEAL_LENGTH))


def qbft_named(extra_data: bytes) -> bytes:
    """The extra data that the block's name covers: without round and seals. Raises InvalidFormat."""
    decode_qbft(extra_data)
    return rlp.encode([*_qbft_items(extra_data)[:3], b"", []])


def qbft_committed(extra_data: bytes) -> bytes:
    """The extra data that the seals cover: with the round, without seals. Raises InvalidFormat."""
    decode_qbft(extra_data)
    return rlp.encode([*_qbft_items(extra_data)[:4], []])


def _qbft_items(extra_data: bytes) -> list[rlp.Decoded]:
    try:
        items = rlp.decode_list(extra_data, "extraData")
    except InvalidFormat as reason:
        raise _malformed(reason.reason) from reason
    if len(items) != 5:
        raise _malformed(f"{len(items)} items, not vanity, validators, vote, round and seals")
    return items


def _each(items: rlp.Decoded, length: int) -> tuple[bytes, ...]:
    if isinstance(items, bytes):
        raise _malformed("bytes where a list belongs")
    found = tuple(item for item in items if isinstance(item, bytes) and len(item) == length)
    if len(found) != len(items):
        raise _malformed(f"a list of other items than of {length} bytes")
    return found


def _vote(item: rlp.Decoded) -> QbftVote | None:
    match item:
        case []:
            return None
        case [bytes(account), (b"\xff" | b"\x00" | b"") as kind] if len(account) == _ADDRESS:
            return QbftVote(account, kind == b"\xff")
    raise _malformed("the vote is no account and its type")


def _malformed(reason: str) -> InvalidFormat:
    return InvalidFormat("extraData", reason, rule="seal.format")
