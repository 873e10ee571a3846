"""Secret files: created once or replaced as a whole, readable by their owner alone, on disk before the call returns."""

from __future__ import annotations

import os
from pathlib import Path

from deedbook.errors import Conflict, MissingKey


def create(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Make a file that appears with all its content or not at all; raises `Conflict` if it exists."""
    partial = _partial(path, content)
    partial.chmod(mode)
    try:
        os.link(partial, path)
    except FileExistsError as error:
        raise Conflict(f"{path.name} exists already", file=path.name) from error
    finally:
        partial.unlink()
    _sync_directory(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Put the content in the file's place in one step (mode 0600)."""
    _partial(path, content).replace(path)
    _sync_directory(path.parent)


def read(path: Path, kind: str) -> bytes:
    """The content; raises `MissingKey` naming `kind` when there is no such file, or it may not be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingKey(f"no readable {kind} {path.name}", kind=kind, file=path.name) from error


def _partial(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return partial


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
