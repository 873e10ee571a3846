"""A home: the folder that holds one exchange - its embedded chain, databases, keys, objects - and its version.

home.json         format and version; written first, so that a half-made home is known as one
deployment.json   chain id, genesis hash, contract addresses; written when every contract is deployed
validators.json   who seals the blocks of a Clique or QBFT chain, by block
chain/            the embedded chain
records.sqlite    private state      mirror.sqlite   public copy of the chain
keys/             encrypted keystores, seed book, generated passphrase      keks/   key-encryption keys
objects/          sealed payloads
serve.json        address of the running service, while one runs      restoring.json  while a backup is put back
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deedbook.domain.hashing import parse_json
from deedbook.errors import Conflict, InvalidFormat, InvalidInput, MissingKey, NotFound, WrongVersion
from deedbook.wallet import files

FORMAT = "deedbook.home"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of a home. Use `create` for a new one and `open` for one that exists."""

    path: Path

    @staticmethod
    def create(path: Path) -> Home:
        """Makes the folder and its `home.json`, or continues a home that was begun, however early it was cut short.

        Raises Conflict when the folder holds something else, WrongVersion for a home of another version, InvalidInput
        ("home") where no folder can be made.
        """
        home = Home(path)
        try:
            if not home.marker.exists():
                home._begin()
            Home.open(path)
            for folder in (home.keys, home.keks, home.chain, home.objects):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise InvalidInput("home", f"{path} cannot be made: {error.strerror}") from error
        return home

    def _begin(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise Conflict(f"{self.path} is no folder", hint="name another folder by --home")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(not each.name.startswith(f".{self.marker.name}.") for each in self.path.iterdir()):
            raise Conflict(f"{self.path} is not empty and is no home", hint="name another folder by --home")
        write_json(self.marker, {"format": FORMAT, "version": VERSION})

    @staticmethod
    def open(path: Path) -> Home:
        """Raises NotFound, InvalidFormat, or WrongVersion naming both versions."""
        home = Home(path)
        if not home.marker.exists():
            raise NotFound("home", str(path), hint="create one by: deedbook init")
        found = read_json(home.marker, "home.json")
        if found.get("format") != FORMAT:
            raise InvalidFormat("home.json", "not a Deedbook home")
        if type(found.get("version")) is not int or found["version"] != VERSION:
            raise WrongVersion(
                "home.json",
                f"the home is of version {found.get('version')}, this release reads version {VERSION}",
                hint="use the release that made it, or export and import",
            )
        if found.keys() != {"format", "version"}:
            raise InvalidFormat("home.json", "has other fields than format and version")
        return home

    @property
    def marker(self) -> Path:
        """`home.json`."""
        return self.path / "home.json"

    @property
    def deployment(self) -> Path:
        """`deployment.json`."""
        return self.path / "deployment.json"

    @property
    def validators(self) -> Path:
        """`validators.json`."""
        return self.path / "validators.json"

    @property
    def chain(self) -> Path:
        """The folder of the embedded chain."""
        return self.path / "chain"

    @property
    def keys(self) -> Path:
        """Encrypted keystores and the seed book."""
        return self.path / "keys"

    @property
    def seeds(self) -> Path:
        """The seed book."""
        return self.keys / "seeds.book"

    @property
    def keks(self) -> Path:
        """Key-encryption keys; never in a backup."""
        return self.path / "keks"

    @property
    def withdrawn(self) -> Path:
        """Withdrawals that the chain does not know of; with the keys that no backup has, and for the same reason."""
        return self.keks / "withdrawn"

    @property
    def objects(self) -> Path:
        """The local object store."""
        return self.path / "objects"

    @property
    def records(self) -> Path:
        """The private database."""
        return self.path / "records.sqlite"

    @property
    def mirror(self) -> Path:
        """The public copy of the chain."""
        return self.path / "mirror.sqlite"

    @property
    def restoring(self) -> Path:
        """`restoring.json`: says that a backup is being put back, and is not yet."""
        return self.path / "restoring.json"

    @property
    def service(self) -> Path:
        """`serve.json`: where the running service listens."""
        return self.path / "serve.json"

    def passphrase(self, given: str | None) -> str:
        """The passphrase of the keys: the one given, or else the home's own, made on first use (mode 0600).

        The home's own guards a copy of the keystores, not a copy of the whole home. Raises MissingKey.
        """
        if given:
            return given
        file = self.keys / "passphrase"
        if not file.exists():
            if any(self.keys.glob("*.json")) or self.seeds.exists():
                raise MissingKey("the passphrase of this home is not given", hint="set DEEDBOOK_PASSPHRASE_FILE")
            write_bytes(file, secrets.token_urlsafe(32).encode())
        try:
            own = file.read_bytes().decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise MissingKey("the home's own passphrase cannot be read", file=file.name) from error
        if not own:
            raise MissingKey("the home's own passphrase is empty", file=file.name)
        return own


def write_json(path: Path, value: Any) -> None:
    """Writes a small file whole or not at all."""
    write_bytes(path, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a small private file (mode 0600) whole or not at all; its folder, too, is on disk when this returns."""
    files.replace(path, content)


def read_json(path: Path, what: str) -> dict[str, Any]:
    """A JSON object; raises InvalidFormat naming `what`."""
    try:
        value = parse_json(path.read_bytes(), what)
    except OSError as error:
        raise InvalidFormat(what, f"cannot be read: {error.strerror}") from error
    if not isinstance(value, dict):
        raise InvalidFormat(what, "not a JSON object")
    return value
