"""Keys at rest: opened by their passphrase, refused otherwise, never half-written."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from deedbook.errors import Conflict, InvalidFormat, InvalidInput, MissingKey, WrongVersion
from deedbook.wallet.keystores import Keystore, SeedBook

CHEAP = 1 << 10


def keystore(directory: Path) -> Keystore:
    return Keystore(directory / "keys", entropy=os.urandom, scrypt_n=CHEAP)


def seed_book(path: Path) -> SeedBook:
    return SeedBook.create(path, "correct horse", entropy=os.urandom, scrypt_n=CHEAP)


def reopened(path: Path, passphrase: str = "correct horse") -> SeedBook:
    return SeedBook.open(path, passphrase, entropy=os.urandom)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_account_opens_with_its_passphrase(tmp_path: Path) -> None:
    created = keystore(tmp_path).create("operator", "pass word 密码")
    assert keystore(tmp_path).open("operator", "pass word 密码").address == created.address
    assert keystore(tmp_path).names() == ("operator",)


def test_account_file_is_a_keystore_that_eth_account_reads_and_only_its_owner(tmp_path: Path) -> None:
    from eth_account import Account

    keystore(tmp_path).create("operator", "secret", bytes(31) + b"\x05")
    path = tmp_path / "keys" / "operator.json"
    assert bytes(Account.decrypt(path.read_text(), "secret")) == bytes(31) + b"\x05"
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["operator.json"]


def test_taken_name_is_a_conflict_and_keeps_the_first_key(tmp_path: Path) -> None:
    first = keystore(tmp_path).create("operator", "one")
    with pytest.raises(Conflict):
        keystore(tmp_path).create("operator", "two")
    assert keystore(tmp_path).open("operator", "one").address == first.address


@pytest.mark.rule("wrong-key")
def test_wrong_passphrase_and_absent_account_are_missing_keys(tmp_path: Path) -> None:
    keystore(tmp_path).create("operator", "right")
    with pytest.raises(MissingKey, match="wrong passphrase"):
        keystore(tmp_path).open("operator", "wrong")
    with pytest.raises(MissingKey, match="no readable account"):
        keystore(tmp_path).open("nobody", "right")


@pytest.mark.parametrize("name", ["", "../evil", "UPPER", "a/b", ".hidden", "x" * 65])
def test_name_that_is_no_plain_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        keystore(tmp_path).create(name, "secret")
    assert refusal.value.field == "name"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["crypto"].pop("kdfparams"),
        lambda d: d["crypto"].update(kdf="md5"),
        lambda d: d["crypto"]["kdfparams"].update(n=1 << 40),
        lambda d: d["crypto"]["kdfparams"].update(salt=5),
        lambda d: d["crypto"].update(ciphertext="zz"),
        lambda d: d["crypto"].pop("cipherparams"),
        lambda d: d.update(address="00" * 20),
        lambda d: d.update(crypto=[]),
    ],
)
def test_malformed_keystore_is_named(tmp_path: Path, change: object) -> None:
    keystore(tmp_path).create("operator", "secret")
    path = tmp_path / "keys" / "operator.json"
    document = json.loads(path.read_text())
    change(document)  # type: ignore[operator]
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidFormat):
        keystore(tmp_path).open("operator", "secret")


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", InvalidFormat), (b"[]", InvalidFormat), (b'{"version":4}', WrongVersion), (b"\xff", InvalidFormat)],
)
def test_file_that_is_no_keystore_is_refused(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    path = tmp_path / "keys" / "operator.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(error):
        keystore(tmp_path).open("operator", "secret")


def test_seed_book_keeps_many_seeds(tmp_path: Path) -> None:
    path = tmp_path / "people.seeds"
    book = seed_book(path)
    seeds = {f"person {i}": os.urandom(32) for i in range(500)}
    book.add(seeds)
    fresh = book.generate("employer")
    again = reopened(path)
    assert again.labels() == ("employer", *sorted(seeds))
    assert all(again.seed(label) == seed for label, seed in seeds.items())
    assert again.seed("employer") == fresh
    assert mode(path) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["people.seeds"]


def test_seed_book_shows_neither_labels_nor_seeds(tmp_path: Path) -> None:
    path = tmp_path / "people.seeds"
    book = seed_book(path)
    book.add({"Zhang Wei": bytes(range(32))})
    assert repr(book) == "SeedBook(1 seeds)"
    assert b"Zhang" not in path.read_bytes()
    assert bytes(range(32)) not in path.read_bytes()


@pytest.mark.rule("wrong-key")
def test_seed_book_refuses_wrong_passphrase_absent_label_and_file(tmp_path: Path) -> None:
    path = tmp_path / "people.seeds"
    book = seed_book(path)
    with pytest.raises(MissingKey, match="wrong passphrase"):
        reopened(path, "wrong")
    with pytest.raises(MissingKey, match="no seed of this label"):
        book.seed("nobody")
    with pytest.raises(MissingKey, match="no readable seed book"):
        reopened(tmp_path / "absent")


def test_seed_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "people.seeds"
    book = seed_book(path)
    book.add({"a": bytes(32)})
    book.add({"a": bytes(32), "b": b"\x01" * 32})
    with pytest.raises(Conflict):
        book.add({"c": bytes(32), "a": b"\x02" * 32})
    with pytest.raises(Conflict):
        book.generate("a")
    assert reopened(path).labels() == ("a", "b")
    with pytest.raises(Conflict):
        seed_book(path)


@pytest.mark.parametrize(("label", "seed", "field"), [("", bytes(32), "label"), ("a", bytes(31), "seed")])
def test_seed_book_names_the_bad_field(tmp_path: Path, label: str, seed: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        seed_book(tmp_path / "book").add({label: seed})
    assert refusal.value.field == field


def test_every_flipped_byte_and_truncation_of_a_seed_book_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.seeds"
    seed_book(path).add({"a": bytes(32)})
    whole = path.read_bytes()
    for position in (*range(56), len(whole) - 1):
        if position in (5, 6, 7) and whole[position] ^ 1 > whole[position]:
            continue  # a costlier derivation, refused as a wrong passphrase
        path.write_bytes(whole[:position] + bytes((whole[position] ^ 1,)) + whole[position + 1 :])
        with pytest.raises((InvalidFormat, WrongVersion, MissingKey)):
            reopened(path)
    for length in (0, 3, 4, 5, 39, 40, 55, 67, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InvalidFormat):
            reopened(path)


def test_seed_book_of_unbearable_cost_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.seeds"
    seed_book(path)
    whole = bytearray(path.read_bytes())
    whole[5] = 40
    path.write_bytes(whole)
    with pytest.raises(InvalidFormat, match="scrypt parameters out of bounds"):
        reopened(path)
    with pytest.raises(InvalidInput):
        SeedBook.create(tmp_path / "other", "x", entropy=os.urandom, scrypt_n=1000)
