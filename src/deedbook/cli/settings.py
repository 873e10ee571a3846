"""`deedbook settings`."""

from __future__ import annotations

from deedbook import config
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson

app = grammar.single()


@app.command()
def settings(as_json: AsJson = False) -> None:
    """Every setting as this command finds it, and where it was said. Passwords, keys in addresses and the passphrase
    are hidden."""
    found = config.shown(config.load())
    if as_json:
        acts.say_json({each.name: {"value": each.value, "source": each.source} for each in found})
        return
    for each in found:
        value = "" if each.value is None else each.value
        print(f"{each.name} = {', '.join(value) if isinstance(value, list) else value}  ({each.source})")
