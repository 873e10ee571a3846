"""Seals of proof-of-authority headers: which bytes they sign, whose they are, and when they suffice.

What this file refuses to know: where headers come from, and who the validators are (`domain.validators` says it; votes
in headers are read and never counted). Signature recovery is handed in.

Clique (EIP-225): one seal, the last 65 bytes of extraData; it signs the header without them. A block is believed when
enough distinct trusted signers have sealed descendants of it.

QBFT (Besu, GoQuorum): extraData is RLP [vanity, validators, vote, round, seals]. The block's name leaves out round and
seals; the seals sign the header with its round and without seals. A block is believed when a quorum of the trusted
validators has sealed it.

A seal that does not hold raises IntegrityError whose `rule` is `seal.signature`, `seal.stranger`, `seal.duplicate`,
`seal.quorum` or `seal.link`; extraData of another form InvalidFormat (`seal.format`); a header for which the trusted
list does not speak EvidenceMissing (`seal.list`, `seal.validators`), and so does Clique's want of descendants
(`seal.quorum`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from deedbook.chain.extradata import SEAL_LENGTH, clique_signers, decode_qbft, qbft_committed
from deedbook.chain.proofs import Header, with_extra_data
from deedbook.domain.hashing import checksum_address, keccak256, to_hex
from deedbook.domain.validators import Validators, clique_quorum, qbft_quorum
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidFormat, InvalidSignature

Recover = Callable[[bytes, bytes], bytes]
"""(32-byte digest, 65-byte r || s || v with v 27 or 28) to a 20-byte address; raises InvalidSignature."""


# -- Clique


def clique_seal_hash(header: Header) -> bytes:
    """What the sealer signed: the header without its seal. Raises InvalidFormat."""
    clique_signers(header.extra_data)
    return keccak256(with_extra_data(header.raw, header.extra_data[:-SEAL_LENGTH]))


def clique_sealer(header: Header, recover: Recover) -> bytes:
    """The account that sealed the header. Raises InvalidFormat, IntegrityError."""
    digest = clique_seal_hash(header)
    if header.difficulty not in (1, 2):
        raise InvalidFormat("difficulty", "is neither 1 (out of turn) nor 2 (in turn)", rule="seal.format")
    return _recovered(header, digest, header.extra_data[-SEAL_LENGTH:], recover)


def in_turn(header: Header) -> bool:
    """Whether a Clique header says that it was its sealer's turn. Nothing is believed for it."""
    return header.difficulty == 2


def check_clique_seal(header: Header, validators: Validators, recover: Recover) -> bytes:
    """The trusted account that sealed the header. Raises InvalidFormat, IntegrityError, EvidenceMissing."""
    trusted = validators.at(header.number)
    sealer = clique_sealer(header, recover)
    _require_trusted(sealer, trusted, header)
    _require_same_list(clique_signers(header.extra_data), trusted, header)
    return sealer


def check_clique(headers: Sequence[Header], validators: Validators, recover: Recover) -> tuple[bytes, ...]:
    """The distinct accounts that make the first header final, or a descendant of it, and so itself.

    `headers` ascend, each the child of the one before. The second way is that of a block whose signers were replaced
    before enough of them had sealed again. Raises as `check_descendants`.
    """
    sealers = _sealers_of_line(headers, validators, recover)
    behind: set[bytes] = set()
    final: tuple[bytes, ...] = ()
    for header, sealer in zip(reversed(headers), reversed(sealers), strict=True):
        trusted = validators.at(header.number)
        found = _behind(behind, trusted)
        final = found if len(found) >= clique_quorum(len(trusted)) else final
        behind.add(sealer)
    if not final:
        raise _too_few(headers[0], sealers[1:], validators)
    return final


def check_descendants(headers: Sequence[Header], validators: Validators, recover: Recover) -> tuple[bytes, ...]:
    """The distinct accounts that make the first header final: trusted at its block, each sealed one of the others.

    `headers` ascend, each the child of the one before. Raises EvidenceMissing (`seal.quorum`) where the descendants
    are too few; InvalidFormat, IntegrityError, EvidenceMissing for a header whose own seal or place does not hold.
    """
    sealers = _sealers_of_line(headers, validators, recover)
    trusted = validators.at(headers[0].number)
    found = _behind(sealers[1:], trusted)
    if len(found) < clique_quorum(len(trusted)):
        raise _too_few(headers[0], sealers[1:], validators)
    return found


def check_turns(headers: Sequence[Header], validators: Validators, recover: Recover) -> tuple[bytes, ...]:
    """The trusted accounts that sealed these headers, each in its turn: `headers` ascend without a gap.

    Raises IntegrityError (`seal.duplicate`) where one sealed two of floor(n/2)+1 blocks in a row, which no client
    takes (EIP-225, SIGNER_LIMIT); and as `check_clique_seal`.
    """
    sealers: list[bytes] = []
    for header in headers:
        sealer = check_clique_seal(header, validators, recover)
        row = clique_quorum(len(validators.at(header.number)))
        if sealer in sealers[max(0, len(sealers) - row + 1) :]:
            raise IntegrityError(
                f"{checksum_address(sealer)} sealed block {header.number} and another of the {row - 1} before it",
                rule="seal.duplicate",
            )
        sealers.append(sealer)
    return tuple(sealers)


