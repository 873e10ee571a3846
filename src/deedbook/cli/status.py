"""`deedbook status`: what is healthy."""

from __future__ import annotations

from typing import Any

import typer

from deedbook import __version__
from deedbook.bootstrap.services import Services
from deedbook.chain.finality import CliqueFinality
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.hashing import checksum_address
from deedbook.queries import status as queries

app = grammar.single()

MEANWHILE = 2
"""So many blocks may come to a chain of others while this looks at it."""


@app.command()
def status(as_json: AsJson = False) -> None:
    """How a home stands: chain, mirror, journals, keys, counts. Exit 0 healthy, 1 not."""
    with acts.reading() as services:
        tip = int(services.node.request("eth_blockNumber", []), 16)
        now = queries.status(services.mirror, tip=tip)
        finality = _finality(services, tip)
        behind_or_ahead = max(now.lag or 0, now.ahead or 0)
        current = behind_or_ahead <= (MEANWHILE if services.settings.rpc_urls else 0)
        healthy = current and now.quarantined == 0 and now.verified and finality["doubt"] is None
        found = {"healthy": healthy, "version": __version__, **_home(services), "tip": tip, **finality, **now.to_json()}
    if as_json:
        acts.say_json(found)
    else:
        _words({**found, "verification": now.verification.words})
    raise typer.Exit(0 if healthy else 1)


def _finality(services: Services, tip: int) -> dict[str, object]:
    """The highest final block, and why no later one is where the home's list of validators does not say."""
    final = services.final(tip)
    doubt = services.final.doubt if isinstance(services.final, CliqueFinality) else None
    return {"consensus": services.settings.consensus, "final": final, "doubt": None if doubt is None else str(doubt)}


def _home(services: Services) -> dict[str, object]:
    return {
        "home": str(services.home.path),
        "chainId": str(services.chain_id),
        "endpoints": [each.to_json() for each in services.endpoints],
        "contracts": {name: checksum_address(address) for name, address in services.addresses.items()},
        "keyGeneration": services.records.payloads.generation(),
        "erasureUnderWay": services.records.payloads.open_erasure() is not None,
    }


def _words(found: dict[str, object]) -> None:
    found = dict(found)
    journals, counts, endpoints = found.pop("journals"), found.pop("counts"), found.pop("endpoints")
    acts.show(found, as_json=False)
    if isinstance(endpoints, list):
        for endpoint in endpoints:
            print(_endpoint(endpoint))
    if isinstance(counts, dict):
        print("rows: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    if isinstance(journals, list):
        for journal in journals:
            proven = "unverified" if journal["provenBlock"] is None else f"proven at block {journal['provenBlock']}"
            print(f"journal of {journal['contract']}: {journal['logs']} logs, {proven}")


def _endpoint(found: dict[str, Any]) -> str:
    """`node 127.0.0.1:8545: closed, in use, head 120, 3 behind, last failure timeout, again in 2.5 s`."""
    parts = [found["circuit"], "in use" if found["inUse"] else "", "syncing" if found["syncing"] else ""]
    parts.append("no head" if found["head"] is None else f"head {found['head']}")
    parts.append(f"{found['behind']} behind" if found["behind"] else "")
    parts.append(f"last failure {found['lastFailure']}" if found["lastFailure"] else "")
    parts.append(f"again in {found['retryIn']} s" if found["retryIn"] else "")
    return f"node {found['host']}: {', '.join(part for part in parts if part)}"
