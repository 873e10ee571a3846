"""Consents read by one pattern are what `SignedConsent` reads, and nothing else is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.codes import Licence, Mode, Purpose
from deedbook.domain.consent_documents import ConsentRead, ConsentReader, commitment_in
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent
from deedbook.domain.hashing import canonical_json, sha256
from deedbook.domain.notices import Notice, Sentences, load_notice, render_statement, with_statement
from deedbook.errors import DeedbookError, InvalidFormat, InvalidInput, InvalidSignature, WrongVersion

DOMAIN = ConsentDomain(31337, bytes([0xC5]) * 20)
NOTICE = load_notice("zh-CN", controller='a "merchant" of \\ goods', contact="by post", asset_title="wage records")
OTHER = load_notice("en", controller="a bank", contact="by post", asset_title="wage records")
FIRST = 1_700_000_000


def consent(number: int, notice: Notice = NOTICE, **change: Any) -> SignedConsent:
    made = Consent(
        subject=sha256(b"subject %d" % number)[:20],
        asset_id=7,
        controller=sha256(b"controller")[:20],
        recipient=bytes(20),
        recipient_class=Licence.EMPLOYER,
        purpose=Purpose.RECRUITMENT,
        modes=Mode.RAW,
        cross_border=False,
        notice_hash=notice.hash,
        record_commit=sha256(b"record %d" % number),
        valid_from=FIRST + number,
        valid_until=FIRST + 2 * number + 1000,
        statement="-",
        salt=sha256(b"salt %d" % number),
    )
    signature = sha256(b"r %d" % number) + sha256(b"s %d" % number) + b"\x1b"
    return SignedConsent(DOMAIN, with_statement(notice, replace(made, **change)), signature)


def test_a_quote_is_no_sentence_of_times_that_have_none() -> None:
    """Beyond the last year that has a name nothing is said, so nothing stands there."""
    reader, good = ConsentReader(DOMAIN, {NOTICE.hash: NOTICE}), consent(1).encode()
    reader.read(good)
    start, end = good.index(b'"statement":"') + 13, good.index(b'","subject":')
    odd = good[:start] + b'"' + re.sub(rb'"validUntil":[0-9]+', b'"validUntil":9007199254740991', good[end:])
    for document in (good[:start] + b'"' + good[end:], odd):
        with pytest.raises(InvalidFormat):
            reader.read(document)


def test_times_of_any_length_are_read_as_they_are_read_alone() -> None:
    reader = ConsentReader(DOMAIN, {NOTICE.hash: NOTICE})
    spans = [(FIRST, FIRST + 9), (5, FIRST), (5, 99), (FIRST, 10**10), (0, 0), (FIRST + 1, FIRST + 9)] * 2
    for number, (since, until) in enumerate(spans):
        document = consent(number, valid_from=since, valid_until=until).encode()
        assert reader.read(document) == ConsentReader(DOMAIN, {NOTICE.hash: NOTICE}).read(document)


def test_the_commitment_is_read_by_its_place() -> None:
    for notice in (NOTICE, OTHER):
        signed = consent(5, notice)
        assert commitment_in(signed.encode()) == signed.consent.record_commit


def test_no_commitment_is_read_elsewhere() -> None:
    document = consent(5).encode()
    start = document.index(b',"recordCommit":"')
    odd = document[: start + 20] + b"g" + document[start + 21 :]
    for broken in (b"{}", document[: start + 40], document[:start] + document[start + 1 :], odd):
        with pytest.raises(InvalidFormat) as refusal:
            commitment_in(broken)
        assert refusal.value.field == "recordCommit"


def reader() -> ConsentReader:
    return ConsentReader(DOMAIN, {NOTICE.hash: NOTICE, OTHER.hash: OTHER})


@pytest.fixture
def warm() -> ConsentReader:
    """One that has met the kind of consents that are asked about."""
    found = reader()
    found.read(consent(0).encode())
    found.read(consent(0, OTHER).encode())
    return found


def strictly(signed: SignedConsent) -> tuple[Any, ...]:
    made = signed.consent
    return (signed.consent_id, made.subject, made.valid_from, made.valid_until, signed.signature, signed.encode())


def fields(read: ConsentRead) -> tuple[Any, ...]:
    return (
        *reader().consent_ids([read]),
        read.subject,
        read.valid_from,
        read.valid_until,
        read.signature,
        read.document,
    )


@given(number=st.integers(0, 2**32), notice=st.sampled_from([NOTICE, OTHER]), since=st.integers(0, 253_402_300_799))
@settings(max_examples=60, deadline=None)
def test_what_is_read_is_what_the_one_consent_says(number: int, notice: Notice, since: int) -> None:
    found = reader()
    found.read(consent(0, notice).encode())
    signed = consent(number, notice, valid_from=since, valid_until=FIRST)
    assert fields(found.read(signed.encode())) == fields(reader().read(signed.encode())) == strictly(signed)


def test_consents_of_several_kinds_are_told_apart(warm: ConsentReader) -> None:
    changes: list[dict[str, Any]] = [{}, {"modes": Mode.RAW | Mode.CALL}, {"asset_id": 8}, {"cross_border": True}]
    changes += [{"recipient": bytes([9]) * 20}, {"purpose": Purpose.RESEARCH}]
    signed = [consent(number, **change) for number in (1, 2) for change in changes]
    read = [warm.read(each.encode()) for each in signed]
    assert [fields(each) for each in read] == [strictly(each) for each in signed]
    assert len({each.kind for each in read}) == len(changes)
    for each, one in zip(signed, read, strict=True):
        terms = replace(each.consent.terms, valid_from=0, valid_until=0)
        assert (one.kind.asset_id, one.kind.terms) == (each.consent.asset_id, terms)


def test_a_document_in_another_spelling_is_the_same_consent(warm: ConsentReader) -> None:
    signed = consent(5)
    spaced = json.dumps(signed.to_json(), ensure_ascii=True, indent=1).replace("\n", " ").encode()
    assert fields(warm.read(spaced)) == strictly(signed)


def changed(path: str, value: Any) -> bytes:
    document = consent(5).to_json()
    inner = document["consent"] if path in document["consent"] else document
    inner[path] = value
    return canonical_json(document)


def upper(name: str) -> bytes:
    value = consent(5).to_json()
    inner = value["consent"] if name in value["consent"] else value
    return changed(name, "0x" + inner[name][2:].upper())


BAD: dict[str, tuple[bytes, type[DeedbookError], str]] = {
    "chain": (changed("chainId", "1"), InvalidInput, "chainId"),
    "contract": (changed("contract", "0x" + "11" * 20), InvalidInput, "contract"),
    "notice": (changed("noticeHash", "0x" + "11" * 32), InvalidInput, "noticeHash"),
    "statement": (changed("statement", "I agree."), InvalidInput, "statement"),
    "hidden sign": (changed("statement", "\u200b" + consent(5).consent.statement), InvalidInput, "statement"),
    "purpose": (changed("purpose", 3), InvalidInput, "statement"),
    "times": (changed("validUntil", FIRST), InvalidInput, "statement"),
    "no time": (changed("validUntil", 2**53 - 1), InvalidInput, "validUntil"),
    "signature": (changed("signature", "0x" + "11" * 64), InvalidSignature, "signature"),
    "upper signature": (upper("signature"), InvalidFormat, "deedbook.consent.signature"),
    "upper subject": (upper("subject"), InvalidFormat, "consent.subject"),
    "upper salt": (upper("salt"), InvalidFormat, "consent.salt"),
    "upper commit": (upper("recordCommit"), InvalidFormat, "consent.recordCommit"),
    "no digits": (changed("salt", "0x" + "zz" * 32), InvalidFormat, "consent.salt"),
    "short": (changed("salt", "0x" + "11" * 31), InvalidFormat, "consent.salt"),
    "more": (changed("more", 1), InvalidFormat, "deedbook.consent"),
    "version": (changed("version", 2), WrongVersion, "version"),
    "format": (changed("format", "deedbook.receipt"), InvalidFormat, "format"),
    "text for a number": (changed("validFrom", "1"), InvalidFormat, "consent.validFrom"),
    "cut": (consent(5).encode()[:-1], InvalidFormat, "deedbook.consent"),
    "begun": (consent(5).encode()[:300], InvalidFormat, "deedbook.consent"),
    "empty": (b"", InvalidFormat, "deedbook.consent"),
    "no UTF-8": (consent(5).encode().replace(b"wage", b"\xff\xfe\xfd\xfc"), InvalidFormat, "deedbook.consent"),
    "duplicate key": (consent(5).encode()[:-1] + b',"version":1}', InvalidFormat, "deedbook.consent"),
    "after it": (consent(5).encode() + b"}", InvalidFormat, "deedbook.consent"),
}


@pytest.mark.parametrize("make", [reader, lambda: warmed()], ids=["strange", "met before"])
@pytest.mark.parametrize("case", BAD)
def test_what_breaks_a_rule_is_refused_by_its_field(case: str, make: Callable[[], ConsentReader]) -> None:
    document, error, field = BAD[case]
    with pytest.raises(error) as refused:
        make().read(document)
    assert isinstance(refused.value, InvalidInput)
    assert (type(refused.value), refused.value.field) == (error, field)


def warmed() -> ConsentReader:
    found = reader()
    found.read(consent(0).encode())
    return found


def test_sentences_of_other_times_are_those_of_the_notice() -> None:
    for notice in (NOTICE, OTHER):
        sentences = Sentences(notice, consent(0, notice).consent)
        for number in range(3):
            made = consent(number, notice).consent
            plain, canonical = sentences.between(made.valid_from, made.valid_until)
            assert plain.decode() == render_statement(notice, made)
            assert b'"' + canonical + b'"' == canonical_json(plain.decode())
