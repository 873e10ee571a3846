"""A process that begins a home and is killed on the way: `python -m tests.home_child HOME files|blocks N`.

It kills itself, as `kill -9` would, when it touches the N-th file of the home or makes the N-th block.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from deedbook import config
from deedbook.bootstrap.services import Services


class Fuse:
    """Burns down by one at a time; the process ends at zero."""

    def __init__(self, length: int) -> None:
        self._left = length

    def burn(self) -> None:
        """One step nearer."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(home: Path, what: str, number: int) -> None:
    """Makes the home, or dies."""
    fuse = Fuse(number)

    def audit(event: str, args: tuple[object, ...]) -> None:
        if event in ("open", "os.mkdir", "os.rename", "sqlite3.connect") and str(home) in str(args[0]):
            fuse.burn()

    def clock() -> int:
        if what == "blocks":
            fuse.burn()
        return int(time.time())

    if what == "files":
        sys.addaudithook(audit)
    Services.init(config.load(home, {}), clock=clock).close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
