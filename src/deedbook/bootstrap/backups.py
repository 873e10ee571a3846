"""Backups of a home: made while its service runs, sealed, and put back with the chain asked before anything is served.

In a backup are the private records, the keystores, the files that say what the home is, its own sealed payloads and its
own embedded chain, where it has them. Never in one are the mirror, which the chain has, and `keks/`: the keys whose end
makes an erasure final, and what was withdrawn before the chain knew of it.

    manifest.json             what the backup is: first, so that it is read before anything is written
    records.ndjson            the rows (records.dumps), of one moment
    home/PATH                 files of the home: keys/, objects/, validators.json, deedbook.toml, ...
    chain.sqlite              the embedded chain, of a later moment: records may lag behind a chain, never the other way
    home/deployment.json      last: without it a home is not whole, and is opened by nobody
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

from deedbook import __version__
from deedbook.bootstrap.home import FORMAT as HOME_FORMAT
from deedbook.bootstrap.home import VERSION as HOME_VERSION
from deedbook.bootstrap.home import Home, read_json, write_json
from deedbook.bootstrap.services import Clock, Entropy, Services, chain_file, require_unused, running_service, unix_time
from deedbook.chain.deployment import Deployment
from deedbook.config import Settings
from deedbook.domain.hashing import canonical_json, checksum_address, parse_json
from deedbook.errors import (
    Conflict,
    CorruptStore,
    IntegrityError,
    InvalidFormat,
    InvalidInput,
    Locked,
    NotFound,
    WrongVersion,
)
from deedbook.ledger import anchors
from deedbook.records import dumps, store
from deedbook.records.anchors import AnchorLogs
from deedbook.records.database import Database, path_of
from deedbook.wallet.backups import read_backup, write_backup

FORMAT: Final = "deedbook.backup"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
RECORDS: Final = "records.ndjson"
CHAIN: Final = "chain.sqlite"
OF_HOME: Final = "home/"
PIECE: Final = 1 << 20
FILES: Final = ("deedbook.toml", "deployment.json", "validators.json")
FOLDERS: Final = ("keys", "objects")
"""What of a home is in its backup as it lies there; nothing else of it is a file that a home needs."""
AFTER_RECEIPTS: Final = (
    "receipts that a log gave after this backup for entries that were not anchored yet are for places that others may"
    " get: whoever holds one sends the entry again"
)
NO_KEKS: Final = "keks/ is empty: no sealed payload opens, and what was withdrawn before it was in a batch is not known"


@dataclass(frozen=True, slots=True)
class LostEntries:
    """Entries of an exchange's log that receipts were given for, and that the records no longer have: from place `kept`
    on, up to `known` at the least. `anchored`: the chain has them."""

    exchange: bytes
    kept: int
    known: int
    anchored: bool

    def to_json(self) -> dict[str, Any]:
        """In JSON; sizes as decimal text."""
        known = {"kept": str(self.kept), "known": str(self.known), "anchored": self.anchored}
        return {"exchange": checksum_address(self.exchange), **known}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the backup's manifest, rows by table, files, what the chain had ended since, the logs that
    are behind what was promised, intents that were under way, and what else the operator has to know."""

    manifest: Mapping[str, Any]
    rows: Mapping[str, int]
    files: int
    ended: int | None
    lost: tuple[LostEntries, ...]
    under_way: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """In JSON."""
        return {
            "backup": dict(self.manifest),
            "rows": sum(self.rows.values()),
            "files": self.files,
            "ended": self.ended,
            "lostEntries": [each.to_json() for each in self.lost],
            "underWay": self.under_way,
            "notes": list(self.notes),
        }


