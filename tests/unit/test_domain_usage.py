"""Metered use: receipts in order, of one sale and one gateway, inside the period; reports that a wallet can show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_account.messages import encode_typed_data

from deedbook.domain.hashing import ZERO32, keccak256, sha256
from deedbook.domain.merkle import rfc9162_root
from deedbook.domain.usage import (
    UsageDomain,
    UsageReceipt,
    UsageReport,
    receipts_in,
    report_digest,
    report_of,
    report_typed_data,
)
from deedbook.errors import InvalidFormat, InvalidInput

SALE, GATEWAY = sha256(b"sale"), bytes([9]) * 20


def use(number: int, **changes: Any) -> UsageReceipt:
    made = UsageReceipt(SALE, GATEWAY, number, 1000 + number, 1, sha256(b"question"), sha256(b"answer"))
    return replace(made, **changes)


def test_a_period_counts_units_and_commits_to_every_receipt() -> None:
    receipts = [use(4), use(5, units=7)]
    report = report_of(SALE, 1000, 1010, receipts, after=3)
    root = rfc9162_root([receipt.encode() for receipt in receipts])
    assert report == UsageReport(SALE, 1000, 1010, 8, root)
    assert report_of(SALE, 1000, 1010, []) == UsageReport(SALE, 1000, 1010, 0, ZERO32)


@pytest.mark.parametrize(
    ("receipts", "words"),
    [
        ([use(1, sale_id=sha256(b"another"))], "is of another sale"),
        ([use(1), use(2, gateway=bytes(20))], "is by another gateway"),
        ([use(2)], "stands where use 1 belongs"),
        ([use(1), use(3)], "stands where use 2 belongs"),
        ([use(1), use(1)], "stands where use 2 belongs"),
        ([use(1, at=999)], "is not in the period"),
        ([use(1, at=1010)], "is not in the period"),
    ],
)
def test_what_does_not_belong_is_named(receipts: list[UsageReceipt], words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        report_of(SALE, 1000, 1010, receipts)
    assert (refused.value.field, words in refused.value.reason) == ("receipts", True)


@pytest.mark.parametrize("change", [{"number": 0}, {"units": 0}, {"at": -1}, {"gateway": bytes(19)}])
def test_a_receipt_has_one_shape(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(use(1), **change)
    assert refused.value.field in change


def test_a_line_that_is_no_receipt_is_named() -> None:
    assert receipts_in([use(1).encode()]) == (use(1),)
    with pytest.raises(InvalidFormat) as refused:
        receipts_in([use(1).encode(), b"{}"])
    assert refused.value.field == "line 2"


def test_the_digest_is_that_of_the_typed_data() -> None:
    domain, report = UsageDomain(20230415, bytes([7]) * 20), UsageReport(SALE, 0, 2**53 - 1, 2**64 - 1, sha256(b"root"))
    hashed = encode_typed_data(full_message=report_typed_data(domain, report))
    assert report_digest(domain, report) == keccak256(b"\x19\x01" + hashed.header + hashed.body)
