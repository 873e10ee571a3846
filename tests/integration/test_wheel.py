"""The wheel holds what a user needs: no compiler, no Node, no file of the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from deedbook.chain import artifacts


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ZipFile(next(folder.glob("*.whl")))


def test_wheel_ships_artifacts_survey_notices_and_licence(wheel: ZipFile) -> None:
    names = set(wheel.namelist())
    wanted = {f"deedbook/chain/artifacts/{name}.json" for name in artifacts.NAMES}
    wanted |= {
        "deedbook/cli/demo/cps1988.csv.gz",
        "deedbook/domain/notices/recruitment.zh-CN.json",
        "deedbook/api/web/catalogues/zh.po",
        "deedbook/api/web/static/HTMX-LICENSE.txt",
        "deedbook/api/web/static/htmx-2.0.11.min.js",
        "deedbook/api/web/templates/base.html",
        "deedbook/py.typed",
    }
    assert wanted - names == set()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_wheel_ships_nothing_else(wheel: ZipFile) -> None:
    places = {name.split("/")[0] for name in wheel.namelist()}
    assert {place for place in places if not place.endswith(".dist-info")} == {"deedbook"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.endswith(".sol")]


def test_wheel_brings_the_command(wheel: ZipFile) -> None:
    entry = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert b"deedbook = deedbook.cli.main:main" in wheel.read(entry)
