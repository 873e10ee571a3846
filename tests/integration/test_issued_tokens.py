"""Bearer tokens of a local issuer: who is let in, and every way in which a token is not good."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from deedbook.bootstrap.doorkeeper import MOST_DOCUMENT, fetched
from deedbook.domain.principals import Means, Scope
from deedbook.errors import ChainUnavailable, InvalidFormat, InvalidInput, Unauthenticated
from deedbook.wallet.tokens import KEYS_LIFE, KEYS_PAUSE, LEEWAY, Issuer, Tokens
from tests.conftest import START, Clock

AUDIENCE: Final = "https://deeds.example.org"
MEMBER: Final = bytes(range(20))
FIRST, SECOND, THEIRS = RSAKey.generate_key(2048), ECKey.generate_key("P-256"), RSAKey.generate_key(2048)

SHORT: Final = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(b"\xff" * 128).rstrip(b"=").decode()}
"""A public key of 1,024 bits."""


class IssuerServer(ThreadingHTTPServer):
    """An issuer on loopback: its discovery document and its keys, which a test changes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.documents: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.say(
            "/.well-known/openid-configuration",
            {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
        )

    def say(self, path: str, document: Any) -> None:
        self.documents[path] = document if isinstance(document, bytes) else json.dumps(document).encode()

    def have(self, **keys: Any) -> None:
        """Publishes these keys by name."""
        listed = [{**key.as_dict(private=False), "kid": name, "use": "sig"} for name, key in keys.items()]
        self.say("/keys", {"keys": listed})


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, IssuerServer)
        server.asked.append(self.path)
        content = server.documents.get(self.path)
        if content is not None and content.startswith(b"http"):
            self.send_response(302)
            self.send_header("Location", content.decode())
            content = b""
        else:
            self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def issuing() -> Iterator[IssuerServer]:
    with IssuerServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[IssuerServer]:
    with issuing() as made:
        made.have(first=FIRST, second=SECOND)
        yield made


@pytest.fixture
def tokens(server: IssuerServer, clock: Clock) -> Tokens:
    return Tokens(Issuer(server.url, AUDIENCE, {"clerk-7": MEMBER}), fetched, clock)


