"""What every test may ask for: places, tools, a home of its own, a clock and randomness that repeat."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tools.forge import binary

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

pytest_plugins = ["tests.recorder"]

ROOT = Path(__file__).resolve().parent.parent
START = 1_800_000_000
"""Where the tests' clocks begin: 15 January 2027, 08:00:00 UTC; forge's tests begin there too."""

settings.register_profile(
    "check", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: int) -> None:
        self.now += seconds


class Entropy:
    """Random bytes that are the same in every run: SHA-256 of a name and a counter."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._drawn = 0

    def __call__(self, length: int) -> bytes:
        found = b""
        while len(found) < length:
            found += hashlib.sha256(self._name + self._drawn.to_bytes(8, "big")).digest()
            self._drawn += 1
        return found[:length]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The vectors, with their expected outcome."""
    return ROOT / "tests" / "vectors"


@pytest.fixture(scope="session")
def node() -> Path:
    """Node; its modules are in contracts/node_modules."""
    found = shutil.which("node")
    if found is None or not (ROOT / "contracts" / "node_modules").exists():
        pytest.fail("needs Node and contracts/node_modules: run `make node`", pytrace=False)
    return Path(found)


def _foundry(tool: str) -> Path:
    try:
        return binary(tool)
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def anvil() -> Path:
    """Foundry's node, the second opinion on the embedded chain."""
    return _foundry("anvil")


@pytest.fixture(scope="session")
def forge() -> Path:
    """Foundry's test runner."""
    return _foundry("forge")


@pytest.fixture
def clock() -> Clock:
    """A clock that begins at START."""
    return Clock()


@pytest.fixture
def entropy(request: pytest.FixtureRequest) -> Callable[[int], bytes]:
    """Randomness of this test's own, the same in every run."""
    return Entropy(request.node.nodeid)


@pytest.fixture
def home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for a home, which `DEEDBOOK_HOME` names; nothing else is set."""
    for name in [name for name in os.environ if name.startswith("DEEDBOOK_")]:
        monkeypatch.delenv(name)
    place = tmp_path / "home"
    monkeypatch.setenv("DEEDBOOK_HOME", str(place))
    return place
