"""The records: opened, upgraded, refused; documents, members, deliveries, steps."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from deedbook.domain.hashing import sha256
from deedbook.errors import Conflict, CorruptStore, IntegrityError, InvalidInput, Locked, NotFound, WrongVersion
from deedbook.records.database import Database
from deedbook.records.deliveries import DeliveryRecord
from deedbook.records.members import MemberEntry
from deedbook.records.schema import metadata
from deedbook.records.store import KNOWN, Records
from tests.toy_sealer import ToySealer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite"


@pytest.fixture
def records(path: Path) -> Records:
    return Records.open(f"sqlite:///{path}", ToySealer())


def test_the_migrations_make_the_schema(records: Records) -> None:
    with records.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_migration_is_known_in_its_order(root: Path) -> None:
    versions = root / "src" / "deedbook" / "records" / "migrations" / "versions"
    assert list(KNOWN) == sorted(file.name[1:5] for file in versions.glob("m*.py"))


def test_opening_again_changes_nothing(records: Records, path: Path) -> None:
    records.documents.put("notice", b"{}", at=1)
    records.close()
    again = Records.open(f"sqlite:///{path}", ToySealer())
    assert again.documents.get(sha256(b"{}")).kind == "notice"


def test_commits_survive_a_power_cut(records: Records) -> None:
    with records.database.reading() as connection:
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert pragmas == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_records_of_a_newer_release_are_refused(records: Records, path: Path) -> None:
    records.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(WrongVersion) as refused:
        Records.open(f"sqlite:///{path}", ToySealer())
    assert refused.value.field == "records"


@pytest.mark.parametrize("content", [b"no database" * 400, b"SQLite format 3\x00" + bytes(4080)])
def test_a_corrupt_file_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CorruptStore) as refused:
        Records.open(f"sqlite:///{path}", ToySealer())
    assert refused.value.fields["store"] == path.name


def test_a_torn_page_is_named(records: Records, path: Path) -> None:
    for number in range(200):
        records.documents.put("notice", bytes([number]) * 2000, at=1)
    records.database.settle()
    records.close()
    torn = bytearray(path.read_bytes())
    torn[4096 * 20 :] = b"\xff" * (len(torn) - 4096 * 20)
    path.write_bytes(torn)
    with pytest.raises(CorruptStore):
        Records.open(f"sqlite:///{path}", ToySealer()).documents.of_kind("notice")


def test_text_that_is_no_text_is_named(records: Records) -> None:
    records.documents.put("notice", b"{}", at=1)
    with records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE documents SET kind = CAST(x'ff' AS TEXT)")
    with pytest.raises(CorruptStore):
        records.documents.get(sha256(b"{}"))


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE others (one INTEGER)")
    raw.close()
    with pytest.raises(CorruptStore):
        Records.open(f"sqlite:///{path}", ToySealer())


def test_a_second_writer_is_refused_after_a_while(records: Records, path: Path) -> None:
    second = Records.open(f"sqlite:///{path}", ToySealer(), patience=0)
    with records.database.writing(), pytest.raises(Locked):
        second.documents.put("notice", b"{}", at=1)


def test_a_failed_write_leaves_nothing(records: Records) -> None:
    with pytest.raises(RuntimeError), records.database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO covers VALUES (x'00', x'00')")
        raise RuntimeError("crash")
    assert records.deliveries.cover(b"\x00") is None


def test_a_document_is_found_by_its_hash_and_kept_once(records: Records) -> None:
    name = records.documents.put_json("descriptor", {"b": 1, "a": "纸"}, at=5)
    assert records.documents.put("notice", '{"a":"纸","b":1}'.encode(), at=6) == name
    document = records.documents.get(name)
    assert (document.kind, document.added_at, document.json) == ("descriptor", 5, {"a": "纸", "b": 1})
    assert [each.hash for each in records.documents.of_kind("descriptor")] == [name]
    assert records.documents.find(bytes(32)) is None
    with pytest.raises(NotFound):
        records.documents.get(bytes(32))


def test_a_changed_document_is_refused(records: Records) -> None:
    name = records.documents.put("terms", b"terms", at=1, media_type="text/plain")
    with records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE documents SET content = x'00'")
    with pytest.raises(IntegrityError):
        records.documents.get(name)


def test_a_member_entry_is_replaced(records: Records) -> None:
    account = bytes([1]) * 20
    records.members.put(MemberEntry(account, "first", 0, b"", bytes(32)))
    entry = MemberEntry(account, "Employer", 0x20, b"key", sha256(b"key"))
    records.members.put(entry)
    assert records.members.get(account) == entry
    assert records.members.all() == [entry]
    assert records.members.find(bytes(20)) is None


def test_an_envelope_belongs_to_one_sale_and_keeps_its_cover(records: Records) -> None:
    delivery = DeliveryRecord(bytes([7]) * 32, b"envelope", b"cover", 9)
    records.deliveries.add(delivery)
    records.deliveries.add(delivery)
    assert records.deliveries.of_sale(delivery.sale_id) == [delivery]
    assert records.deliveries.envelope(delivery.envelope_hash) == delivery
    assert records.deliveries.cover(delivery.cover_hash) == b"cover"
    with pytest.raises(Conflict):
        records.deliveries.add(DeliveryRecord(bytes([8]) * 32, b"envelope", b"cover", 9))
    with pytest.raises(NotFound):
        records.deliveries.envelope(bytes(32))


def test_a_changed_envelope_or_cover_is_refused(records: Records) -> None:
    delivery = DeliveryRecord(bytes([7]) * 32, b"envelope", b"cover", 9)
    records.deliveries.add(delivery)
    with records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE covers SET cover = x'00'")
    with pytest.raises(IntegrityError):
        records.deliveries.cover(delivery.cover_hash)
    with pytest.raises(IntegrityError):
        records.deliveries.envelope(delivery.envelope_hash)


def test_a_story_continues_where_it_stopped(records: Records, path: Path) -> None:
    story = records.progress("demo")
    story.record("admit", {"block": 4})
    story.record("anchor", ["a"])
    story.record("admit", {"block": 4})
    with pytest.raises(Conflict):
        story.record("admit", {"block": 5})
    records.close()
    again = Records.open(f"sqlite:///{path}", ToySealer()).progress("demo")
    assert again.done() == ["admit", "anchor"]
    assert again.facts("admit") == {"block": 4}
    assert again.facts("sell") is None
    again.forget()
    assert again.done() == []


@pytest.mark.parametrize("url", ["oracle9://nobody:secret@host/x", "nonsense://x", "not a url"])
def test_a_url_of_no_known_database_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Records.open(url, ToySealer())
    assert refusal.value.field == "url"
    assert url not in str(refusal.value)


def test_a_database_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    Records.open(f"sqlite:///{path}", ToySealer()).close()
    database = Database(f"sqlite:///{path}")
    with pytest.raises(CorruptStore) as failure, database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("CREATE TABLE more AS SELECT zeroblob(1000000) AS bytes")
    assert failure.value.fields["store"] == "records.sqlite"
    database.close()