def clique_final(newest_first: Iterable[Header], validators: Validators, recover: Recover) -> int | None:
    """The highest block that `check_descendants` finds final under this tip, or None where the headers end before it.

    `newest_first` go from the tip down, each the parent of the one before; no more are taken than needed. Block 0 is
    always final. Raises as `check_descendants`, but for its want of them.
    """
    sealers: set[bytes] = set()
    child: Header | None = None
    for header in newest_first:
        if child is not None:
            _require_child(child, header)
        if header.number == 0:
            return 0
        trusted = validators.at(header.number)
        sealer = check_clique_seal(header, validators, recover)
        if len(sealers.intersection(trusted)) >= clique_quorum(len(trusted)):
            return header.number
        sealers.add(sealer)
        child = header
    return None


def _sealers_of_line(headers: Sequence[Header], validators: Validators, recover: Recover) -> list[bytes]:
    """Who sealed each header of a line without a gap."""
    for parent, child in pairwise(headers):
        _require_child(child, parent)
    return [check_clique_seal(header, validators, recover) for header in headers]


def _behind(sealers: Collection[bytes], trusted: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(account for account in trusted if account in sealers)


def _too_few(header: Header, sealers: Sequence[bytes], validators: Validators) -> EvidenceMissing:
    trusted = validators.at(header.number)
    found = len(_behind(sealers, trusted))
    return EvidenceMissing(
        f"descendants of block {header.number} are sealed by {found} of {len(trusted)} trusted signers; "
        f"{clique_quorum(len(trusted))} make it final",
        rule="seal.quorum",
    )


# -- QBFT


def qbft_seal_hash(header: Header) -> bytes:
    """What every validator signed. Raises InvalidFormat."""
    return keccak256(with_extra_data(header.raw, qbft_committed(header.extra_data)))


def qbft_sealers(header: Header, recover: Recover) -> tuple[bytes, ...]:
    """The accounts that sealed the header, as its seals stand. Raises InvalidFormat, IntegrityError."""
    return tuple(_qbft_sealers(header, recover))


def check_qbft(header: Header, validators: Validators, recover: Recover) -> tuple[bytes, ...]:
    """The trusted accounts that sealed the header: distinct, at least ceil(2n/3) of the n trusted ones.

    As the clients have it, one seal by a stranger or one twice spoils the header, however many others there are.
    Raises InvalidFormat, IntegrityError; EvidenceMissing where the list does not speak for this block.
    """
    trusted = validators.at(header.number)
    found: list[bytes] = []
    for sealer in _qbft_sealers(header, recover):
        _require_trusted(sealer, trusted, header)
        if sealer in found:
            raise IntegrityError(
                f"block {header.number} is sealed twice by {checksum_address(sealer)}", rule="seal.duplicate"
            )
        found.append(sealer)
    needed = qbft_quorum(len(trusted))
    if len(found) < needed:
        raise IntegrityError(
            f"block {header.number} is sealed by {len(found)} of {len(trusted)} trusted validators, not {needed}",
            rule="seal.quorum",
        )
    _require_same_list(decode_qbft(header.extra_data).validators, trusted, header)
    return tuple(found)


def _qbft_sealers(header: Header, recover: Recover) -> Iterator[bytes]:
    seals = decode_qbft(header.extra_data).seals
    digest = qbft_seal_hash(header)
    return (_recovered(header, digest, seal, recover) for seal in seals)


# -- either


def _recovered(header: Header, digest: bytes, seal: bytes, recover: Recover) -> bytes:
    """The seal's account; r || s || v with v 0 or 1 and the low s that every client writes."""
    try:
        if seal[64] > 1:
            raise InvalidSignature("signature", "v is neither 0 nor 1")
        return recover(digest, seal[:64] + bytes((seal[64] + 27,)))
    except InvalidSignature as reason:
        raise IntegrityError(f"a seal of block {header.number}: {reason.reason}", rule="seal.signature") from reason


def _require_trusted(sealer: bytes, trusted: Sequence[bytes], header: Header) -> None:
    if sealer not in trusted:
        raise IntegrityError(
            f"block {header.number} is sealed by {checksum_address(sealer)}, whom the trusted list does not name",
            rule="seal.stranger",
        )


def _require_same_list(stated: Sequence[bytes], trusted: Sequence[bytes], header: Header) -> None:
    """A sealed header that lists other validators than the trusted ones: the list is not of this block."""
    if stated and sorted(stated) != sorted(trusted):
        raise EvidenceMissing(
            f"block {header.number} lists {len(stated)} validators that are not the {len(trusted)} trusted ones",
            rule="seal.validators",
        )


def _require_child(child: Header, parent: Header) -> None:
    if child.parent_hash != parent.hash or child.number != parent.number + 1:
        raise IntegrityError(
            f"block {child.number} does not follow block {parent.number} ({to_hex(parent.hash)})", rule="seal.link"
        )
