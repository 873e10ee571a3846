"""A whole sale with the real contracts, made on the embedded chain, mined again by anvil: the same, block by block."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from deedbook import config
from deedbook.bootstrap.services import Services, chain_file
from deedbook.chain.client import HttpNode
from deedbook.chain.embedded.blocks import Header
from deedbook.chain.embedded.chain import Chain
from deedbook.cli.demo import cast
from deedbook.cli.demo.guiyang import Guiyang
from deedbook.cli.demo.teller import Teller
from deedbook.domain.hashing import to_hex
from tests.conftest import Clock
from tests.integration.anvil_node import running_anvil

PEOPLE = 8


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chain file of a told story."""
    path = tmp_path_factory.mktemp("replayed") / "home"
    with Services.init(config.load(path, {})) as services:
        for part in cast.MEMBERS:
            services.create_account(part.key)
        Guiyang(services, Teller("en", io.StringIO()), PEOPLE).tell()
        return chain_file(services.home)


def test_anvil_mines_the_same_blocks_of_a_whole_sale(sale: Path, anvil: Path) -> None:
    with Chain.open(sale, clock=Clock()) as chain:
        chain.check()
        first = chain.header(0)
        assert first is not None
        with running_anvil(anvil, chain_id=chain.chain_id, start=first.timestamp - 1) as node:
            node.request("evm_setAutomine", [False])
            for number in range(1, chain.head.number + 1):
                header = chain.header(number)
                assert header is not None
                assert _mined_again(node, chain, header) == _facts(header), f"block {number}"
        assert chain.head.number > 30


def _mined_again(node: HttpNode, chain: Chain, header: Header) -> tuple[str, ...]:
    node.request("evm_setNextBlockTimestamp", [header.timestamp])
    for mined in chain.transactions(header):
        node.request("eth_sendRawTransaction", [to_hex(mined.signed.raw)])
    node.request("evm_mine", [])
    block = node.request("eth_getBlockByNumber", [hex(header.number), False])
    return tuple(block[name] for name in ("timestamp", "gasUsed", "transactionsRoot", "receiptsRoot", "logsBloom"))


def _facts(header: Header) -> tuple[str, ...]:
    """What a block says of everything that ran in it: the receipts hold status, gas and every log."""
    roots = (header.transactions_root, header.receipts_root, header.bloom)
    return (hex(header.timestamp), hex(header.gas_used), *map(to_hex, roots))
