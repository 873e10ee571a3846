from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deedbook.domain.assets import Descriptor, Field, Version, asset_id, version_key
from deedbook.domain.codes import AssetKind
from deedbook.errors import InvalidFormat, InvalidInput, WrongVersion

VERSION = Version(b"\x01" * 32, 500, b"\x02" * 32)
WAGE = Field("wage", "decimal", "USD", "Weekly wage.")
DESCRIPTOR = Descriptor(
    language="en",
    title="Resumes",
    description="Wages and schooling.",
    kind=AssetKind.PERSONAL,
    fields=(WAGE, Field("name", "text", "", "Synthetic.")),
    period_from=0,
    period_until=1,
    source="US Census Bureau",
    quality={"completeness": "1"},
    record_count=500,
    size=272_500,
)


@pytest.mark.rule("asset-id-is-the-registrants")
def test_an_asset_is_its_registrants_under_a_salt_on_one_chain() -> None:
    ids = {
        asset_id(chain, contract, registrant, salt)
        for chain in (1, 2)
        for contract in (bytes(20), b"\x01" * 20)
        for registrant in (bytes(20), b"\x01" * 20)
        for salt in (bytes(32), b"\x01" * 32)
    }
    assert len(ids) == 16


def test_a_version_key_binds_all_that_a_version_says() -> None:
    others = (replace(VERSION, record_count=499), replace(VERSION, content_root=bytes(32)))
    keys = {version_key(7, VERSION), version_key(8, VERSION), *(version_key(7, other) for other in others)}
    assert len(keys) == 4


def test_a_version_is_read_from_its_event() -> None:
    args = {"assetId": 7, "contentRoot": b"\x01" * 32, "recordCount": 500, "descriptorHash": b"\x02" * 32}
    assert Version.from_args(args) == VERSION
    assert VERSION.as_tuple() == (b"\x01" * 32, 500, b"\x02" * 32)


def test_a_descriptor_reads_back_and_its_hash_follows_from_every_field() -> None:
    assert Descriptor.decode(DESCRIPTOR.encode()) == DESCRIPTOR
    assert replace(DESCRIPTOR, size=1).hash != DESCRIPTOR.hash


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: replace(VERSION, content_root=b""), "contentRoot"),
        (lambda: replace(VERSION, record_count=2**64), "recordCount"),
        (lambda: replace(VERSION, descriptor_hash=b""), "descriptorHash"),
        (lambda: asset_id(1, bytes(19), bytes(20), bytes(32)), "address"),
        (lambda: asset_id(1, bytes(20), bytes(20), bytes(31)), "bytes32"),
        (lambda: replace(DESCRIPTOR, kind=5), "kind"),
        (lambda: replace(DESCRIPTOR, fields=()), "fields"),
        (lambda: replace(DESCRIPTOR, fields=(WAGE, WAGE)), "fields"),
        (lambda: replace(DESCRIPTOR, title=""), "title"),
        (lambda: replace(DESCRIPTOR, source="a\u200bb"), "source"),
        (lambda: replace(DESCRIPTOR, quality={"a": ""}), "quality.a"),
        (lambda: replace(DESCRIPTOR, period_from=-1), "period.from"),
        (lambda: replace(DESCRIPTOR, size=-1), "size"),
        (lambda: replace(WAGE, type="float"), "field.type"),
        (lambda: replace(WAGE, name=""), "field.name"),
        (lambda: replace(WAGE, unit="\x00"), "field.unit"),
    ],
)
def test_a_value_of_another_shape_is_refused_by_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make()
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.pop("title"),
        lambda told: told.update(price=1),
        lambda told: told.update(quality=[]),
        lambda told: told.update(period={"from": 0}),
        lambda told: told.update(fields=["wage"]),
        lambda told: told.update(kind="1"),
    ],
)
def test_a_document_of_another_form_is_refused(change: Callable[[Any], Any]) -> None:
    told = DESCRIPTOR.to_json()
    change(told)
    with pytest.raises(InvalidFormat):
        Descriptor.from_json(told)


def test_a_later_version_is_refused_as_such() -> None:
    with pytest.raises(WrongVersion):
        Descriptor.from_json(DESCRIPTOR.to_json() | {"version": 2})
