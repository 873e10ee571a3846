"""Events as they are told to who listens: one JSON form for streams, pages and webhooks (docs/formats.md, format 46).

An event is told when its block is copied, and taken back - a telling of its own - where a fork left that block. Both
carry the event's key: who keeps a set of keys, adds what is told and removes what is taken back, has the chain's
events, however often something was told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from deedbook.domain.documents import Fields
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import canonical_json, from_hex, parse_address, to_hex
from deedbook.domain.journal import JOURNALLED, account_entity, entities_of, events_of
from deedbook.errors import InvalidInput

FORMAT: Final = "deedbook.event"
VERSION: Final = 1
UNDECODED: Final = "undecoded"
"""What stands for the name of an event that this release cannot decode."""
RETRACTED: Final = ".retracted"
"""How the type of what is taken back ends: who knows only the event's own type takes it for nothing."""
MOST_NAMED: Final = 100
"""Contracts, events or entities that one filter names."""
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999, the last that RFC 3339 can write."""
_NAMED: Final = ("contracts", "events", "entities")


WHOLE: Final = 2**62
"""Places of a block that has been told whole."""


class Standing(NamedTuple):
    """Where a listener stands: block (its hash 32 bytes), and how many of its places were told."""

    number: int
    block_hash: bytes
    told: int


NOWHERE: Final = Standing(0, b"", 0)
"""Where a listener stands that was told nothing: before block 0."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event told, or taken back.

    `at` is the time of its block (Unix seconds); `event` is None where the log cannot be decoded.
    """

    chain_id: int
    contract: str
    log: Log
    at: int
    event: Event | None
    retracted: bool = False

    @property
    def entities(self) -> tuple[bytes, ...]:
        """What it is about (32 bytes each), as the journal folds it; nothing where it cannot be decoded."""
        return () if self.event is None else entities_of(self.contract, self.event.name, self.event.args)

    @property
    def key(self) -> str:
        """Names the event among all, whenever it is told: chain, block and place."""
        return f"{self.chain_id}:{to_hex(self.log.block_hash)}:{self.log.log_index}"

    @property
    def type(self) -> str:
        """Contract and event, and whether it is taken back."""
        name = UNDECODED if self.event is None else self.event.name
        return f"{self.contract}.{name}{RETRACTED if self.retracted else ''}"

    def to_json(self) -> dict[str, Any]:
        """Format 46, version 1."""
        log = self.log
        told = {
            "key": self.key,
            "chainId": str(self.chain_id),
            "contract": self.contract,
            "address": to_hex(log.address),
            "event": None if self.event is None else self.event.name,
            "retracted": self.retracted,
            "block": log.block_number,
            "blockHash": to_hex(log.block_hash),
            "time": self.at,
            "transaction": to_hex(log.tx_hash),
            "transactionIndex": log.tx_index,
            "logIndex": log.log_index,
            "entities": [to_hex(entity) for entity in self.entities],
            "args": None if self.event is None else shown(self.event.args),
        }
        if self.event is None:
            told |= {"topics": [to_hex(topic) for topic in log.topics], "data": to_hex(log.data)}
        return {"format": FORMAT, "version": VERSION, "type": self.type, "timestamp": timestamp(self.at), "data": told}

    def encode(self) -> bytes:
        """The canonical JSON of it: what is signed for a webhook."""
        return canonical_json(self.to_json())


def shown(value: Any) -> Any:
    """An argument in JSON: integers as decimal text, bytes as lower-case hex, structs by their names."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, Mapping):
        return {name: shown(item) for name, item in value.items()}
    return [shown(item) for item in value]


def timestamp(at: int) -> str:
    """Unix seconds as RFC 3339 has them, in UTC; after the year 9999 that one's last second."""
    return datetime.fromtimestamp(min(at, _LAST_SECOND), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events somebody wants: of these contracts, of these names, about these entities; nothing named, all.

    `final` asks only for blocks that can no longer change, of which nothing is ever taken back. What cannot be decoded
    is told to everybody who wants its contract.
    """

    contracts: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    entities: frozenset[bytes] = frozenset()
    final: bool = False

    @classmethod
    def of(
        cls,
        contracts: Iterable[str] = (),
        events: Iterable[str] = (),
        entities: Iterable[str] = (),
        *,
        final: bool = False,
    ) -> Filter:
        """A filter from words; an entity is 32 bytes of hex, or an account. Raises InvalidInput."""
        wanted = cls(frozenset(contracts), frozenset(events), frozenset(map(_entity, entities)), final)
        for field, named in (("contract", wanted.contracts), ("event", wanted.events), ("entity", wanted.entities)):
            if len(named) > MOST_NAMED:
                raise InvalidInput(field, f"names more than {MOST_NAMED}")
        of = [events_of(_known("contract", name, JOURNALLED)) for name in sorted(wanted.contracts)]
        known = frozenset[str]().union(*(of or map(events_of, JOURNALLED)))
        for name in sorted(wanted.events):
            _known("event", name, sorted(known))
        return wanted

    @classmethod
    def from_json(cls, value: Any) -> Filter:
        """As `to_json` gives it; what is not said is not asked for. Raises InvalidInput."""
        given = {**dict.fromkeys(_NAMED, ()), "final": False, **value} if isinstance(value, dict) else value
        fields = Fields(given, "filter", (*_NAMED, "final"))
        return cls.of(*(_texts(fields, name) for name in _NAMED), final=fields.flag("final"))

    def to_json(self) -> dict[str, Any]:
        """The filter in JSON."""
        return {
            "contracts": sorted(self.contracts),
            "events": sorted(self.events),
            "entities": [to_hex(entity) for entity in sorted(self.entities)],
            "final": self.final,
        }

    def may_take(self, contract: str, event: str | None) -> bool:
        """Whether it can want an event of this name; None is one that was not decoded."""
        of = not self.contracts or contract in self.contracts
        return of and (event is None or not self.events or event in self.events)

    def takes(self, told: Told) -> bool:
        """Whether it wants this one."""
        name = None if told.event is None else told.event.name
        about = name is None or not self.entities or not self.entities.isdisjoint(told.entities)
        return about and self.may_take(told.contract, name)


def _texts(fields: Fields, name: str) -> list[str]:
    found = fields.array(name)
    if not all(isinstance(each, str) for each in found):
        raise InvalidInput(fields.path(name), "is not an array of texts")
    return found


def _entity(text: str) -> bytes:
    """Raises InvalidInput."""
    if len(text) == len("0x") + 2 * 20:
        return account_entity(parse_address(text, "entity"))
    return from_hex(text, "entity", 32)


def _known(field: str, name: str, names: Iterable[str]) -> str:
    if name not in names:
        raise InvalidInput(field, f"{name[:80]!r} is none of {', '.join(names)}")
    return name
