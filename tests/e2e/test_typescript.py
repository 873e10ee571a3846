"""Types for TypeScript come from the committed description by the common tool, and say what they should."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OPTIONS = {
    "strict": True,
    "noEmit": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "target": "es2022",
    "module": "es2022",
    "moduleResolution": "bundler",
    "lib": ["es2022", "dom"],
    "skipDefaultLibCheck": True,
    "types": [],
}


@pytest.fixture
def folder(node: Path, root: Path, tmp_path: Path) -> Path:
    """The description's types, and an exchange's program beside them."""
    _run(node, root, "openapi-typescript/bin/cli.js", str(root / "docs" / "openapi.json"), "-o", f"{tmp_path}/api.d.ts")
    shutil.copy(HERE / "exchange.ts", tmp_path)
    return tmp_path


def _run(node: Path, root: Path, program: str, *words: str) -> str:
    command = [str(node), str(root / "contracts" / "node_modules" / program), *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=root)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr + f"ended with {ran.returncode}"


def _compile(node: Path, root: Path, folder: Path) -> str:
    settings = {"compilerOptions": OPTIONS, "files": [str(folder / "exchange.ts")]}
    (folder / "tsconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return _run(node, root, "typescript/bin/tsc", "-p", str(folder))


def test_an_exchanges_program_compiles_with_the_types_of_the_service(node: Path, root: Path, folder: Path) -> None:
    assert (folder / "api.d.ts").exists()
    assert _compile(node, root, folder) == ""
    program = (folder / "exchange.ts").read_text(encoding="utf-8")
    (folder / "exchange.ts").write_text(program.replace('limit: "ten"', "limit: 10"), encoding="utf-8")
    assert "TS2578: Unused '@ts-expect-error' directive" in _compile(node, root, folder)
