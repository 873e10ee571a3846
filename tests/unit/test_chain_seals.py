"""Seals of Clique and QBFT headers: who made them, and which ones suffice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from deedbook.chain import rlp
from deedbook.chain.extradata import QbftExtra, QbftVote, clique_signers, decode_qbft, qbft_committed, qbft_named
from deedbook.chain.proofs import Header, decode_header, encode_header, header_hash, with_extra_data
from deedbook.chain.seals import (
    check_clique,
    check_clique_seal,
    check_descendants,
    check_qbft,
    check_turns,
    clique_final,
    clique_seal_hash,
    clique_sealer,
    in_turn,
    qbft_seal_hash,
    qbft_sealers,
)
from deedbook.domain.hashing import keccak256
from deedbook.domain.validators import Span, Validators
from deedbook.errors import DeedbookError, EvidenceMissing, IntegrityError, InvalidFormat, InvalidInput
from deedbook.wallet.recovery import CURVE_ORDER, address_of, recover

RECORDED = json.loads((Path(__file__).parents[1] / "vectors/recorded/qbft.json").read_text())
KEYS = sorted((PrivateKey(bytes([value]) * 32) for value in range(1, 8)), key=lambda key: address_of(key.public_key))
ACCOUNTS = tuple(address_of(key.public_key) for key in KEYS)
STRANGER = PrivateKey(b"\x77" * 32)
VANITY = b"deedbook".ljust(32, b"\0")


def recorded(number: int) -> Header:
    block = next(each for each in [*RECORDED["headers"], RECORDED["logBlock"]] if int(each["number"], 16) == number)
    return decode_header(encode_header(block), "qbft")


def trusted(consensus: str, accounts: Sequence[bytes], *, since: int = 0) -> Validators:
    return Validators(consensus, (Span(since, tuple(accounts)),))


def rule(refused: DeedbookError) -> Any:
    return refused.fields.get("rule")


def raw_header(number: int, extra_data: bytes, *, parent: bytes = bytes(32), difficulty: int = 1) -> bytes:
    numbers = [rlp.encode_int(value) for value in (difficulty, number, 30_000_000, 21_000, 1_800_000_000 + number)]
    fields = [parent, bytes(32), bytes(20), keccak256(b"state"), bytes(32), bytes(32), bytes(256)]
    return rlp.encode([*fields, *numbers, extra_data, bytes(32), bytes(8)])


def seal(key: PrivateKey, digest: bytes) -> bytes:
    return key.sign_recoverable(digest, hasher=None)


def malleated(made: bytes) -> bytes:
    high = CURVE_ORDER - int.from_bytes(made[32:64], "big")
    return made[:32] + high.to_bytes(32, "big") + bytes([made[64] ^ 1])


# -- QBFT


def qbft(number: int, extra: QbftExtra, keys: Sequence[PrivateKey]) -> Header:
    """A header of this number, sealed by these keys."""
    bare = decode_header(raw_header(number, replace(extra, seals=()).encode()), "qbft")
    seals = tuple(seal(key, qbft_seal_hash(bare)) for key in keys)
    return decode_header(with_extra_data(bare.raw, replace(extra, seals=seals).encode()), "qbft")


def extra_of(accounts: Sequence[bytes], *, vote: QbftVote | None = None, round_: int = 0) -> QbftExtra:
    return QbftExtra(VANITY, tuple(accounts), vote, round_, ())


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5, 39])
def test_recorded_qbft_headers_hash_to_their_names(number: int) -> None:
    block = next(each for each in [*RECORDED["headers"], RECORDED["logBlock"]] if int(each["number"], 16) == number)
    header = recorded(number)
    assert header.hash.hex() == block["hash"][2:]
    assert header_hash(header.raw, "qbft") == header.hash
    assert (keccak256(header.raw) == header.hash) == (number == 0)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 39])
def test_recorded_qbft_headers_are_sealed_by_three_of_four(number: int) -> None:
    header = recorded(number)
    accounts = decode_qbft(recorded(0).extra_data).validators
    assert len(accounts) == 4
    found = check_qbft(header, trusted("qbft", accounts), recover)
    assert found == qbft_sealers(header, recover)
    assert len(set(found)) == 3
    assert set(found) <= set(accounts)


def test_the_first_recorded_block_took_a_second_round() -> None:
    assert decode_qbft(recorded(1).extra_data).round == 1


@pytest.mark.parametrize("count", range(1, 8))
def test_qbft_needs_two_thirds_and_no_fewer(count: int) -> None:
    accounts, needed = ACCOUNTS[:count], -(-2 * count // 3)
    believed = trusted("qbft", accounts)
    assert check_qbft(qbft(1, extra_of(accounts), KEYS[:needed]), believed, recover) == accounts[:needed]
    with pytest.raises(IntegrityError) as refused:
        check_qbft(qbft(1, extra_of(accounts), KEYS[: needed - 1]), believed, recover)
    assert rule(refused.value) == "seal.quorum"


def test_a_stranger_spoils_a_qbft_header_however_many_others_there_are() -> None:
    header = qbft(1, extra_of(ACCOUNTS[:4]), [*KEYS[:4], STRANGER])
    with pytest.raises(IntegrityError) as refused:
        check_qbft(header, trusted("qbft", ACCOUNTS[:4]), recover)
    assert rule(refused.value) == "seal.stranger"


def test_a_second_seal_of_one_validator_spoils_a_qbft_header() -> None:
    header = qbft(1, extra_of(ACCOUNTS[:4]), [*KEYS[:3], KEYS[0]])
    with pytest.raises(IntegrityError) as refused:
        check_qbft(header, trusted("qbft", ACCOUNTS[:4]), recover)
    assert rule(refused.value) == "seal.duplicate"


def test_recovery_is_asked_for_v_of_27_and_28_alone() -> None:
    def lenient(digest: bytes, signature: bytes) -> bytes:
        assert signature[64] in (27, 28)
        return recover(digest, signature)

    header = qbft(1, extra_of(ACCOUNTS[:4]), KEYS[:4])
    extra = decode_qbft(header.extra_data)
    assert len(qbft_sealers(header, lenient)) == 4
    for v in (2, 3, 27, 28, 255):
        spoilt = replace(extra, seals=(extra.seals[0][:64] + bytes([v]),))
        with pytest.raises(IntegrityError, match="v is neither 0 nor 1"):
            qbft_sealers(decode_header(with_extra_data(header.raw, spoilt.encode()), "qbft"), lenient)


@pytest.mark.parametrize(
    "spoil",
    [
        malleated,
        lambda made: made[:64] + bytes([made[64] + 27]),
        lambda made: made[:64] + b"\x02",
        lambda made: bytes(32) + made[32:],
        lambda made: made[:32] + CURVE_ORDER.to_bytes(32, "big") + made[64:],
        lambda made: bytes(65),
    ],
    ids=["high s", "v of 27", "v of 2", "r of 0", "s of n", "zeros"],
)
def test_a_seal_has_one_form(spoil: Callable[[bytes], bytes]) -> None:
    header = qbft(1, extra_of(ACCOUNTS[:4]), KEYS[:4])
    extra = decode_qbft(header.extra_data)
    spoilt = replace(extra, seals=(spoil(extra.seals[0]), *extra.seals[1:]))
    with pytest.raises(IntegrityError) as refused:
        check_qbft(
            decode_header(with_extra_data(header.raw, spoilt.encode()), "qbft"),
            trusted("qbft", ACCOUNTS[:4]),
            recover,
        )
    assert rule(refused.value) == "seal.signature"


def test_a_qbft_seal_is_of_one_round() -> None:
    header = qbft(1, extra_of(ACCOUNTS[:4], round_=1), KEYS[:4])
    extra = decode_qbft(header.extra_data)
    other = decode_header(with_extra_data(header.raw, replace(extra, round=2).encode()), "qbft")
    assert other.hash == header.hash
    with pytest.raises(IntegrityError) as refused:
        check_qbft(other, trusted("qbft", ACCOUNTS[:4]), recover)
    assert rule(refused.value) == "seal.stranger"


def test_seals_and_round_are_no_part_of_a_qbft_name() -> None:
    one = qbft(7, extra_of(ACCOUNTS[:4]), KEYS[:4])
    other = qbft(7, extra_of(ACCOUNTS[:4], round_=3), KEYS[1:4])
    assert one.hash == other.hash
    assert one.raw != other.raw


@pytest.mark.parametrize("vote", [QbftVote(ACCOUNTS[5], add=True), QbftVote(ACCOUNTS[5], add=False)])
def test_a_qbft_vote_is_read_named_and_not_counted(vote: QbftVote) -> None:
    header = qbft(7, extra_of(ACCOUNTS[:4], vote=vote), KEYS[:4])
    assert decode_qbft(header.extra_data).vote == vote
    assert header.hash != qbft(7, extra_of(ACCOUNTS[:4]), KEYS[:4]).hash
    assert len(check_qbft(header, trusted("qbft", ACCOUNTS[:4]), recover)) == 4


def test_a_vote_against_is_hashed_as_its_client_wrote_it() -> None:
    besu = extra_of(ACCOUNTS[:4], vote=QbftVote(ACCOUNTS[5], add=False)).encode()
    quorum = rlp.encode([VANITY, ACCOUNTS[:4], [ACCOUNTS[5], b"\0"], b"", []])
    assert decode_qbft(quorum) == decode_qbft(besu)
    assert qbft_named(quorum) == quorum
    assert qbft_named(besu) == besu
    assert qbft_committed(quorum) == quorum != besu


def test_validators_named_by_a_contract_leave_the_list_empty() -> None:
    header = qbft(7, extra_of(()), KEYS[:3])
    assert check_qbft(header, trusted("qbft", ACCOUNTS[:4]), recover) == ACCOUNTS[:3]


def test_a_sealed_header_with_another_list_is_not_decided() -> None:
    header = qbft(7, extra_of(ACCOUNTS[:5]), KEYS[:4])
    with pytest.raises(EvidenceMissing) as undecided:
        check_qbft(header, trusted("qbft", ACCOUNTS[:4]), recover)
    assert rule(undecided.value) == "seal.validators"


def test_a_header_before_the_list_is_not_decided() -> None:
    header = qbft(7, extra_of(ACCOUNTS[:4]), KEYS[:4])
    with pytest.raises(EvidenceMissing) as undecided:
        check_qbft(header, trusted("qbft", ACCOUNTS[:4], since=8), recover)
    assert rule(undecided.value) == "seal.list"


@pytest.mark.parametrize(
    "extra_data",
    [
        b"",
        b"\x80",
        VANITY + bytes(65),
        rlp.encode([VANITY, [], [], b""]),
        rlp.encode([VANITY, [], [], b"", [], []]),
        rlp.encode([[], [], [], b"", []]),
        rlp.encode([VANITY + b"\0", [], [], b"", []]),
        rlp.encode([VANITY, b"", [], b"", []]),
        rlp.encode([VANITY, [bytes(19)], [], b"", []]),
        rlp.encode([VANITY, [[bytes(20)]], [], b"", []]),
        rlp.encode([VANITY, [], b"", b"", []]),
        rlp.encode([VANITY, [], [bytes(20)], b"", []]),
        rlp.encode([VANITY, [], [bytes(20), b"\x01"], b"", []]),
        rlp.encode([VANITY, [], [bytes(19), b"\xff"], b"", []]),
        rlp.encode([VANITY, [], [], b"\0", []]),
        rlp.encode([VANITY, [], [], b"\x01" * 5, []]),
        rlp.encode([VANITY, [], [], [], []]),
        rlp.encode([VANITY, [], [], b"", b""]),
        rlp.encode([VANITY, [], [], b"", [bytes(64)]]),
        rlp.encode([VANITY, [], [], b"", [bytes(66)]]),
        rlp.encode([VANITY, [], [], b"", []]) + b"\0",
    ],
)
def test_extra_data_of_another_form_is_refused(extra_data: bytes) -> None:
    for read in (
        lambda: decode_qbft(extra_data),
        lambda: qbft_named(extra_data),
        lambda: qbft_committed(extra_data),
        lambda: decode_header(raw_header(1, extra_data), "qbft"),
    ):
        with pytest.raises(InvalidFormat) as refused:
            read()
        assert refused.value.field == "extraData"
        assert rule(refused.value) == "seal.format"


@given(
    st.binary(max_size=32),
    st.lists(st.binary(min_size=20, max_size=20), max_size=5),
    st.none() | st.builds(QbftVote, st.binary(min_size=20, max_size=20), st.booleans()),
    st.integers(0, 2**32 - 1),
    st.lists(st.binary(min_size=65, max_size=65), max_size=5),
)
def test_extra_data_are_read_as_they_were_written(
    vanity: bytes, validators: list[bytes], vote: QbftVote | None, round_: int, seals: list[bytes]
) -> None:
    extra = QbftExtra(vanity, tuple(validators), vote, round_, tuple(seals))
    assert decode_qbft(extra.encode()) == extra
    assert decode_qbft(qbft_committed(extra.encode())) == replace(extra, seals=())
    assert decode_qbft(qbft_named(extra.encode())) == replace(extra, seals=(), round=0)


# -- Clique


def clique(number: int, key: PrivateKey, *, parent: bytes = bytes(32), listed: Sequence[bytes] = ()) -> Header:
    """A header of this number, sealed by the key."""
    extra_data = VANITY + b"".join(listed)
    bare = decode_header(raw_header(number, extra_data + bytes(65), parent=parent, difficulty=2), "clique")
    return decode_header(with_extra_data(bare.raw, extra_data + seal(key, clique_seal_hash(bare))), "clique")


def chain_of(*keys: PrivateKey, start: int = 10) -> list[Header]:
    headers: list[Header] = []
    for key in keys:
        parent = headers[-1].hash if headers else bytes(32)
        headers.append(clique(start + len(headers), key, parent=parent))
    return headers


def test_a_clique_name_covers_the_seal_and_the_seal_all_else() -> None:
    header = clique(3, KEYS[0])
    assert header.hash == keccak256(header.raw) == header_hash(header.raw, "clique")
    assert clique_seal_hash(header) == keccak256(with_extra_data(header.raw, VANITY))
    assert clique_sealer(header, recover) == ACCOUNTS[0]
    assert in_turn(header)


@pytest.mark.parametrize("count", range(1, 8))
def test_clique_needs_descendants_by_a_majority(count: int) -> None:
    believed, needed = trusted("clique", ACCOUNTS[:count]), count // 2 + 1
    headers = chain_of(*(KEYS[each % count] for each in range(needed + 1)))
    assert len(check_clique(headers, believed, recover)) == needed
    assert check_descendants(headers, believed, recover) == check_clique(headers, believed, recover)
    assert clique_final(reversed(headers), believed, recover) == 10
    with pytest.raises(EvidenceMissing) as undecided:
        check_clique(headers[:-1], believed, recover)
    assert rule(undecided.value) == "seal.quorum"
    assert clique_final(reversed(headers[:-1]), believed, recover) is None


def test_a_clique_signer_counts_once() -> None:
    headers = chain_of(*KEYS[:2] * 5)
    with pytest.raises(EvidenceMissing, match="2 of 4"):
        check_clique(headers, trusted("clique", ACCOUNTS[:4]), recover)
    assert clique_final(reversed(headers), trusted("clique", ACCOUNTS[:4]), recover) is None


def test_the_block_itself_is_no_descendant() -> None:
    headers = chain_of(*KEYS[:3])
    with pytest.raises(EvidenceMissing, match="2 of 4"):
        check_clique(headers, trusted("clique", ACCOUNTS[:4]), recover)


@pytest.mark.parametrize("place", [0, 1, 4])
def test_a_strangers_clique_block_is_refused(place: int) -> None:
    keys = [*KEYS[:4], KEYS[0]]
    keys[place] = STRANGER
    headers = chain_of(*keys)
    with pytest.raises(IntegrityError) as refused:
        check_clique(headers, trusted("clique", ACCOUNTS[:4]), recover)
    assert rule(refused.value) == "seal.stranger"


def test_clique_headers_follow_each_other() -> None:
    headers = chain_of(*KEYS[:4])
    believed = trusted("clique", ACCOUNTS[:4])
    for spoilt in ([headers[0], *headers[2:]], [headers[0], *chain_of(*KEYS[:4], start=11)], headers[::-1]):
        with pytest.raises(IntegrityError) as refused:
            check_clique(spoilt, believed, recover)
        assert rule(refused.value) == "seal.link"
    with pytest.raises(IntegrityError) as refused:
        clique_final(headers, believed, recover)
    assert rule(refused.value) == "seal.link"


@pytest.mark.parametrize("count", range(1, 8))
def test_a_clique_signer_rests_for_half_of_the_others(count: int) -> None:
    believed, row = trusted("clique", ACCOUNTS[:count]), count // 2 + 1
    rested = chain_of(*(KEYS[each % row] for each in range(2 * row + 1)))
    assert check_turns(rested, believed, recover) == tuple(ACCOUNTS[each % row] for each in range(2 * row + 1))
    if row > 1:
        hasty = chain_of(*KEYS[: row - 1], KEYS[0])
        with pytest.raises(IntegrityError) as refused:
            check_turns(hasty, believed, recover)
        assert rule(refused.value) == "seal.duplicate"


def test_more_signers_rest_longer() -> None:
    believed = Validators("clique", (Span(0, ACCOUNTS[:3]), Span(13, ACCOUNTS[:4])))
    assert len(check_turns(chain_of(KEYS[0], KEYS[1], KEYS[0], KEYS[2]), believed, recover)) == 4
    with pytest.raises(IntegrityError, match="block 13 and another of the 2 before it"):
        check_turns(chain_of(KEYS[0], KEYS[1], KEYS[0], KEYS[1]), believed, recover)


@pytest.mark.parametrize("name", ["clique", "clique-london"])
def test_recorded_signers_kept_their_turns(name: str) -> None:
    recording = json.loads((Path(__file__).parents[1] / f"vectors/recorded/{name}.json").read_text())
    after = [tuple(bytes.fromhex(each[2:]) for each in block["signersAfter"]) for block in recording["headers"]]
    admitted = next(number for number, signers in enumerate(after) if len(signers) == 5) + 1
    believed = Validators("clique", (Span(0, after[0]), Span(admitted, after[-1])))
    headers = [decode_header(encode_header(each["block"]), "clique") for each in recording["headers"]]
    assert [header.raw.hex() for header in headers] == [each["raw"][2:] for each in recording["headers"]]
    sealers = check_turns(headers[1:], believed, recover)
    for header, sealer in zip(headers[1:], sealers, strict=True):
        signers = believed.at(header.number)
        assert in_turn(header) == (signers[header.number % len(signers)] == sealer)
    assert clique_final(reversed(headers), believed, recover) == headers[-4].number


def test_no_more_headers_are_asked_for_than_the_tip_needs() -> None:
    headers = chain_of(*KEYS[:4] * 10)
    taken: list[int] = []

    def down() -> Any:
        for header in reversed(headers):
            taken.append(header.number)
            yield header

    assert clique_final(down(), trusted("clique", ACCOUNTS[:4]), recover) == headers[-4].number
    assert len(taken) == 4


def test_signers_of_a_later_list_do_not_count_for_an_earlier_block() -> None:
    believed = Validators("clique", (Span(0, ACCOUNTS[:3]), Span(12, ACCOUNTS[3:6])))
    headers = chain_of(KEYS[0], KEYS[1], *KEYS[3:6])
    with pytest.raises(EvidenceMissing, match="1 of 3"):
        check_descendants(headers, believed, recover)
    assert check_descendants(headers[2:], believed, recover) == ACCOUNTS[4:6]
    assert clique_final(reversed(headers), believed, recover) == 12


def test_a_block_is_final_with_a_descendant_that_others_made_final() -> None:
    believed = Validators("clique", (Span(0, ACCOUNTS[:3]), Span(12, ACCOUNTS[3:6])))
    headers = chain_of(KEYS[0], KEYS[1], *KEYS[3:6])
    assert check_clique(headers, believed, recover) == ACCOUNTS[4:6]
    with pytest.raises(EvidenceMissing, match="block 10 are sealed by 1 of 3 trusted signers; 2 make it final"):
        check_clique(headers[:-1], believed, recover)


def test_a_clique_block_before_or_after_the_list_is_not_decided() -> None:
    headers = chain_of(*KEYS[:4])
    for believed in (
        trusted("clique", ACCOUNTS[:4], since=11),
        Validators("clique", (Span(0, ACCOUNTS[:4]), Span(12, ()))),
    ):
        with pytest.raises(EvidenceMissing) as undecided:
            check_clique(headers, believed, recover)
        assert rule(undecided.value) == "seal.list"


def test_a_checkpoint_lists_the_trusted_signers() -> None:
    believed = trusted("clique", ACCOUNTS[:4])
    assert check_clique_seal(clique(30, KEYS[1], listed=ACCOUNTS[:4]), believed, recover) == ACCOUNTS[1]
    assert clique_signers(clique(30, KEYS[1], listed=ACCOUNTS[:4]).extra_data) == ACCOUNTS[:4]
    with pytest.raises(EvidenceMissing) as undecided:
        check_clique_seal(clique(30, KEYS[1], listed=ACCOUNTS[:3]), believed, recover)
    assert rule(undecided.value) == "seal.validators"


def test_a_qbft_genesis_is_named_as_it_is_written() -> None:
    """A chain that began with another protocol (IBFT) has that one's extra data there."""
    raw = raw_header(0, bytes(32) + rlp.encode([list(ACCOUNTS[:4]), b"", []]))
    assert decode_header(raw, "qbft").hash == keccak256(raw)


