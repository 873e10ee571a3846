"""Writes `docs/cli.md` (`--write`) or checks it: every command with its help, as the program itself says it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from deedbook.cli import main as entry
from deedbook.cli.commands import COMMANDS, command
from tools.pages import ROOT, settle

PAGE = ROOT / "docs" / "cli.md"
WIDTH = 100
_HEAD = """# The command line

Written by `python -m tools.cli_reference --write` from the program's own help; a test fails when this page is stale,
or a command has no help.

`deedbook --home DIR ...` (or `DEEDBOOK_HOME`) names the home. Every command has `--json`: the result as JSON on
standard output, an error as `{"error": {"code", "message", ...}}` on standard error. Acts name who acts by `--as`, an
account of the home's keystore, and print transaction, block and gas. The same act twice is two acts: the contracts say
whether the second one may be; one that was cut short is finished by saying it again.

## Exit codes

"""


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, by its words."""
    whole = command()
    context = typer.Context(whole, info_name="deedbook", terminal_width=WIDTH)
    for noun in COMMANDS:
        group = whole.get_command(context, noun)
        inside = getattr(group, "commands", None)
        if inside is None:
            yield (noun,), group
            continue
        for name in inside:
            yield (noun, name), inside[name]


def help_of(words: Sequence[str], found: Any) -> str:
    """What the command says about itself."""
    context = typer.Context(found, info_name=" ".join(("deedbook", *words)), terminal_width=WIDTH)
    text: str = found.get_help(context)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def render() -> str:
    """The page."""
    parts = [_HEAD, _exit_codes()]
    noun = ""
    for words, found in commands():
        if words[0] != noun:
            noun = words[0]
            parts.append(f"\n## {noun}: {COMMANDS[noun]}\n")
        title = f"\n### deedbook {' '.join(words)}\n" if len(words) > 1 else ""
        parts.append(f"{title}\n```\n{help_of(words, found)}\n```\n")
    return "".join(parts)


def _exit_codes() -> str:
    text = (entry.__doc__ or "").partition("Exit codes: ")[2].strip().rstrip(".").replace("\n", " ")
    rows = [tuple(part.split(" ", 1)) for part in text.split("; ")]
    return "| code | meaning |\n|---|---|\n" + "".join(f"| {code} | {meaning} |\n" for code, meaning in rows)


def main(words: Sequence[str]) -> int:
    """Writes the page, or says that it is stale."""
    return settle(words, PAGE, render(), "python -m tools.cli_reference --write")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
