"""What is committed works elsewhere: no machine's paths, no registry's address, nothing heavy on the quick way."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deedbook import __version__

HEAVY = frozenset(
    {"aiohttp", "alembic", "eth_abi", "eth_account", "eth_utils", "fastapi", "obstore", "pydantic", "requests"}
    | {"rich", "rlp", "sqlalchemy", "trie", "typer", "web3"}
)
LIGHT = (
    "deedbook.errors",
    "deedbook.config",
    "deedbook.domain",
    "deedbook.audit",
    "deedbook.chain.abis",
    "deedbook.chain.artifacts",
    "deedbook.chain.decoding",
    "deedbook.chain.proofs",
    "deedbook.chain.rlp",
    "deedbook.chain.seals",
    "deedbook.vault.keytree",
    "deedbook.wallet.recovery",
)


def tracked(root: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True)
    return [root / name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]


def test_no_tracked_file_names_a_machines_path_or_a_registry(root: Path) -> None:
    wrong = re.compile(rb"--(extra-)?index-url|GOPROXY=|\"resolved\": *\"http|(?<![\w./])/(work|root|home)/[\w.]+")
    found = [
        f"{path.relative_to(root)}: {match.group().decode()}"
        for path in tracked(root)
        if path.suffix not in (".gz", ".json") and path != Path(__file__)
        for match in [wrong.search(path.read_bytes())]
        if match
    ]
    assert found == []


def test_pins_are_exact_hashed_and_released(root: Path) -> None:
    forced = {"py-evm", "eth-tester"}
    for path in (root / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        pins = re.findall(
            r"^(\S+?)==(\S+)((?:.*\\\n)(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE
        )
        assert len(pins) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
        assert {name for name, version, _ in pins if re.search(r"(a|b|rc|dev)\d", version)} <= forced


def test_a_developers_pins_are_a_users_and_more(root: Path) -> None:
    def pins(kind: str) -> set[str]:
        text = (root / "requirements" / f"{kind}.txt").read_text(encoding="utf-8")
        return set(re.findall(r"^([^\s;]+==[^\s;]+)", text, re.MULTILINE))

    assert pins("demo") <= pins("dev")


@pytest.mark.parametrize("room", LIGHT)
def test_what_verify_needs_loads_nothing_heavy(room: str, root: Path) -> None:
    names = [room]
    folder = root / "src" / Path(*room.split("."))
    if room != "deedbook.chain.artifacts" and folder.is_dir():
        names += [f"{room}.{path.stem}" for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    script = f"import sys, {', '.join(names)}; print(sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=root / "src", capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_version_is_in_the_changelog(root: Path) -> None:
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[({re.escape(__version__)}|Unreleased)\]", changes, re.MULTILINE)


def test_every_room_is_in_the_layers(root: Path) -> None:
    rules = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(rule for rule in rules if rule["type"] == "layers")
    assert layers["exhaustive"]
    placed = {room for line in layers["layers"] for room in re.split(r" [|:] ", line)}
    rooms = {path.name for path in (root / "src" / "deedbook").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= placed
