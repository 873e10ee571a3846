"""Builds `chain/artifacts` from `contracts/`, or with `--check` says which of them are stale.

    python -m deedbook.chain.compiler [--check] [--contracts DIR] [NAME ...]

The compiler is the one pinned in `contracts/package-lock.json`, with the settings of `contracts/foundry.toml`: what
forge tests is what is committed. Needs the optional dependency `compile` and `npm ci` in `contracts/`; nothing else
imports this module.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deedbook.chain.artifacts import NAMES
from deedbook.domain.hashing import sha256
from deedbook.errors import InvalidInput, MissingKey

ARTIFACTS = Path(__file__).parent / "artifacts"
CONTRACTS = Path(__file__).parents[3] / "contracts"
LIBRARY = "node_modules/@openzeppelin/contracts"
FROM_LIBRARY = {
    "AccessManager": (f"{LIBRARY}/access/manager/AccessManager.sol", "AccessManager"),
    "Forwarder": (f"{LIBRARY}/metatx/ERC2771Forwarder.sol", "ERC2771Forwarder"),
}
OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout", "metadata"]

Artifact = dict[str, Any]


def compile_contracts(contracts: Path, names: Iterable[str] = NAMES, *, via_ir: bool = False) -> dict[str, Artifact]:
    """The artifacts of `names` as the sources in `contracts` make them now; `via_ir` by the compiler's other pipeline.

    Raises MissingKey without the compiler, InvalidInput where the compiler refuses or warns.
    """
    places = {name: _place(name) for name in names}
    output = _run(contracts, _request(contracts, places.values(), via_ir))
    _refuse(output.get("errors", ()), _settings(contracts).get("ignored_error_codes", ()))
    return {name: _artifact(output["contracts"][file][contract]) for name, (file, contract) in places.items()}


def render(artifact: Mapping[str, Any]) -> str:
    """The text of one artifact file."""
    return json.dumps(artifact, indent=1, ensure_ascii=False) + "\n"


def stale(artifacts: Mapping[str, Artifact], folder: Path = ARTIFACTS) -> list[str]:
    """The names whose committed file is missing or differs, and the files that belong to no contract."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    changed = [name for name, artifact in artifacts.items() if texts.get(name) != render(artifact)]
    return changed + sorted(texts.keys() - set(NAMES))


def write(artifacts: Mapping[str, Artifact], folder: Path = ARTIFACTS) -> None:
    """Replaces the files of these artifacts."""
    for name, artifact in artifacts.items():
        (folder / f"{name}.json").write_text(render(artifact), encoding="utf-8")


def _place(name: str) -> tuple[str, str]:
    if name not in NAMES:
        raise InvalidInput("name", f"{name} is no contract of a deployment")
    return FROM_LIBRARY.get(name, (f"src/{name}.sol", name))


def _settings(contracts: Path) -> dict[str, Any]:
    profile: dict[str, Any] = tomllib.loads((contracts / "foundry.toml").read_text(encoding="utf-8"))["profile"]
    settings: dict[str, Any] = profile["default"]
    return settings


def _request(contracts: Path, places: Iterable[tuple[str, str]], via_ir: bool) -> dict[str, Any]:
    settings = _settings(contracts)
    wanted = {file: {contract: OUTPUTS} for file, contract in places}
    return {
        "language": "Solidity",
        "sources": {file: {"content": (contracts / file).read_text(encoding="utf-8")} for file in wanted},
        "settings": {
            "evmVersion": settings["evm_version"],
            "optimizer": {"enabled": settings["optimizer"], "runs": settings["optimizer_runs"]},
            "viaIR": via_ir or settings["via_ir"],
            "remappings": settings["remappings"],
            "outputSelection": wanted,
        },
    }


def _run(contracts: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        import solcx
    except ImportError as error:
        raise MissingKey("py-solc-x is not installed", hint="install deedbook[compile]") from error
    try:
        output: dict[str, Any] = solcx.compile_standard(
            dict(request), base_path=contracts, solc_binary=contracts / "tools" / "solc"
        )
    except solcx.exceptions.SolcError as error:
        raise InvalidInput("contracts", error.message, hint="npm ci --ignore-scripts in contracts") from error
    return output


def _refuse(messages: Iterable[Mapping[str, Any]], ignored: Sequence[int]) -> None:
    for message in messages:
        if int(message.get("errorCode", 0)) not in ignored:
            raise InvalidInput("contracts", str(message["formattedMessage"]))


def _artifact(built: Mapping[str, Any]) -> Artifact:
    evm = built["evm"]
    return {
        "abi": built["abi"],
        "bytecode": "0x" + evm["bytecode"]["object"],
        "deployedBytecode": "0x" + evm["deployedBytecode"]["object"],
        "storageLayout": _layout(built["storageLayout"]),
        "metadataHash": "0x" + sha256(built["metadata"].encode()).hex(),
    }


def _layout(layout: Mapping[str, Any]) -> Any:
    """The layout without the compiler's node numbers, which change with any other file."""
    text = re.sub(r"\)\d+", ")", json.dumps(layout))
    return json.loads(text, object_hook=lambda item: {key: item[key] for key in item if key != "astId"})


def main(words: Sequence[str] | None = None) -> int:
    """Writes the artifacts, or checks them: 0 when they are current, else 1."""
    parser = argparse.ArgumentParser(prog="python -m deedbook.chain.compiler", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when an artifact is stale")
    parser.add_argument("--contracts", type=Path, default=CONTRACTS, help="the folder of foundry.toml")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these contracts")
    wish = parser.parse_args(words)
    artifacts = compile_contracts(wish.contracts, wish.names or NAMES)
    changed = stale(artifacts)
    if not wish.check:
        write(artifacts)
    for name in changed:
        sys.stdout.write(f"{'stale' if wish.check else 'written'}: {name}\n")
    return 1 if wish.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
