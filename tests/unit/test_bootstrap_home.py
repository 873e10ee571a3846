"""A home: begun, continued, opened, and refused when it is another's."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from deedbook.bootstrap.home import FORMAT, VERSION, Home, read_json, write_bytes
from deedbook.errors import Conflict, InvalidFormat, InvalidInput, MissingKey, NotFound, WrongVersion


def rewrite(home: Home, **fields: object) -> None:
    home.marker.write_text(json.dumps({"format": FORMAT, "version": VERSION, **fields}), encoding="utf-8")


def test_a_home_is_made_once_and_continued(tmp_path: Path) -> None:
    made = Home.create(tmp_path / "home")
    assert read_json(made.marker, "home.json") == {"format": FORMAT, "version": VERSION}
    assert Home.create(made.path) == made == Home.open(made.path)


def test_a_home_is_its_owners_alone(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (home.path, home.keys, home.keks)] == [0o700] * 3


@pytest.mark.rule("home-of-another-version")
@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_home_of_another_version_is_refused(version: object, tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    rewrite(home, version=version)
    for act in (Home.open, Home.create):
        with pytest.raises(WrongVersion) as refused:
            act(home.path)
        assert refused.value.reason == f"the home is of version {version}, this release reads version {VERSION}"


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict):
        Home.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_without_a_home_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        Home.open(tmp_path)
    assert refused.value.kind == "home"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"format": "deedbook.bundle", "version": 1}'])
def test_a_marker_that_is_none_is_named(content: bytes, tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    home.marker.write_bytes(content)
    with pytest.raises(InvalidFormat) as refused:
        Home.open(home.path)
    assert refused.value.field == "home.json"


def test_a_small_file_is_written_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"first")
    write_bytes(path, b"second")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"second", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_homes_own_passphrase_is_made_once(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    own = home.passphrase(None)
    assert len(own) >= 32
    assert home.passphrase(None) == own
    assert home.passphrase("given") == "given"


def test_keys_without_their_passphrase_are_a_missing_key(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    (home.keys / "operator.json").write_text("{}", encoding="utf-8")
    with pytest.raises(MissingKey):
        home.passphrase(None)


def test_a_home_that_was_cut_short_before_its_folders_is_continued(tmp_path: Path) -> None:
    begun = tmp_path / "home"
    begun.mkdir()
    (begun / ".home.json.4711").write_text("{", encoding="utf-8")
    home = Home.create(begun)
    home.keks.rmdir()
    assert Home.create(begun).keks.is_dir()


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict):
        Home.create(tmp_path / "home")
    with pytest.raises((Conflict, InvalidInput)):
        Home.create(tmp_path / "home" / "inside")


@pytest.mark.parametrize("content", [b"", b"  \n", b"\xff"])
def test_an_own_passphrase_that_cannot_be_read_is_a_missing_key(content: bytes, tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    (home.keys / "passphrase").write_bytes(content)
    with pytest.raises(MissingKey):
        home.passphrase(None)


def test_a_seed_book_without_its_passphrase_is_a_missing_key(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    home.seeds.write_bytes(b"")
    with pytest.raises(MissingKey):
        home.passphrase(None)
    assert not (home.keys / "passphrase").exists()