def test_genesis_is_final_by_its_name() -> None:
    genesis = decode_header(raw_header(0, VANITY + b"".join(ACCOUNTS[:4]) + bytes(65)), "clique")
    believed = trusted("clique", ACCOUNTS[:4])
    first = clique(1, KEYS[0], parent=genesis.hash)
    assert clique_final([first, genesis], believed, recover) == 0
    assert clique_final([genesis], believed, recover) == 0
    with pytest.raises(IntegrityError) as refused:
        check_clique_seal(genesis, believed, recover)
    assert rule(refused.value) == "seal.signature"


@pytest.mark.parametrize(
    "extra_data",
    [
        b"",
        bytes(96),
        bytes(98),
        VANITY + ACCOUNTS[0] + bytes(64),
        VANITY + ACCOUNTS[1] + ACCOUNTS[0] + bytes(65),
        VANITY + ACCOUNTS[0] * 2 + bytes(65),
    ],
)
def test_clique_extra_data_of_another_form_are_refused(extra_data: bytes) -> None:
    for read in (lambda: clique_signers(extra_data), lambda: decode_header(raw_header(1, extra_data), "clique")):
        with pytest.raises(InvalidFormat) as refused:
            read()
        assert rule(refused.value) == "seal.format"


def test_a_header_read_by_another_consensus_has_no_clique_seal() -> None:
    header = decode_header(raw_header(1, bytes(98)))
    with pytest.raises(InvalidFormat, match="98 bytes"):
        clique_seal_hash(header)


