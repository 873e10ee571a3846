"""Signing in over HTTP: once for each nonce, here and now, by the account's own key or the contract that it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from typing import Any, Final

import pytest
from eth_account import Account

from deedbook.api.door import COOKIE
from deedbook.bootstrap.desk import Desk
from deedbook.domain.hashing import checksum_address, from_hex, sha256, to_hex
from deedbook.domain.principals import Scope, session_kept, session_of
from deedbook.errors import InvalidSignature
from deedbook.ledger.signing_in import LEEWAY, NONCE_LIFE, SESSION_LIFE
from deedbook.wallet.sign_in import SignInMessage, message_digest, time_text, unix_of
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_service import Answer, running
from tests.e2e.leaks import files_of
from tests.integration.behind_a_door import ORIGIN, Served, served
from tests.integration.scenario import BANK, BUYER, PROVIDER, Scenario, Stage, account

PERSON = account("person 0")


@pytest.fixture(scope="module")
def home(listed: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Scenario.copied(listed, tmp_path_factory.mktemp("signing-in")) as scenario, served(scenario) as made:
        yield made


def asked(home: Served, signer: LocalSigner = PERSON) -> str:
    """A message of now, as the service writes it."""
    answer = home.client.ask("POST", "/session/nonce", {"address": checksum_address(signer.address)})
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    return str(answer.json()["message"])


def post(home: Served, text: str, signature: bytes) -> Answer:
    return home.client.ask("POST", "/session", {"message": text, "signature": to_hex(signature)})


def signed(text: str, signer: LocalSigner = PERSON) -> bytes:
    return signer.sign_digest(message_digest(text))


# -- once, here, now


def test_a_wallet_signs_in_and_is_known_until_it_signs_out(home: Served) -> None:
    text = asked(home)
    answer = post(home, text, signed(text))
    said = answer.json()
    now = home.scenario.clock()
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    assert (said["account"], said["endsAt"]) == (checksum_address(PERSON.address), now + SESSION_LIFE)
    assert home.ask(said["token"], "GET", "/me").json() == {
        "means": "session", "account": said["account"], "scopes": sorted(Scope), "roles": [],
    }  # fmt: skip
    assert home.ask(said["token"], "DELETE", "/session").status == 204
    refused = home.ask(said["token"], "GET", "/me")
    assert (refused.status, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == 'Bearer realm="deedbook", error="invalid_token"'


def test_of_fifty_that_come_with_one_nonce_at_once_one_is_let_in(home: Served) -> None:
    text = asked(home)
    signature = signed(text)
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: post(home, text, signature), range(50)))
    assert sorted(answer.status for answer in answers) == [201, *[422] * 49]
    assert {answer.json()["field"] for answer in answers if answer.status == 422} == {"nonce"}


CHANGES: Final[list[tuple[Callable[[str], str], str]]] = [
    (lambda text: text.replace("deeds.example.org wants", "evil.example.org wants"), "domain"),
    (lambda text: text.replace("deeds.example.org wants", "deeds.example.org:444 wants"), "domain"),
    (lambda text: "http://" + text, "scheme"),
    (lambda text: text.replace(f"URI: {ORIGIN}", f"URI: {ORIGIN}.evil.example"), "uri"),
    (lambda text: text.replace(f"URI: {ORIGIN}", "URI: https://evil.example"), "uri"),
    (lambda text: text.replace("Chain ID: ", "Chain ID: 1"), "chain-id"),
    (lambda text: _line(text, "Issued At", time_text(_now(text) + LEEWAY + 1)), "issued-at"),
    (lambda text: _line(text, "Issued At", time_text(_now(text) - NONCE_LIFE - LEEWAY - 1)), "issued-at"),
    (lambda text: _line(text, "Expiration Time", time_text(_now(text) - LEEWAY)), "expiration-time"),
    (lambda text: text + f"\nNot Before: {time_text(_now(text) + LEEWAY + 1)}", "not-before"),
    (lambda text: _line(text, "Nonce", "0123456789abcdef"), "nonce"),
    (lambda text: _line(text, "Nonce", SignInMessage.of(text).nonce.upper()), "nonce"),
    (lambda text: text + "\nResources:\n- urn:deedbook:scope:everything", "resources"),
    (lambda text: text + "\nResources:\n- https://evil.example", "resources"),
    (lambda text: text.replace("\n", "\r\n"), "message"),
    (lambda text: text + "\nand more", "message"),
]


def _line(text: str, label: str, value: str) -> str:
    return "\n".join(f"{label}: {value}" if line.startswith(f"{label}: ") else line for line in text.split("\n"))


def _now(text: str) -> int:
    return unix_of(SignInMessage.of(text).issued_at, "issued-at")


@pytest.mark.parametrize(("change", "field"), CHANGES)
def test_a_message_for_elsewhere_or_another_time_is_refused_though_it_is_signed(
    home: Served, change: Callable[[str], str], field: str
) -> None:
    text = change(asked(home))
    answer = post(home, text, signed(text))
    assert (answer.status, answer.json()["field"]) == (422, field)
    assert "set-cookie" not in answer.headers


def test_a_nonce_is_good_for_ten_minutes(home: Served) -> None:
    text = asked(home)
    home.scenario.clock.advance(NONCE_LIFE)
    try:
        late = _line(text, "Issued At", time_text(home.scenario.clock()))
        late = _line(late, "Expiration Time", "2099-01-01T00:00:00Z")
        answer = post(home, late, signed(late))
    finally:
        home.scenario.clock.advance(-NONCE_LIFE)
    assert (answer.status, answer.json()["field"]) == (422, "nonce")


def test_another_services_nonce_is_none_here(home: Served) -> None:
    text = asked(home)
    nonce = SignInMessage.of(text).nonce
    other = nonce[:-2] + ("00" if nonce[-2:] != "00" else "01")
    answer = post(home, text.replace(nonce, other), signed(text.replace(nonce, other)))
    assert (answer.status, answer.json()["field"]) == (422, "nonce")


def test_another_key_or_another_form_of_the_signature_is_refused_and_uses_no_nonce(home: Served) -> None:
    text = asked(home)
    signature = signed(text)
    twin = signature[:64] + bytes([signature[64] - 27])
    for forged in (signed(text, BUYER), twin, signature[:64], b"", bytes(65), b"\xff" * 5000):
        answer = post(home, text, forged)
        assert (answer.status, answer.json()["code"]) == (422, "invalid-signature")
    assert post(home, text, signature).status == 201


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"message":"a"}', b'{"message":1,"signature":"0x"}', b"[" * 10_000,
        b'{"message":"a","signature":"0x","more":1}', b'{"message":"a","message":"b","signature":"0x"}',
        b'{"message":"a","signature":"0xzz"}', b'{"message":"\\ud800","signature":"0x"}',
        b'{"message":NaN,"signature":"0x"}',
        b'{"message":"' + b"a" * 1_000_000 + b'","signature":"0x"}', b"\xff",
    ],
)  # fmt: skip
def test_a_malformed_body_is_a_problem_and_no_session(home: Served, body: bytes) -> None:
    for path in ("/session", "/session/nonce"):
        answer = home.client.ask("POST", path, body, {"Content-Type": "application/json"})
        if path == "/session" or answer.status != 200:
            assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
        assert "set-cookie" not in answer.headers
    assert home.client.ask("POST", "/session", body, {"Content-Type": "text/plain"}).status == 415


def test_neither_tokens_nor_messages_are_logged(home: Served, caplog: pytest.LogCaptureFixture) -> None:
    text = asked(home)
    signature = signed(text)
    token = post(home, text, signature).json()["token"]
    home.ask(token, "GET", "/me")
    home.ask(token[:-1] + "x", "GET", "/me")
    post(home, text, signature)
    nonce = SignInMessage.of(text).nonce
    assert [secret for secret in (token, nonce, signature.hex(), text) if secret in caplog.text] == []


def test_the_resources_narrow_a_session(home: Served) -> None:
    token = home.sign_in(PERSON, "urn:deedbook:scope:read").json()["token"]
    assert home.ask(token, "GET", "/me").json()["scopes"] == ["read"]
    assert home.ask(token, "GET", "/me/consents").status == 403


def test_a_session_ends_by_itself_and_no_token_is_kept(home: Served) -> None:
    token = home.sign_in(PERSON).json()["token"]
    places = files_of(home.scenario.services.home.path)
    digits = token[4:]
    forms = (token.encode(), digits.encode(), bytes.fromhex(digits))
    assert [place for place, content in places.items() for form in forms if form in content] == []
    assert any(session_kept(session_of(token)) in content for content in places.values())
    home.scenario.clock.advance(SESSION_LIFE)
    try:
        assert home.ask(token, "GET", "/me").status == 401
    finally:
        home.scenario.clock.advance(-SESSION_LIFE)
    assert home.ask(token, "GET", "/me").status == 200


# -- accounts that are contracts (ERC-1271)

ANSWERS: Final = {
    "approves": "631626ba7e60e01b60005260206000f3",
    "refuses": "63ffffffff60e01b60005260206000f3",
    "31 bytes": "631626ba7e60e01b600052601f6000f3",
    "64 bytes": "631626ba7e60e01b60005260406000f3",
    "reverts": "60006000fd",
    "burns all its gas": "5b600056",
    "a megabyte": "631626ba7e60e01b600052621000006000f3",
}


def contract(home: Served, runtime: str) -> bytes:
    """The account of a contract that runs this code, put there by a transaction of the bank's."""
    node = home.scenario.services.node
    code = bytes.fromhex(runtime)
    size = len(code).to_bytes(1, "big")
    creation = b"\x60" + size + b"\x80\x60\x09\x3d\x39\x3d\xf3" + code  # 60 size 80 60 09 3d 39 3d f3
    key = sha256(b"account bank")
    nonce = int(node.request("eth_getTransactionCount", [to_hex(BANK.address), "latest"]), 16)
    raw = Account.sign_transaction(
        {"nonce": nonce, "gasPrice": 0, "gas": 1_000_000, "to": b"", "value": 0, "data": creation,
         "chainId": home.scenario.services.chain_id},
        key,
    ).raw_transaction  # fmt: skip
    receipt = node.request("eth_getTransactionReceipt", [node.request("eth_sendRawTransaction", [to_hex(raw)])])
    assert int(receipt["status"], 16) == 1
    return from_hex(receipt["contractAddress"].lower(), "contract", 20)


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_contract_signs_in_where_it_approves_in_its_own_words_alone(home: Served, kind: str) -> None:
    wallet = contract(home, ANSWERS[kind])
    answer = home.client.ask("POST", "/session/nonce", {"address": checksum_address(wallet)})
    text = answer.json()["message"]
    found = post(home, text, b"whatever the contract takes")
    if kind == "approves":
        assert (found.status, found.json()["account"]) == (201, checksum_address(wallet))
    else:
        assert (found.status, found.json()["code"]) == (422, InvalidSignature.code)


