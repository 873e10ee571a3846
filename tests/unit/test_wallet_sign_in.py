"""A sign-in message has one form: it is read to what it says, and written again to the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.hashing import checksum_address, keccak256
from deedbook.errors import InvalidFormat, InvalidInput, InvalidSignature
from deedbook.wallet.sign_in import (
    MOST_MESSAGE,
    SignInMessage,
    message_digest,
    signed_by_key,
    time_text,
    unix_of,
)
from deedbook.wallet.signers import LocalSigner
from tests.sign_in_messages import WHOLE, mutations

SIGNER = LocalSigner(bytes(31) + b"\x07")


def test_a_message_is_written_as_the_standard_shows_it() -> None:
    assert WHOLE.text == (
        "https://deeds.example.org:8443 wants you to sign in with your Ethereum account:\n"
        f"{checksum_address(WHOLE.account)}\n"
        "\n"
        "Sign in to Deedbook.\n"
        "\n"
        "URI: https://deeds.example.org:8443/session?x=1#top\n"
        "Version: 1\n"
        "Chain ID: 20230614\n"
        "Nonce: 7b0aPq92ZZ\n"
        "Issued At: 2027-01-15T08:00:00.250Z\n"
        "Expiration Time: 2027-01-15T09:00:00Z\n"
        "Not Before: 2027-01-15T16:00:00+08:00\n"
        "Request ID: order-7\n"
        "Resources:\n"
        "- urn:deedbook:scope:own\n"
        "- https://deeds.example.org/notices/1"
    )


def test_without_what_is_optional_two_empty_lines_stand_for_the_statement() -> None:
    bare = SignInMessage("a.example", bytes(20), "urn:a", 1, "01234567", "2027-01-15T08:00:00Z")
    assert bare.text.split("\n")[1:5] == ["0x" + "00" * 20, "", "", "URI: urn:a"]
    assert SignInMessage.of(bare.text) == bare


WORDS = st.text("abcXYZ019-._~ !$&'()*+,;=:@/?#[]", min_size=1, max_size=40)
TIMES = st.integers(0, 4_000_000_000).map(time_text)


@given(
    account=st.binary(min_size=20, max_size=20),
    statement=st.none() | WORDS,
    chain_id=st.integers(1, 2**53 - 1),
    nonce=st.text("abcXYZ0189", min_size=8, max_size=96),
    times=st.tuples(TIMES, st.none() | TIMES, st.none() | TIMES),
    request=st.none() | st.text("abc0-._~!$&'()*+,;=:@", min_size=1, max_size=20),
    resources=st.lists(st.sampled_from(["urn:a:b", "https://a.example/x%20y", "ipfs://bafy"]), max_size=3),
)
def test_whatever_is_written_is_read_again(
    account: bytes,
    statement: str | None,
    chain_id: int,
    nonce: str,
    times: tuple[str, str | None, str | None],
    request: str | None,
    resources: list[str],
) -> None:
    issued, expires, before = times
    made = SignInMessage(
        "a.example", account, "https://a.example", chain_id, nonce, issued, None, statement, expires, before, request,
        tuple(resources),
    )  # fmt: skip
    assert SignInMessage.of(made.text) == made


def test_what_is_read_is_written_again_to_the_same_bytes_however_it_is_mutated() -> None:
    read = 0
    for text in mutations(seed=1, count=2000):
        try:
            found = SignInMessage.of(text)
        except (InvalidFormat, InvalidInput):
            continue
        assert found.text == text
        read += 1
    assert 100 < read < 1900


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda text: text.replace("\n", "\r\n"), "message"),
        (lambda text: text + "\n", "message"),
        (lambda text: text + " ", "resources"),
        (lambda text: text + "\nand so on", "message"),
        (lambda text: " " + text, "message"),
        (lambda text: text.replace("deeds", "dеeds", 1), "message"),  # a Cyrillic letter
        (lambda text: text.replace("deeds.example", "deeds.example.org@evil.example"), "message"),
        (lambda text: text.replace(" wants you", "\u00a0wants you"), "message"),
        (lambda text: text.replace(checksum_address(WHOLE.account), "0x" + WHOLE.account.hex()), "message"),
        (lambda text: text.replace(checksum_address(WHOLE.account), "0X" + WHOLE.account.hex()), "address"),
        (lambda text: text.replace("Version: 1", "Version: 2"), "message"),
        (lambda text: text.replace("Chain ID: 2", "Chain ID: 02"), "chain-id"),
        (lambda text: text.replace("Chain ID: 2", "Chain ID: -2"), "chain-id"),
        (lambda text: text.replace("Nonce: 7b0aPq92ZZ", "Nonce: 7b0aPq9"), "nonce"),
        (lambda text: text.replace("Nonce: 7b0aPq92ZZ", "Nonce: 7b0aPq92-Z"), "nonce"),
        (lambda text: text.replace("2027-01-15T08:00:00.250Z", "2027-02-29T08:00:00Z"), "issued-at"),
        (lambda text: text.replace("2027-01-15T08:00:00.250Z", "2027-01-15 08:00:00Z"), "issued-at"),
        (lambda text: text.replace("2027-01-15T08:00:00.250Z", "2027-01-15T08:00:60Z"), "issued-at"),
        (lambda text: text.replace("2027-01-15T08:00:00.250Z", "1 January 2027"), "issued-at"),
        (lambda text: text.replace("URI: https", "URI: //"), "uri"),
        (lambda text: text.replace("?x=1", "?x=%zz"), "uri"),
        (lambda text: text.replace("Sign in to Deedbook.", "Sign in\u202e to"), "message"),
        (lambda text: text.replace("Sign in to Deedbook.", "a\nb"), "message"),
        (lambda text: text[: text.index("\n- urn")], "message"),
        (lambda text: text.replace("Expiration Time", "Not Before", 1), "message"),
        (lambda text: text.replace("Nonce: 7b0aPq92ZZ\n", "Nonce: 7b0aPq92ZZ\nNonce: 7b0aPq92ZZ\n"), "message"),
        (lambda text: text.replace("Request ID: order-7", "Request ID: " + "a" * MOST_MESSAGE), "message"),
        (lambda _: "", "message"),
        (lambda _: "\0", "message"),
    ],
)  # fmt: skip
def test_another_form_is_refused_by_its_field(change: Callable[[str], str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        SignInMessage.of(change(WHOLE.text))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("domain", "a.example\n", "domain"),
        ("domain", "user@a.example", "domain"),
        ("statement", "", "statement"),
        ("statement", "two\nlines", "statement"),
        ("scheme", "http s", "scheme"),
        ("uri", "not a uri", "uri"),
        ("chain_id", 0, "chain-id"),
        ("nonce", "short", "nonce"),
        ("issued_at", "now", "issued-at"),
        ("request_id", "a b", "request-id"),
        ("resources", ("urn:a",) * 17, "resources"),
        ("resources", ("x",), "resources"),
        ("account", bytes(19), "address"),
        ("resources", ("urn:" + "a" * MOST_MESSAGE,), "message"),
    ],
)
def test_a_message_that_could_not_be_read_again_is_not_made(name: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(WHOLE, **{name: value})
    assert refused.value.field == field


def test_the_digest_is_eth_accounts_and_only_the_accounts_own_signature_counts() -> None:
    mine = replace(WHOLE, account=SIGNER.address)
    theirs = encode_defunct(text=mine.text)
    assert mine.digest == keccak256(b"\x19" + theirs.version + theirs.header + theirs.body)
    signature = SIGNER.sign_digest(mine.digest)
    assert signed_by_key(mine, signature)
    assert not signed_by_key(WHOLE, signature)
    with pytest.raises(InvalidSignature):
        signed_by_key(mine, signature[:64] + bytes([signature[64] - 27]))
    assert message_digest("") != message_digest("0")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2027-01-15T16:00:00+08:00", 1_800_000_000),
        ("2027-01-15T08:00:00.999999999Z", 1_800_000_000),
        ("2028-02-29T00:00:00-00:00", 1_835_395_200),
    ],
)
def test_a_time_is_read_to_the_second(text: str, seconds: int) -> None:
    assert unix_of(text, "issued-at") == seconds
    assert unix_of(time_text(seconds), "issued-at") == seconds


@pytest.mark.parametrize(
    "text", ["1969-12-31T23:59:59Z", "2027-13-01T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T00:00:00+24:00", "x"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        unix_of(text, "not-before")
    assert refused.value.field == "not-before"
