"""HttpNode against nodes that misbehave: bounded in bytes and time, every failure typed."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deedbook.chain.client import HttpNode, NodeError, Request, one_by_one, require_chain, text_of
from deedbook.errors import ChainUnavailable, InvalidInput, WrongChain
from tests.fault_node import (
    MIB,
    Bytes,
    Changed,
    CloseAfter,
    CloseBefore,
    Delay,
    DuplicateItem,
    Fault,
    FaultNode,
    HalfOpen,
    Html,
    Huge,
    MissingItem,
    RefuseBatch,
    Reset,
    Shuffled,
    Trickle,
    Truncate,
    WrongId,
)

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


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8545", "ftp://a", "http://", "http://a:b", "file:///etc/passwd", "http://[::1", "http://a..b/",
     "http://a/é", "http://a/ b", "http://" + "a" * 300],
)  # fmt: skip
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


# -- connections, batches and faults on the wire


class _Echo:
    """Answers a method with its parameters; `no` is refused."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if method == "no":
            raise NodeError(-32000, "no")
        return list(params)

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return one_by_one(self, requests)


@pytest.fixture
def proxy() -> Iterator[FaultNode]:
    with FaultNode(_Echo()) as running:
        yield running


def test_one_connection_serves_many_requests(proxy: FaultNode) -> None:
    node = HttpNode(proxy.url, timeout=5)
    for number in range(20):
        assert node.request("a", [number]) == [number]
    assert proxy.connections == 1


def test_threads_share_a_node_and_get_their_own_answers(proxy: FaultNode) -> None:
    node, wrong = HttpNode(proxy.url, timeout=30), []

    def ask(thread: int) -> None:
        for number in range(50):
            if node.request("a", [thread, number]) != [thread, number]:
                wrong.append((thread, number))

    threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert proxy.connections <= 30


def test_a_connection_that_the_node_closed_is_not_used_again(proxy: FaultNode) -> None:
    node = HttpNode(proxy.url, timeout=5)
    assert node.request("a", [1]) == [1]
    proxy.down()
    proxy.up()
    assert node.request("a", [2]) == [2]
    assert proxy.count("a") == 2


