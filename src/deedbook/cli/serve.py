"""`deedbook serve`: everything of a home in one process."""

from __future__ import annotations

import errno
import gc
import importlib
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.logs import logging_to
from deedbook.bootstrap.services import Announcement, Services
from deedbook.cli import grammar
from deedbook.cli.grammar import AsJson
from deedbook.errors import Conflict, InvalidInput, Locked

app = grammar.single()


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="the port (DEEDBOOK_PORT); 0 takes a free one", show_default=False)] = -1,
    as_json: AsJson = False,
) -> None:
    """Run node, follower and API of a home on loopback until interrupted."""
    api = importlib.import_module("deedbook.api.server")  # strangers: the terminal starts the API, and knows no more
    if port > 65_535:
        raise InvalidInput("port", "not a port from 0 to 65535")
    settings = config.load()
    with (
        logging_to(sys.stderr, form=settings.log_form, level=settings.log_level),
        _listening(settings.host, settings.port if port < 0 else port) as listener,
    ):
        url = f"http://{settings.host}:{listener.getsockname()[1]}"
        with (
            _alone(settings) as services,
            Desk(services) as desk,
            Announcement(services.home, url),
            _metrics(desk, settings) as metrics,
        ):
            said = f"serving {settings.home} at {url}; JSON-RPC at {url}/rpc; stop with Ctrl-C"
            here = {"home": str(settings.home), "url": url, "rpc": f"{url}/rpc", "metrics": metrics}
            print(json.dumps(here) if as_json else said, flush=True)
            gc.freeze()  # what was imported stays: the collector need not look at it again
            api.run(desk, listener, watch=desk.watch, drain=settings.drain_seconds)
    print("stopped", file=sys.stderr)


@contextmanager
def _metrics(desk: Desk, settings: config.Settings) -> Iterator[str]:
    """The path of the metrics where the service answers it, or the address of their own port."""
    if settings.metrics_port is None:
        yield "/metrics"
        return
    with desk.watch.metrics.on_port(settings.host, settings.metrics_port) as port:
        yield f"http://{settings.host}:{port}/metrics"


def _alone(settings: config.Settings) -> Services:
    """The home, unless another process serves it."""
    services = Services.open(settings)
    if services.chain is None and not settings.rpc_urls:
        services.close()
        raise Locked(f"another process serves {settings.home}", hint="stop it, or use the address that it printed")
    return services


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # who reads the announcement may ask at once
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise InvalidInput("host", f"cannot listen there: {error.strerror}") from error
        raise Conflict(f"port {port} is taken", hint="choose another by --port, or 0 for a free one") from error
    return listener
