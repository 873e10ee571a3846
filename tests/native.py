"""The kernels as they are in this tree, compiled anew for the tests: what is installed may be older, or plain."""

from __future__ import annotations

import importlib.util
import shutil
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from tools.native import compiled, sources

ROOT = Path(__file__).resolve().parent.parent


def kernel(name: str) -> ModuleType:
    """The kernel `_name`. Skips the test where no kernel can be compiled: then none is used either."""
    if shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) is None:
        pytest.skip("there is no C compiler here: the plain ways are used")
    return _compiled(name)


@cache
def _compiled(name: str) -> ModuleType:
    source = next(path for path in sources(ROOT) if path.stem == name)
    with tempfile.TemporaryDirectory() as folder:
        path = compiled(source, Path(folder))
        assert path is not None, f"{source.name} does not compile"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
