"""Who seals the blocks of a home's chain, as the home keeps it in `validators.json`, and what is final by it.

The first list is the genesis header's own, and the deployment's genesis hash vouches for it. What the network votes
later is never inferred: the operator names it, and a block by others is not final until then.
"""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.bootstrap.home import Home, write_bytes
from deedbook.chain.client import Node
from deedbook.chain.extradata import clique_signers, decode_qbft
from deedbook.chain.finality import CliqueFinality, Finality, at_once
from deedbook.chain.proofs import decode_header, encode_header
from deedbook.domain.hashing import to_hex
from deedbook.domain.validators import Span, Validators
from deedbook.errors import ChainUnavailable, Conflict, InvalidFormat, InvalidInput, NotFound, WrongChain
from deedbook.wallet.recovery import recover

INSTANT = "instant"


def known_validators(home: Home, node: Node, consensus: str, genesis_hash: bytes | None = None) -> Validators | None:
    """Who seals, as the home has it written down; from the genesis header where it has not yet, and then it has.

    None for an instant chain. Raises InvalidInput ("consensus") where the chain or the file is of another one,
    WrongChain for another genesis than that of this hash (None: not known yet), ChainUnavailable, InvalidFormat.
    """
    if consensus == INSTANT:
        return None
    if not home.validators.exists():
        write_bytes(home.validators, _genesis_validators(node, consensus, genesis_hash).encode() + b"\n")
    found = read_validators(home)
    if found.consensus != consensus:
        raise InvalidInput("consensus", f"is {consensus}, and {home.validators.name} is of {found.consensus}")
    return found


def read_validators(home: Home) -> Validators:
    """The home's list. Raises NotFound, InvalidFormat, WrongVersion."""
    if not home.validators.exists():
        raise NotFound("list of validators in home", home.path.name, hint="set DEEDBOOK_CONSENSUS to clique or qbft")
    return Validators.decode(home.validators.read_bytes())


def name_validators(home: Home, from_block: int, accounts: Sequence[bytes]) -> Validators:
    """Adds who seals from this block on (nobody: nobody knows) to the home's list; the same words twice are one.

    Raises Conflict for a block that the list speaks of already, InvalidInput, NotFound.
    """
    known, span = read_validators(home), Span(from_block, tuple(accounts))
    if known.spans[-1] == span:
        return known
    if known.spans[-1].from_block >= from_block:
        last = known.spans[-1].from_block
        raise Conflict(f"the list speaks of block {last} already", hint="what was believed once is not rewritten")
    extended = Validators(known.consensus, (*known.spans, span))
    write_bytes(home.validators, extended.encode() + b"\n")
    return extended


def finality(node: Node, validators: Validators | None) -> Finality:
    """What is final on the chain of a node whose blocks these seal."""
    if validators is None or validators.consensus != "clique":
        return at_once
    return CliqueFinality(node, validators, recover)


def _genesis_validators(node: Node, consensus: str, expected: bytes | None) -> Validators:
    block = node.request("eth_getBlockByNumber", ["0x0", False])
    if block is None:
        raise ChainUnavailable("the node has no block 0")
    try:
        header = decode_header(encode_header(block), consensus)
        read = clique_signers if consensus == "clique" else _qbft_validators
        accounts = read(header.extra_data)
    except InvalidFormat as reason:
        raise InvalidInput("consensus", f"the chain's genesis is not of {consensus}: {reason}") from reason
    if to_hex(header.hash) != block["hash"]:
        raise WrongChain(f"block 0 does not hash to {block['hash']} by {consensus} consensus")
    if expected not in (None, header.hash):
        raise WrongChain(f"block 0 is {block['hash']}, not the deployment's {to_hex(expected or b'')}")
    if not accounts:
        raise InvalidInput("consensus", "the chain's genesis names no validators", hint="write validators.json")
    return Validators(consensus, (Span(0, accounts),))


def _qbft_validators(extra_data: bytes) -> tuple[bytes, ...]:
    return decode_qbft(extra_data).validators
