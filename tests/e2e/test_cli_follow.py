"""A process that copies the chain and does nothing else: without keys, until it is told to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.errors import CorruptStore, MissingKey


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose chain stands, its keys and private records taken away."""
    place = tmp_path_factory.mktemp("follow") / "home"
    with Services.init(config.load(place, {})):
        pass
    (place / "keys").rename(place.parent / "keys")
    (place / "records.sqlite").rename(place.parent / "records.sqlite")
    return place


@pytest.fixture
def watching(home: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "deedbook.cli.main", "--home", str(home), "mirror", "follow", "--watch", "--json"]
    with subprocess.Popen(command, cwd=root / "src", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        yield run
        run.kill()


def test_it_follows_without_keys_and_ends_when_told(watching: subprocess.Popen[str]) -> None:
    assert watching.stdout is not None
    said = json.loads(watching.stdout.readline())
    assert said["head"] == said["added"] - 1 > 0
    watching.send_signal(signal.SIGTERM)
    _, complaints = watching.communicate(timeout=60)
    assert (watching.returncode, complaints) == (0, "")


def test_a_home_without_keys_is_copied_and_not_opened(home: Path) -> None:
    settings = config.load(home, {})
    with Services.copying(settings) as services:
        assert services.follow().lag == 0
    assert not (home / "keys").exists()
    with pytest.raises((CorruptStore, MissingKey)):
        Services.open(settings)
