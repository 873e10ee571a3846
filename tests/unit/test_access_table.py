"""The access matrix of the contracts (`contracts/test/access.json`) names every function that their ABIs have.

What each cell says is executed by Foundry (`contracts/test/Access*.t.sol`), which fails for a row that it does not try.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain import abis, artifacts

CONTRACTS = Path(__file__).parents[2] / "contracts"
TABLE: dict[str, Any] = json.loads((CONTRACTS / "test" / "access.json").read_text(encoding="utf-8"))
FIXTURE = (CONTRACTS / "test" / "Access.t.sol").read_text(encoding="utf-8")
GROUPS = {"outsiders", "others"}
REFUSALS = {member.signature for name in artifacts.NAMES for member in abis.errors(name).values()}
OUTCOMES = {"allowed", "no answer"} | REFUSALS


def _functions(contract: str, *, views: bool) -> list[str]:
    return sorted(
        abis.Member(contract, item["name"], tuple(item["inputs"]), ()).signature
        for item in artifacts.load(contract)["abi"]
        if item["type"] == "function" and (item["stateMutability"] in ("view", "pure")) == views
    )


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    for contract, part in TABLE.items():
        for row in part["acts"]:
            yield f"{contract}.{row['signature']}", row


def test_the_matrix_has_every_contract() -> None:
    assert sorted(TABLE) == sorted(artifacts.NAMES)


@pytest.mark.parametrize("contract", artifacts.NAMES)
def test_every_act_of_a_contract_is_in_the_matrix(contract: str) -> None:
    assert sorted(row["signature"] for row in TABLE[contract]["acts"]) == _functions(contract, views=False)


@pytest.mark.parametrize("contract", artifacts.NAMES)
def test_every_view_of_a_contract_is_in_the_matrix(contract: str) -> None:
    assert sorted(TABLE[contract]["views"]) == _functions(contract, views=True)


@pytest.mark.parametrize(("place", "row"), list(_rows()))
def test_a_row_says_of_everybody_what_happens(place: str, row: dict[str, Any]) -> None:
    assert set(row) <= {"signature", "outcomes", "relayed"}, place
    for outcomes in (row["outcomes"], row.get("relayed", row["outcomes"])):
        assert "others" in outcomes
        assert set(outcomes.values()) <= OUTCOMES
        for actor in outcomes.keys() - GROUPS:
            assert f'"{actor}"' in FIXTURE, f"nobody is called {actor}"
    refusing = {outcome for outcome in row["outcomes"].values() if outcome != "allowed"}
    if refusing - {"no answer"}:
        assert {"suspended", "expelled"} <= row["outcomes"].keys(), "say what befalls the suspended and the expelled"


def test_nothing_that_is_relayed_calls_itself_by_delegation() -> None:
    """ERC-2771 beside a `multicall` by delegatecall lets anybody append a sender."""
    ours = [name for name in artifacts.NAMES if "trustedForwarder" in abis.functions(name)]
    assert len(ours) == len(artifacts.NAMES) - 2
    for name in ours:
        assert "multicall" not in abis.functions(name)
    sources = (CONTRACTS / "src").rglob("*.sol")
    assert not [path.name for path in sources if "delegatecall" in path.read_text(encoding="utf-8")]
