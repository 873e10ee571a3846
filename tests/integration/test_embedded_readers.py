"""ethers 6 and viem 2 on the embedded chain, over HTTP."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from deedbook.chain.embedded.chain import Chain
from deedbook.chain.embedded.rpc import Methods
from deedbook.chain.embedded.server import Server
from tests.conftest import Clock

HERE = Path(__file__).parent


def test_ethers_and_viem_read_and_write_the_chain(tmp_path: Path, clock: Clock, node: Path, root: Path) -> None:
    with Chain.create(tmp_path / "chain.db", clock=clock) as chain, Server(Methods(chain).handle) as server:
        command = [
            str(node),
            str(HERE / "embedded_readers.mjs"),
            server.url,
            str(HERE / "probe" / "probe.json"),
            str(root / "contracts" / "node_modules"),
        ]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        seen = json.loads(ran.stdout)
        assert seen["chainId"] == chain.chain_id
        assert seen["height"] == chain.head.number == 2
        mined = chain.transaction(bytes.fromhex(seen["hash"][2:]))
        assert mined is not None
        assert "0x" + chain.transactions(chain.head)[0].signed.hash.hex() == seen["hash"]
        assert mined.signed.transaction.to.hex() == seen["address"][2:].lower()
