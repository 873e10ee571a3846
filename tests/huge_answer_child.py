"""Asks a node that answers with 100 MB four times, announced and in chunks, and says how much memory that took."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from typing import Any

from deedbook.chain.client import HttpNode, NodeError, Request, one_by_one
from deedbook.errors import ChainUnavailable
from tests.fault_node import FaultNode, Huge


def peak() -> int:
    """The most memory this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class Silent:
    """A node that is never asked."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        raise NotImplementedError

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return one_by_one(self, requests)


def main() -> None:
    """One JSON object on standard output."""
    failures, start = [], peak()
    with FaultNode(Silent()) as proxy:
        node = HttpNode(proxy.url, timeout=60)
        for announced in (True, True, False, False):
            proxy.then(Huge(announced=announced))
            try:
                node.request("eth_getLogs", [])
            except ChainUnavailable as failure:
                failures.append(failure.failure)
            if announced:
                middle = peak()
    print(json.dumps({"failures": failures, "announced": middle - start, "grown": peak() - start}))


if __name__ == "__main__":
    main()