def back_up(
    settings: Settings, target: Path, passphrase: str, *, clock: Clock, entropy: Entropy, objects: bool = True
) -> dict[str, Any]:
    """Writes a backup of a home to a new file (mode 0600), whole or not at all; its manifest.

    A running service is not disturbed. No key is opened. Raises NotFound, Conflict where the file exists, InvalidInput
    (`passphrase`), CorruptStore, WrongVersion where the records are of another release.
    """
    home = Home.open(settings.home)
    require_own_passphrase(home, passphrase)
    deployment = Deployment.from_json(read_json(home.deployment, "deployment.json"))
    if target.exists():
        raise Conflict(f"{target.name} exists already", hint="name another file")
    schema = store.schema_at(_records_url(settings, home))
    if not schema.is_current:
        raise WrongVersion("records", "are of an earlier release", hint="run: deedbook db upgrade")
    database = Database(_records_url(settings, home))
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "release": __version__,
        "madeAt": clock(),
        "chainId": str(deployment.chain_id),
        "genesisHash": "0x" + deployment.genesis_hash.hex(),
        "schema": schema.version,
    }
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            write_backup(file, _entries(settings, home, database, manifest, objects), passphrase, entropy=entropy)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, target)
    except FileExistsError as error:
        raise Conflict(f"{target.name} exists already", hint="name another file") from error
    finally:
        database.close()
        partial.unlink(missing_ok=True)
    return manifest | {"bytes": target.stat().st_size}


def _entries(
    settings: Settings, home: Home, database: Database, manifest: Mapping[str, Any], objects: bool
) -> Iterator[tuple[str, Iterable[bytes]]]:
    own_objects = objects and settings.objects_url is None
    own_chain = not settings.rpc_urls and chain_file(home).exists()
    held = {"objects": own_objects, "chain": own_chain}
    yield MANIFEST, [canonical_json({**manifest, **held})]
    yield RECORDS, dumps.dump(database)
    for path in _files(home, with_objects=own_objects):
        yield OF_HOME + path.relative_to(home.path).as_posix(), _content(path)
    if own_chain:
        with tempfile.TemporaryDirectory(dir=home.path, prefix=".backup-") as folder:
            copy = Path(folder) / CHAIN
            _copy_chain(chain_file(home), copy)
            yield CHAIN, _content(copy)
    yield OF_HOME + home.deployment.name, _content(home.deployment)


def _files(home: Home, *, with_objects: bool) -> Iterator[Path]:
    """The files of a home that are in its backup, but for `deployment.json`."""
    for name in FILES:
        path = home.path / name
        if path != home.deployment and path.is_file():
            yield path
    for folder in FOLDERS if with_objects else FOLDERS[:1]:
        for path in sorted((home.path / folder).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path


def _content(path: Path) -> Iterator[bytes]:
    with suppress(FileNotFoundError), path.open("rb") as file:  # gone since it was listed: then nothing names it
        while piece := file.read(PIECE):
            yield piece


def _copy_chain(path: Path, copy: Path) -> None:
    """One state of the chain's file, whoever writes meanwhile."""
    try:
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target, pages=-1)
    except sqlite3.Error as error:
        raise CorruptStore(f"{path.name} cannot be copied", file=path.name) from error


def restore(
    settings: Settings,
    source: Path,
    passphrase: str,
    *,
    clock: Clock,
    entropy: Entropy,
    replace_all: bool = False,
) -> Restored:
    """Puts a backup into a home that is not there, or with `replace_all` in the place of what is; then asks the chain.

    `keks/` stays as it is, and so do keys and a chain that are there and can be read: they are never fewer, or shorter,
    than in a backup of that home. Run again after it was cut short, it begins anew; until it is done the home cannot be
    opened.

    Raises Conflict, Locked while the home is in use, MissingKey, InvalidFormat, WrongVersion; and as `Services.open`
    and `Services.reconcile` where all is put back, and the chain says otherwise.
    """
    home = Home(settings.home)
    try:
        file = source.open("rb")
    except OSError as error:
        raise InvalidInput("file", f"{source.name} cannot be read: {error.strerror}") from error
    with file:
        entries = read_backup(file, passphrase)
        manifest = _manifest(entries)
        _require_room(home, manifest, replace_all=replace_all)
        before = _log_sizes(settings, home)
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(home.restoring, {"from": source.name})
        home.deployment.unlink(missing_ok=True)
        put = _put_back(settings, home, manifest, entries)
    home.restoring.unlink()
    return _checked(settings, home, manifest, put, before, clock, entropy)


