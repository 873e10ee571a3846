"""Bundles that were changed after an honest export: what each change is called, and how the verification ends."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deedbook.audit.bundle import Bundle
from deedbook.audit.findings import Verdict
from deedbook.audit.policies import AllOf, AnyOf, IsSettled, ShowsConsents, SoldTo
from deedbook.audit.trust import Trust
from deedbook.audit.verify import judge, verify
from deedbook.domain.consents import SignedConsent
from deedbook.domain.hashing import canonical_json, keccak256, sha256, to_hex
from deedbook.domain.keytree import cover_all_but, encode_cover
from deedbook.errors import DeedbookError, WrongVersion
from tests.simulator import (
    BUYER,
    CHAIN,
    DOMAIN,
    EARLY,
    KEYS,
    LATE,
    PEOPLE,
    PROVIDER,
    START,
    Published,
    consent_of,
    everything,
    honest,
    record_of,
    sign,
)

JSON = dict[str, Any]


@cache
def market() -> Published:
    return honest().publish()


@cache
def honest_bytes(sale: int = 0) -> bytes:
    return market().bundle(sale=sale).to_bytes()


def opened(sale: int = 0) -> JSON:
    found: JSON = json.loads(honest_bytes(sale))
    return found


def journal(bundle: JSON, contract: str, nth: int = 0) -> JSON:
    """The nth journal of a contract that has logs."""
    found: list[JSON] = [each for each in bundle["journals"] if each["contract"] == contract and each["logs"]]
    return found[nth]


def flipped(text: str, place: int = -1) -> str:
    """A hex text with another digit at a place."""
    digits = list(text)
    digits[place] = "0" if digits[place] != "0" else "1"
    return "".join(digits)


def swapped(part: str) -> Callable[[JSON], None]:
    """Puts in the same part of the other sale's bundle."""

    def change(bundle: JSON) -> None:
        assert bundle[part] != opened(1)[part]
        bundle[part] = opened(1)[part]

    return change


def put(*path: Any, value: Any) -> Callable[[JSON], None]:
    """Puts a value in a place."""

    def change(bundle: JSON) -> None:
        holder: Any = bundle
        for key in path[:-1]:
            holder = holder[key]
        assert canonical_json(holder[path[-1]]) != canonical_json(value)
        holder[path[-1]] = value

    return change


def taken(*path: Any) -> Callable[[JSON], None]:
    """Takes a place out."""

    def change(bundle: JSON) -> None:
        holder: Any = bundle
        for key in path[:-1]:
            holder = holder[key]
        del holder[path[-1]]

    return change


def flip(*path: Any, digit: int = -1) -> Callable[[JSON], None]:
    """Another digit in a hex text."""

    def change(bundle: JSON) -> None:
        holder: Any = bundle
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = flipped(holder[path[-1]], digit)

    return change


def in_journal(contract: str, change: Callable[[JSON], None], nth: int = 0) -> Callable[[JSON], None]:
    """A change in one journal."""
    return lambda bundle: change(journal(bundle, contract, nth))


def without_last_log(section: JSON) -> None:
    section["logs"].pop()


def without_last_log_and_count(section: JSON) -> None:
    section["logs"].pop()
    section["count"] -= 1


def logs_reversed(section: JSON) -> None:
    section["logs"].reverse()


def later_block(section: JSON) -> None:
    section["logs"][0]["block"] += 1


def documents_swapped(bundle: JSON) -> None:
    first, second = sorted(bundle["documents"])[:2]
    documents = bundle["documents"]
    documents[first], documents[second] = documents[second], documents[first]


def document_renamed(bundle: JSON) -> None:
    name = sorted(bundle["documents"])[0]
    bundle["documents"][flipped(name)] = bundle["documents"].pop(name)


def document_added(bundle: JSON) -> None:
    bundle["documents"][to_hex(sha256(b"idle"))] = to_hex(b"idle")


def document_taken(bundle: JSON) -> None:
    bundle["documents"].pop(sorted(bundle["documents"])[-1])


