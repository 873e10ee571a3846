"""`deedbook status`: what is healthy."""

from __future__ import annotations

import typer

from deedbook import __version__
from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.hashing import checksum_address
from deedbook.queries import status as queries

app = grammar.single()


@app.command()
def status(as_json: AsJson = False) -> None:
    """How a home stands: chain, mirror, journals, keys, counts. Exit 0 healthy, 1 not."""
    with acts.reading() as services:
        tip = int(services.node.request("eth_blockNumber", []), 16)
        now = queries.status(services.mirror, tip=tip)
        healthy = now.lag == 0 and now.quarantined == 0 and now.verified
        found = {"healthy": healthy, "version": __version__, **_home(services), "tip": tip, **now.to_json()}
    if as_json:
        acts.say_json(found)
    else:
        _words(found)
    raise typer.Exit(0 if healthy else 1)


def _home(services: Services) -> dict[str, object]:
    return {
        "home": str(services.home.path),
        "chainId": str(services.chain_id),
        "contracts": {name: checksum_address(address) for name, address in services.addresses.items()},
        "keyGeneration": services.records.payloads.generation(),
        "erasureUnderWay": services.records.payloads.open_erasure() is not None,
    }


def _words(found: dict[str, object]) -> None:
    found = dict(found)
    journals, counts = found.pop("journals"), found.pop("counts")
    acts.show(found, as_json=False)
    if isinstance(counts, dict):
        print("rows: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    if isinstance(journals, list):
        for journal in journals:
            proven = "unverified" if journal["provenBlock"] is None else f"proven at block {journal['provenBlock']}"
            print(f"journal of {journal['contract']}: {journal['logs']} logs, {proven}")
