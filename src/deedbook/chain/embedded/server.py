"""Serves a chain's JSON-RPC over HTTP on loopback, quietly, for wallets and tools on the same machine.

Knows nothing of methods: bytes in, bytes out. Refuses what a web page could send across origins (a body that is not
declared as JSON, a Host that is not this machine), bodies that are too long, and every method but POST.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Final

from deedbook.chain.embedded.rpc import MOST_BODY

LOOPBACK: Final = "127.0.0.1"

_LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SECONDS: Final = 30


class Server:
    """`handle` (bytes of a request to bytes of its answer) at `http://127.0.0.1:port`, from a thread of its own.

    Port 0 takes a free one; `url` says which. Raises OSError when the port is taken.
    """

    def __init__(self, handle: Callable[[bytes], bytes], *, port: int = 0) -> None:
        bound = type("_BoundRequest", (_Request,), {"answer": staticmethod(handle)})
        self._http = _Http((LOOPBACK, port), bound)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True, name="json-rpc")

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._http.server_address[1]}"

    def start(self) -> Server:
        """Begins to answer."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stops answering, on connections that are kept open too, and frees the port."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.hang_up()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._lines: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remembers who is connected."""
        with self._lock:
            self._lines.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        """Forgets it."""
        with self._lock:
            self._lines.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """Ends every connection; each thread closes its own."""
        with self._lock:
            for line in self._lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    disable_nagle_algorithm = True
    answer: ClassVar[Callable[[bytes], bytes]]

    def do_POST(self) -> None:
        """Answers one JSON-RPC request or batch."""
        refusal = self._refusal()
        if refusal is not None:
            self.close_connection = True
            self._reply(refusal, b"", "text/plain")
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(HTTPStatus.OK, type(self).answer(body), "application/json")

    def do_GET(self) -> None:
        """There is nothing to get."""
        self.close_connection = True
        self._reply(HTTPStatus.METHOD_NOT_ALLOWED, b"", "text/plain")

    do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_GET  # noqa: N815 - the base class names them

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Says nothing: request lines are the caller's affair."""

    def version_string(self) -> str:
        """Names no software version."""
        return "deedbook"

    def _refusal(self) -> HTTPStatus | None:
        host = self.headers.get("Host", "")
        if host.rpartition(":")[0] not in _LOCAL_NAMES and host not in _LOCAL_NAMES:
            return HTTPStatus.FORBIDDEN
        if self.headers.get_content_type() != "application/json":
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.LENGTH_REQUIRED
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if int(length[:20]) > MOST_BODY else None

    def _reply(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
