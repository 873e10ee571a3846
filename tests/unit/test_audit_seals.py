"""Whole bundles of sealed chains, believed by a list of validators, and the ways in which they are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
import rlp

from deedbook.audit.bundle import Bundle
from deedbook.audit.export import Readers, export_sale, trust_at
from deedbook.audit.findings import Report, Verdict
from deedbook.audit.trust import Trust
from deedbook.audit.verify import judge, verify
from deedbook.chain.proofs import decode_header
from deedbook.domain.hashing import canonical_json, keccak256
from deedbook.domain.validators import Span, Validators
from deedbook.errors import ChainUnavailable, EvidenceMissing, IntegrityError, InvalidFormat, NotFound, WrongVersion
from tests.sealers import EXTRA, Fields, Sealers, address_of, clique, keys_of, qbft
from tests.simulator import CONTRACTS, Published, SimulatedNode, honest
from tests.unit.test_audit_export import readers

KEYS = keys_of(4)
(STRANGER,) = keys_of(1, "stranger")
ACCOUNTS = tuple(map(address_of, KEYS))
CONSENSUSES = ("clique", "qbft")


@cache
def network(consensus: str, apart: int = 1) -> Published:
    return honest().publish(sealers=Sealers(consensus, KEYS), apart=apart)


@cache
def exported(consensus: str, apart: int = 1) -> bytes:
    return export_sale(_readers(network(consensus, apart)), network(consensus, apart).history.sales[0].sale)


def _readers(published: Published) -> Readers:
    assert published.sealers is not None
    return replace(readers(published), validators=published.sealers.validators)


def trusting(consensus: str, *spans: Span) -> Trust:
    return replace(network(consensus).trust, validators=Validators(consensus, spans or (Span(0, ACCOUNTS),)))


def changed(consensus: str, change: Callable[[list[bytes]], object], trust: Trust | None = None) -> Report:
    """The report on a bundle whose headers were changed."""
    bundle = network(consensus).bundle()
    headers = list(bundle.headers)
    change(headers)
    data = replace(bundle, headers=tuple(headers)).to_bytes()
    return verify(data, trust or trusting(consensus))


def ended(report: Report) -> tuple[Verdict, str | None]:
    return report.verdict, report.rule


# -- what is believed


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize("full", [True, False])
def test_a_sealed_bundle_is_believed_by_the_list_alone(consensus: str, full: bool) -> None:
    published = network(consensus)
    trust = trust_at(SimulatedNode(published), CONTRACTS, validators=trusting(consensus).validators)
    assert (trust.version, dict(trust.blocks)) == (3, {})
    exported_ = export_sale(_readers(published), published.history.sales[0].sale, full=full)
    assert json.loads(exported_)["version"] == 3
    assert judge(exported_, trust.to_json()).summary.startswith("valid:")


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_blocks_without_an_event_are_left_out_of_a_sealed_bundle(consensus: str) -> None:
    far = Bundle.from_bytes(exported(consensus, 40))
    blocks = {log.block for section in far.journals for log in section.logs} | {far.block_number}
    after = 3 if consensus == "clique" else 0
    assert len(far.headers) == len(blocks) * (1 + after)
    assert far.block_number - min(blocks) > 10 * len(far.headers)
    assert verify(far.to_bytes(), network(consensus, 40).trust).verdict is Verdict.VALID


@dataclass(frozen=True)
class Growing(Sealers):
    """Three signers, and from a block on the fourth as well, who seals it."""

    since: int = 0

    @property
    def validators(self) -> Validators:
        return Validators("clique", (Span(0, self.accounts[:3]), Span(self.since, self.accounts)))

    def seal(self, fields: Fields, number: int) -> tuple[bytes, bytes]:
        return clique(fields, self.keys[number % (3 if number < self.since else 4)])


def test_an_export_looks_past_new_signers_who_do_not_count_for_its_block() -> None:
    steady = Bundle.from_bytes(exported("clique", 41))
    blocks = {log.block for section in steady.journals for log in section.logs}
    before = next(block for block in sorted(blocks) if block % 4 == 2 and block % 3)
    published = honest().publish(sealers=Growing("clique", KEYS, since=before + 1), apart=41)
    data = export_sale(_readers(published), published.history.sales[0].sale)
    numbers = [decode_header(raw, "clique").number for raw in Bundle.from_bytes(data).headers]
    run = numbers[numbers.index(before) :]
    assert run[:4] == [before, before + 1, before + 2, before + 3]  # two of three signers make it final
    assert run[4] > before + 40
    assert verify(data, published.trust).verdict is Verdict.VALID


def test_the_newest_final_block_is_taken() -> None:
    assert Bundle.from_bytes(exported("clique")).block_number == network("clique").last + 8 - 3
    assert Bundle.from_bytes(exported("qbft")).block_number == network("qbft").last + 8


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_a_pinned_block_needs_no_list(consensus: str) -> None:
    published = network(consensus)
    pinned = {published.last: published.hashes[published.last]}
    trust = replace(published.trust, blocks=pinned, validators=None)
    assert trust.version == 2
    assert verify(published.bundle().to_bytes(), trust).verdict is Verdict.VALID
    both = replace(published.trust, blocks=pinned, validators=Validators(consensus, (Span(10**6, ACCOUNTS),)))
    assert verify(published.bundle().to_bytes(), both).verdict is Verdict.VALID
    forked = replace(both, blocks={published.last: bytes(32)})
    assert ended(verify(published.bundle().to_bytes(), forked)) == (Verdict.CONTRADICTED, "trust.block")
    before = replace(
        both, blocks={published.last - 1: published.hashes[published.last - 1]}
    )  # says nothing of the next
    assert ended(verify(published.bundle().to_bytes(), before)) == (Verdict.UNDECIDED, "seal.list")


def test_a_block_is_sealed_by_whom_the_list_names_from_it_on() -> None:
    last = network("qbft").last
    changing = (Span(0, (address_of(STRANGER),)), Span(last, ACCOUNTS))
    assert ended(changed("qbft", lambda _: None, trusting("qbft", *changing)))[0] is Verdict.VALID


def test_a_quorum_is_enough() -> None:
    published = honest().publish(sealers=Sealers("qbft", KEYS, quorum=3, round=2))
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID
    assert any(fact.rule == "seal.quorum" and "by 3 or more" in fact.words for fact in report.findings)


# -- outside the list


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize(
    "spans", [(Span(10**6, ACCOUNTS),), (Span(0, ACCOUNTS), Span(1, ()))], ids=["before it", "after its end"]
)
def test_outside_the_list_nothing_is_decided(consensus: str, spans: tuple[Span, ...]) -> None:
    report = changed(consensus, lambda _: None, trusting(consensus, *spans))
    assert ended(report) == (Verdict.UNDECIDED, "seal.list")
    assert report.exit_code == 3


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_without_list_or_pin_nothing_is_decided(consensus: str) -> None:
    report = changed(consensus, lambda _: None, replace(network(consensus).trust, validators=None))
    assert ended(report) == (Verdict.UNDECIDED, "trust.block")


def test_a_bundle_without_seals_is_not_believed_by_a_list() -> None:
    plain = honest().publish()
    trust = replace(plain.trust, blocks={}, validators=trusting("qbft").validators)
    assert ended(verify(plain.bundle().to_bytes(), trust)) == (Verdict.UNDECIDED, "trust.block")


def test_another_consensus_contradicts_the_trust() -> None:
    trust = replace(network("clique").trust, validators=trusting("qbft").validators)
    assert ended(verify(exported("clique"), trust)) == (Verdict.CONTRADICTED, "trust.consensus")


# -- QBFT's seals


def _qbft_extra(headers: list[bytes], change: Callable[[list[Any]], None]) -> None:
    """Changes the extra data of the last header."""
    fields = rlp.decode(headers[-1])
    extra = rlp.decode(fields[EXTRA])
    change(extra)
    fields[EXTRA] = rlp.encode(extra)
    headers[-1] = rlp.encode(fields)


def _seals(change: Callable[[list[bytes]], Any]) -> Callable[[list[bytes]], None]:
    return lambda headers: _qbft_extra(headers, lambda extra: change(extra[4]))


def _below_quorum(seals: list[bytes]) -> None:
    del seals[2:]


def _forged(seals: list[bytes]) -> None:
    seals[0] = seals[0][:32] + bytes(32) + seals[0][64:]


def _by_a_stranger(headers: list[bytes]) -> None:
    fields = rlp.decode(headers[-1])
    headers[-1], _ = qbft(fields, ACCOUNTS, (*KEYS[:3], STRANGER), 0)


def _other_round(headers: list[bytes]) -> None:
    _qbft_extra(headers, lambda extra: extra.__setitem__(3, b"\x01"))


def _field(place: int, value: bytes) -> Callable[[list[bytes]], None]:
    def change(headers: list[bytes]) -> None:
        fields = rlp.decode(headers[-1])
        fields[place] = value
        headers[-1] = rlp.encode(fields)

    return change


@pytest.mark.rule("header-is-sealed")
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_seals(_below_quorum), "seal.quorum"),
        (_seals(lambda seals: seals.__setitem__(1, seals[0])), "seal.duplicate"),
        (_seals(lambda seals: seals.append(seals[0])), "seal.duplicate"),
        (_seals(_forged), "seal.signature"),
        (_seals(list.clear), "seal.quorum"),
        (_by_a_stranger, "seal.stranger"),
        (_other_round, "seal.stranger"),
        (_field(3, keccak256(b"another state")), "seal.stranger"),
        (_field(11, b"\x01"), "seal.stranger"),
        (_field(EXTRA, b"no list"), "trust.headers"),
    ],
    ids=["too few", "one twice", "one more, twice", "forged", "none", "stranger", "round", "state", "time", "form"],
)
def test_a_qbft_block_that_is_not_sealed_is_refused(change: Callable[[list[bytes]], None], rule: str) -> None:
    """A QBFT block carries its seals: where they do not hold there is no such block."""
    assert ended(changed("qbft", change)) == (Verdict.CONTRADICTED, rule)


def test_seals_that_nobody_asks_for_change_nothing() -> None:
    """Of a run of headers the last one's seals are checked, and the others' hashes: QBFT names blocks without seals."""

    def unseal(headers: list[bytes]) -> None:
        fields = rlp.decode(headers[-2])
        extra = rlp.decode(fields[EXTRA])
        fields[EXTRA] = rlp.encode([*extra[:4], []])
        headers[-2] = rlp.encode(fields)

    assert changed("qbft", unseal).verdict is Verdict.VALID


# -- Clique's descendants


def _resealed(*keys: Any) -> Callable[[list[bytes]], None]:
    """The last headers sealed again by these keys, each the parent of the next."""

    def change(headers: list[bytes]) -> None:
        parent: bytes | None = None
        for place, key in enumerate(keys, start=len(headers) - len(keys)):
            fields = rlp.decode(headers[place])
            fields[0] = parent or fields[0]
            headers[place], parent = clique(fields, key)

    return change


def _without_a_parent(headers: list[bytes]) -> None:
    fields = rlp.decode(headers[-2])
    fields[0] = keccak256(b"elsewhere")
    headers[-2], _ = clique(fields, KEYS[0])


def _forged_seal(headers: list[bytes]) -> None:
    fields = rlp.decode(headers[-1])
    fields[EXTRA] = fields[EXTRA][:-33] + bytes(33)
    headers[-1] = rlp.encode(fields)


@pytest.mark.rule("header-is-sealed")
@pytest.mark.parametrize(
    ("change", "verdict", "rule"),
    [
        (_resealed(KEYS[0], KEYS[1], KEYS[0]), Verdict.CONTRADICTED, "seal.duplicate"),
        (_resealed(KEYS[0], KEYS[1], STRANGER), Verdict.CONTRADICTED, "seal.stranger"),
        (_forged_seal, Verdict.CONTRADICTED, "seal.signature"),
        (_without_a_parent, Verdict.CONTRADICTED, "trust.headers"),
        (_field(3, keccak256(b"another state")), Verdict.CONTRADICTED, "seal.stranger"),
        (lambda headers: headers.pop(), Verdict.UNDECIDED, "seal.quorum"),
        (lambda headers: headers.__delitem__(slice(-3, None)), Verdict.UNDECIDED, "seal.quorum"),
        (lambda headers: headers.pop(-2), Verdict.UNDECIDED, "seal.quorum"),
    ],
    ids=["one twice", "stranger", "forged", "link", "another state", "one too few", "none", "a gap"],
)
def test_a_clique_block_that_others_did_not_build_upon_is_refused(
    change: Callable[[list[bytes]], None], verdict: Verdict, rule: str
) -> None:
    assert ended(changed("clique", change)) == (verdict, rule)


def test_a_block_of_a_stranger_is_refused_though_the_trusted_built_upon_it() -> None:
    report = changed("clique", _resealed(STRANGER, *KEYS[:3]))
    assert ended(report) == (Verdict.CONTRADICTED, "seal.stranger")


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda headers: headers.reverse(), "trust.headers"),
        (lambda headers: headers.__setitem__(2, headers[1]), "trust.headers"),
        (lambda headers: headers.__setitem__(2, headers[2] + b"\0"), "trust.headers"),
    ],
    ids=["reversed", "twice", "bytes left over"],
)
def test_headers_out_of_order_contradict(consensus: str, change: Callable[[list[bytes]], None], rule: str) -> None:
    assert ended(changed(consensus, change)) == (Verdict.CONTRADICTED, rule)


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_headers_taken_out_are_missing(consensus: str) -> None:
    assert changed(consensus, lambda headers: headers.pop(0)).verdict is Verdict.UNDECIDED
    assert ended(changed(consensus, list.clear)) == (Verdict.UNDECIDED, "trust.headers")


# -- the form


def test_a_trust_is_read_as_it_was_written() -> None:
    trust = trusting("clique")
    assert Trust.from_json(trust.to_json()) == trust


@pytest.mark.parametrize(
    ("validators", "error"),
    [([], WrongVersion), (None, InvalidFormat), ({}, InvalidFormat), ({"format": "deedbook.trust"}, InvalidFormat)],
)
def test_a_trust_of_version_3_says_who_seals(validators: Any, error: type[Exception]) -> None:
    stated = json.loads(trusting("qbft").to_json())
    with pytest.raises(error):
        Trust.from_json(json.dumps({**stated, "validators": validators}).encode())


def test_a_bundle_of_version_3_says_how_its_chain_agrees() -> None:
    stated = json.loads(exported("qbft"))
    for consensus, rule in (("instant", "format.invalid-format"), ("clique", "trust.consensus")):
        stated["chain"]["consensus"] = consensus
        assert verify(canonical_json(stated), trusting("qbft")).rule == rule
    del stated["chain"]["consensus"]
    assert verify(canonical_json(stated), trusting("qbft")).rule == "format.wrong-version"


# -- the export


def test_what_is_not_final_is_not_exported() -> None:
    young = honest().publish(sealers=Sealers("clique", KEYS), after=0)
    with pytest.raises(ChainUnavailable):
        export_sale(_readers(young), young.history.sales[0].sale, block=young.last)
    assert Bundle.from_bytes(exported("clique")).block_number < len(network("clique").headers) - 3


def test_a_chain_too_short_for_a_final_block_is_not_exported() -> None:
    young = honest().publish(sealers=Sealers("clique", keys_of(200)), after=0)
    with pytest.raises(NotFound):  # nothing but the first block is final
        export_sale(_readers(young), young.history.sales[0].sale)


def test_a_chain_of_strangers_is_not_exported() -> None:
    foreign = honest().publish(sealers=Sealers("clique", (STRANGER, *KEYS[1:])))
    known = replace(readers(foreign), validators=trusting("clique").validators)
    with pytest.raises((IntegrityError, EvidenceMissing)) as refused:
        export_sale(known, foreign.history.sales[0].sale)
    assert refused.value.fields["rule"] in ("seal.stranger", "seal.validators")
