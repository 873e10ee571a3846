"""The real node of the test networks: geth 1.13.15, the last release that seals Clique blocks, built from its source.

    python -m tools.geth        where it is; built first where it is not yet (about four minutes, once)

`go install` builds it under `build/tools/geth`, where later runs find it; Go's own checksum database vouches for the
source, and the module's hash is compared with the one pinned here. Where there is neither a built one nor Go, the
reason is said in plain words and the exit code is 69 (EX_UNAVAILABLE): nothing is skipped in silence.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.forge import ROOT

VERSION = "1.13.15"
MODULE = "github.com/ethereum/go-ethereum"
SUM = "h1:U7sSGYGo4SPjP6iNIifNoyIAiNjrmQkz6EwQG+/EZWo="
"""The hash of the module's source, as Go writes it into what it builds."""
FLAGS = "-ldflags=-checklinkname=0"
"""geth 1.13.15 reaches into the runtime's clock, which Go 1.23 and later forbid without this."""
FOLDER = ROOT / "build" / "tools" / "geth"
ABSENT = 69
"""The exit code where the network cannot be had on this machine."""


class AbsentError(RuntimeError):
    """This machine cannot have the program: the reason, for people."""


def program(folder: Path = FOLDER, search: str | None = None) -> Path:
    """geth, built when it is asked for the first time, with the Go of the PATH (or of `search`).

    Raises AbsentError where Go is absent, or where it built something else or nothing.
    """
    found = folder / "bin" / "geth"
    if not is_built(found):
        build(folder, search)
    return found


def is_built(path: Path) -> bool:
    """Whether a geth of the pinned version is there and runs."""
    if not path.exists():
        return False
    try:
        said = subprocess.run([path, "version"], capture_output=True, text=True, check=False, timeout=60).stdout
    except OSError:
        return False
    return f"Version: {VERSION}-stable" in said.splitlines()


def build(folder: Path, search: str | None = None) -> None:
    """Builds it; Go's words stay in `build.log`. Raises AbsentError."""
    go = shutil.which("go", path=search)
    if go is None:
        raise AbsentError(
            f"geth {VERSION} is not built yet and Go is not installed: the live network cannot run on this machine. "
            "Install Go 1.21 or later (https://go.dev/dl) and run the same command again"
        )
    environment = {**os.environ, "GOBIN": str(folder / "bin"), "GOFLAGS": FLAGS}
    words = [go, "install", "-v", f"{MODULE}/cmd/geth@v{VERSION}"]
    print(f"geth: building {VERSION} with {go} (once; some minutes)", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "build.log"
    code = _watched(words, environment, log)
    if code:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
        raise AbsentError(f"geth {VERSION} could not be built; go said (all of it in {log}):\n{last}")
    found = module_sum(go, folder / "bin" / "geth")
    if found != SUM:
        (folder / "bin" / "geth").unlink()
        raise AbsentError(f"the source of geth {VERSION} has another hash than the pinned one: {found}, not {SUM}")


def module_sum(go: str, path: Path) -> str | None:
    """The hash of the main module's source that Go wrote into a program."""
    said = subprocess.run([go, "version", "-m", path], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"\tmod\t{re.escape(MODULE)}\tv{re.escape(VERSION)}\t(\S+)", said)
    return found[1] if found else None


def _watched(words: list[str], environment: dict[str, str], log: Path) -> int:
    """Runs a build; its words go to `log`, and on a terminal the packages are counted."""
    began, packages = time.monotonic(), 0
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run,
    ):
        assert run.stdout is not None
        for line in run.stdout:
            output.write(line)
            packages += 1
            if sys.stderr.isatty():
                print(f"\rgeth: {packages} packages, {time.monotonic() - began:.0f} s", end="", file=sys.stderr)
    start = "\r" if sys.stderr.isatty() else ""
    print(f"{start}geth: {packages} packages in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return run.returncode


def main(folder: Path = FOLDER, search: str | None = None) -> int:
    """Prints where geth is; 69 where it cannot be had."""
    try:
        print(program(folder, search))
    except AbsentError as reason:
        print(f"geth: {reason}", file=sys.stderr)
        return ABSENT
    return 0


if __name__ == "__main__":
    sys.exit(main())
