"""`deedbook serve`: everything of a home in one process."""

from __future__ import annotations

import importlib
import socket
import sys

import typer

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Announcement, Services
from deedbook.errors import Conflict

app = typer.Typer()


@app.command()
def serve(port: int = typer.Option(-1, help="the port (DEEDBOOK_PORT); 0 takes a free one")) -> None:
    """Run node, follower and API of a home on loopback until interrupted."""
    api = importlib.import_module("deedbook.api.server")  # strangers: the terminal starts the API, and knows no more
    settings = config.load()
    with _listening(settings.host, settings.port if port < 0 else port) as listener:
        url = f"http://{settings.host}:{listener.getsockname()[1]}"
        with Services.open(settings) as services, Desk(services) as desk, Announcement(services.home, url):
            print(f"serving {settings.home} at {url}; JSON-RPC at {url}/rpc; stop with Ctrl-C", flush=True)
            api.run(desk, listener)
    print("stopped", file=sys.stderr)


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Conflict(f"port {port} is taken", hint="choose another by --port, or 0 for a free one") from error
    return listener
