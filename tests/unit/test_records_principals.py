"""Keys, sessions, nonces and reads as they are kept: no secret, each nonce once, the log only added to."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.hashing import sha256
from deedbook.domain.principals import (
    ALL_SCOPES,
    ANYBODY,
    NOBODY,
    Caller,
    KeyEntry,
    Matter,
    Means,
    PersonalRead,
    Scope,
    Secret,
    Session,
    matter_of,
    scopes_of,
    session_kept,
    session_of,
    session_text,
)
from deedbook.errors import Conflict, InvalidFormat, InvalidInput, NotFound
from deedbook.records.principals import USED_EVERY, Principals
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

NOW: Final = 1_800_000_000
MEMBER: Final = bytes(range(20))
SECRET: Final = Secret(b"\1" * 8, b"\2" * 32)
ENTRY: Final = KeyEntry(SECRET.key_id, "the shop", MEMBER, frozenset({Scope.READ, Scope.ANCHOR}), NOW, NOW + 100)


@pytest.fixture
def book(tmp_path: Path) -> Principals:
    return Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()).principals


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32))
def test_a_key_and_a_sessions_token_have_one_text(key_id: bytes, secret: bytes) -> None:
    made = Secret(key_id, secret)
    assert (Secret.of(made.text), len(made.text)) == (made, 85)
    assert session_of(session_text(secret)) == secret
    assert made.kept != session_kept(secret)
    assert secret.hex() not in repr(made)


@pytest.mark.parametrize(
    "text",
    ["", "dbk_", SECRET.text + "0", SECRET.text[:-1], SECRET.text.upper(), " " + SECRET.text, SECRET.text + "\n",
     SECRET.text.replace("_", "-"), SECRET.text.replace("0", "٠"), session_text(bytes(32))],
)  # fmt: skip
def test_another_text_is_no_key_and_is_not_quoted(text: str) -> None:
    with pytest.raises(InvalidFormat) as refused:
        Secret.of(text)
    assert SECRET.secret.hex() not in str(refused.value)


@pytest.mark.parametrize("text", ["", "dbs_", SECRET.text, session_text(bytes(32)) + "0", "DBS_" + "00" * 32])
def test_another_text_is_no_sessions_token(text: str) -> None:
    with pytest.raises(InvalidFormat):
        session_of(text)


def test_scopes_are_words_that_are_known() -> None:
    assert scopes_of(["read", "own", "read"]) == {Scope.READ, Scope.OWN}
    for words in (["all"], [], ["READ"]):
        with pytest.raises(InvalidInput):
            scopes_of(words)


def test_what_is_ones_own() -> None:
    member = Caller(Means.KEY, MEMBER)
    assert member.is_one_of([MEMBER])
    assert not member.is_one_of([bytes(20)])
    assert not NOBODY.is_one_of([MEMBER, bytes(20), b""])
    assert ANYBODY.is_one_of([MEMBER])
    assert (ANYBODY.is_bound, NOBODY.is_bound, ANYBODY.scopes) == (False, True, ALL_SCOPES)


def test_a_key_is_used_by_its_secret_until_it_ends(book: Principals) -> None:
    assert not book.has_keys()
    book.add_key(ENTRY, SECRET.kept)
    assert book.has_keys()
    assert book.use(SECRET.key_id, SECRET.kept, now=NOW) == ENTRY
    other = Secret(SECRET.key_id, b"\3" * 32)
    assert book.use(SECRET.key_id, other.kept, now=NOW) is None
    assert book.use(b"\7" * 8, SECRET.kept, now=NOW) is None
    assert book.use(b"\7" * 8, bytes(32), now=NOW) is None  # what stands in for an unknown key opens nothing
    assert book.use(SECRET.key_id, SECRET.kept, now=NOW + 99) is not None
    assert book.use(SECRET.key_id, SECRET.kept, now=NOW + 100) is None


def test_the_last_use_is_noted_by_the_minute(book: Principals) -> None:
    book.add_key(replace(ENTRY, ends_at=None), SECRET.kept)
    for later in (0, 1, USED_EVERY - 1):
        book.use(SECRET.key_id, SECRET.kept, now=NOW + later)
    assert book.key(SECRET.key_id).used_at == NOW
    book.use(SECRET.key_id, SECRET.kept, now=NOW + USED_EVERY)
    assert book.key(SECRET.key_id).used_at == NOW + USED_EVERY


def test_a_revoked_key_is_good_no_more_and_stays_so(book: Principals) -> None:
    book.add_key(ENTRY, SECRET.kept)
    book.revoke(SECRET.key_id, now=NOW + 1)
    book.revoke(SECRET.key_id, now=NOW + 50)
    assert book.use(SECRET.key_id, SECRET.kept, now=NOW + 1) is None
    assert book.key(SECRET.key_id).revoked_at == NOW + 1
    with pytest.raises(NotFound):
        book.revoke(b"\7" * 8, now=NOW)
    with pytest.raises(NotFound):
        book.key(b"\7" * 8)
    assert book.has_keys()  # a service that asked who somebody is does not open by itself


def test_a_key_is_replaced_while_both_are_good_for_a_while(book: Principals) -> None:
    book.add_key(replace(ENTRY, ends_at=None), SECRET.kept)
    fresh = Secret(b"\4" * 8, b"\5" * 32)
    entry = replace(ENTRY, key_id=fresh.key_id, former=SECRET.key_id, made_at=NOW + 10, ends_at=None)
    book.rotate(entry, fresh.kept, former_ends=NOW + 20)
    assert book.use(SECRET.key_id, SECRET.kept, now=NOW + 19)
    assert book.use(fresh.key_id, fresh.kept, now=NOW + 19)
    assert book.use(SECRET.key_id, SECRET.kept, now=NOW + 20) is None
    assert book.use(fresh.key_id, fresh.kept, now=NOW + 20)
    assert [each.key_id for each in book.every_key()] == [SECRET.key_id, fresh.key_id]
    with pytest.raises(NotFound):
        book.rotate(replace(entry, key_id=b"\6" * 8, former=b"\7" * 8), fresh.kept, former_ends=NOW)


def test_a_key_that_ends_sooner_is_not_prolonged_by_its_replacement(book: Principals) -> None:
    book.add_key(ENTRY, SECRET.kept)
    entry = replace(ENTRY, key_id=b"\4" * 8, former=SECRET.key_id, ends_at=None)
    book.rotate(entry, bytes(32), former_ends=NOW + 1000)
    assert book.key(SECRET.key_id).ends_at == NOW + 100


def test_a_name_is_one_good_keys(book: Principals) -> None:
    book.add_key(ENTRY, SECRET.kept)
    another = replace(ENTRY, key_id=b"\4" * 8)
    with pytest.raises(Conflict):
        book.add_key(another, bytes(32))
    book.revoke(SECRET.key_id, now=NOW)
    book.add_key(another, bytes(32))


def test_no_secret_is_kept(book: Principals, tmp_path: Path) -> None:
    book.add_key(ENTRY, SECRET.kept)
    token = b"\x09" * 31 + b"\x0a"
    session = Session(MEMBER, frozenset({Scope.OWN}), NOW, NOW + 10)
    assert book.begin(session_kept(token), session, nonce=sha256(b"nonce"), nonce_ends=NOW + 5)
    dump = "\n".join(sqlite3.connect(tmp_path / "records.sqlite").iterdump()).lower()
    for secret in (SECRET.secret, token, b"nonce"):
        assert secret.hex() not in dump
    assert SECRET.kept.hex() in dump


def test_a_session_begins_once_for_a_nonce_and_is_over_by_itself(book: Principals) -> None:
    session = Session(MEMBER, frozenset({Scope.OWN}), NOW, NOW + 10)
    nonce = sha256(b"nonce")
    tokens = [bytes([number]) * 32 for number in range(16)]
    with ThreadPoolExecutor(8) as crowd:
        begun = list(
            crowd.map(lambda token: book.begin(session_kept(token), session, nonce=nonce, nonce_ends=NOW + 5), tokens)
        )
    assert begun.count(True) == 1
    kept = session_kept(tokens[begun.index(True)])
    assert book.session(kept, now=NOW + 9) == session
    assert book.session(kept, now=NOW + 10) is None
    assert book.session(session_kept(tokens[begun.index(False)]), now=NOW) is None
    book.end(kept)
    assert book.session(kept, now=NOW) is None


def test_nonces_and_sessions_that_are_over_are_forgotten(book: Principals) -> None:
    for number in range(3):
        at = NOW + 100 * number
        session = Session(MEMBER, ALL_SCOPES, at, at + 10)
        assert book.begin(bytes([number]) * 32, session, nonce=bytes([number]) * 32, nonce_ends=at + 5)
    with book._database.reading() as connection:
        for table in ("sessions", "used_nonces"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 1


def test_an_operation_is_whoever_handed_it_over(book: Principals) -> None:
    for account in (MEMBER, MEMBER, bytes(20)):
        book.own(b"\1" * 32, account)
    assert book.owners(b"\1" * 32) == {MEMBER, bytes(20)}
    assert book.owners(b"\2" * 32) == frozenset()


def test_reads_are_kept_in_order_and_found_by_their_matter(book: Principals) -> None:
    matters = [matter_of(Matter.STATEMENT, bytes([number])) for number in range(2)]
    reads = [PersonalRead(Means.SESSION, "ab", Matter.STATEMENT, matters[number % 2], "r", NOW) for number in range(5)]
    book.note(reads[:2])
    book.note(reads[2:])
    book.note([])
    assert book.reads(limit=3) == ([(place + 1, reads[place]) for place in range(3)], True)
    assert book.reads(after=3) == ([(4, reads[3]), (5, reads[4])], False)
    assert [place for place, _ in book.reads(matter=matters[1])[0]] == [2, 4]
    assert matter_of(Matter.PAYEE, b"\0") != matters[0]
