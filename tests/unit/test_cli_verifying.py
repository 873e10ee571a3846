"""`audit verify` in a fresh process: what it imports, and that its two doors ask for the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deedbook.cli.commands import command
from deedbook.cli.verifying import Verification, asked

HEAVY = ("sqlalchemy", "web3", "eth_abi", "eth_utils", "eth_account", "pydantic", "typer", "rich", "rlp", "trie", "eth")
SCRIPT = """
import sys
from deedbook.cli.main import run
code = run(["audit", "verify", sys.argv[1], "--trust", sys.argv[1]])
loaded = {name.partition(".")[0] for name in sys.modules}
print(code, *sorted(loaded & set(sys.argv[2].split(","))))
"""


def test_verification_loads_no_database_no_chain_library_and_no_terminal(tmp_path: Path, root: Path) -> None:
    bundle = tmp_path / "sale.deed"
    bundle.write_text("{}")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(bundle), ",".join(HEAVY)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(root / "src"), "PATH": ""},
    )
    assert done.stdout.splitlines()[-1] in ("1", "2", "3")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["audit", "verify", "a"], Verification("a")),
        (["audit", "verify", "a", "--trust", "t"], Verification("a", "t")),
        (["audit", "verify", "--trust=t", "a", "--json"], Verification("a", "t", as_json=True)),
        (["audit", "verify", "-", "--quiet"], Verification("-", quiet=True)),
        (["audit", "verify"], None),
        (["audit", "verify", "a", "b"], None),
        (["audit", "verify", "a", "--trust"], None),
        (["audit", "verify", "a", "--help"], None),
        (["audit", "export", "a"], None),
        (["verify", "a"], None),
        ([], None),
    ],
)
def test_plain_words_are_read_without_the_grammar(words: list[str], found: Verification | None) -> None:
    assert asked(words) == found


def test_the_plain_door_knows_every_option_of_the_whole_one() -> None:
    whole = command()
    group = whole.get_command(None, "audit")
    options = [option for parameter in group.commands["verify"].params for option in parameter.opts]
    for option in options:
        words = ["audit", "verify", "a"] if option == "file" else ["audit", "verify", "a", option, "x"]
        if option in ("--json", "--quiet"):
            words.pop()
        assert asked(words) is not None, option