def consents_swapped(bundle: JSON) -> None:
    batch = bundle["consents"][0]
    batch[0], batch[1] = batch[1], batch[0]


def resigned(person: int, signer: int, **changes: Any) -> Callable[[JSON], None]:
    """A consent with other fields, signed by somebody."""

    def change(bundle: JSON) -> None:
        signed = consent_of(person, **changes)
        signed = replace(signed, signature=sign(KEYS[signer], signed.consent_id))
        bundle["consents"][0][person] = signed.to_json()

    return change


def other_domain(bundle: JSON) -> None:
    signed = SignedConsent.from_json(bundle["consents"][0][0])
    moved = replace(signed, domain=replace(DOMAIN, chain_id=1))
    bundle["consents"][0][0] = replace(moved, signature=sign(KEYS[0], moved.consent_id)).to_json()


def malleable(bundle: JSON) -> None:
    raw = bytes.fromhex(bundle["consents"][0][0]["signature"][2:])
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    other = raw[:32] + (order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big") + bytes((55 - raw[64],))
    bundle["consents"][0][0]["signature"] = to_hex(other)


def section_added(bundle: JSON) -> None:
    bundle["journals"].insert(
        0,
        {
            "contract": "Membership",
            "entity": to_hex(bytes(32)),
            "count": 0,
            "proof": list(map(to_hex, market().bundle().accounts["Membership"])),
            "logs": [],
        },
    )


def idle_section(bundle: JSON) -> None:
    """A journal that is truly empty, and nobody's business."""
    idle = market()._section("Membership", bytes(31) + b"\x01")
    section = {"contract": "Membership", "entity": to_hex(idle.entity), "count": 0, "logs": []}
    bundle["journals"].insert(0, section | {"proof": list(map(to_hex, idle.proof))})


def sections_swapped(bundle: JSON) -> None:
    bundle["journals"][0], bundle["journals"][1] = bundle["journals"][1], bundle["journals"][0]


def empty_section_taken(bundle: JSON) -> None:
    place = next(place for place, each in enumerate(bundle["journals"]) if not each["logs"])
    del bundle["journals"][place]


def header_from_elsewhere(bundle: JSON) -> None:
    bundle["headers"][3] = bundle["headers"][4]


CONTRADICTED: dict[str, tuple[str, Callable[[JSON], None]]] = {
    # swapped with another sale's
    "the other sale's cover": ("cover.hash", swapped("cover")),
    "the other sale's envelope": ("payload.envelope", swapped("envelope")),
    "the other sale's claims": ("claims.acceptedAt", swapped("claims")),
    "the other sale's identifier": ("journal.sale", swapped("sale")),
    "the other sale's journals": ("journal.sale", swapped("journals")),
    # fields changed
    "another chain id": ("trust.chain", put("chain", "chainId", value="1")),
    "another genesis": ("trust.genesis", flip("chain", "genesisHash")),
    "another address of the market": (
        "trust.contracts",
        put("chain", "contracts", "Market", value="0x0000000000000000000000000000000000000001"),
    ),
    "another hash of the pinned block": ("trust.block", flip("chain", "block", "hash")),
    "another format": ("format.invalid-format", put("format", value="deedbook.bundled")),
    "another version": ("format.wrong-version", put("version", value=3)),
    "version 1 with the contracts of version 2": ("format.wrong-version", put("version", value=1)),
    "another kind": ("format.invalid-format", put("kind", value="asset")),
    "a price that was not asked": ("claims.price", put("claims", "price", value="100004")),
    "a count that was not delivered": ("claims.delivered", put("claims", "delivered", value=6)),
    "an amount that nobody is owed": ("claims.perHead", put("claims", "perHead", value="13000")),
    "another certificate": ("claims.certificate", put("claims", "certificate", value=5)),
    "a number as text": ("claims.records", put("claims", "records", value="7")),
    "a flag for a number": ("claims.version", put("claims", "version", value=True)),
    "a claim without evidence": ("claims.blessed", lambda b: b["claims"].update(blessed=True)),
    "a claim left out": ("claims.title", taken("claims", "title")),
    "a key that the format does not know": ("format.invalid-format", lambda b: b.update(note="trust me")),
    "a key in a log that nothing commits to": (
        "format.invalid-format",
        lambda b: journal(b, "Market")["logs"][0].update(transactionHash=to_hex(bytes(32))),
    ),
    # headers, proofs, journals
    "a header of another block": ("trust.headers", header_from_elsewhere),
    "a header with another time": ("trust.headers", flip("headers", 5, digit=-20)),
    "a proof node changed": ("proof.head", in_journal("Revenue", flip("proof", 0))),
    "an account's proof changed": ("proof.account", flip("accounts", "Market", 0)),
    "the account proof of another contract": (
        "proof.account",
        lambda b: b["accounts"].update(Market=b["accounts"]["Revenue"]),
    ),
    "a log changed": ("journal.complete", in_journal("Market", flip("logs", 0, "data"))),
    "a log in another block": ("journal.complete", in_journal("Market", later_block)),
    "logs in another order": ("journal.complete", in_journal("Consents", logs_reversed)),
    "a log hidden": ("journal.complete", in_journal("Consents", without_last_log_and_count)),
    "a payout hidden": ("journal.complete", in_journal("Revenue", without_last_log_and_count)),
    "a journal that is another's": ("proof.head", section_added),
    "a journal that nothing asks for": ("journal.unasked", idle_section),
    "journals out of order": ("format.invalid-format", sections_swapped),
    # people
    "a consent signed by another": ("consents.signature", resigned(2, 4)),
    "a consent for another chain": ("consents.domain", other_domain),
    "a malleable signature": ("consents.signature", malleable),
    "a sentence that the notice does not say": (
        "consents.statement",
        resigned(2, 2, statement="I agree to everything"),
    ),
    "a consent with other fields": ("consents.root", resigned(2, 2, salt=keccak256(b"other"))),
    "a consent narrower than the batch": ("consents.narrower", resigned(2, 2, valid_until=START)),
    "two consents in each other's place": ("consents.end", consents_swapped),
    "the consent of another in the place of one who left": ("consents.end", resigned(LATE, LATE, salt=bytes(32))),
    "one consent too many": ("consents.shown", lambda b: b["consents"][0].append(b["consents"][0][0])),
    # payload
    "a unit changed": ("payload.root", flip("units", 2)),
    "a unit of somebody present made empty": ("payload.root", put("units", 6, value=to_hex(sha256(b"")))),
    "a cover with the one who withdrew": (
        "cover.hash",
        lambda b: b.update(cover=to_hex(encode_cover(cover_all_but(PEOPLE, [record_of(EARLY, True)])))),
    ),
    "documents in each other's place": ("document.hash", documents_swapped),
    "a document under another name": ("document.hash", document_renamed),
    "a document that nothing relies on": ("document.unknown", document_added),
}

UNDECIDED: dict[str, tuple[str, Callable[[JSON], None]]] = {
    "the journals": ("format.section", taken("journals")),
    "the claims": ("format.section", taken("claims")),
    "the consents' section": ("format.section", taken("consents")),
    "one consent": ("consents.shown", taken("consents", 0, 2)),
    "a batch of consents": ("consents.shown", taken("consents", 0)),
    "a document": ("document.missing", document_taken),
    "all documents": ("document.missing", lambda b: b["documents"].clear()),
    "the first header": ("trust.headers", taken("headers", 0)),
    "a header in between": ("trust.headers", taken("headers", 7)),
    "the last header": ("trust.headers", taken("headers", -1)),
    "all headers": ("trust.headers", lambda b: b["headers"].clear()),
    "an account's proof": ("proof.account", taken("accounts", "Market")),
    "the last node of an account's proof": ("proof.account", taken("accounts", "Market", -1)),
    "a head's proof": ("proof.head", in_journal("Market", lambda section: section["proof"].clear())),
    "the last node of a head's proof": ("proof.head", in_journal("Market", taken("proof", -1))),
    "a log": ("journal.logs", in_journal("Market", without_last_log)),
    "a journal": ("journal.missing", taken("journals", 3)),
    "the proof that nothing ever happened": ("journal.missing", empty_section_taken),
    "the cover": ("cover.missing", put("cover", value=None)),
    "the envelope": ("payload.envelope", put("envelope", value=None)),
    "the units": ("payload.units", put("units", value=None)),
    "one unit": ("payload.units", taken("units", 0)),
}


@pytest.mark.parametrize("version", ["", "-2", "-3", "-3-qbft"])
def test_a_recorded_bundle_of_each_version_is_valid(version: str) -> None:
    """What was published once is judged by the rules of its own deployment, for ever."""
    folder = Path(__file__).parent.parent / "vectors" / "recorded"
    report = judge((folder / f"sale{version}.deed").read_bytes(), (folder / f"trust{version}.json").read_bytes())
    assert report.verdict is Verdict.VALID, report.summary


def test_an_honest_bundle_is_valid() -> None:
    report = verify(honest_bytes(), market().trust)
    assert report.verdict is Verdict.VALID
    assert report.claims["delivered"] == PEOPLE - 2
    assert [fact.step for fact in report.findings] == sorted(fact.step for fact in report.findings)
    assert {fact.step for fact in report.findings} == set(range(1, 11))


@pytest.mark.parametrize("name", CONTRADICTED)
def test_a_changed_bundle_is_refused_and_the_lie_named(name: str) -> None:
    rule, change = CONTRADICTED[name]
    bundle = opened()
    change(bundle)
    report = verify(canonical_json(bundle), market().trust)
    assert (report.exit_code, report.rule) == (1, rule), report.summary


@pytest.mark.parametrize("name", UNDECIDED)
def test_evidence_taken_out_leaves_it_undecided(name: str) -> None:
    rule, change = UNDECIDED[name]
    bundle = opened()
    change(bundle)
    report = verify(canonical_json(bundle), market().trust)
    assert (report.exit_code, report.rule) == (3, rule), report.summary


def test_every_flipped_bit_is_found() -> None:
    draw, data = random.Random(1), honest_bytes()
    for _ in range(250):
        changed = bytearray(data)
        place = draw.randrange(len(data))
        changed[place] ^= 1 << draw.randrange(8)
        report = verify(bytes(changed), market().trust)
        asks_for_more = report.rule == "journal.logs"  # a count that grew
        assert report.exit_code == (3 if asks_for_more else 1), (place, report.summary)


def test_every_deleted_key_is_found() -> None:
    draw, paths = random.Random(2), list(everything(opened()))
    for path in [path for path in paths if len(path) < 3] + draw.sample(paths, 100):
        bundle = opened()
        holder: Any = bundle
        for key in path[:-1]:
            holder = holder[key]
        del holder[path[-1]]
        report = verify(canonical_json(bundle), market().trust)
        assert report.exit_code in (1, 3), (path, report.summary)


REPLACEMENTS: list[Any] = [None, [], {}, "", 0, -1, True, "0x", 2**53 - 1, "é"]


def test_every_replaced_value_is_found() -> None:
    draw, paths = random.Random(3), list(everything(opened()))
    for path in draw.sample(paths, 40):
        for value in REPLACEMENTS:
            bundle = opened()
            holder: Any = bundle
            for key in path[:-1]:
                holder = holder[key]
            if type(holder[path[-1]]) is type(value) and holder[path[-1]] == value:
                continue
            if path == ("consents",) and value is None:
                continue  # the public bundle of the same sale
            holder[path[-1]] = copy.deepcopy(value)
            report = verify(canonical_json(bundle), market().trust)
            assert report.exit_code in (1, 3), (path, value, report.summary)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"\xff",
        b'{"format":1,"format":2}',
        b'{"format": "deedbook.bundle"}',
        b"[" * 100_000,
        b'{"version":1e400}',
        b'{"version":NaN}',
        b'"\\ud800"',
    ],
)
def test_what_is_no_bundle_is_refused_without_a_traceback(data: bytes) -> None:
    report = verify(data, market().trust)
    assert report.exit_code in (1, 3)
    assert report.step == 1


