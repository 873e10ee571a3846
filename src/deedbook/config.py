"""Settings: what an operator may say about a home, from the command line, the environment and `deedbook.toml`.

The first that speaks wins: command line, then `DEEDBOOK_*`, then `deedbook.toml` in the home, then the default.

    DEEDBOOK_HOME             home              the folder of the home                 ~/.deedbook
    DEEDBOOK_HOST             host              where the service listens              127.0.0.1
    DEEDBOOK_PORT             port              its port; 0 picks a free one           8545
    DEEDBOOK_RPC_URLS         rpc_urls          nodes of one chain, the best first     none: the embedded chain
    DEEDBOOK_CONSENSUS        consensus         instant, clique or qbft: what is final instant
    DEEDBOOK_MIRROR_URL       mirror_url        SQLAlchemy URL of the mirror           the home's own file
    DEEDBOOK_RECORDS_URL      records_url       SQLAlchemy URL of the records          the home's own file
    DEEDBOOK_OBJECTS_URL      objects_url       file:// or s3:// place of the objects  the home's own folder
    DEEDBOOK_ANCHOR_ENTRIES   anchor_entries    a log is anchored after so many        10000
    DEEDBOOK_ANCHOR_SECONDS   anchor_seconds    or so long after the first that waits  600
    DEEDBOOK_WEBHOOK_HTTP     webhook_http      whether webhooks may be plain http     false
    DEEDBOOK_WEBHOOK_NETWORKS webhook_networks  networks of yours that they may be in  none: public addresses alone
    DEEDBOOK_WEBHOOK_TRIES    webhook_tries     how often a message is sent in vain    12
    DEEDBOOK_METRICS_PORT     metrics_port      a port of its own for GET /metrics     none: the service's
    DEEDBOOK_LOG_FORM         log_form          auto, json or text: how lines look     auto: text on a terminal
    DEEDBOOK_LOG_LEVEL        log_level         info, debug, warning or error          info
    DEEDBOOK_DRAIN_SECONDS    drain_seconds     how long a service that stops answers  0
    DEEDBOOK_PASSPHRASE       -                 opens the keystores                    the home's own
    DEEDBOOK_PASSPHRASE_FILE  passphrase_file   a file that holds it

`home` and the passphrase itself cannot stand in `deedbook.toml`: that file lies in the home, and is no place for a
secret. Cheap to import: standard library only. Only bootstrap builds from settings.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from deedbook.errors import InvalidFormat, InvalidInput, MissingKey

DEFAULT_HOME: Final = Path("~/.deedbook")
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8545
DEFAULT_ANCHOR_ENTRIES: Final = 10_000
DEFAULT_ANCHOR_SECONDS: Final = 600
DEFAULT_WEBHOOK_TRIES: Final = 12
FILE: Final = "deedbook.toml"
PREFIX: Final = "DEEDBOOK_"
CONSENSUS: Final = ("instant", "clique", "qbft")
"""How the nodes agree, and so when a block is final; the first is the default (embedded chain, anvil)."""

LOG_FORMS: Final = ("auto", "json", "text")
"""How the lines of a service's log look; `auto`: words where a terminal reads them."""
LOG_LEVELS: Final = ("info", "debug", "warning", "error")
"""The least important lines that are written."""

IN_FILE: Final = (
    "host",
    "port",
    "rpc_urls",
    "consensus",
    "mirror_url",
    "records_url",
    "objects_url",
    "anchor_entries",
    "anchor_seconds",
    "webhook_http",
    "webhook_networks",
    "webhook_tries",
    "metrics_port",
    "log_form",
    "log_level",
    "drain_seconds",
    "passphrase_file",
)
"""The names that `deedbook.toml` may use."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was said. None, or no node, means the home's own."""

    home: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    rpc_urls: tuple[str, ...] = field(default=(), repr=False)
    consensus: str = CONSENSUS[0]
    mirror_url: str | None = field(default=None, repr=False)
    records_url: str | None = field(default=None, repr=False)
    objects_url: str | None = field(default=None, repr=False)
    anchor_entries: int = DEFAULT_ANCHOR_ENTRIES
    anchor_seconds: int = DEFAULT_ANCHOR_SECONDS
    webhook_http: bool = False
    webhook_networks: tuple[str, ...] = ()
    webhook_tries: int = DEFAULT_WEBHOOK_TRIES
    metrics_port: int | None = None
    log_form: str = LOG_FORMS[0]
    log_level: str = LOG_LEVELS[0]
    drain_seconds: int = 0
    passphrase: str | None = field(default=None, repr=False)