@pytest.mark.parametrize("difficulty", [0, 3])
def test_a_clique_difficulty_says_whose_turn_it_was(difficulty: int) -> None:
    header = decode_header(raw_header(1, bytes(97), difficulty=difficulty), "clique")
    with pytest.raises(InvalidFormat) as refused:
        clique_sealer(header, recover)
    assert refused.value.field == "difficulty"


# -- either


def test_a_consensus_is_named_or_refused() -> None:
    with pytest.raises(InvalidInput, match="instant, clique, qbft"):
        decode_header(raw_header(1, b""), "ibft")
    assert decode_header(raw_header(1, b"any")).hash == keccak256(raw_header(1, b"any"))


@st.composite
def changes(draw: st.DrawFn, length: int) -> tuple[int, int]:
    return draw(st.integers(0, length - 1)), draw(st.integers(1, 255))


def changed(raw: bytes, place: int, flip: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ flip]) + raw[place + 1 :]


BLOCK = recorded(39)
BELIEVED = trusted("qbft", decode_qbft(BLOCK.extra_data).validators)


@given(changes(len(BLOCK.raw)))
def test_no_changed_byte_of_a_recorded_qbft_header_is_accepted(change: tuple[int, int]) -> None:
    with pytest.raises(DeedbookError):
        check_qbft(decode_header(changed(BLOCK.raw, *change), "qbft"), BELIEVED, recover)