def test_a_forked_child_talks_on_its_own_connection(proxy: FaultNode) -> None:
    node = HttpNode(proxy.url, timeout=5)
    assert node.request("a", [1]) == [1]
    child = os.fork()
    if child == 0:
        os._exit(0 if [node.request("a", [n]) for n in range(5)] == [[n] for n in range(5)] else 1)
    assert [node.request("a", [n]) for n in range(5)] == [[n] for n in range(5)]
    assert os.waitpid(child, 0)[1] == 0
    assert proxy.connections == 2


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Reset(), "closed"),
        (CloseBefore(), "closed"),
        (CloseAfter(), "closed"),
        (HalfOpen(), "timeout"),
        (HalfOpen(forwarded=True), "timeout"),
        (Delay(2), "timeout"),
        (Trickle(0.05), "timeout"),
        (Trickle(0.05, head=True), "timeout"),
        (Truncate(), "cut-short"),
        (Truncate(honest=True), "not-json"),
        (Huge(), "too-long"),
        (Huge(announced=True), "too-long"),
        (Html(429), "http-429"),
        (Html(500), "http-500"),
        (Html(502), "http-502"),
        (Html(200), "not-json"),
        (Bytes(b""), "not-json"),
        (Bytes(b"[" * 100_000), "not-json"),
        (Bytes(b"[" + b"[]," * 400_000 + b"[]]"), "malformed"),
        (Bytes(b"1" * 5000), "not-json"),
        (WrongId(), "wrong-id"),
        (MissingItem(), "incomplete"),
        (DuplicateItem(), "duplicate-id"),
        (Changed(lambda answers: [{**each, "id": str(each["id"])} for each in answers]), "wrong-id"),
        (Changed(lambda answers: [{**each, "id": float(each["id"])} for each in answers]), "wrong-id"),
        (Changed(lambda answers: [{**each, "id": [each["id"]]} for each in answers]), "wrong-id"),
        (Changed(lambda answers: [*answers, {**answers[0], "id": 10**9}]), "wrong-id"),
        (Changed(lambda answers: [{"id": each["id"]} for each in answers]), "malformed"),
        (Changed(lambda answers: [7 for _ in answers]), "wrong-id"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_every_fault_has_its_name_and_the_next_request_goes_well(fault: Fault, failure: str, proxy: FaultNode) -> None:
    node = HttpNode(proxy.url, timeout=0.4, most_answer=4 * MIB)
    proxy.then(fault)
    began = time.monotonic()
    with pytest.raises(ChainUnavailable) as caught:
        node.batch([("a", [1]), ("no", []), ("c", [3])])
    assert (caught.value.failure, caught.value.unsent) == (failure, False)
    assert caught.value.fields["host"] == proxy.host
    assert time.monotonic() - began < 5
    assert node.request("a", [7]) == [7]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Reset(), "closed"),
        (HalfOpen(), "timeout"),
        (Truncate(), "cut-short"),
        (Truncate(honest=True), "not-json"),
        (Huge(), "too-long"),
        (Html(429), "http-429"),
        (Html(200), "not-json"),
        (Bytes(b""), "not-json"),
        (Bytes(b"[" * 100_000), "not-json"),
        (Bytes(b"[" + b"[]," * 400_000 + b"[]]"), "malformed"),
        (Bytes(b'{"result":[]}'), "wrong-id"),
        (WrongId(), "wrong-id"),
        (Changed(lambda answers: [answers]), "malformed"),
        (Changed(lambda answers: [{"id": answers[0]["id"]}]), "malformed"),
        (Changed(lambda answers: [{"id": answers[0]["id"], "no": answers[0]["result"]}]), "malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_result_that_is_taken_as_text_fails_as_any_other(fault: Fault, failure: str, proxy: FaultNode) -> None:
    node = HttpNode(proxy.url, timeout=0.4, most_answer=4 * MIB)
    proxy.then(fault)
    with pytest.raises(ChainUnavailable) as caught:
        node.text("a", [[1], "]"])
    assert caught.value.failure == failure
    assert json.loads(node.text("a", [[1], "]"])) == [[1], "]"]


@pytest.mark.parametrize("result", [[], [1], [[]], ["]", "[", '"'], [{"a": [1, {"b": []}]}], None, 7, {"a": []}, "[]"])
@pytest.mark.parametrize("more", [{}, {"more": []}, {"more": "[]"}, {"more": [1, [2]]}], ids=str)
@pytest.mark.parametrize("turned", [False, True])
def test_a_result_is_the_same_as_text(result: Any, more: dict[str, Any], turned: bool, proxy: FaultNode) -> None:
    """Wherever else brackets stand in the answer: what is given is that result, or no JSON at all."""

    def answer(told: list[dict[str, Any]]) -> list[Any]:
        found = {**told[0], "result": result, **more}
        return [dict(reversed(found.items())) if turned else found]

    node = HttpNode(proxy.url, timeout=5)
    proxy.then(Changed(answer))
    text = node.text("a", [])
    try:
        told = json.loads(text)
    except ValueError:
        assert "more" in more  # the brackets of two values were taken for those of one
    else:
        assert told == result


def test_an_error_of_the_node_is_raised_where_text_is_asked_for(proxy: FaultNode) -> None:
    with pytest.raises(NodeError, match="no"):
        HttpNode(proxy.url, timeout=5).text("no", [])
    assert text_of(HttpNode(proxy.url, timeout=5), "a", [1, 2]) == b"[1, 2]"


@pytest.mark.parametrize(("fault", "failure"), [(WrongId(), "wrong-id"), (WrongId(-1), "wrong-id")])
def test_an_answer_to_another_request_is_refused(fault: Fault, failure: str, proxy: FaultNode) -> None:
    node = HttpNode(proxy.url, timeout=5)
    for body in (("a", [1]), ("no", [])):
        proxy.then(fault)
        with pytest.raises(ChainUnavailable) as caught:
            node.request(*body)
        assert caught.value.failure == failure


def test_a_closed_port_was_never_reached(proxy: FaultNode) -> None:
    node = HttpNode(proxy.url, timeout=5)
    proxy.down()
    with pytest.raises(ChainUnavailable) as caught:
        node.request("a", [])
    assert (caught.value.failure, caught.value.unsent) == ("refused", True)


def test_a_name_that_nobody_has_was_never_reached() -> None:
    with pytest.raises(ChainUnavailable) as caught:
        HttpNode("http://nobody.invalid:1", timeout=5).request("a", [])
    assert (caught.value.failure, caught.value.unsent) == ("no-such-host", True)


def test_errors_of_a_batch_take_their_results_places(proxy: FaultNode) -> None:
    for fault in (None, Shuffled()):
        if fault is not None:
            proxy.then(fault)
        first, second, third = HttpNode(proxy.url, timeout=5).batch([("a", [1]), ("no", []), ("c", [3])])
        assert (first, third) == ([1], [3])
        assert isinstance(second, NodeError)
        assert second.reason == "no"


@pytest.mark.parametrize("in_list", [False, True])
@pytest.mark.parametrize(("most", "remembered"), [(0, 1), (1, 1), (10, 6), (50, 50)])
def test_a_node_that_refuses_batches_gets_smaller_ones_from_then_on(
    most: int, remembered: int, in_list: bool, proxy: FaultNode
) -> None:
    node = HttpNode(proxy.url, timeout=5)
    proxy.seeded(0, {RefuseBatch(most, in_list): 1.0})
    requests: list[Request] = [("a", [number]) for number in range(100)]
    assert node.batch(requests) == [[number] for number in range(100)]
    began = len(proxy.served)
    assert node.batch(requests) == [[number] for number in range(100)]
    assert {len(each.methods) for each in proxy.served[began:]} <= {remembered, 100 % remembered or remembered}
    assert sum(len(each.methods) for each in proxy.served[began:]) == 100


def test_a_batch_that_is_too_large_for_the_server_is_split(proxy: FaultNode) -> None:
    proxy.then(Html(413))
    assert HttpNode(proxy.url, timeout=5).batch([("a", [1]), ("a", [2])]) == [[1], [2]]


@contextmanager
def _behind_tls(folder: Path) -> Iterator[tuple[str, Path]]:
    """An https address whose certificate, of `localhost`, nobody has signed but itself; and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    paths = folder / "key.pem", folder / "certificate.pem"
    paths[0].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    paths[1].write_bytes(certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths[1], paths[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                    with plain, context.wrap_socket(plain, server_side=True) as line:
                        for number in (1, 2):
                            _read_request(line)
                            line.sendall(_http(json.dumps({**OK, "id": number}).encode()))
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=run)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}", paths[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_node_behind_tls_must_show_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _behind_tls(tmp_path) as (url, certificate):
        with pytest.raises(ChainUnavailable) as caught:
            HttpNode(url, timeout=5).request("a", [])
        assert (caught.value.failure, caught.value.unsent) == ("tls", True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(ChainUnavailable) as caught:  # trusted, but not of this name
            HttpNode(url.replace("localhost", "127.0.0.1"), timeout=5).request("a", [])
        assert caught.value.failure == "tls"
        node = HttpNode(url, timeout=5)
        assert [node.request("a", []), node.request("a", [])] == ["0x1", "0x1"]
        node.close()


def test_a_huge_answer_needs_no_huge_memory(root: Path) -> None:
    words = [sys.executable, "-m", "tests.huge_answer_child"]
    ran = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(ran.stdout)
    assert found["failures"] == ["too-long"] * 4
    assert found["grown"] < 96 * MIB  # of 400 MB that were offered; 64 MiB may be read
    assert found["announced"] < 8 * MIB  # what says its length is not read at all


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
