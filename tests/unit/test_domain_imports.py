"""The domain is pure and cheap to import: auditors start a fresh process for every bundle."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ALLOWED = {"deedbook", "rfc8785", "tiny_keccak"}


def modules(root: Path) -> list[str]:
    return [
        "deedbook.domain.notices",
        *(f"deedbook.domain.{path.stem}" for path in sorted((root / "src/deedbook/domain").glob("[!_]*.py"))),
    ]


def test_the_domain_imports_only_hashes_and_canonical_json(root: Path) -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        + "\n".join(f"import {name}" for name in modules(root))
        + "\nfound = {name.split('.')[0] for name in set(sys.modules) - before}"
        "\nprint(*sorted(found - set(sys.stdlib_module_names)))"
        "\nimpure = {'sqlite3', 'socket', 'asyncio', 'http', 'urllib.request', 'ssl', 'time'}"
        "\nprint(*sorted(impure & set(sys.modules) - before))"
    )
    environment = {"PYTHONPATH": str(root / "src"), "PATH": ""}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    imported, impure = (set(line.split()) for line in ran.stdout.split("\n")[:2])
    assert imported <= ALLOWED
    assert impure == set()


def test_the_domain_reads_no_clock_no_randomness_and_no_environment(root: Path) -> None:
    impure = {"time", "random", "secrets", "os", "socket", "pathlib", "subprocess", "threading"}
    for path in (root / "src/deedbook/domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {name.name.split(".")[0] for name in node.names} & impure, path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in impure, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("now", "utcnow", "today"), path
