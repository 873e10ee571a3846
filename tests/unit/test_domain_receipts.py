"""Receipts by the million are, byte for byte, those that are made one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.codes import Licence, Mode, Purpose
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent
from deedbook.domain.hashing import sha256
from deedbook.domain.receipts import Answer, ConsentReceipt, ReceiptForm
from deedbook.errors import InvalidFormat

DOMAIN = ConsentDomain(31337, bytes([0xC5]) * 20)
KINDS: list[dict[str, Any]] = [
    {"recipient": bytes(20), "recipient_class": Licence.EMPLOYER, "modes": Mode.RAW, "cross_border": False},
    {"recipient": bytes([7]) * 20, "recipient_class": 0, "modes": Mode.RAW | Mode.CALL, "cross_border": True},
]


def receipt(number: int, kind: dict[str, Any], statement: str) -> ConsentReceipt:
    consent = Consent(
        subject=sha256(b"subject %d" % number)[:20],
        asset_id=2**255 + 1,
        controller=sha256(b"controller")[:20],
        purpose=Purpose.RECRUITMENT,
        notice_hash=sha256(b"notice"),
        record_commit=sha256(b"record %d" % number),
        valid_from=number,
        valid_until=3 * number,
        statement=statement,
        salt=sha256(b"salt %d" % number),
        **kind,
    )
    signed = SignedConsent(DOMAIN, consent, sha256(b"r %d" % number) + sha256(b"s %d" % number) + b"\x1b")
    return ConsentReceipt(signed, "zh-CN", consent.controller, 5 * number, sha256(b"x %d" % number) * 2 + b"\x1c")


@given(
    number=st.integers(0, 2**50),
    kind=st.sampled_from(KINDS),
    statement=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1)
    | st.just('本人同意 "\\" 100%s'),
)
@settings(deadline=None)
def test_a_filled_form_is_the_receipt(number: int, kind: dict[str, Any], statement: str) -> None:
    one = receipt(number, kind, statement)
    form = ReceiptForm(DOMAIN, one.signed.consent.asset_id, one.signed.consent.terms, one.language, one.collector)
    filled = form.fill(one.answered, one.signed.consent.valid_from, one.signed.consent.valid_until)
    assert filled == one.encode()
    assert ConsentReceipt.from_json(json.loads(filled)) == one


def test_a_receipt_is_its_consent_and_an_answer() -> None:
    one = receipt(3, KINDS[0], "I agree.")
    answer = one.answered.answer
    assert Answer.decode(answer.encode()) == answer
    assert ConsentReceipt.of(SignedConsent.decode(one.answered.document), answer) == one


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", receipt(3, KINDS[0], "I agree.").encode()])
def test_an_answer_has_its_four_fields(data: bytes) -> None:
    with pytest.raises(InvalidFormat):
        Answer.decode(data)