# -- cookies


@pytest.fixture
def cookie(home: Served) -> str:
    """The cookie of a fresh session."""
    header = home.sign_in(PROVIDER).headers["set-cookie"]
    found = SimpleCookie(header)[COOKIE]
    assert (found["httponly"], found["secure"], found["samesite"].lower(), found["path"]) == (True, True, "strict", "/")
    assert int(found["max-age"]) == SESSION_LIFE
    assert not found["domain"]
    return f"{COOKIE}={found.value}"


def test_a_cookie_reads_for_the_services_own_pages_and_for_no_other_site(home: Served, cookie: str) -> None:
    def means(**headers: str) -> str:
        said = {"Cookie": cookie} | {name.replace("_", "-"): value for name, value in headers.items()}
        return str(home.client.ask("GET", "/me", None, said).json()["means"])

    assert means() == means(Sec_Fetch_Site="same-origin") == means(Sec_Fetch_Site="none") == "session"
    assert means(Sec_Fetch_Site="cross-site") == means(Sec_Fetch_Site="same-site") == "nobody"
    assert means(Sec_Fetch_Site="nonsense") == "nobody"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}, 201),
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ORIGIN + ".evil.example"}, 403),
        ({"Sec-Fetch-Site": "none", "Origin": ORIGIN}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 401),
        ({"Sec-Fetch-Site": "same-site", "Origin": ORIGIN}, 401),
    ],
)
def test_a_cookie_changes_things_from_the_services_own_pages_alone(
    home: Served, cookie: str, headers: dict[str, str], status: int
) -> None:
    consent = home.scenario.sign(account(f"cookie {headers}")).to_json()
    answer = home.client.ask("POST", "/consents", consent, {"Cookie": cookie} | headers)
    assert answer.status == status
    known = home.scenario.services.records.consents.known([home.scenario.sign(account(f"cookie {headers}")).consent_id])
    assert bool(known) == (status == 201)


