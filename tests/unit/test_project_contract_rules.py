"""The table of the contracts' rules is current and whole; its generator reads from the sources who can refuse."""

from __future__ import annotations

from tools.contract_rules import functions_of, main, refusals

SOURCE = """
contract Shop is IShop {
    /// revert Commented(1);
    function sell(uint256 price) external override returns (uint256) {
        if (price == 0) revert ZeroPrice();
        return _check(price);
    }

    function _check(uint256 price) private pure returns (uint256) {
        if (price > 9) revert IShop.TooDear(price);
        return price;
    }

    function unused() internal {}
}
"""


def test_functions_are_read_with_what_they_revert_and_call() -> None:
    found = functions_of(SOURCE)
    assert set(found) == {"sell", "_check", "unused"}
    assert (found["sell"].reverts, found["sell"].open) == ({"ZeroPrice"}, True)
    assert "_check" in found["sell"].calls
    assert (found["_check"].reverts, found["_check"].open) == ({"TooDear"}, False)


def test_a_refusal_is_found_through_libraries() -> None:
    assert refusals("Market")["SandboxFull"] == ["order"]
    assert refusals("Market")["AttesterIsParty"] == ["list", "order"]


def test_the_table_is_current_and_every_rule_has_words_a_function_and_a_test() -> None:
    assert main([]) == 0
