"""Who gets what of a sale, to the minor unit, and what it adds up to.

    price + carry in = exchange + provider + intermediaries + per head * delivered + carry out

The same rule as `Revenue.settle`: for statements and for auditors, who check it.
"""

from __future__ import annotations

from dataclasses import dataclass

from deedbook.domain.codes import BPS
from deedbook.domain.sales import Split
from deedbook.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of one settled sale, in minor units; `intermediaries` in the split's order."""

    exchange: int
    provider: int
    intermediaries: tuple[int, ...]
    per_head: int
    delivered_count: int
    carry_out: int

    @property
    def subjects(self) -> int:
        """What all delivered subjects get together."""
        return self.per_head * self.delivered_count

    @property
    def total(self) -> int:
        """Everything: equal to price + carry in."""
        return self.exchange + self.provider + sum(self.intermediaries) + self.subjects + self.carry_out


def settle(price: int, carry_in: int, split: Split, delivered_count: int, has_pool: bool) -> Shares:
    """The shares of a sale at `price` with `carry_in` from the asset's former sale in this currency.

    Fixed shares are rounded down. With a pool (`has_pool`: the version has subjects) the rest of the price and the
    carry are divided by head, rounded down, and what is left is carried on. Without one the rest is the provider's
    and the carry stays. Raises InvalidInput: a negative amount, shares over the whole, a pool without heads.
    """
    if price < 0 or carry_in < 0 or delivered_count < 0:
        raise InvalidInput("amount", "is negative")
    exchange = price * split.exchange_bps // BPS
    provider = price * split.provider_bps // BPS
    intermediaries = tuple(price * each.bps // BPS for each in split.intermediaries)
    rest = price - exchange - provider - sum(intermediaries)
    if rest < 0:
        raise InvalidInput("split", "is more than the whole")
    if not has_pool:
        return Shares(exchange, provider + rest, intermediaries, 0, delivered_count, carry_in)
    if delivered_count == 0:
        raise InvalidInput("deliveredCount", "is zero, and there is a pool")
    per_head, carry_out = divmod(rest + carry_in, delivered_count)
    return Shares(exchange, provider, intermediaries, per_head, delivered_count, carry_out)


def payout_total(first: int, end: int, per_head: int) -> int:
    """What a bank batch over the delivered ordinals [`first`, `end`) pays. Raises InvalidInput unless first < end."""
    if not 0 <= first < end:
        raise InvalidInput("ordinals", "are an empty range")
    return (end - first) * per_head