def require_own_passphrase(home: Home, passphrase: str) -> None:
    """That a backup has a passphrase of its own. Raises InvalidInput."""
    if not passphrase:
        raise InvalidInput("passphrase", "a backup holds keys: it is not written in the clear")
    with suppress(OSError):
        if (home.keys / "passphrase").read_text(encoding="utf-8").strip() == passphrase:
            raise InvalidInput("passphrase", "is the home's own, which is lost with it: take another one")


def manifest_of(file: BinaryIO, passphrase: str) -> dict[str, Any]:
    """What a backup says of itself. Raises MissingKey, InvalidFormat, WrongVersion."""
    return _manifest(read_backup(file, passphrase))


def _manifest(entries: Iterator[tuple[str, Iterator[bytes]]]) -> dict[str, Any]:
    name, pieces = next(entries, ("", iter(())))
    if name != MANIFEST:
        raise InvalidFormat("backup", "does not begin with its manifest")
    found = parse_json(b"".join(pieces), MANIFEST)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InvalidFormat(MANIFEST, "is of no backup")
    if found.get("version") != VERSION:
        raise WrongVersion(MANIFEST, f"version {found.get('version')}, not {VERSION}")
    if not isinstance(found.get("schema"), str) or not isinstance(found.get("chain"), bool):
        raise InvalidFormat(MANIFEST, "lacks a field")
    return found


def _require_room(home: Home, manifest: Mapping[str, Any], *, replace_all: bool) -> None:
    store.require_known(manifest["schema"])
    require_unused(home.path)
    if running_service(home) is not None:
        raise Locked(f"a service runs in {home.path}", hint="stop it")
    present = home.deployment.exists() or home.records.exists()
    if present and not replace_all and not home.restoring.exists():
        raise Conflict(f"{home.path} is a home already", hint="say --replace to put the backup in its place")
    if home.deployment.exists():
        there = Deployment.from_json(read_json(home.deployment, "deployment.json"))
        stated = "0x" + there.genesis_hash.hex()
        if (str(there.chain_id), stated) != (manifest.get("chainId"), manifest.get("genesisHash")):
            raise Conflict("the backup is of another chain", hint="name another folder by --home")


def _log_sizes(settings: Settings, home: Home) -> dict[bytes, int]:
    """How many entries the logs had that the backup replaces, where that can still be read."""
    url = _records_url(settings, home)
    path = path_of(url)
    if path is not None and not path.exists():
        return {}
    database = Database(url)
    try:
        return {each.exchange: each.size for each in AnchorLogs(database).states()}
    except Exception:  # noqa: BLE001 - a database that is lost in any way says nothing
        return {}
    finally:
        database.close()


@dataclass(slots=True)
class _Put:
    """What was put back: rows by table, how many files, and which stayed as they are although the backup has others."""

    rows: dict[str, int] | None = None
    files: int = 0
    stayed: list[str] = field(default_factory=list)


def _put_back(
    settings: Settings, home: Home, manifest: Mapping[str, Any], entries: Iterator[tuple[str, Iterator[bytes]]]
) -> _Put:
    for folder in (home.path, home.keys, home.chain, home.objects, home.keks):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(home.marker, {"format": HOME_FORMAT, "version": HOME_VERSION})
    _drop_mirror(home)
    put, whole = _Put(), False
    for name, pieces in entries:
        if name == RECORDS:
            put.rows = _put_records(settings, home, manifest["schema"], pieces)
        elif name == CHAIN:
            if _has_chain(home):
                put.stayed.append("chain/")
            else:
                _put_file(chain_file(home), pieces, beside=("-wal", "-shm"))
        elif name.startswith(OF_HOME):
            path = _inside(home, name.removeprefix(OF_HOME))
            whole = path == home.deployment
            if path.parent == home.keys and path.exists():
                if path.read_bytes() != b"".join(pieces):
                    put.stayed.append(name.removeprefix(OF_HOME))
            else:
                _put_file(path, pieces)
                put.files += 1
        else:
            raise InvalidFormat("backup", "holds an entry that this release does not know")
    if put.rows is None or not whole:
        raise InvalidFormat("backup", "lacks its records, or its end")
    return put


