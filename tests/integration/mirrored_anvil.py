"""Our contracts on an anvil that can be forked, and who writes there: members are admitted, one event each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from deedbook.bootstrap.services import Services
from deedbook.chain.client import HttpNode, Node
from deedbook.chain.decoding import Decoder
from deedbook.chain.transactions import Call
from deedbook.config import Settings
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.domain.members import Admission
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import Comparison, check
from deedbook.mirror.source import NodeSource
from deedbook.mirror.store import Chain, Mirror
from tests.integration.anvil_node import anvil_address

CHAIN_ID = 31_337
KEPT = 30
"""So many blocks below the tip may change; no fork is deeper."""


@dataclass
class Written:
    """A deployment on an anvil. Blocks are mined by hand; governance acts unlocked."""

    url: str
    node: HttpNode
    chain: Chain
    decoder: Decoder
    governance: str
    home: Path
    _names: Iterator[int] = field(default_factory=count)

    def admission(self) -> dict[str, Any]:
        """A transaction that admits somebody new."""
        account = keccak256(b"member %d" % next(self._names))[:20]
        admission = Admission(keccak256(account), 156, 4, 2**40, ())
        membership = self.chain.contracts["Membership"]
        data = Call("Membership", membership, "admit", (account, admission.as_tuple())).data
        return {
            "from": self.governance,
            "to": to_hex(membership),
            "data": to_hex(data),
            "gas": hex(500_000),
            "gasPrice": "0x0",
        }

    def write(self, *events: int) -> None:
        """Blocks with so many events each."""
        for number in events:
            for _ in range(number):
                self.node.request("eth_sendTransaction", [self.admission()])
            self.node.request("evm_mine", [])

    def reorganise(self, depth: int, events: int) -> None:
        """Replaces the last blocks by others, with some events in the first and the last of them."""
        pairs = [[self.admission(), (depth - 1) * (number % 2)] for number in range(events)]
        self.node.request("anvil_reorg", [depth, pairs])

    def head(self) -> int:
        """The newest block's number."""
        return int(self.node.request("eth_blockNumber", []), 16)

    def source(self, node: Node | None = None) -> NodeSource:
        """This anvil as a follower sees it, or through another node."""
        return NodeSource(node or self.node, self.chain.contracts, final=lambda tip: tip - KEPT)

    def mirror(self, url: str) -> Mirror:
        """A mirror of it."""
        return Mirror.open(url, self.chain)

    def follower(self, mirror: Mirror, node: Node | None = None, **options: Any) -> Follower:
        """A follower that asks for receipts too."""
        source = self.source(node)
        return Follower(source, mirror, self.decoder.decode, receipts=source, **options)

    def check(self, mirror: Mirror) -> Comparison:
        """Compares the mirror with its rebuild from this anvil."""
        return check(self.source(), mirror, self.decoder.decode)


@contextmanager
def written(anvil: Path, home: Path) -> Iterator[Written]:
    """A new anvil with our contracts."""
    options = ("--accounts", "1", "--order", "fifo")
    with anvil_address(anvil, chain_id=CHAIN_ID, start=None, options=options, hardfork="shanghai") as url:
        with Services.init(Settings(home=home, rpc_urls=(url,))) as services:
            chain, decoder = services.mirrored_chain, services.decoder
            governance = to_hex(services.signer("governance").address)
        node = HttpNode(url, timeout=60)
        node.request("evm_setAutomine", [False])
        node.request("anvil_impersonateAccount", [governance])
        yield Written(url, node, chain, decoder, governance, home)
        node.close()
