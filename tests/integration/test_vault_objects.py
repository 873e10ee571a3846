"""Objects are created once, read in part, and proved one by one."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deedbook.domain.merkle import rfc9162_proof, rfc9162_root
from deedbook.errors import Conflict, CorruptStore, EvidenceMissing, InvalidInput, MissingKey, NotFound, SealBroken
from deedbook.vault.objects import ObjectStore
from deedbook.vault.payload_objects import AT_ONCE, PayloadObject, PayloadWriter, encode_payload, tree_over

UNITS = [bytes((n,)) * (n * 7 % 40) for n in range(11)]


def test_object_is_created_once(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path / "objects")
    objects.put_new("a/b", b"first")
    with pytest.raises(Conflict) as conflict:
        objects.put_new("a/b", b"second")
    assert conflict.value.fields["object"] == "a/b"
    assert objects.get("a/b") == b"first"
    assert objects.size("a/b") == 5
    assert objects.keys() == objects.keys("a") == ("a/b",)
    assert stat.S_IMODE((tmp_path / "objects").stat().st_mode) == 0o700


def test_a_staged_object_is_created_once_and_its_stage_is_gone(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path)
    for content in (b"first", b"second"):
        with objects.staging() as file:
            file.write(content)
            assert objects.keys() == (() if content == b"first" else ("a/b",))
            if content == b"first":
                objects.put_staged("a/b", file)
                continue
            with pytest.raises(Conflict) as conflict:
                objects.put_staged("a/b", file)
            assert conflict.value.fields["object"] == "a/b"
    assert objects.get("a/b") == b"first"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o600


def test_what_was_staged_and_not_put_is_gone(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path)
    with pytest.raises(InvalidInput), objects.staging() as file:
        file.write(b"half")
        raise InvalidInput("records", "of somebody else")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_staged_is_swept_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path)
    (tmp_path / "staged#17").write_bytes(b"half of an object")
    with objects.staging() as first, objects.staging() as second:
        assert not (tmp_path / "staged#17").exists()
        names = {Path(file.name).name for file in (first, second)}
        assert {path.name for path in tmp_path.iterdir()} == names
        assert objects.keys() == ()


@pytest.mark.parametrize("units", [b"", bytes(1 << 20)])
def test_a_full_disk_is_a_failure_of_the_store(units: bytes) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer = PayloadWriter(full, 1, 1, 1)
        with pytest.raises(CorruptStore) as refusal:
            writer.add(units, [len(units)], tree_over([hashlib.sha256(units).digest()]))
            writer.finish()
        assert "No space left" in str(refusal.value)


def test_units_near_each_other_are_read_together(tmp_path: Path) -> None:
    units = [b"%d" % number for number in range(3 * AT_ONCE)]
    payload = stored(tmp_path, units)
    wanted = [range(1), range(5, 9), range(AT_ONCE, AT_ONCE + 1), range(AT_ONCE + 1, 3 * AT_ONCE)]
    found = list(payload.each(payload.unit_hashes(), wanted))
    assert found == [units[index] for span in wanted for index in span]


def test_ranges_are_exact_or_refused(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path)
    objects.put_new("a", b"0123456789")
    assert objects.get_range("a", 2, 3) == b"234"
    assert objects.get_ranges("a", (0, 5, 9), (1, 0, 1)) == [b"0", b"", b"9"]
    assert objects.get_ranges("a", (5,), (0,)) == [b""]
    for start, length in ((8, 3), (10, 1), (99, 1)):
        with pytest.raises(CorruptStore) as corrupt:
            objects.get_range("a", start, length)
        assert corrupt.value.fields["object"] == "a"


def test_absent_object_is_missing_evidence(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path)
    for read in (objects.get, objects.size, lambda key: objects.get_range(key, 0, 1)):
        with pytest.raises(EvidenceMissing) as missing:
            read("absent")
        assert missing.value.fields["object"] == "absent"
    with pytest.raises(NotFound):
        objects.delete("absent")


def test_deleted_object_is_gone(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path)
    objects.put_new("a", b"x")
    objects.delete("a")
    assert objects.keys() == ()


def test_key_cannot_leave_the_folder(tmp_path: Path) -> None:
    objects = ObjectStore.in_folder(tmp_path / "objects")
    with pytest.raises(CorruptStore):
        objects.put_new("../outside", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["objects"]


def test_store_is_named_by_its_url(tmp_path: Path) -> None:
    ObjectStore.at(f"file://{tmp_path}/with%20space").put_new("a", b"x")
    assert (tmp_path / "with space" / "a").read_bytes() == b"x"
    assert ObjectStore.at("s3://bucket/prefix") is not None
    for url in ("", "http://host/x", "file://host/x", "s3:///x", "relative"):
        with pytest.raises(InvalidInput) as refusal:
            ObjectStore.at(url)
        assert refusal.value.field == "objects_url"


def test_credentials_of_a_store_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = someone\naws_secret_access_key = 100%=secret\n")
    named = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    store = ObjectStore.at("s3://bucket/prefix", named)._store
    assert store.config["access_key_id"] == "someone"
    assert store.config["secret_access_key"] == "100%=secret"
    assert "access_key_id" not in ObjectStore.at("s3://bucket", named | {"AWS_ACCESS_KEY_ID": "x"})._store.config


@pytest.mark.parametrize("content", ["", "[other]\n", "[default]\naws_access_key_id = x\n", "no file of this kind"])
def test_a_credentials_file_without_credentials_is_refused_unquoted(content: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(content)
    for named in ({"AWS_SHARED_CREDENTIALS_FILE": str(file)}, {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "gone")}):
        with pytest.raises(MissingKey) as refusal:
            ObjectStore.at("s3://bucket", named)
        assert "aws_access_key_id" not in str(refusal.value)


def hashes_of(units: list[bytes]) -> list[bytes]:
    return [hashlib.sha256(unit).digest() for unit in units]


def stored(folder: Path, units: list[bytes], key: str = "p") -> PayloadObject:
    objects = ObjectStore.in_folder(folder)
    objects.put_new(key, encode_payload(9, 2, units, hashes_of(units)))
    return reader(folder, units, key)


def reader(folder: Path, units: list[bytes], key: str = "p") -> PayloadObject:
    return PayloadObject(
        ObjectStore.in_folder(folder),
        key,
        asset_id=9,
        version=2,
        count=len(units),
        content_root=rfc9162_root(hashes_of(units)),
    )


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=18))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_unit_is_read_and_proved_alone(tmp_path: Path, units: list[bytes]) -> None:
    key = hashlib.sha256(repr(units).encode()).hexdigest()
    (tmp_path / key).unlink(missing_ok=True)
    payload = stored(tmp_path, units, key)
    hashes = hashes_of(units)
    for index, unit in enumerate(units):
        assert payload.unit(index) == unit
        assert payload.proof(index) == rfc9162_proof(hashes, index)
    assert list(payload.units()) == units
    assert list(payload.unit_hashes()) == hashes


def test_layout_is_that_of_the_format(tmp_path: Path) -> None:
    units = [b"one", b"", b"three"]
    content = encode_payload(9, 2, units, hashes_of(units))
    header = b"DBPL\1" + (9).to_bytes(32, "big") + (2).to_bytes(4, "big") + (3).to_bytes(8, "big")
    first = 49 + 4 * 8 + 6 * 32
    offsets = b"".join(at.to_bytes(8, "big") for at in (first, first + 3, first + 3, first + 8))
    leaves = [hashlib.sha256(b"\0" + unit_hash).digest() for unit_hash in hashes_of(units)]
    left = hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()
    root = hashlib.sha256(b"\1" + left + leaves[2]).digest()
    assert content == header + offsets + b"".join(hashes_of(units)) + left + leaves[2] + root + b"onethree"
    assert root == rfc9162_root(hashes_of(units))


def test_no_flipped_byte_of_an_object_makes_a_wrong_unit(tmp_path: Path) -> None:
    stored(tmp_path, UNITS)
    whole = (tmp_path / "p").read_bytes()
    tree = range(49 + 8 * 12, 49 + 8 * 12 + 32 * (11 + 6 + 3 + 2 + 1))
    for position in range(len(whole)):
        (tmp_path / "p").write_bytes(whole[:position] + bytes((whole[position] ^ 1,)) + whole[position + 1 :])
        refused = 0
        for index in range(len(UNITS)):
            try:
                assert reader(tmp_path, UNITS).unit(index) == UNITS[index]
            except (CorruptStore, SealBroken):
                refused += 1
        assert refused or position in tree  # where some nodes are in nobody's path


def test_flipped_byte_of_a_unit_names_its_record(tmp_path: Path) -> None:
    payload = stored(tmp_path, UNITS)
    whole = (tmp_path / "p").read_bytes()
    start = whole.index(UNITS[4])
    (tmp_path / "p").write_bytes(whole[:start] + b"\xff" + whole[start + 1 :])
    assert payload.unit(3) == UNITS[3]
    for read in (lambda: payload.unit(4), payload.units):
        with pytest.raises(SealBroken) as broken:
            read()
        assert (broken.value.fields["index"], broken.value.fields["part"]) == (4, "unit")


def test_truncated_object_is_refused_when_opened(tmp_path: Path) -> None:
    stored(tmp_path, UNITS)
    whole = (tmp_path / "p").read_bytes()
    for length in (0, 4, 48, 49, 100, 600, len(whole) - 1):
        (tmp_path / "p").write_bytes(whole[:length])
        with pytest.raises(CorruptStore) as corrupt:
            reader(tmp_path, UNITS)
        assert corrupt.value.fields["object"] == "p"


def test_object_of_another_version_is_refused(tmp_path: Path) -> None:
    stored(tmp_path, UNITS)
    for asset_id, version, count in ((8, 2, 11), (9, 3, 11), (9, 2, 10)):
        with pytest.raises(CorruptStore, match="not this version's payload"):
            PayloadObject(
                ObjectStore.in_folder(tmp_path),
                "p",
                asset_id=asset_id,
                version=version,
                count=count,
                content_root=bytes(32),
            )


def test_index_beyond_the_count_is_named(tmp_path: Path) -> None:
    payload = stored(tmp_path, UNITS)
    for index in (-1, 11):
        with pytest.raises(InvalidInput, match="index"):
            payload.unit(index)