def _put_records(settings: Settings, home: Home, schema: str, pieces: Iterator[bytes]) -> dict[str, int]:
    lines = _lines(pieces)
    if settings.records_url is not None:
        return store.restore(settings.records_url, schema, lines, replace=True)
    partial = home.records.with_name(f".{home.records.name}.partial")
    _unlink(partial)
    rows = store.restore(f"sqlite:///{partial}", schema, lines)
    settled = Database(f"sqlite:///{partial}")
    settled.settle()
    settled.close()
    _unlink(home.records)
    partial.rename(home.records)
    return rows


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        raise InvalidFormat(RECORDS, "its last line is cut short")


def _inside(home: Home, name: str) -> Path:
    """The place of a file of a home. Raises InvalidFormat for one that would be outside, or is none of a backup."""
    parts = PurePosixPath(name).parts
    known = name in FILES or (len(parts) > 1 and parts[0] in FOLDERS)
    if not known or ".." in parts or "\0" in name:
        raise InvalidFormat("backup", "a file of it would lie where none belongs")
    return home.path.joinpath(*parts)


def _put_file(path: Path, pieces: Iterator[bytes], *, beside: tuple[str, ...] = ()) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    for tail in beside:
        path.with_name(path.name + tail).unlink(missing_ok=True)
    partial.replace(path)


def _has_chain(home: Home) -> bool:
    """Whether the home's own chain is there and can be read: it is as far as any backup of it, or further."""
    from deedbook.chain.embedded.chain import Chain

    try:
        Chain.open(chain_file(home), clock=unix_time).close()
    except (NotFound, IntegrityError, InvalidInput):
        return False
    return True


def _drop_mirror(home: Home) -> None:
    """The home's own mirror: it may be of another day than the chain, which has everything that was in it."""
    _unlink(home.mirror)


def _unlink(database: Path) -> None:
    for tail in ("", "-wal", "-shm"):
        database.with_name(database.name + tail).unlink(missing_ok=True)


def _checked(
    settings: Settings,
    home: Home,
    manifest: Mapping[str, Any],
    put: _Put,
    before: Mapping[bytes, int],
    clock: Clock,
    entropy: Entropy,
) -> Restored:
    rows = put.rows or {}
    notes = [AFTER_RECEIPTS] if rows.get("anchor_logs") or before else []
    if not any(home.keks.iterdir()):
        notes.append(NO_KEKS)
    if put.stayed:
        notes.append(f"{', '.join(put.stayed)}: stays as it is; remove it first to have the backup's")
    if settings.mirror_url is not None:
        notes.append("the mirror is not the home's own: run `deedbook mirror rebuild` where it is of another day")
    if settings.objects_url is None and not manifest.get("objects"):
        notes.append("the backup has no sealed payloads: put them into objects/")
    with Services.open(settings, clock=clock, entropy=entropy) as services:
        lost = tuple(_lost(services, before))
        under_way = len(services.records.outbox.unfinished())
        ended = services.reconcile()
    if under_way:
        notes.append("acts were under way: those that were made since are found on the chain, the others are made now")
    return Restored(manifest, rows, put.files, ended, lost, under_way, tuple(notes))


def _lost(services: Services, before: Mapping[bytes, int]) -> Iterator[LostEntries]:
    """Where more of a log was promised than the records have, as far as anything here or on chain tells."""
    kept = {each.exchange: each.size for each in services.records.anchors.states()}
    mine = {services.signer(name).address for name in services.keystore.names()}
    for exchange in sorted({*kept, *before, *mine}):
        anchored, _ = anchors.latest(services.acting, exchange)
        size = kept.get(exchange, 0)
        known = max(anchored, before.get(exchange, 0))
        if known > size:
            yield LostEntries(exchange, size, known, anchored > size)


def _records_url(settings: Settings, home: Home) -> str:
    return settings.records_url or f"sqlite:///{home.records}"