def test_another_spelling_of_the_same_json_is_refused() -> None:
    spaced = json.dumps(opened(), sort_keys=True, ensure_ascii=False).encode()
    assert verify(spaced, market().trust).exit_code == 1
    assert verify(honest_bytes() + b"\n", market().trust).exit_code == 1


# -- trust


def test_without_trust_nothing_is_decided() -> None:
    assert judge(honest_bytes(), None).exit_code == 2
    assert judge(honest_bytes(), b"{}").exit_code == 2
    assert judge(honest_bytes(), b"trust me").exit_code == 2
    assert judge(honest_bytes(), market().trust.to_json()).exit_code == 0


def test_the_trust_of_another_chain_contradicts() -> None:
    trust = market().trust
    for other, rule in (
        (replace(trust, chain_id=1), "trust.chain"),
        (replace(trust, genesis_hash=bytes(32)), "trust.genesis"),
        (replace(trust, contracts={**trust.contracts, "Market": bytes(20)}), "trust.contracts"),
        (replace(trust, contracts={**trust.contracts, "Usage": bytes(20)}), "trust.contracts"),
        (replace(trust, blocks={number: bytes(32) for number in trust.blocks}), "trust.block"),
    ):
        report = verify(honest_bytes(), other)
        assert (report.exit_code, report.rule) == (1, rule)


