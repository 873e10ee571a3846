"""Sets up a virtual environment from the pinned requirements, once: `install.py (demo|dev) [FOLDER]`.

Runs on the system's Python with nothing installed. Wheels only, hashes checked. A stamp in the environment names what
was installed, so that a second run costs nothing and a changed pin is noticed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)


def main(words: list[str]) -> int:
    """Installs; returns the exit code: 0 done or nothing to do, 2 when this Python will not do."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        print(f"deedbook: needs Python 3.11 to 3.13, this is {sys.version.split()[0]}", file=sys.stderr)
        print("          try: make PYTHON=python3.12 ...", file=sys.stderr)
        return 2
    kind, folder = words[0], Path(words[1] if len(words) > 1 else ".venv")
    if stamped(folder) in (stamp(kind), stamp("dev")):
        return 0
    install(kind, folder)
    return 0


def install(kind: str, folder: Path) -> None:
    """Makes the environment where there is none and installs requirements, then the package itself in place."""
    began = time.monotonic()
    if not python_of(folder).exists():
        print(f"deedbook: making {folder}", flush=True)
        venv.create(folder, with_pip=True)
    print(f"deedbook: installing requirements/{kind}.txt (wheels only, hashes checked)", flush=True)
    pip(folder, "--require-hashes", "--only-binary", ":all:", "-r", str(requirements(kind)))
    pip(folder, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    stamp_file(folder).write_text(stamp(kind), encoding="utf-8")
    print(f"deedbook: installed in {time.monotonic() - began:.0f} s", flush=True)


def pip(folder: Path, *words: str) -> None:
    """Runs the environment's pip; ends the program with pip's own words and code when it fails."""
    stamp_file(folder).unlink(missing_ok=True)
    command = [str(python_of(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def requirements(kind: str) -> Path:
    """The pinned requirements of a kind."""
    return ROOT / "requirements" / f"{kind}.txt"


def stamp(kind: str) -> str:
    """What an environment of this kind is made of: the pins, the project's own metadata, its kernels, Python and the
    place."""
    digest = hashlib.sha256(f"{kind} {sys.version} {ROOT}".encode())
    kernels = [ROOT / "tools" / "native.py", *sorted((ROOT / "src" / "deedbook").glob("*/_*.c"))]
    for path in (requirements(kind), ROOT / "pyproject.toml", *kernels):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp_file(folder: Path) -> Path:
    """Where an environment says what it is made of."""
    return folder / "deedbook-requirements.sha256"


def stamped(folder: Path) -> str:
    """What an environment says it is made of; empty for none."""
    path = stamp_file(folder)
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
