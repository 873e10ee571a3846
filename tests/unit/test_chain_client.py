"""HttpNode against nodes that misbehave: bounded in bytes and time, every failure typed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain.client import HttpNode, NodeError, require_chain
from deedbook.errors import ChainUnavailable, InvalidInput, WrongChain

OK = {"jsonrpc": "2.0", "id": 1, "result": "0x1"}


@contextmanager
def _node(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that hands each connection's socket to `serve`, after the whole request: unread bytes would reset it."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                _read_request(connection)
                serve(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _read_request(connection: socket.socket) -> None:
    with connection.makefile("rb") as stream:
        lines = list(iter(stream.readline, b"\r\n"))
        stream.read(next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")))


def _http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _sends(*parts: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return serve


def test_an_answer_is_its_result() -> None:
    with _node(_sends(_http(json.dumps(OK).encode()))) as url:
        assert HttpNode(url, timeout=5).request("eth_chainId", []) == "0x1"


def test_a_chunked_answer_and_one_without_length_are_read() -> None:
    body = json.dumps(OK).encode()
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    for answer in (chunked, b"HTTP/1.0 200 OK\r\n\r\n" + body):
        with _node(_sends(answer)) as url:
            assert HttpNode(url, timeout=5).request("eth_chainId", []) == "0x1"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        _http(b""),
        _http(b"not json"),
        _http(b"\xff\xfe"),
        _http(b"[" * 100_000),
        _http(b"<html>busy</html>", "503 Service Unavailable"),
        _http(b"", "301 Moved", "Location: http://169.254.169.254/"),
        _http(json.dumps(OK).encode(), length=10_000),
        _http(json.dumps(OK).encode()[:-5]),
        _http(json.dumps({**OK, "id": 2}).encode()),
        _http(json.dumps({"jsonrpc": "2.0", "id": 1}).encode()),
        _http(b"[]"),
        _http(b"7"),
        _http(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000,
    ],
)
def test_what_is_no_answer_is_chain_unavailable(answer: bytes) -> None:
    with _node(_sends(answer)) as url, pytest.raises(ChainUnavailable) as caught:
        HttpNode(url, timeout=5).request("eth_chainId", [])
    assert caught.value.retryable


def test_an_answer_has_a_longest_length() -> None:
    body = json.dumps({**OK, "result": "x" * 5000}).encode()
    with _node(_sends(_http(body))) as url:
        assert len(HttpNode(url, timeout=5).request("a", [])) == 5000
        assert HttpNode(url, timeout=5, most_answer=len(body)).request("a", []) == "x" * 5000
        with pytest.raises(ChainUnavailable) as caught:
            HttpNode(url, timeout=5, most_answer=len(body) - 1).request("a", [])
    assert "longer than" in caught.value.message


def test_an_endless_answer_ends() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    with _node(serve) as url, pytest.raises(ChainUnavailable):
        HttpNode(url, timeout=5, most_answer=1_000_000).request("a", [])


def test_a_trickling_node_is_given_up() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.05)

    began = time.monotonic()
    with _node(serve) as url, pytest.raises(ChainUnavailable):
        HttpNode(url, timeout=0.3).request("a", [])
    assert time.monotonic() - began < 4


def test_a_silent_node_is_given_up() -> None:
    with _node(lambda connection: time.sleep(0.6)) as url, pytest.raises(ChainUnavailable):
        HttpNode(url, timeout=0.2).request("a", [])


def test_a_closed_port_is_chain_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ChainUnavailable):
        HttpNode(f"http://127.0.0.1:{port}", timeout=2).request("a", [])


@pytest.mark.parametrize(
    ("error", "code", "data"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x1234"}, 3, "0x1234"),
        ({"code": -32000, "message": "no"}, -32000, None),
        ({"message": "no"}, -32603, None),
        ({"code": "x"}, -32603, None),
        ("text", -32603, None),
    ],
)
def test_the_nodes_error_is_a_node_error(error: Any, code: int, data: str | None) -> None:
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
    for status in ("200 OK", "500 Internal Server Error"):
        with _node(_sends(_http(answer, status))) as url, pytest.raises(NodeError) as caught:
            HttpNode(url, timeout=5).request("a", [])
        assert (caught.value.rpc_code, caught.value.data) == (code, data)
        assert caught.value.code == "node-error"


def test_a_batch_is_put_in_order_and_must_be_whole() -> None:
    answers = [{"jsonrpc": "2.0", "id": 2, "result": "b"}, {"jsonrpc": "2.0", "id": 1, "result": "a"}]
    with _node(_sends(_http(json.dumps(answers).encode()))) as url:
        assert HttpNode(url, timeout=5).batch([("x", []), ("y", [])]) == ["a", "b"]
        with pytest.raises(ChainUnavailable):
            HttpNode(url, timeout=5).batch([("x", []), ("y", []), ("z", [])])


@pytest.mark.parametrize("url", ["", "localhost:8545", "ftp://a", "http://", "http://a:b", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        HttpNode(url)
    assert caught.value.field == "url"


def test_credentials_in_the_address_are_sent_and_not_shown() -> None:
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            seen.append(connection.recv(65536))

    thread = threading.Thread(target=run)
    thread.start()
    with pytest.raises(ChainUnavailable) as caught:
        HttpNode(f"http://who:sec%20ret@127.0.0.1:{listener.getsockname()[1]}/path?x=1", timeout=5).request("a", [])
    thread.join()
    listener.close()
    assert b"Authorization: Basic d2hvOnNlYyByZXQ=" in seen[0]
    assert seen[0].startswith(b"POST /path?x=1 ")
    assert "ret" not in str(caught.value) + str(caught.value.fields)


class _Fixed:
    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def request(self, method: str, params: Any) -> Any:
        return self._answers[method]


def test_a_node_without_a_first_block_is_the_wrong_chain() -> None:
    with pytest.raises(WrongChain):
        require_chain(_Fixed(eth_chainId="0x1", eth_getBlockByNumber=None), chain_id=1, genesis_hash=bytes(32))


def test_importing_the_client_imports_no_chain(root: Path) -> None:
    code = (
        "import deedbook.chain.client, sys; print([m for m in ('eth', 'web3', 'sqlite3', 'rlp') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=root / "src", capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "[]\n"