def test_a_block_that_is_not_pinned_decides_nothing() -> None:
    report = verify(honest_bytes(), replace(market().trust, blocks={5: bytes(32)}))
    assert (report.exit_code, report.rule) == (3, "trust.block")


def test_trust_is_read_as_it_was_written() -> None:
    trust = market().trust
    assert Trust.from_json(trust.to_json()) == trust
    stated = json.loads(trust.to_json())
    stated["contracts"] = {name: address.lower() for name, address in stated["contracts"].items()}
    assert Trust.from_json(json.dumps(stated).encode()) == trust


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.update(format="deedbook.bundle"),
        lambda t: t.pop("blocks"),
        lambda t: t.update(more=1),
        lambda t: t.update(chainId=5),
        lambda t: t["blocks"].append({"number": t["blocks"][0]["number"], "hash": to_hex(bytes(32))}),
        lambda t: t["contracts"].update(Market="0x00"),
    ],
)
def test_a_malformed_trust_is_refused(change: Callable[[JSON], None]) -> None:
    stated = json.loads(market().trust.to_json())
    change(stated)
    with pytest.raises(DeedbookError):
        Trust.from_json(canonical_json(stated))


def test_a_trust_of_another_version_is_refused() -> None:
    stated = json.loads(market().trust.to_json()) | {"version": 3}
    with pytest.raises(WrongVersion):
        Trust.from_json(canonical_json(stated))


# -- policies


def test_policies_ask_for_more() -> None:
    trust, public = market().trust, market().bundle(full=False).to_bytes()
    assert verify(honest_bytes(), trust, AllOf(ShowsConsents(), IsSettled(), SoldTo(BUYER))).exit_code == 0
    assert verify(public, trust, ShowsConsents()).exit_code == 3
    assert verify(public, trust, AnyOf(ShowsConsents(), IsSettled())).exit_code == 0
    assert verify(public, trust, SoldTo(PROVIDER)).exit_code == 1
    assert verify(public, trust, AnyOf()).exit_code == 3


def test_bundles_are_read_as_they_were_written() -> None:
    bundle = market().bundle()
    assert Bundle.from_bytes(bundle.to_bytes()) == bundle
    assert bundle.chain_id == CHAIN


def test_a_report_tells_its_facts_in_json() -> None:
    told = verify(honest_bytes(), market().trust).to_json()
    assert canonical_json(told)
    assert (told["verdict"], told["exitCode"]) == ("valid", 0)
