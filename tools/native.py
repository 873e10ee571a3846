"""Hatchling's build hook: compiles the optional kernels into the package where there is a C compiler.

A kernel is a file `_name.c` beside the module that uses it, and that module has a plain way too: without a compiler, or
with `DEEDBOOK_NATIVE=0`, the wheel is pure Python and does the same. Each speaks Python's stable ABI of 3.11, so that
one build serves every later Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

FLAGS = ("-O3", "-fno-strict-aliasing", "-shared", "-fPIC", "-Wall", "-Wextra")


class NativeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's build hook `custom`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compiles, and adds to the wheel what came of it."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        made = [path for path in map(compiled, sources(root)) if path is not None]
        if made:
            build_data["pure_python"] = False
            build_data["tag"] = f"cp311-abi3-{next(sys_tags()).platform}"
            build_data["artifacts"] += [path.relative_to(root).as_posix() for path in made]


def sources(root: Path) -> list[Path]:
    """Every kernel of the package."""
    return sorted((root / "src" / "deedbook").glob("*/_*.c"))


def compiled(source: Path, folder: Path | None = None) -> Path | None:
    """The kernel of a source, beside it or in a folder; None where there is no compiler, or it fails, which is told."""
    kernel = (folder or source.parent) / f"{source.stem}.abi3.so"
    if os.environ.get("DEEDBOOK_NATIVE") == "0" or sys.platform == "win32":
        kernel.unlink(missing_ok=True)
        return None
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    linking = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()
    made = kernel.with_name(f"{kernel.name}.{os.getpid()}")
    words = (*compiler, *FLAGS, *linking, f"-I{sysconfig.get_path('include')}", str(source), "-o", str(made))
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        told = done.stderr.strip()
    except OSError as error:
        told = str(error)
    if not made.exists():
        kernel.unlink(missing_ok=True)
        print(f"deedbook: {source.name} was not compiled, plain Python does its work: {told}", file=sys.stderr)
        return None
    made.replace(kernel)  # a process that has loaded the former one keeps it
    return kernel
