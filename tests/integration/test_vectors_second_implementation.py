"""The vectors, checked by the second implementation: noble, viem, ethers and WebCrypto in Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def report(node: Path, vectors: Path) -> Any:
    """What `check.mjs` says of all vector files."""
    ran = subprocess.run([node, vectors / "check" / "check.mjs"], capture_output=True, text=True, timeout=300)
    assert ran.stdout, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_second_implementation_agrees_with_every_vector(report: Any) -> None:
    assert report["wrong"] == []


def test_second_implementation_checks_every_case_of_every_file(report: Any, vectors: Path) -> None:
    files = [json.loads(path.read_text(encoding="utf-8")) for path in vectors.glob("*.json")]
    assert report["files"] == len(files)
    assert report["cases"] == sum(len(file["cases"]) for file in files)


def test_second_implementation_finds_a_changed_vector(node: Path, vectors: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    (folder / "check").mkdir(parents=True)
    for path in (vectors / "check").glob("*.mjs"):
        (folder / "check" / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    changed = json.loads((vectors / "journal-slots.json").read_text(encoding="utf-8"))
    changed["cases"][0]["expected"]["entityHead"] = "0x" + "00" * 32
    (folder / "journal-slots.json").write_text(json.dumps(changed), encoding="utf-8")

    modules = str(vectors.parent.parent / "contracts" / "node_modules")
    ran = subprocess.run(
        [node, folder / "check" / "check.mjs"],
        capture_output=True,
        text=True,
        timeout=300,
        env={"DEEDBOOK_NODE_MODULES": modules},
    )

    assert ran.returncode == 1
    assert json.loads(ran.stdout.splitlines()[-1])["wrong"] == ["journal-slots.json: an asset"]