def load(home: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a home; `home` is what the command line said.

    Raises InvalidInput naming the variable or key that is malformed or unknown, InvalidFormat for a `deedbook.toml`
    that is not TOML, MissingKey for a passphrase file that cannot be read.
    """
    place = Path(home or environ.get(PREFIX + "HOME") or DEFAULT_HOME).expanduser()
    said = _Said(environ, _read_file(place / FILE))
    return Settings(
        home=place,
        host=said.text("host") or DEFAULT_HOST,
        port=said.port("port", DEFAULT_PORT),
        rpc_urls=said.addresses("rpc_urls"),
        consensus=said.one_of("consensus", CONSENSUS),
        mirror_url=said.url("mirror_url"),
        records_url=said.url("records_url"),
        objects_url=said.url("objects_url"),
        anchor_entries=said.count("anchor_entries", DEFAULT_ANCHOR_ENTRIES),
        anchor_seconds=said.count("anchor_seconds", DEFAULT_ANCHOR_SECONDS),
        webhook_http=said.flag("webhook_http"),
        webhook_networks=said.networks("webhook_networks"),
        webhook_tries=said.count("webhook_tries", DEFAULT_WEBHOOK_TRIES),
        metrics_port=said.maybe_port("metrics_port"),
        log_form=said.one_of("log_form", LOG_FORMS),
        log_level=said.one_of("log_level", LOG_LEVELS),
        drain_seconds=said.count("drain_seconds", 0, least=0, most=600),
        passphrase=environ.get(PREFIX + "PASSPHRASE") or said.secret("passphrase_file", place),
    )


HIDDEN: Final = "***"
"""What stands in the place of a secret."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as it may be shown: its value in JSON without secrets, and where it was said."""

    name: str
    value: Any
    source: str


def shown(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Shown]:
    """Every setting, and where each was said: `default`, a variable, or a key of `deedbook.toml`. Of a URL, user,
    password, path and query are hidden where they may hold a secret; of the passphrase everything."""
    said = _Said(environ, _read_file(settings.home / FILE))
    found = [Shown("home", str(settings.home), PREFIX + "HOME" if environ.get(PREFIX + "HOME") else "default")]
    for each in fields(settings):
        if each.name in ("home", "passphrase"):
            continue
        value = getattr(settings, each.name)
        source, given = said.find(each.name)
        found.append(Shown(each.name, _without_secrets(each.name, value), "default" if given is None else source))
    source = PREFIX + "PASSPHRASE" if environ.get(PREFIX + "PASSPHRASE") else said.find("passphrase_file")[0]
    hidden = None if settings.passphrase is None else HIDDEN
    return [*found, Shown("passphrase", hidden, "default" if hidden is None else source)]


def _without_secrets(name: str, value: Any) -> Any:
    if name == "rpc_urls":
        return [_masked(each) for each in value]
    return _masked(value) if name.endswith("_url") and value is not None else value


def _masked(url: str) -> str:
    """Scheme, host and port of an HTTP address, whose path may be a key; of another URL its path too."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    hidden = f"{HIDDEN}@" if "@" in parts.netloc else ""
    path = parts.path if parts.scheme not in ("http", "https") or parts.path in ("", "/") else f"/{HIDDEN}"
    query = "?" + "&".join(f"{key}={HIDDEN}" for key, _ in parse_qsl(parts.query)) if parts.query else ""
    return f"{parts.scheme}://{hidden}{place}{path}{query}"


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidFormat(FILE, f"not TOML: {error}") from error
    for name in found:
        if name not in IN_FILE:
            raise InvalidInput(f"{FILE}: {name}", "no such setting", hint=f"settings are {', '.join(IN_FILE)}")
    return found


class _Said:
    """The environment over the file; every answer names the source it came from when it is refused."""

    def __init__(self, environ: Mapping[str, str], file: Mapping[str, Any]) -> None:
        self._environ = environ
        self._file = file

    def find(self, name: str) -> tuple[str, Any]:
        """Where a setting is said, and what; an empty variable says nothing."""
        variable = PREFIX + name.upper()
        if self._environ.get(variable):
            return variable, self._environ[variable]
        return f"{FILE}: {name}", self._file.get(name)

    def text(self, name: str) -> str | None:
        """A text that is not empty, or None."""
        source, value = self.find(name)
        if value is not None and not (isinstance(value, str) and value.strip()):
            raise InvalidInput(source, "not a text")
        return value

    def one_of(self, name: str, choices: Sequence[str]) -> str:
        """One of the choices; the first where nothing is said."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise InvalidInput(self.find(name)[0], f"none of {', '.join(choices)}")
        return value

    def port(self, name: str, default: int) -> int:
        """A TCP port."""
        found = self.maybe_port(name)
        return default if found is None else found

    def maybe_port(self, name: str) -> int | None:
        """A TCP port, or None where none is said."""
        source, value = self.find(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if type(value) is not int or not 0 <= value <= 65535:
            raise InvalidInput(source, "not a port from 0 to 65535")
        return value

    def count(self, name: str, default: int, *, least: int = 1, most: int = 10**9) -> int:
        """A whole number from `least` to `most`."""
        source, value = self.find(name)
        if value is None:
            return default
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11:
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            raise InvalidInput(source, f"not a whole number from {least} to {most}")
        return value

    def url(self, name: str) -> str | None:
        """A URL with a scheme; never quoted in an error, for it may hold a password."""
        value = self.text(name)
        if value is not None and "://" not in value:
            raise InvalidInput(self.find(name)[0], "not a URL, such as sqlite:///path or s3://bucket")
        return value

    def addresses(self, name: str) -> tuple[str, ...]:
        """HTTP addresses: a list in the file, comma-separated in the environment."""
        source, found = self._texts(name, "addresses")
        for position, address in enumerate(found):
            if not _is_http(address):
                raise InvalidInput(source, f"address {position + 1} is not an http or https URL")
        return found

    def networks(self, name: str) -> tuple[str, ...]:
        """Networks such as 10.0.0.0/8, given as addresses are."""
        source, found = self._texts(name, "networks")
        for position, network in enumerate(found):
            try:
                ip_network(network)
            except ValueError as error:
                raise InvalidInput(source, f"network {position + 1} is none, such as 10.0.0.0/8") from error
        return found

    def flag(self, name: str) -> bool:
        """True or false; false where nothing is said."""
        source, value = self.find(name)
        if value is None:
            return False
        if isinstance(value, str) and value in ("true", "false"):
            value = value == "true"
        if not isinstance(value, bool):
            raise InvalidInput(source, "neither true nor false")
        return value

    def _texts(self, name: str, what: str) -> tuple[str, tuple[str, ...]]:
        source, value = self.find(name)
        given = value.split(",") if isinstance(value, str) else [] if value is None else value
        if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
            raise InvalidInput(source, f"not a list of {what}")
        return source, tuple(item.strip() for item in given)

    def secret(self, name: str, home: Path) -> str | None:
        """The first line of a file; a relative path is taken from the home."""
        source, _ = self.find(name)
        path = self.text(name)
        if path is None:
            return None
        try:
            found = (home / path).read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise MissingKey(f"{source}: the file cannot be read", field=source) from error
        if not found:
            raise MissingKey(f"{source}: the file is empty", field=source)
        return found


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