def token(server: IssuerServer, key: Any = FIRST, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A good token, but for what is changed; None leaves a claim out."""
    said = {"iss": server.url, "aud": AUDIENCE, "sub": "clerk-7", "iat": START, "exp": START + 300} | claims
    algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
    named = {"alg": algorithm, "kid": "second" if isinstance(key, ECKey) else "first"} | (header or {})
    left = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(named, left, key, algorithms=[named["alg"]])


def test_a_token_of_the_issuer_is_its_accounts_with_its_scopes(server: IssuerServer, tokens: Tokens) -> None:
    for key in (FIRST, SECOND):
        caller = tokens.caller(token(server, key, scope="openid read operate profile"))
        assert (caller.means, caller.account) == (Means.ISSUED, MEMBER)
        assert caller.scopes == {Scope.READ, Scope.OPERATE}
    assert tokens.caller(token(server)).scopes == frozenset()
    assert tokens.caller(token(server, aud=["another", AUDIENCE])).account == MEMBER
    assert server.asked == ["/.well-known/openid-configuration", "/keys"]  # once for all


WRONG: Final[dict[str, dict[str, Any]]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "https://evil.example"},
    "no audience": {"aud": None},
    "an audience among others": {"aud": ["https://evil.example"]},
    "over": {"exp": START - LEEWAY - 1},
    "no end": {"exp": None},
    "an end that is no time": {"exp": "tomorrow"},
    "not yet": {"nbf": START + LEEWAY + 1},
    "of tomorrow": {"iat": START + LEEWAY + 1},
    "no beginning": {"iat": None},
    "of nobody who is known": {"sub": "clerk-8"},
    "of nobody": {"sub": None},
    "of a number": {"sub": 7},
    "of a list": {"sub": ["clerk-7"]},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_token_with_a_wrong_claim_is_refused(server: IssuerServer, tokens: Tokens, wrong: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        tokens.caller(token(server, **WRONG[wrong]))
    assert refused.value.given


def test_clocks_may_differ_by_a_minute(server: IssuerServer, tokens: Tokens) -> None:
    near: list[dict[str, Any]] = [{"exp": START - LEEWAY + 1}, {"nbf": START + LEEWAY - 1}, {"iat": START + LEEWAY - 1}]
    for claims in near:
        assert tokens.caller(token(server, **claims)).account == MEMBER


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(server: IssuerServer) -> str:
    _, claims, _ = token(server).split(".")
    return f"{_part({'alg': 'none', 'kid': 'first'})}.{claims}."


def _with_the_public_key_as_a_password(server: IssuerServer) -> str:
    _, claims, _ = token(server).split(".")
    said = f"{_part({'alg': 'HS256', 'kid': 'first', 'typ': 'JWT'})}.{claims}"
    code = hmac.new(FIRST.as_pem(private=False), said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


def _forged(server: IssuerServer) -> str:
    head, _, signature = token(server).split(".")
    claims = {"iss": server.url, "aud": AUDIENCE, "sub": "clerk-7", "iat": START, "exp": START + 9}
    return f"{head}.{_part(claims)}.{signature}"


FORGED: Final[dict[str, Callable[[IssuerServer], str]]] = {
    "unsigned": _unsigned,
    "signed with the public key as a password": _with_the_public_key_as_a_password,
    "other claims under a signature": _forged,
    "another's key of the same name": lambda server: token(server, THEIRS),
    "an algorithm that is not allowed": lambda server: token(server, FIRST, {"alg": "RS512"}),
    "a key of another kind": lambda server: token(server, FIRST, {"kid": "second"}),
    "a key without a name": lambda server: token(server, FIRST, {"kid": ""}),
    "its own key": lambda server: token(server, THEIRS, {"jwk": THEIRS.as_dict(private=False), "kid": "mine"}),
    "keys from elsewhere": lambda server: token(server, THEIRS, {"jku": "https://evil.example/keys", "kid": "mine"}),
    "a critical extension": lambda server: _critical(server),
    "another kind of document": lambda server: token(server, FIRST, {"typ": "logout+jwt"}),
    "no token": lambda _: "a.b.c",
    "two parts": lambda server: token(server).rpartition(".")[0],
    "too long": lambda server: token(server, note="x" * 9000),
    "doubled claims": lambda server: _doubled(server),
}


def _critical(server: IssuerServer) -> str:
    _, claims, signature = token(server).split(".")
    return f"{_part({'alg': 'RS256', 'kid': 'first', 'crit': ['b64'], 'b64': True})}.{claims}.{signature}"


def _doubled(server: IssuerServer) -> str:

    claims = (
        f'{{"iss":"{server.url}","aud":"{AUDIENCE}","sub":"clerk-8","sub":"clerk-7","iat":{START},"exp":{START + 9}}}'
    )
    return jws.serialize_compact({"alg": "RS256", "kid": "first"}, claims, FIRST, algorithms=["RS256"])


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_token_is_refused(server: IssuerServer, tokens: Tokens, forged: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        tokens.caller(FORGED[forged](server))
    assert refused.value.given
    assert all("evil" not in path for path in server.asked)


def test_keys_are_kept_an_hour_and_a_new_one_is_found_within_a_minute(
    server: IssuerServer, tokens: Tokens, clock: Clock
) -> None:
    tokens.caller(token(server))
    fresh = THEIRS
    server.have(third=fresh)
    made = token(server, fresh, {"kid": "third"}, exp=START + 2 * KEYS_LIFE)
    for _ in range(20):  # whoever names keys that are not there makes no storm
        with pytest.raises(Unauthenticated):
            tokens.caller(made)
    assert server.asked.count("/keys") == 1
    assert tokens.caller(token(server)).account == MEMBER  # the old one still is
    clock.advance(KEYS_PAUSE)
    assert tokens.caller(made).account == MEMBER
    with pytest.raises(Unauthenticated):  # it was taken back
        tokens.caller(token(server, exp=START + 2 * KEYS_LIFE))
    clock.advance(KEYS_LIFE)
    assert tokens.caller(made).account == MEMBER
    assert server.asked.count("/keys") == 3


def test_an_issuer_that_is_away_stops_nobody_whose_key_is_known(
    server: IssuerServer, tokens: Tokens, clock: Clock
) -> None:
    tokens.caller(token(server))
    server.documents.clear()
    clock.advance(KEYS_LIFE)
    assert tokens.caller(token(server, exp=START + 2 * KEYS_LIFE)).account == MEMBER


def test_an_issuer_that_never_answered_is_a_reason_to_try_again(server: IssuerServer, clock: Clock) -> None:
    server.documents.clear()
    tokens = Tokens(Issuer(server.url, AUDIENCE, {"clerk-7": MEMBER}), fetched, clock)
    for _ in range(2):
        with pytest.raises(ChainUnavailable):
            tokens.caller(token(server))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "document",
    [
        b"{", b"[]", b'{"keys":7}', b'{"keys":[{"kty":"oct","k":"AAAA","kid":"first"}]}',
        json.dumps({"keys": [{}] * 100}).encode(), b" " * (MOST_DOCUMENT + 1),
        json.dumps({"keys": [{**FIRST.as_dict(private=False), "kid": "first", "use": "enc"}]}).encode(),
        json.dumps({"keys": [{**SHORT, "kid": "first"}]}).encode(),
        b"http://127.0.0.1:1/elsewhere",
    ],
)  # fmt: skip
def test_keys_that_cannot_be_used_let_nobody_in(server: IssuerServer, tokens: Tokens, document: bytes) -> None:
    server.say("/keys", document)
    with pytest.raises((Unauthenticated, ChainUnavailable)):
        tokens.caller(token(server))


@pytest.mark.parametrize(
    "said", [{"issuer": "https://evil.example", "jwks_uri": "x"}, {"issuer": None}, [], {"issuer": ""}]
)
def test_anothers_discovery_document_is_not_believed(server: IssuerServer, tokens: Tokens, said: Any) -> None:
    server.say("/.well-known/openid-configuration", said)
    with pytest.raises(ChainUnavailable):
        tokens.caller(token(server))
    assert "/keys" not in server.asked


@pytest.mark.parametrize(
    "address", ["http://example.org/keys", "ftp://127.0.0.1/", "file:///etc/passwd", "https://u:p@x/"]
)
def test_an_address_that_is_not_https_is_not_asked(address: str) -> None:
    with pytest.raises(InvalidFormat):
        fetched(address)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", "ES256K"])
def test_an_algorithm_that_is_no_key_pairs_cannot_be_allowed(algorithm: str) -> None:
    with pytest.raises(InvalidInput):
        Issuer("https://issuer.example", AUDIENCE, {}, algorithms=("RS256", algorithm))
