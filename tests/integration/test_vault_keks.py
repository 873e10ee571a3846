"""A generation of the KEK is there whole, or gone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from deedbook.errors import CorruptStore, InvalidInput, MissingKey, SealBroken
from deedbook.vault.keks import EnvironmentKeks, FileKeks, unwrap, wrap


def keks(folder: Path) -> FileKeks:
    return FileKeks(folder / "keks", entropy=os.urandom)


def test_generation_is_made_once_and_stays(tmp_path: Path) -> None:
    keks(tmp_path).create(1)
    key = keks(tmp_path).key(1)
    keks(tmp_path).create(1)
    assert keks(tmp_path).key(1) == key
    assert keks(tmp_path).generations() == (1,)
    assert keks(tmp_path).promises_erasure
    path = tmp_path / "keks" / "kek-0000000001"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_destroyed_generation_is_gone_from_the_disk(tmp_path: Path) -> None:
    keks(tmp_path).create(1)
    path = tmp_path / "keks" / "kek-0000000001"
    with path.open("rb") as still_open:
        keks(tmp_path).destroy(1)
        assert still_open.read() == bytes(49)  # overwritten, not only unlinked
    keks(tmp_path).destroy(1)
    assert keks(tmp_path).generations() == ()
    with pytest.raises(MissingKey) as missing:
        keks(tmp_path).key(1)
    assert missing.value.fields["generation"] == 1


def test_what_an_interrupted_creation_left_is_shredded(tmp_path: Path) -> None:
    folder = tmp_path / "keks"
    folder.mkdir()
    partial = folder / "kek-0000000002.partial"
    partial.write_bytes(b"half a key")
    with partial.open("rb") as still_open:
        keks(tmp_path).create(1)
        assert still_open.read() == bytes(49)
    assert [entry.name for entry in folder.iterdir()] == ["kek-0000000001"]


@pytest.mark.parametrize("content", [b"", b"DBKK", bytes(49)])
def test_damaged_generation_is_named_and_can_be_made_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keks").mkdir()
    (tmp_path / "keks" / "kek-0000000003").write_bytes(content)
    with pytest.raises(CorruptStore) as corrupt:
        keks(tmp_path).key(3)
    assert corrupt.value.fields["generation"] == 3
    keks(tmp_path).create(3)
    assert len(keks(tmp_path).key(3)) == 32


def test_every_flipped_byte_of_a_generation_is_found(tmp_path: Path) -> None:
    keks(tmp_path).create(1)
    path = tmp_path / "keks" / "kek-0000000001"
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes((whole[position] ^ 1,)) + whole[position + 1 :])
        with pytest.raises(CorruptStore):
            keks(tmp_path).key(1)


def test_generation_file_under_another_number_is_refused(tmp_path: Path) -> None:
    keks(tmp_path).create(1)
    (tmp_path / "keks" / "kek-0000000001").rename(tmp_path / "keks" / "kek-0000000002")
    with pytest.raises(CorruptStore):
        keks(tmp_path).key(2)


def test_key_from_the_environment_cannot_promise_erasure() -> None:
    environment = EnvironmentKeks.read({"DEEDBOOK_KEK": "0x" + "ab" * 32}, "DEEDBOOK_KEK")
    first = environment.key(1)
    environment.create(2)
    environment.destroy(1)
    assert environment.key(1) == first != environment.key(2)
    assert not environment.promises_erasure
    assert environment.generations() == ()
    assert "ab" not in repr(environment)


def test_environment_without_a_key_is_a_missing_key() -> None:
    for value in ("", "abc", "zz" * 32, "ab" * 31):
        with pytest.raises(MissingKey) as missing:
            EnvironmentKeks.read({"DEEDBOOK_KEK": value}, "DEEDBOOK_KEK")
        assert missing.value.fields["variable"] == "DEEDBOOK_KEK"
    with pytest.raises(InvalidInput):
        EnvironmentKeks(b"short")


def test_wrapped_key_opens_for_its_payload_and_generation_only() -> None:
    kek, payload_key, payload_id = b"\1" * 32, b"\2" * 32, b"\3" * 32
    wrapped = wrap(kek, payload_key, payload_id=payload_id, generation=5, nonce=bytes(12))
    assert unwrap(kek, wrapped, payload_id=payload_id, generation=5) == payload_key
    for other_kek, content, other_id, generation in (
        (bytes(32), wrapped, payload_id, 5),
        (kek, wrapped[:-1], payload_id, 5),
        (kek, b"", payload_id, 5),
        (kek, wrapped, bytes(32), 5),
        (kek, wrapped, payload_id, 6),
    ):
        with pytest.raises(SealBroken) as broken:
            unwrap(other_kek, content, payload_id=other_id, generation=generation)
        assert broken.value.fields["part"] == "payload key"


@pytest.mark.parametrize("generation", [0, -1, 2**32])
def test_generation_out_of_range_is_refused(tmp_path: Path, generation: int) -> None:
    for keeper in (keks(tmp_path), EnvironmentKeks(bytes(32))):
        for act in (keeper.key, keeper.create, keeper.destroy):
            with pytest.raises(InvalidInput, match="generation"):
                act(generation)
