"""The recorder of reverts counts what happened and was compared, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deedbook.chain import abis
from tests.recorder import Watched
from tools.reverts import CHEATS, Sighting, all_errors, forge_sightings, judge, read_unreachable

CASES = "0x" + "c5" * 20
MARKET = "0x" + "3a" * 20
TEST = "0x" + "7f" * 20
HELD = next(selector for selector, member in abis.errors("Cases").items() if member.name == "Held").hex()
ARGUMENT = "ab" * 32


def call(address: str, data: str, output: str = "0x", *children: int, kind: str = "CALL", success: bool = True) -> Any:
    trace = {"address": address, "data": data, "output": output, "kind": kind, "success": success}
    return {"children": list(children), "trace": trace}


def suites(*execution: Any, status: str = "Success") -> dict[str, Any]:
    made = [call(CASES, "0xc0de01ff", kind="CREATE"), call(MARKET, "0xc0de02", kind="CREATE")]
    traces = [["Setup", {"arena": made}], ["Execution", {"arena": list(execution)}]]
    return {"test/A.t.sol:A": {"test_results": {"test_it()": {"status": status, "traces": traces}}}}


def sightings(found: dict[str, Any]) -> list[Sighting]:
    return list(forge_sightings(found, {"Cases": "c0de01", "Market": "c0de02"}))


def refused(*children: int) -> Any:
    return call(MARKET, "0x01", f"0x{HELD}{ARGUMENT}", *children, success=False)


def test_revert_data_that_the_test_stated_is_checked() -> None:
    below = call(CASES, "0x02", f"0x{HELD}{ARGUMENT}", success=False)
    stated = call(CHEATS, f"0xf28dceb3{'00' * 64}{HELD}{ARGUMENT}")
    found = sightings(suites(call(TEST, "0x", "0x", 1, 2), stated, refused(3), below))
    assert found == [Sighting(("Cases", "Held"), "test/A.t.sol:A::test_it()", checked=True)]


def test_revert_data_that_only_its_selector_was_stated_of_is_not_checked() -> None:
    below = call(CASES, "0x02", f"0x{HELD}{ARGUMENT}", success=False)
    found = sightings(suites(call(CHEATS, f"0x11fb5b9c{HELD}"), refused(2), below))
    assert found == [Sighting(("Cases", "Held"), "test/A.t.sol:A::test_it()", checked=False)]


def test_failed_tests_and_unknown_contracts_show_nothing() -> None:
    below = call(CASES, "0x02", f"0x{HELD}{ARGUMENT}", success=False)
    assert sightings(suites(below, status="Failure")) == []
    assert sightings(suites(call(TEST, "0x02", f"0x{HELD}{ARGUMENT}", success=False))) == []


def test_every_error_must_be_seen_checked_or_listed() -> None:
    errors = [("A", "Seen"), ("A", "Checked"), ("A", "Never"), ("A", "Listed")]
    seen = [Sighting(("A", "Seen"), "t1", False), Sighting(("A", "Checked"), "t2", True)]
    assert judge(errors, seen, {("A", "Listed"): "why"}) == [
        "A.Never: never seen",
        "A.Seen: seen in t1, its arguments never checked",
    ]


def test_a_listed_error_that_was_seen_or_is_unknown_leaves_the_list() -> None:
    listed = {("A", "Seen"): "why", ("B", "Gone"): "why"}
    assert judge([("A", "Seen")], [Sighting(("A", "Seen"), "t", True)], listed) == [
        "A.Seen: listed as unreachable, but t saw it",
        "B.Gone: listed as unreachable, but no ABI has it",
    ]


def test_a_listed_error_has_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text('[A]\nSeen = " "\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"A\.Seen has no reason"):
        read_unreachable(path)


def test_the_committed_list_names_errors_of_the_abis(root: Path) -> None:
    assert read_unreachable(root / "tests" / "unreachable_errors.toml").keys() <= set(all_errors())


def test_arguments_count_as_checked_when_all_were_compared_and_equal() -> None:
    assert Watched({}).checked
    compared, read, half, unequal = (Watched({"a": 1, "b": 2}) for _ in range(4))
    assert compared == {"a": 1, "b": 2}
    assert (read["a"], read["b"], half["a"]) == (1, 2, 1)
    assert unequal != {"a": 1}
    assert [each.checked for each in (compared, read, half, unequal)] == [True, True, False, False]
