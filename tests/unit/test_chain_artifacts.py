"""The committed contracts: present, within the limits of the chain, and laid out as the designs count on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deedbook.chain import artifacts, compiler
from deedbook.chain.compiler import CONTRACTS, compile_contracts, render, stale, write
from deedbook.errors import InvalidInput

MOST_BYTES = 24_576


@pytest.mark.parametrize("name", artifacts.NAMES)
def test_an_artifact_has_what_a_deployment_and_an_auditor_need(name: str) -> None:
    artifact = artifacts.load(name)
    assert list(artifact) == ["abi", "bytecode", "deployedBytecode", "storageLayout", "metadataHash"]
    assert any(item["type"] == "constructor" for item in artifact["abi"])
    assert bytes.fromhex(artifact["bytecode"][2:])
    assert len(bytes.fromhex(artifact["metadataHash"][2:])) == 32


@pytest.mark.parametrize("name", artifacts.NAMES)
def test_a_contract_fits_the_size_limit_of_every_chain(name: str) -> None:
    assert len(bytes.fromhex(artifacts.load(name)["deployedBytecode"][2:])) < MOST_BYTES


def test_an_unknown_contract_has_no_artifact() -> None:
    with pytest.raises(FileNotFoundError):
        artifacts.load("Nothing")


@pytest.mark.parametrize(
    ("contract", "struct", "size"),
    [
        ("Membership", "Standing", 32),
        ("Membership", "Member", 128),
        ("Cases", "Case", 64),
        ("Attestations", "Statement", 32),
        ("DataAssets", "Entry", 32),
        ("DataAssets", "Right", 32),
        ("Consents", "Binding", 96),
        ("Consents", "Mark", 32),
        ("Market", "Deal", 64),
        ("Market", "OfferState", 32),
        ("Market", "Policy", 32),
        ("Revenue", "Entry", 64),
        ("Revenue", "Payable", 32),
        ("Usage", "Meter", 32),
        ("AnchorLog", "Checkpoint", 64),
    ],
)
def test_a_packed_struct_keeps_to_its_words(contract: str, struct: str, size: int) -> None:
    types = artifacts.load(contract)["storageLayout"]["types"]
    assert int(types[f"t_struct({struct})_storage"]["numberOfBytes"]) == size


def test_a_batch_of_any_size_is_one_word() -> None:
    layout = artifacts.load("Consents")["storageLayout"]
    (kept,) = [each["type"] for each in layout["storage"] if each["label"] == "_batches"]
    assert layout["types"][layout["types"][kept]["value"]]["numberOfBytes"] == "32"


def test_a_layout_names_no_node_of_the_compiler() -> None:
    for name in artifacts.NAMES:
        text = json.dumps(artifacts.load(name)["storageLayout"])
        assert "astId" not in text
        assert not [part for part in text.split(")")[1:] if part[:1].isdigit()]


def test_loading_artifacts_is_cheap() -> None:
    script = (
        "import sys; from deedbook.chain import artifacts; artifacts.load('Cases');"
        "heavy = {'web3', 'solcx', 'eth_abi', 'pydantic', 'sqlalchemy', 'typer'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_changed_missing_or_foreign_artifact_is_stale(tmp_path: Path) -> None:
    built = {name: artifacts.load(name) for name in ("Cases", "Membership", "Market")}
    write(built, tmp_path)
    assert stale(built, tmp_path) == []
    (tmp_path / "Cases.json").write_text(render({**built["Cases"], "bytecode": "0x00"}), encoding="utf-8")
    (tmp_path / "Market.json").unlink()
    (tmp_path / "Former.json").write_text("{}", encoding="utf-8")
    assert stale(built, tmp_path) == ["Cases", "Market", "Former"]


def test_only_contracts_of_a_deployment_are_compiled() -> None:
    with pytest.raises(InvalidInput) as refusal:
        compile_contracts(CONTRACTS, ["Probe"])
    assert refusal.value.field == "name"


def test_a_contract_with_warnings_is_refused() -> None:
    message = {"errorCode": "2072", "formattedMessage": "Warning: Unused local variable."}
    with pytest.raises(InvalidInput) as refusal:
        compiler._refuse([message], [6335])
    assert refusal.value.field == "contracts"
    compiler._refuse([{**message, "errorCode": "6335"}], [6335])


@pytest.mark.slow
@pytest.mark.skipif(not (CONTRACTS / "node_modules" / "solc").is_dir(), reason="no compiler: npm ci in contracts")
def test_the_committed_artifacts_are_what_the_sources_make() -> None:
    assert stale(compile_contracts(CONTRACTS)) == []