def test_signing_out_by_the_cookie_ends_it(home: Served, cookie: str) -> None:
    answer = home.client.ask("DELETE", "/session", None, {"Cookie": cookie, "Origin": ORIGIN})
    assert (answer.status, f"{COOKIE}=" in answer.headers["set-cookie"]) == (204, True)
    assert home.client.ask("GET", "/me", None, {"Cookie": cookie}).json()["means"] == "nobody"


# -- what is shown and not good


@pytest.mark.parametrize(
    "shown",
    [
        "Bearer", "Bearer ", "Bearer a b", "Basic dXNlcjpwYXNz", "Bearer dbk_0000000000000000_" + "00" * 32,
        "Bearer dbs_" + "00" * 32, "Bearer dbs_" + "0G" * 32, "Bearer " + "a" * 20_000, "Bearer a.b.c", "bearer",
    ],
)  # fmt: skip
def test_what_is_shown_and_is_not_good_is_refused_on_every_route(home: Served, shown: str) -> None:
    for path in ("/health", "/assets", "/me", "/openapi.json", "/nowhere"):
        answer = home.client.ask("GET", path, None, {"Authorization": shown})
        assert (answer.status, answer.json()["code"]) == (401, "unauthenticated")
        assert shown[7:40] == "" or shown[7:40] not in answer.content.decode()


def test_an_open_service_knows_nobody_and_signs_nobody_in(listed: Stage, tmp_path: Any) -> None:
    with (
        Scenario.copied(listed, tmp_path) as scenario,
        Desk(scenario.services) as desk,
        running(desk) as client,
    ):
        assert client.get("/me").json()["means"] == "open"
        assert client.ask("POST", "/session/nonce", {}).status == 404
        assert client.get("/me/consents").status == 401
        assert "ratelimit" not in client.get("/health").headers
