"""`deedbook chain`: a chain of validators of its own: what it begins with, and who is believed to seal it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from deedbook import config
from deedbook.bootstrap import networks
from deedbook.bootstrap.home import Home
from deedbook.bootstrap.validators import name_validators, read_validators
from deedbook.chain import deadlock
from deedbook.chain.client import HttpNode
from deedbook.chain.genesis import PORT, Network
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.hashing import checksum_address, parse_address, to_hex
from deedbook.errors import InvalidInput

app = grammar.group("A chain of validators: genesis, node keys, what nodes know of one another.")


@app.command()
def genesis(
    out: Annotated[str, typer.Option(help="the folder to make, or to finish")],
    plan: Annotated[str, typer.Option("--config", help="a TOML file with the rest of what is decided")] = "",
    chain_id: Annotated[int | None, typer.Option(help="a number that no other chain of yours has")] = None,
    consensus: Annotated[str | None, typer.Option(help="clique or qbft")] = None,
    client: Annotated[str | None, typer.Option(help="besu or goquorum (qbft), geth (clique)")] = None,
    validators: Annotated[int | None, typer.Option(help="how many seal; 4 by default")] = None,
    followers: Annotated[int | None, typer.Option(help="how many only follow, and are asked; 1 by default")] = None,
    host: Annotated[
        list[str] | None, typer.Option(help="where a node is reached, once for each: validators, then followers")
    ] = None,
    services: Annotated[
        bool, typer.Option("--services", help="also the secrets and folders that docker-compose.yml mounts")
    ] = False,
    owner: Annotated[str, typer.Option(help="UID:GID that the containers run as; by default yours")] = "",
    as_json: AsJson = False,
) -> None:
    """Make what a chain begins with: genesis file, keys of validators and nodes, static nodes, allow-lists.

    The same words again change nothing and finish what was cut short. Nothing is overwritten.
    """
    said: dict[str, object] = {"chain_id": chain_id, "consensus": consensus, "client": client}
    said |= {"validators": validators, "followers": followers, "hosts": host or None}
    decided = networks.read_plan(Path(plan) if plan else None, said)
    made = networks.make(decided, Path(out), entropy=secrets.token_bytes, services=services, owner=owner)
    if as_json:
        acts.say_json(_facts(made, out))
        return
    _say(made, out)


@app.command()
def node(
    name: Annotated[str, typer.Argument(help="what the network calls this node, such as validator-1")],
    host: Annotated[str, typer.Option(help="the name or address at which other nodes reach it")],
    out: Annotated[str, typer.Option(help="the folder in which the network is, or will be, made")],
    consensus: Annotated[str, typer.Option(help="clique or qbft")] = "qbft",
    port: Annotated[int, typer.Option(help="its TCP port among nodes")] = PORT,
    follower: Annotated[bool, typer.Option("--follower", help="a node that only follows")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the keys of one node, and print what the other operators put into their common plan.

    The same words again print the same.
    """
    seat = networks.Seat(name, host, port, validator=not follower)
    made = networks.make_keys(consensus, seat, Path(out), entropy=secrets.token_bytes)
    entry: dict[str, object] = {"name": name, "host": host, "port": port, "validator": not follower}
    entry["public_key"] = to_hex(made.public_key)
    if made.account:
        entry["account"] = checksum_address(made.account)
    if as_json:
        acts.say_json(entry)
        return
    print("[[member]]")
    for field, value in entry.items():
        print(f"{field} = {json.dumps(value)}")


@app.command()
def validators(
    from_block: Annotated[int | None, typer.Option(help="the first block that these accounts may seal")] = None,
    account: Annotated[list[str] | None, typer.Option(help="one of them, once for each; none: nobody knows")] = None,
    as_json: AsJson = False,
) -> None:
    """Show who this home believes to seal the chain's blocks, or say who does from a block on.

    What nodes vote is never believed by itself. A running service is to be started again.
    """
    home = Home.open(config.load().home)
    if from_block is None and account:
        raise InvalidInput("from-block", "is not given, and the accounts seal from some block on")
    if from_block is None:
        found = read_validators(home)
    else:
        found = name_validators(home, from_block, [parse_address(each, "account") for each in account or []])
    if as_json:
        acts.say_json(found.to_json())
        return
    for span in found.spans:
        print(f"{found.consensus} from block {span.from_block}: {len(span.accounts) or 'nobody knows who'} seal")
        for sealer in span.accounts:
            print(f"  {checksum_address(sealer)}")


@app.command()
def rejoin(
    urls: Annotated[list[str], typer.Argument(help="the JSON-RPC of every node, with admin, clique, debug and miner")],
    go: Annotated[bool, typer.Option("--go", help="do it; without this, only say what would be done")] = False,
    watch: Annotated[float, typer.Option(help="seconds without a new block that count as standing still")] = 15.0,
    as_json: AsJson = False,
) -> None:
    """Get a Clique network going that stands still on branches of equal weight: nodes go back to the fork.

    A network that moves is left alone, and a final block is never given up. Name every node: one that is left out may
    keep the others from agreeing.
    """
    nodes = {url: HttpNode(url) for url in urls}
    moves = not deadlock.is_stuck(nodes, watch)
    plan = None if moves else deadlock.plan(nodes)
    if plan and go:
        deadlock.rejoin(nodes, plan)
    if as_json:
        acts.say_json({"moves": moves, "done": bool(plan and go), "plan": plan and plan.to_json()})
    elif plan is None:
        print("the network moves: nothing to do")
    elif not plan.rewinds:
        print(f"all nodes are of the branch of block {plan.keep.number} {to_hex(plan.keep.hash)}: too few of them seal")
    else:
        print(f"kept: block {plan.keep.number} {to_hex(plan.keep.hash)}")
        for rewind in plan.rewinds:
            verb = "gave up" if go else "would give up"
            print(f"  {urlsplit(rewind.node).netloc} {verb} {rewind.drops} blocks after block {rewind.ancestor}")


def _facts(made: Network, out: str) -> dict[str, object]:
    return {
        "folder": str(Path(out).absolute()),
        "chainId": str(made.chain_id),
        "consensus": made.consensus,
        "client": made.client,
        "validators": [checksum_address(account) for account in made.validators],
        "nodes": {member.name: member.enode for member in made.members},
    }


def _say(made: Network, out: str) -> None:
    print(f"chain {made.chain_id} of {made.client}, {made.consensus}, in {out}")
    for member in made.members:
        seals = f"seals as {checksum_address(member.account)}" if member.account else "follows"
        print(f"  {member.name:14} {seals:52} {member.host}:{member.port}")
    print("genesis and what all nodes share: network/; one node's own: nodes/NAME/")
    print(
        "nodes/NAME/key is not encrypted (nodes read no passphrase): bring each to its node alone, and keep none here"
    )
    if made.client == "besu" and made.permitted is None:
        print("no accounts are listed: nodes take transactions from every account (accounts in the config lists them)")
