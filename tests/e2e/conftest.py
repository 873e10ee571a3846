"""A demo told once for all tests that look at one, and copies of it for those that change it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command_line import Answer, CommandLine, spawn
from tests.e2e.payee_counter import Counter, counter_of
from tests.e2e.population import Population, population_of

PEOPLE = "12"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """The home of a told demo (12 people, English), and what it said. Do not change it."""
    home = tmp_path_factory.mktemp("demo") / "home"
    answer = spawn("demo", "--people", PEOPLE, "--lang", "en", "--home", str(home))
    assert answer.code == 0, answer.err
    return home, answer


@pytest.fixture
def demo_home(demo: tuple[Path, Answer], tmp_path: Path) -> Path:
    """A copy of the demo's home, to be changed at will."""
    copy = tmp_path / "home"
    shutil.copytree(demo[0], copy)
    return copy


@pytest.fixture
def cli(demo_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line on that copy, in this process."""
    for name in [name for name in os.environ if name.startswith("DEEDBOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DEEDBOOK_HOME", "")
    return CommandLine(demo_home, capsys)


@pytest.fixture
def counter(cli: CommandLine, tmp_path: Path) -> Counter:
    """The bank counter of that home."""
    return counter_of(cli, tmp_path)


@pytest.fixture
def people(cli: CommandLine, tmp_path: Path) -> Population:
    """People who sign for another asset of that home."""
    return population_of(cli, tmp_path)


@pytest.fixture(scope="session")
def browser(node: Path, root: Path) -> Path:
    """The folder of the scripts that drive a Chromium, which is there."""
    folder = root / "tests" / "browser"
    if not (folder / "node_modules").exists():
        pytest.fail("needs tests/browser/node_modules: run `make node`", pytrace=False)
    found = subprocess.run([node, folder / "chromium.mjs"], capture_output=True, text=True, check=True, timeout=300)
    if json.loads(found.stdout) is None:
        pytest.skip("there is no Chromium for this machine: name one by CHROMIUM")
    return folder
