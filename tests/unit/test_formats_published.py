"""A published vector never changes and never goes: `tests/vectors/published.txt` holds the digest of every case."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from deedbook.domain.hashing import sha256

VECTORS = Path(__file__).parent.parent / "vectors"
CASE = re.compile(r"^  \{\n.*?^  \}", re.DOTALL | re.MULTILINE)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the lines of every case, by its name, and of every recorded file."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        lines = CASE.findall(text)
        assert len(lines) == len(json.loads(text)["cases"]), f"{path.name} is not written as make.mjs writes it"
        for each in lines:
            name = f"{path.name}: {json.loads(each)['name']}"
            assert name not in found, f"two cases of one name: {name}"
            found[name] = sha256(each.encode()).hex()
    for path in (folder / "recorded").iterdir():
        found[f"recorded/{path.name}"] = sha256(path.read_bytes()).hex()
    return found


def published(folder: Path) -> dict[str, str]:
    """The same, as it was published."""
    lines = (folder / "published.txt").read_text(encoding="utf-8").splitlines()
    return {line[66:]: line[:64] for line in lines}


def broken_promises(folder: Path) -> list[str]:
    """The published cases that changed or are gone."""
    now = digests(folder)
    return [name for name, digest in published(folder).items() if now.get(name) != digest]


def test_no_published_case_changed_or_went() -> None:
    assert broken_promises(VECTORS) == []


def test_every_case_is_published() -> None:
    new = digests(VECTORS).keys() - published(VECTORS).keys()
    assert not new, "run: node tests/vectors/check/publish.mjs"


def test_a_name_is_published_once() -> None:
    assert len((VECTORS / "published.txt").read_text(encoding="utf-8").splitlines()) == len(published(VECTORS))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the vectors that a test may change."""
    return shutil.copytree(VECTORS, tmp_path / "vectors")


def test_a_changed_case_a_case_taken_out_and_a_changed_recording_are_named(copy: Path) -> None:
    file = copy / "journal-slots.json"
    vectors = json.loads(file.read_text(encoding="utf-8"))
    vectors["cases"][0]["expected"]["entityHead"] = "0x" + "00" * 32
    gone = vectors["cases"].pop()
    file.write_text(json.dumps(vectors, indent=1, ensure_ascii=False), encoding="utf-8")
    (copy / "recorded" / "sale.deed").write_bytes(b"{}")

    changed = [f"journal-slots.json: {case}" for case in (vectors["cases"][0]["name"], gone["name"])]
    assert broken_promises(copy) == [*changed, "recorded/sale.deed"]


def test_an_added_case_breaks_no_promise(copy: Path) -> None:
    file = copy / "journal-slots.json"
    vectors = json.loads(file.read_text(encoding="utf-8"))
    vectors["cases"].insert(0, {**vectors["cases"][0], "name": "another"})
    file.write_text(json.dumps(vectors, indent=1, ensure_ascii=False), encoding="utf-8")
    assert broken_promises(copy) == []