@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_every_byte_of_a_recorded_qbft_header_counts(flip: int) -> None:
    for place in range(len(BLOCK.raw)):
        with pytest.raises(DeedbookError):
            check_qbft(decode_header(changed(BLOCK.raw, place, flip), "qbft"), BELIEVED, recover)


CHAIN = chain_of(*KEYS[:4], KEYS[0])


def test_every_byte_of_a_clique_chain_counts() -> None:
    believed = trusted("clique", ACCOUNTS[:4])
    for which, header in enumerate(CHAIN):
        for place in range(len(header.raw)):
            spoilt = [*CHAIN[:which], *CHAIN[which + 1 :]]
            with pytest.raises(DeedbookError):
                spoilt.insert(which, decode_header(changed(header.raw, place, 1), "clique"))
                check_clique(spoilt, believed, recover)


@given(st.integers(0, 4), changes(len(CHAIN[0].raw)))
def test_no_changed_byte_of_a_clique_chain_is_accepted(which: int, change: tuple[int, int]) -> None:
    raws = [header.raw for header in CHAIN]
    raws[which] = changed(raws[which], *change)
    with pytest.raises(DeedbookError):
        check_clique([decode_header(raw, "clique") for raw in raws], trusted("clique", ACCOUNTS[:4]), recover)


@given(st.binary(max_size=200), st.sampled_from(["clique", "qbft"]))
def test_any_extra_data_are_read_or_refused_by_type(extra_data: bytes, consensus: str) -> None:
    try:
        header = decode_header(raw_header(1, extra_data), consensus)
        check_qbft(header, BELIEVED, recover) if consensus == "qbft" else clique_sealer(header, recover)
    except DeedbookError:
        pass


@given(st.data())
def test_mutated_headers_are_read_or_refused_by_type(data: st.DataObject) -> None:
    raw = bytearray(BLOCK.raw)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        match data.draw(st.sampled_from(["set", "cut", "insert", "remove"])):
            case "set" if raw:
                raw[place] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[place:]
            case "insert":
                raw[place:place] = data.draw(st.binary(max_size=40))
            case "remove":
                del raw[place : place + data.draw(st.integers(0, 40))]
    for consensus in ("instant", "clique", "qbft"):
        try:
            header = decode_header(bytes(raw), consensus)
            check_qbft(header, BELIEVED, recover)
        except DeedbookError:
            continue
        assert header.raw == BLOCK.raw
