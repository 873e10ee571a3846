"""A service that dies by SIGKILL between keeping the entries of a log and answering for them.

    python -m tests.dying_logs HOME

Prints its URL once it listens.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.domain.tiles import TiledTree
from deedbook.ledger.anchors import Logs
from deedbook.records.anchors import AnchorLogs, LogState
from tests.e2e.http_service import running


@dataclass(frozen=True)
class DyingBook:
    """A `LogBook` whose process does not live to see that it has kept something."""

    kept: AnchorLogs

    def states(self) -> list[LogState]:
        return self.kept.states()

    def state(self, exchange: bytes) -> LogState:
        return self.kept.state(exchange)

    def append(self, exchange: bytes, leaf_hashes: Sequence[bytes], *, at: int) -> list[int]:
        self.kept.append(exchange, leaf_hashes, at=at)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    def begin_checkpoint(self, exchange: bytes) -> int:
        return self.kept.begin_checkpoint(exchange)

    def tree(self, exchange: bytes) -> TiledTree:
        return self.kept.tree(exchange)


def main(home: str) -> None:
    with Services.open(config.load(Path(home), {})) as services:
        services.__dict__["logs"] = Logs(services.acting, DyingBook(services.records.anchors), services.clock)
        with Desk(services) as desk, running(desk) as client:
            print(client.url, flush=True)
            signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
