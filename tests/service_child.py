"""Services in processes of their own, killed on their way: `python -m tests.service_child`.

For each line `HOME NOW POINT` that it reads, a process is forked (imports take longer than all the rest) that opens
the home, says where it answers, and does so until it is interrupted; then how it ended is said. NOW is where its clock
stands (Unix seconds). At POINT it ends itself, as `kill -9` would, when what that point names has become durable and
nobody has heard of it:

    begun     a request's idempotency key is taken
    named     its operation is known
    put       its intent is in the outbox
    taken     its relayed act is kept
    signed    a transaction is signed, and about to be sent
    kept      the answer is kept
    told      messages for a webhook are kept
    posted    a webhook has received one
    noted     what became of it is noted
    never     it serves
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
from functools import wraps
from pathlib import Path
from typing import Any, Final

from deedbook import config
from deedbook.api import server
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.posting import Poster
from deedbook.bootstrap.services import Services
from deedbook.records.operations import OperationBook
from deedbook.records.outbox import SqlOutbox
from deedbook.records.relaying import RelayedActs
from deedbook.records.webhooks import WebhookBook
from tests.conftest import Clock

POINTS: Final[dict[str, tuple[type, str]]] = {
    "begun": (OperationBook, "begin"),
    "named": (OperationBook, "put"),
    "put": (SqlOutbox, "put"),
    "taken": (RelayedActs, "put"),
    "signed": (SqlOutbox, "submit_all"),
    "kept": (OperationBook, "keep"),
    "told": (WebhookBook, "put"),
    "posted": (Poster, "post"),
    "noted": (WebhookBook, "note"),
}

LATER: Final = (
    "deedbook.chain.embedded.rpc",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
)
"""What a service imports on its way."""


def die_after(owner: type, method: str) -> None:
    """The process ends when the method has returned."""
    whole = getattr(owner, method)

    @wraps(whole)
    def dying(*args: Any, **options: Any) -> None:
        whole(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, method, dying)


def serve(home: Path, now: int, point: str) -> None:
    """Serves, or dies."""
    if point in POINTS:
        die_after(*POINTS[point])
    settings = config.load(home, {})
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Services.open(settings, clock=Clock(now)) as services,
        Desk(services) as desk,
    ):
        print(os.getpid(), f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server.run(desk, listener)


def main() -> None:
    """One process after the other."""
    for name in LATER:
        importlib.import_module(name)
    for line in sys.stdin:
        home, now, point = line.split()
        process = os.fork()
        if process == 0:
            code = 1
            try:
                serve(Path(home), int(now), point)
                code = 0
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
