"""anvil as a second opinion: a free port, Paris, and a network where gas is free."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deedbook.chain.client import HttpNode
from deedbook.errors import ChainUnavailable


@contextmanager
def running_anvil(anvil: Path, *, chain_id: int, start: int) -> Iterator[HttpNode]:
    """A node whose first block is of `start` (Unix seconds); it ends with the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(anvil), "--port", str(port), "--hardfork", "paris", "--base-fee", "0", "--gas-price", "0",
        "--disable-min-priority-fee", "--chain-id", str(chain_id), "--timestamp", str(start),
        "--disable-default-create2-deployer", "--quiet",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            node = HttpNode(f"http://127.0.0.1:{port}", timeout=60)
            _wait_for(node, process)
            yield node
        finally:
            process.kill()


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
