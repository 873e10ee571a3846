"""The firms of the demo: monthly electricity use made by a seeded generator. All of it is synthetic, and says so.

Knows how a firm becomes a record, and nothing of chains or keys. The same seed gives the same firms everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deedbook.domain.hashing import sha256
from deedbook.errors import InvalidInput

SEED = sha256(b"deedbook demo: firms of Shenzhen")
YEAR = 2025
MONTHS = tuple(f"{YEAR}{month:02}" for month in range(1, 13))
MOST = 5000
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_INDUSTRIES = (
    ("C", "manufacturing", "制造业", 90_000, 25),
    ("F", "wholesale and retail", "批发和零售业", 12_000, 15),
    ("H", "hotels and catering", "住宿和餐饮业", 20_000, 20),
    ("G", "transport and storage", "交通运输、仓储业", 35_000, 10),
    ("I", "software and information services", "信息传输、软件业", 26_000, 8),
    ("E", "construction", "建筑业", 15_000, 40),
)
"""GB/T 4754 section, names, usual kWh a month, and how far a month is off it, in percent."""
_SEASON = (94, 78, 95, 97, 103, 112, 121, 120, 110, 100, 96, 98)
"""Percent of a usual month in Shenzhen: the Spring Festival, the summer's heat."""


@dataclass(frozen=True, slots=True)
class Firm:
    """A synthetic firm: number from 1, code, industry (place in the table), contracted capacity in kVA, kWh a month."""

    number: int
    code: str
    industry: int
    capacity: int
    use: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its name, which says that there is no such firm."""
        return f"合成企业{self.number:04}号(Synthetic Firm {self.number:04})"

    def record(self) -> dict[str, Any]:
        """The record as it is sealed."""
        section = _INDUSTRIES[self.industry]
        head = {"synthetic": True, "name": self.name, "code": self.code, "industry": section[0]}
        return {**head, "capacity": self.capacity, **{f"kwh{m}": kwh for m, kwh in zip(MONTHS, self.use, strict=True)}}


FIELDS = (
    ("synthetic", "boolean", "", "always true: made by a generator"),
    ("name", "text", "", "synthetic name"),
    ("code", "text", "", "synthetic code in the place of the unified social credit code"),
    ("industry", "text", "", "section of GB/T 4754"),
    ("capacity", "integer", "kV.A", "contracted capacity"),
    *((f"kwh{month}", "integer", "kW.h", f"synthetic electricity use in {month}") for month in MONTHS),
)
"""The fields of every record: name, type, unit, meaning."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query answers of a firm: mean kWh a month, the change of the second half-year over the first in basis
    points, and in how many months next to nothing was used."""

    mean: int
    change: int
    idle: int


def reading_of(record: dict[str, Any]) -> Reading:
    """The answer that a gateway computes from a record; no figure of a single month leaves it."""
    use = [int(record[f"kwh{month}"]) for month in MONTHS]
    first, second = sum(use[:6]), sum(use[6:])
    change = (second - first) * 10_000 // first if first else 0
    mean = (first + second) // len(use)
    return Reading(mean, change, sum(kwh * 20 < mean for kwh in use))


def firms(count: int, seed: bytes = SEED) -> list[Firm]:
    """`count` firms of a seed. Raises InvalidInput for none, or more than MOST."""
    if not 1 <= count <= MOST:
        raise InvalidInput("firms", f"must be from 1 to {MOST}")
    return [_firm(number, seed) for number in range(1, count + 1)]


def _firm(number: int, seed: bytes) -> Firm:
    dice = _dice(number, seed)
    code = "SYNTHETIC" + "".join(_ALPHABET[next(dice) % len(_ALPHABET)] for _ in range(9))
    industry = next(dice) % len(_INDUSTRIES)
    *_, usual, spread = _INDUSTRIES[industry]
    size = 20 + next(dice) % 400  # percent of the industry's usual firm
    trend = next(dice) % 9 - 4  # percent a month
    stops = next(dice) % 12 if next(dice) % 16 == 0 else 12  # one in sixteen stops work in some month
    use = tuple(_month(usual * size // 100, spread, trend, month, stops, dice) for month in range(12))
    return Firm(number, code, industry, max(50, max(use) // 180 // 10 * 10), use)


def _month(usual: int, spread: int, trend: int, month: int, stops: int, dice: Iterator[int]) -> int:
    chance = 100 - spread + next(dice) % (2 * spread + 1)
    kwh = usual * _SEASON[month] * (100 + trend * month) * chance // 100**3
    return kwh // 100 if month >= stops else kwh


def _dice(number: int, seed: bytes) -> Iterator[int]:
    """Numbers from 0 to 65535, the same for the same firm of the same seed."""
    block = 0
    while True:
        drawn = sha256(b"firm" + seed + number.to_bytes(8, "big") + block.to_bytes(8, "big"))
        yield from (int.from_bytes(drawn[at : at + 2], "big") for at in range(0, 32, 2))
        block += 1
