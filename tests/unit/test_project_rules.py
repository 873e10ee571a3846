"""The table of rules is current and every line has a test; its generator finds tests where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.rules_table import Entry, Test, gaps, main, python_tests, shown, solidity_tests

SOLIDITY = """
contract ConsentsTest is Base {
    function _expectHeld() private {
        vm.expectRevert(abi.encodeWithSelector(ICases.Held.selector, TARGET));
    }

    /// @custom:rule hold-stops
    function test_HeldAssetsDoNotMove() public {
        _expectHeld();
    }

    function testFuzz_Other(uint256 x) public {
        vm.expectRevert(abi.encodeWithSelector(IConsents.ZeroCount.selector));
    }

    function helper() internal {}
}
"""
PYTHON = """
@pytest.mark.rule("replay")
def test_twice(chain):
    with pytest.raises(RejectedByContract) as refused:
        chain.send()
    assert (refused.value.contract, refused.value.error) == ("Market", "OfferMismatch")

def test_nothing():
    pass
"""


def test_foundry_tests_show_the_errors_they_or_their_shared_functions_name() -> None:
    assert list(solidity_tests("C.t.sol", SOLIDITY)) == [
        Test("C.t.sol::test_HeldAssetsDoNotMove", frozenset({("Cases", "Held")}), frozenset({"hold-stops"})),
        Test("C.t.sol::testFuzz_Other", frozenset({("Consents", "ZeroCount")}), frozenset()),
    ]


def test_python_tests_show_the_errors_and_rules_they_name() -> None:
    assert list(python_tests("t.py", PYTHON)) == [
        Test("t.py::test_twice", frozenset({("Market", "OfferMismatch")}), frozenset({"replay"})),
        Test("t.py::test_nothing", frozenset(), frozenset()),
    ]


def test_an_entry_is_shown_by_name_error_or_mark() -> None:
    tests = [
        Test("a::test_named", frozenset(), frozenset()),
        Test("a::test_error", frozenset({("Cases", "Held")}), frozenset()),
        Test("a::test_marked", frozenset(), frozenset({"it"})),
        Test("a::test_other", frozenset(), frozenset()),
    ]
    entry = Entry("rule", "it", "words", "", (("Cases", "Held"),), ("*::test_named",))
    assert shown(entry, tests) == ["a::test_named", "a::test_error", "a::test_marked"]


def test_what_nobody_shows_is_named() -> None:
    entry = Entry("rule", "it", "words", "", (("Cases", "Hold"),), ("*::test_gone",))
    found = gaps([entry], [Test("a::test", frozenset(), frozenset({"that"}))], {("Cases", "Held"): "a reason"})
    assert found[:3] == ["it: no test shows it", "it: no test is named *::test_gone", "it: no ABI has Cases.Hold"]
    assert found[-1] == "a::test: marked with the unknown rule that"
    assert "Cases.CaseClosed: no test names it" in found
    assert "Cases.Held: no test names it" not in found


def test_the_table_is_current_and_every_line_has_a_test(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    assert (main([]), capsys.readouterr().out) == (0, "")
