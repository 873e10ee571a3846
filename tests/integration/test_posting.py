"""Requests to where others want them: to the very address that was judged, in time, and believing nothing."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deedbook.bootstrap.posting import MOST_ANSWER, MOST_PAUSE, Poster
from deedbook.domain.destinations import Address, Permitted
from deedbook.domain.webhooks import Outcome
from tests.webhook_receiver import Receiver

HERE = Permitted(http=True, networks=(ip_network("127.0.0.0/8"),))
LOOPBACK = ip_address("127.0.0.1")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def test_a_request_arrives_as_it_was_made(receiver: Receiver) -> None:
    outcome = Poster(HERE).post(receiver.url, {"webhook-id": "msg_1"}, b'{"a":1}')
    assert outcome == Outcome(204)
    (got,) = receiver.received
    assert (got.path, got.id, got.body) == ("/hook?token=hush", "msg_1", b'{"a":1}')
    assert (got.headers["content-type"], got.headers["host"]) == ("application/json", f"127.0.0.1:{receiver.port}")


def test_a_name_is_resolved_once_and_the_connection_goes_to_that_very_address(receiver: Receiver) -> None:
    """DNS rebinding: the second answer, which nobody asks for, would be another machine."""
    asked: list[str] = []

    def rebound(host: str, _: int) -> list[Address]:
        asked.append(host)
        return [LOOPBACK if len(asked) == 1 else ip_address("192.168.0.1")]

    url = f"http://rebound.example:{receiver.port}/"
    assert Poster(HERE, resolved=rebound).post(url, {}, b"{}") == Outcome(204)
    assert asked == ["rebound.example"]
    assert receiver.received[0].headers["host"] == f"rebound.example:{receiver.port}"


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]]
)
def test_a_name_that_means_a_refused_address_is_not_connected_to(receiver: Receiver, addresses: list[str]) -> None:
    poster = Poster(Permitted(http=True), resolved=lambda *_: [ip_address(each) for each in addresses])
    assert poster.post(f"http://inner.example:{receiver.port}/", {}, b"{}") == Outcome(failed="refused")
    assert receiver.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_this_machine_is_not_connected_to_however_it_is_written(receiver: Receiver, host: str) -> None:
    outcome = Poster(Permitted(http=True)).post(f"http://{host}:{receiver.port}/", {}, b"{}")
    assert outcome.failed in ("refused", "unresolved")
    assert receiver.received == []


def test_what_is_no_longer_permitted_is_refused_when_it_is_sent(receiver: Receiver) -> None:
    assert Poster(Permitted(networks=HERE.networks)).post(receiver.url, {}, b"{}") == Outcome(failed="refused")


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with Receiver(lambda _: 307, {"Location": receiver.url}) as redirecting:
        assert Poster(HERE).post(redirecting.url, {}, b"{}").failure == "redirect"
    assert receiver.received == []


def test_a_name_that_nobody_has_and_a_port_that_nobody_listens_at(receiver: Receiver) -> None:
    def nobody(*_: object) -> list[Address]:
        raise socket.gaierror

    assert Poster(HERE, resolved=nobody).post("http://nobody.example/", {}, b"{}") == Outcome(failed="unresolved")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert Poster(HERE).post(f"http://127.0.0.1:{port}/", {}, b"{}") == Outcome(failed="unreachable")


def test_a_resolver_that_does_not_answer_takes_no_more_than_the_time_for_all() -> None:
    answered = threading.Event()

    def late(*_: object) -> list[Address]:
        assert answered.wait(60)
        return [LOOPBACK]

    try:
        began = time.monotonic()
        assert Poster(HERE, resolved=late, within=0.2).post("http://late.example/", {}, b"{}") == Outcome(
            failed="timeout"
        )
        assert time.monotonic() - began < 30
    finally:
        answered.set()


@pytest.mark.parametrize(("asked", "pause"), [("7", 7), ("9" * 9, MOST_PAUSE), ("9" * 20, 0), ("Wed, 21 Oct 2026", 0)])
def test_a_receiver_may_ask_to_be_left_alone_for_a_while(asked: str, pause: int) -> None:
    with Receiver(lambda _: 503, {"Retry-After": asked}) as busy:
        assert Poster(HERE).post(busy.url, {}, b"{}") == Outcome(503, pause=pause)


# -- receivers that misbehave


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request and then speaks as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                with suppress(OSError):  # the other side had enough
                    speak(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(20)
        assert not thread.is_alive()


def endlessly(part: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    def speak(connection: socket.socket) -> None:
        while True:
            connection.sendall(part)
            time.sleep(pause)

    return speak


@pytest.mark.parametrize(
    "speak",
    [
        endlessly(b"HTTP/1.1 100 Continue\r\n\r\n"),
        endlessly(b"X-Padding: " + b"x" * 1000 + b"\r\n"),
        endlessly(b"x" * 1000),
        lambda connection: connection.sendall(b"HTTP/1.1 99999 \r\n\r\n"),
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        lambda connection: None,
    ],
    ids=["continue", "headers", "line", "status", "ssh", "many-headers", "nothing"],
)
def test_an_answer_that_is_none_is_not_read_on(speak: Callable[[socket.socket], None]) -> None:
    with speaking(speak) as url:
        assert Poster(HERE).post(url, {}, b"{}") == Outcome(failed="malformed")


def test_an_answer_without_an_end_is_not_read_to_its_end() -> None:
    read: list[int] = []

    def speak(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(bytes(MOST_ANSWER))
            read.append(MOST_ANSWER)

    with speaking(speak) as url:
        assert Poster(HERE).post(url, {}, b"{}") == Outcome(200)
    assert len(read) < 1000


@pytest.mark.parametrize(
    "speak", [lambda connection: connection.recv(1), endlessly(b"H", 0.02)], ids=["silent", "dripping"]
)
def test_a_receiver_that_takes_its_time_is_left_when_it_is_over(speak: Callable[[socket.socket], None]) -> None:
    with speaking(speak) as url:
        began = time.monotonic()
        assert Poster(HERE, within=0.3).post(url, {}, b"{}") == Outcome(failed="timeout")
        assert time.monotonic() - began < 10


def test_one_that_does_not_read_what_it_is_sent_is_left_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        assert Poster(HERE, within=0.3).post(url, {}, bytes(30_000_000)) == Outcome(failed="timeout")


# -- certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of hooks.example, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "hooks.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def secure(certificate: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver = Receiver()
    receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)
    with receiver:
        yield receiver


@pytest.mark.parametrize(
    ("host", "trusted", "outcome"),
    [
        ("hooks.example", True, Outcome(204)),
        ("hooks.example", False, Outcome(failed="tls")),
        ("other.example", True, Outcome(failed="tls")),
    ],
)
def test_over_https_the_name_is_shown_at_the_address_that_was_judged(
    certificate: Path, host: str, trusted: bool, outcome: Outcome
) -> None:
    context = ssl.create_default_context(cafile=str(certificate) if trusted else None)
    poster = Poster(Permitted(networks=HERE.networks), resolved=lambda *_: [LOOPBACK], context=context)
    with secure(certificate) as receiver:
        assert poster.post(f"https://{host}:{receiver.port}/", {}, b"{}") == outcome
        assert len(receiver.received) == outcome.is_taken
