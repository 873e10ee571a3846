"""kill -9 of a follower at any statement: the mirror continues and equals a rebuild."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import Mirror
from tests import ledger_story as story
from tests.mirror_child import scripted
from tests.scripted_chain import decode

ROOT = Path(__file__).resolve().parents[2]


def follow_until_killed(url: str, statement: int, span: int) -> int:
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    command = [sys.executable, "-m", "tests.mirror_child", url, str(statement), str(span)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=False).returncode


@pytest.mark.parametrize(("statement", "span"), [(3, 1), (90, 1), (163, 1), (388, 5), (600, 200)])
def test_a_killed_follower_continues_where_it_stood(tmp_path: Path, statement: int, span: int) -> None:
    url = f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    assert follow_until_killed(url, statement, span) == -signal.SIGKILL
    chain = scripted()
    mirror = Mirror.open(url, chain.chain)
    cursor = mirror.cursor()
    before = cursor.number if cursor else -1
    assert before < story.LAST
    assert (before + 1) % span == 0
    assert Follower(chain, mirror, decode).follow().added == story.LAST - before
    assert check(chain, mirror, decode).equal


def test_killed_again_and_again_it_arrives(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    kills = 0
    while follow_until_killed(url, 500, 2) == -signal.SIGKILL:
        kills += 1
        assert kills < 20
    chain = scripted()
    mirror = Mirror.open(url, chain.chain)
    assert kills > 1
    assert check(chain, mirror, decode).equal
    cursor = mirror.cursor()
    assert cursor is not None
    assert cursor.number == story.LAST
