"""anvil as a second opinion: a free port, Paris, and a network where gas is free."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deedbook.chain.client import HttpNode, Node
from deedbook.errors import ChainUnavailable


@contextmanager
def running_anvil(anvil: Path, *, chain_id: int, start: int, hardfork: str = "paris") -> Iterator[HttpNode]:
    """A node whose first block is of `start` (Unix seconds); it ends with the context.

    Before Shanghai anvil's block 0 does not hash to its own name: a mirror of it needs a later `hardfork`.
    """
    with anvil_address(anvil, chain_id=chain_id, start=start, hardfork=hardfork) as url:
        yield HttpNode(url, timeout=60)


@contextmanager
def anvil_address(
    anvil: Path, *, chain_id: int, start: int | None, options: Sequence[str] = (), hardfork: str = "paris"
) -> Iterator[str]:
    """The address of such a node, with further options; a `start` of None is now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(anvil), "--port", str(port), "--hardfork", hardfork, "--base-fee", "0", "--gas-price", "0",
        "--disable-min-priority-fee", "--chain-id", str(chain_id),
        "--disable-default-create2-deployer", "--quiet", *options,
    ]  # fmt: skip
    if start is not None:
        command += ["--timestamp", str(start)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(HttpNode(url, timeout=60), process)
            yield url
        finally:
            process.kill()


def receipt_of(node: Node, tx_hash: str) -> dict[str, Any]:
    """The receipt of a transaction (0x-hex text) that was sent: anvil answers before its block is there."""
    for _ in range(600):
        receipt: dict[str, Any] | None = node.request("eth_getTransactionReceipt", [tx_hash])
        if receipt is not None:
            return receipt
        time.sleep(0.05)
    raise AssertionError(f"{tx_hash} is in no block")


def _wait_for(node: HttpNode, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            node.request("eth_chainId", [])
        except ChainUnavailable:
            assert process.poll() is None, "anvil ended"
            time.sleep(0.05)
        else:
            return
    raise AssertionError("anvil does not answer")
