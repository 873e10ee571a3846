"""Settlement, payouts, and money that came back."""

from __future__ import annotations

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.revenue import Bounce, Payout
from deedbook.domain.sales import Ordered
from deedbook.ledger.acting import Acting


def settle(acting: Acting, signer: Signer, ordered: Ordered) -> Receipt:
    """Books an accepted sale, once, and issues its certificate number; anyone may."""
    return acting.act(signer, "Revenue", "settle", *ordered.arguments)


def confirm_payout(acting: Acting, settler: Signer, ordered: Ordered, payout: Payout) -> Receipt:
    """Confirms a bank batch over places of a list; whoever of them is put off stands on a new list."""
    return acting.act(settler, "Revenue", "confirmPayout", *ordered.arguments, payout.as_tuple())


def confirm_bounce(acting: Acting, settler: Signer, ordered: Ordered, bounce: Bounce) -> Receipt:
    """Confirms that payments of a list came back; whoever they were for stands on a new list."""
    return acting.act(settler, "Revenue", "confirmBounce", *ordered.arguments, bounce.as_tuple())


def confirm_refund(acting: Acting, settler: Signer, ordered: Ordered, *, amount: int, receipt: bytes) -> Receipt:
    """Confirms money given back to the buyer: `amount` in minor units, `receipt` the SHA-256 of the bank's."""
    return acting.act(settler, "Revenue", "confirmRefund", *ordered.arguments, amount, receipt)
