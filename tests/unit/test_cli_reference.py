"""Words that cannot rot: every command has help, `--json`, and its place in docs/cli.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deedbook.cli.commands import COMMANDS
from tools import cli_reference

ALL = list(cli_reference.commands())
BY_WORDS = [pytest.param(found, id=" ".join(words)) for words, found in ALL]


@pytest.mark.parametrize("found", BY_WORDS)
def test_every_command_says_what_it_does(found: Any) -> None:
    assert (found.help or "").strip().endswith(".")
    for parameter in found.params:
        assert getattr(parameter, "help", None), parameter.name


@pytest.mark.parametrize("found", BY_WORDS)
def test_every_command_speaks_json(found: Any) -> None:
    assert any("--json" in parameter.opts for parameter in found.params)


def test_the_reference_is_the_programs_own_help(root: Path) -> None:
    page = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == cli_reference.render(), "run `python -m tools.cli_reference --write`"
    for words, _ in ALL:
        assert f"deedbook {' '.join(words)}" in page


def test_every_noun_of_the_design_has_its_commands() -> None:
    nouns = {words[0] for words, _ in ALL}
    assert nouns == set(COMMANDS)
    assert {"members", "assets", "consents", "attestations", "offers", "sales", "revenue", "cases"} <= nouns
    assert {"usage", "anchors", "deployment"} <= nouns
    assert {"payloads", "wallet", "mirror", "audit", "demo", "init", "serve", "status"} <= nouns
