"""A home with one asset, listed: made once for the tests of a file, which each take a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.scenario import PEOPLE, Scenario, Stage


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One asset, listed."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("listed") / "home", PEOPLE)
    scenario.stage_whole()
    return scenario.close()


@pytest.fixture
def open_home(listed: Stage, tmp_path: Path) -> Iterator[Scenario]:
    scenario = Scenario.go_on(listed, Path(shutil.copytree(listed.home, tmp_path / "home")))
    yield scenario
    scenario.close()
