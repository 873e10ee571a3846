"""What a transaction offers for its gas, and what its replacement offers: EIP-1559, and EIP-155 before London.

A free chain is free only while its base fee is zero: under load a London chain raises it, never to fall back to zero,
and a transaction that offers nothing then waits for ever. So prices follow the base fee, and what offers less than it
is replaced. Nodes take a replacement that offers a tenth more in both fields (geth); we offer an eighth more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Wei for each unit of gas: `fee` at the most, `tip` of it to the sealer. Without a tip (None) the transaction is a
    legacy one, which pays `fee` exactly."""

    fee: int
    tip: int | None


@dataclass(frozen=True, slots=True)
class Pricing:
    """How much is offered. `tip` goes to the sealer on top of the base fee (before London it is the whole price);
    nothing above `cap` is ever offered. All in wei for each unit of gas."""

    tip: int = 0
    cap: int = 10**12

    def price(self, base_fee: int | None) -> Price:
        """The first offer: twice the base fee (so nothing while it is zero) and the tip. `base_fee` None: no London."""
        if base_fee is None:
            return Price(min(self.tip, self.cap), None)
        return Price(min(2 * base_fee + self.tip, self.cap), min(self.tip, self.cap))

    def bumped(self, former: Price, base_fee: int | None) -> Price | None:
        """The offer of a replacement: an eighth more in both fields, by at least one wei, and enough for the base fee.

        None where that is above the cap.
        """
        fee = _more(former.fee)
        if former.tip is None:
            return Price(fee, None) if fee <= self.cap else None
        tip = _more(former.tip)
        fee = max(fee, tip, self.price(base_fee).fee)
        return Price(fee, tip) if fee <= self.cap else None


def is_short(price: Price, base_fee: int | None) -> bool:
    """Whether no block with this base fee can hold a transaction of this price."""
    return base_fee is not None and price.fee < base_fee


def _more(wei: int) -> int:
    return wei + max(1, -(-wei // 8))
