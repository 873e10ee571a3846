"""The object store: ciphertext under names, created once, never changed. A local folder by default, any S3 by URL.

Knows nothing of what the objects hold.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError
from obstore.store import LocalStore, S3Store

from deedbook.errors import (
    Conflict,
    CorruptStore,
    EvidenceMissing,
    InvalidInput,
    MissingKey,
    NotFound,
    StoreUnavailable,
)

WHOLE: Final = 1 << 26
"""Bytes of an object that is sent in one piece."""
_AWAY: Final = re.compile(r"HTTP error|after \d+ retries")
"""What obstore says where no whole answer came, or none but 5xx and 429 however often it asked."""


class ObjectStore:
    """Objects by key (`a/b/c`, no `..`). Every call raises `CorruptStore` when the store itself fails, and
    `StoreUnavailable` while it does not answer."""

    def __init__(self, store: Any, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    @classmethod
    def in_folder(cls, folder: Path) -> ObjectStore:
        """A local folder, made if need be (mode 0700)."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(LocalStore(folder), folder.absolute())

    @classmethod
    def at(cls, url: str, environ: Mapping[str, str] = os.environ) -> ObjectStore:
        """`file:///folder`, or `s3://bucket/prefix` (endpoint and credentials from the usual AWS_* variables, or the
        credentials from the file that AWS_SHARED_CREDENTIALS_FILE names, by AWS_PROFILE).

        Raises `InvalidInput` naming `objects_url`, `MissingKey` for a credentials file that holds none.
        """
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.path and not parts.netloc:
            return cls.in_folder(Path(unquote(parts.path)))
        if parts.scheme == "s3" and parts.netloc:
            return cls(S3Store.from_url(url, config=_credentials(environ)))
        raise InvalidInput("objects_url", "neither file:///folder nor s3://bucket/prefix")

    def put_new(self, key: str, content: bytes) -> None:
        """Store an object, whole or not at all; raises `Conflict` when the key is taken."""
        try:
            with _failures(key):
                obstore.put(self._store, key, content, mode="create", use_multipart=False)
        except AlreadyExistsError as error:
            raise Conflict(f"object {key} exists already", object=key) from error
        self._sync(key)

    @contextlib.contextmanager
    def staging(self) -> Iterator[BinaryIO]:
        """An empty file, read and written, to make an object in that is too large for the memory; `put_staged` stores
        it, and it is gone afterwards."""
        if self._folder is None:
            with tempfile.TemporaryFile() as unnamed:
                yield unnamed
            return
        with _failures("staged"):
            file = _staged(self._folder)
        try:
            yield file
        finally:
            with _failures("staged"):
                Path(file.name).unlink()
                file.close()

    def put_staged(self, key: str, file: BinaryIO) -> None:
        """As `put_new`, of a file of `staging`."""
        if self._folder is None:
            self._send(key, file)
            return
        path = self._folder / key
        with _failures(key):
            file.flush()
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file.name, path)
            except FileExistsError as error:
                raise Conflict(f"object {key} exists already", object=key) from error
        self._sync(key)

    def size(self, key: str) -> int:
        """Bytes of an object; raises `EvidenceMissing`."""
        with _failures(key):
            return int(obstore.head(self._store, key)["size"])

    def get(self, key: str) -> bytes:
        """An object; raises `EvidenceMissing`."""
        with _failures(key):
            return bytes(obstore.get(self._store, key).bytes())

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """`length` bytes from `start`; raises `EvidenceMissing`, or `CorruptStore` when the object is shorter."""
        return self.get_ranges(key, (start,), (length,))[0]

    def get_ranges(self, key: str, starts: Sequence[int], lengths: Sequence[int]) -> list[bytes]:
        """Several ranges in few requests; raises as `get_range`."""
        wanted = [(start, length) for start, length in zip(starts, lengths, strict=True) if length]
        if not wanted:
            return [b"" for _ in lengths]
        with _failures(key):
            found = iter(
                obstore.get_ranges(
                    self._store, key, starts=[start for start, _ in wanted], lengths=[length for _, length in wanted]
                )
            )
            content = [bytes(next(found)) if length else b"" for length in lengths]
        if any(len(piece) != length for piece, length in zip(content, lengths, strict=True)):
            raise CorruptStore(f"object {key} is truncated", object=key)
        return content

    def delete(self, key: str) -> None:
        """Remove an object; raises `NotFound`."""
        try:
            self.size(key)
        except EvidenceMissing as error:
            raise NotFound("object", key) from error
        with _failures(key):
            obstore.delete(self._store, key)

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """All keys that start with a folder prefix, in order."""
        with _failures(prefix):
            batches = obstore.list(self._store, prefix=prefix or None)
            return tuple(sorted(str(entry["path"]) for batch in batches for entry in batch))

    def _send(self, key: str, file: BinaryIO) -> None:
        """An object of several parts cannot be created only where there is none: that is looked at before."""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= WHOLE:
            self.put_new(key, file.read())
            return
        with contextlib.suppress(EvidenceMissing):
            self.size(key)
            raise Conflict(f"object {key} exists already", object=key)
        with _failures(key):
            obstore.put(self._store, key, file, use_multipart=True)

    def _sync(self, key: str) -> None:
        """A local object is on disk before the call returns; an S3 answers only after it stored."""
        if self._folder is not None:
            path = self._folder / key
            _sync_path(path)
            while path != self._folder:
                path = path.parent
                _sync_path(path)


def _credentials(environ: Mapping[str, str]) -> Any:
    """What a credentials file holds (AWS: shared config and credentials files); nothing where none is named, and the
    variables speak for themselves."""
    name = environ.get("AWS_SHARED_CREDENTIALS_FILE")
    if not name or environ.get("AWS_ACCESS_KEY_ID"):
        return {}
    file = ConfigParser(interpolation=None)
    profile = environ.get("AWS_PROFILE", "default")
    try:
        file.read_string(Path(name).read_text(encoding="utf-8"))
        found = file[profile]
        return {field: found[field] for field in ("aws_access_key_id", "aws_secret_access_key")}
    except (OSError, UnicodeDecodeError, ConfigParserError, KeyError) as error:
        told = f"{Path(name).name} holds no credentials of profile {profile}"
        raise MissingKey(told, kind="credentials", file=Path(name).name) from error


@contextlib.contextmanager
def _failures(key: str) -> Iterator[None]:
    try:
        yield
    except AlreadyExistsError:
        raise
    except FileNotFoundError as error:
        raise EvidenceMissing(f"no object {key}", kind="object", object=key) from error
    except (BaseError, OSError, ValueError) as error:
        if isinstance(error, GenericError) and _AWAY.search(str(error)):
            raise StoreUnavailable("the object store cannot be reached", object=key) from error
        raise CorruptStore(f"object {key} cannot be read or written", object=key) from error


def _staged(folder: Path) -> BinaryIO:
    """A fresh file that is held, which tells others that it is in use; what a process left that is no more goes."""
    for path in folder.glob("staged#*"):
        with contextlib.suppress(OSError), path.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    while True:
        name = folder / f"staged#{secrets.randbits(63)}"  # which a store in a folder never lists
        file = open(name, "xb+", opener=_private)  # noqa: SIM115 - closed where it ends
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # taken for a leftover before it was held


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
