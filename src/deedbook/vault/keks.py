"""Key-encryption keys (KEKs) by numbered generation, outside every database and every backup.

A KEK wraps payload keys only. Destroying a generation, after all payload keys moved to the next, is what makes an
erasure final; so a generation that anything else can bring back (a backup, an environment variable) cannot promise
erasure. A KEK file `kek-<10 digits>` (mode 0600) is

    "DBKK" || u8 1 || u32 generation || key(32) || first 8 bytes of SHA-256 over all before

It appears whole or not at all, and is on disk before it is used. Destroying overwrites the file in place, removes it
and syncs the directory. Where the medium keeps old blocks (flash, copy-on-write, snapshots), put the directory on an
encrypted volume of its own, or use a key service in its place.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from deedbook.domain.hashing import sha256, to_hex
from deedbook.errors import CorruptStore, InvalidInput, MissingKey, SealBroken

MAGIC = b"DBKK"
KEK_VERSION = 1
_LENGTH = 49
_NAME = re.compile(r"kek-([0-9]{10})")
_WRAP_TAG = b"deedbook.wrap.v1"
_ENVIRONMENT_TAG = b"deedbook.kek.env.v1"


class Keks(Protocol):
    """Where KEKs live."""

    @property
    def promises_erasure(self) -> bool:
        """Whether a destroyed generation is gone."""

    def generations(self) -> tuple[int, ...]:
        """The generations that exist, ascending."""

    def key(self, generation: int) -> bytes:
        """The 32 bytes of a generation. Raises `MissingKey`, or `CorruptStore` when it is there but damaged."""

    def create(self, generation: int) -> None:
        """Make a generation durable, unless it exists whole already."""

    def destroy(self, generation: int) -> None:
        """Make a generation irretrievable; one that is gone already stays gone."""


class FileKeks:
    """One file per generation in a directory that only its owner reads."""

    promises_erasure = True

    def __init__(self, directory: Path, *, entropy: Callable[[int], bytes]) -> None:
        self._directory = directory
        self._entropy = entropy

    def generations(self) -> tuple[int, ...]:
        """The generations that have a file, ascending."""
        names = (path.name for path in self._directory.iterdir()) if self._directory.is_dir() else ()
        return tuple(sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match))

    def key(self, generation: int) -> bytes:
        """As `Keks.key`."""
        path = self._path(generation)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise MissingKey(
                f"no key-encryption key of generation {generation}", kind="KEK", generation=generation
            ) from error
        except OSError as error:
            raise CorruptStore(f"{path.name} cannot be read", file=path.name, generation=generation) from error
        if content != _kek_file(generation, content[9:41]):
            raise CorruptStore(f"{path.name} is damaged", file=path.name, generation=generation)
        return content[9:41]

    def create(self, generation: int) -> None:
        """As `Keks.create`; also clears what an interrupted call left."""
        path = self._path(generation)
        with self._alone():
            if self._is_whole(generation):
                return
            _shred(path)
            partial = path.with_name(path.name + ".partial")
            _write(partial, _kek_file(generation, self._entropy(32)))
            partial.rename(path)

    def destroy(self, generation: int) -> None:
        """As `Keks.destroy`."""
        path = self._path(generation)
        with self._alone():
            _shred(path)

    def _is_whole(self, generation: int) -> bool:
        try:
            self.key(generation)
        except (MissingKey, CorruptStore):
            return False
        return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time; ends with the directory on disk."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for partial in self._directory.glob("kek-*.partial"):
                _shred(partial)
            yield
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, generation: int) -> Path:
        _require_generation(generation)
        return self._directory / f"kek-{generation:010d}"


class EnvironmentKeks:
    """Generations derived from one secret that somebody else keeps: any can be made again, so none can be destroyed.

    The key of generation g is HKDF-Expand(SHA-256, secret, info = "deedbook.kek.env.v1" || u32 g, 32 bytes).
    """

    promises_erasure = False

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise InvalidInput("kek", f"{len(secret)} bytes, not 32")
        self._secret = secret

    @classmethod
    def read(cls, environment: Mapping[str, str], variable: str) -> EnvironmentKeks:
        """The secret as 64 hexadecimal digits in a variable; raises `MissingKey` when there is none or it is not."""
        text = environment.get(variable, "").removeprefix("0x")
        if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
            raise MissingKey(f"{variable} does not hold 64 hexadecimal digits", kind="KEK", variable=variable)
        return cls(bytes.fromhex(text))

    def generations(self) -> tuple[int, ...]:
        """None has a life of its own."""
        return ()

    def key(self, generation: int) -> bytes:
        """As `Keks.key`; every generation exists."""
        _require_generation(generation)
        info = _ENVIRONMENT_TAG + generation.to_bytes(4, "big")
        return HKDFExpand(algorithm=SHA256(), length=32, info=info).derive(self._secret)

    def create(self, generation: int) -> None:
        """Nothing to do."""
        _require_generation(generation)

    def destroy(self, generation: int) -> None:
        """Nothing that could be done: `promises_erasure` is False."""
        _require_generation(generation)

    def __repr__(self) -> str:
        return "EnvironmentKeks()"


def wrap(kek: bytes, payload_key: bytes, *, payload_id: bytes, generation: int, nonce: bytes) -> bytes:
    """nonce(12) || AES-256-GCM(KEK, payload key, AAD = "deedbook.wrap.v1" || payloadId(32) || u32 generation)."""
    return nonce + AESGCM(kek).encrypt(nonce, payload_key, _wrap_aad(payload_id, generation))


def unwrap(kek: bytes, wrapped: bytes, *, payload_id: bytes, generation: int) -> bytes:
    """The payload key; raises `SealBroken` (fields `part` = "payload key", `payload_id`, `generation`)."""
    try:
        key = AESGCM(kek).decrypt(wrapped[:12], wrapped[12:], _wrap_aad(payload_id, generation))
    except (InvalidTag, ValueError) as error:
        raise SealBroken(
            f"the payload key does not open under generation {generation}",
            part="payload key",
            payload_id=to_hex(payload_id),
            generation=generation,
        ) from error
    return key


def _wrap_aad(payload_id: bytes, generation: int) -> bytes:
    return _WRAP_TAG + payload_id + generation.to_bytes(4, "big")


def _require_generation(generation: int) -> None:
    if not 0 < generation < 1 << 32:
        raise InvalidInput("generation", "not between 1 and 2^32 - 1")


def _kek_file(generation: int, key: bytes) -> bytes:
    content = MAGIC + bytes((KEK_VERSION,)) + generation.to_bytes(4, "big") + key
    return content + sha256(content)[:8]


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _shred(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW), "wb") as file:
            file.write(bytes(max(_LENGTH, path.stat().st_size)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
