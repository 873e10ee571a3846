"""The demo's firms: the same for the same seed, told apart, synthetic in every record."""

from __future__ import annotations

import pytest

from deedbook.cli.demo.firms import FIELDS, MONTHS, firms, reading_of
from deedbook.domain.hashing import canonical_json, sha256, to_hex
from deedbook.errors import InvalidInput


def test_a_seed_gives_the_same_firms_everywhere() -> None:
    made = canonical_json([firm.record() for firm in firms(500)])
    assert to_hex(sha256(made)) == "0xe43d51152e14ba1a7466e8e3f335412387725d38e83ad3f975e903d7d918f2a5"
    assert firms(3) == firms(500)[:3] != firms(3, bytes(32))


def test_firms_are_told_apart_and_say_that_they_are_synthetic() -> None:
    crowd = firms(500)
    assert len({firm.code for firm in crowd}) == len({firm.name for firm in crowd}) == 500
    for firm in crowd:
        record = firm.record()
        assert record["synthetic"] is True
        assert "Synthetic" in record["name"]
        assert record["code"].startswith("SYNTHETIC")
        assert [name for name, *_ in FIELDS] == list(record)


def test_use_is_of_every_month_and_differs_between_firms() -> None:
    crowd = firms(500)
    assert all(len(firm.use) == len(MONTHS) and min(firm.use) >= 0 for firm in crowd)
    readings = [reading_of(firm.record()) for firm in crowd]
    assert len({each.mean for each in readings}) > 450
    assert any(each.idle for each in readings)
    assert any(each.idle == 0 for each in readings)
    assert any(each.change < 0 for each in readings)
    assert any(each.change > 0 for each in readings)


def test_a_reading_is_exact() -> None:
    record = {f"kwh{month}": kwh for month, kwh in zip(MONTHS, [100] * 6 + [150] * 5 + [0], strict=True)}
    found = reading_of(record)
    assert (found.mean, found.change, found.idle) == (112, 2500, 1)


@pytest.mark.parametrize("count", [0, -1, 5001])
def test_an_impossible_number_of_firms_is_refused(count: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        firms(count)
    assert (refused.value.field, refused.value.reason) == ("firms", "must be from 1 to 5000")
