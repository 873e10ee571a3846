"""Payees: taken from the person who signed, for as long as the consent is known - also after a withdrawal.

No contract hears of them: a payee is between the person and who pays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from deedbook.domain.consents import ConsentDomain, SignedConsent
from deedbook.domain.payees import PayeeRequest, SignedPayee
from deedbook.errors import InvalidInput
from deedbook.wallet.recovery import verify_signer

LEEWAY: Final = 600
"""Seconds that a person's clock may be ahead, and for which a request to see a payee is good. A payee of the far future
could not be replaced."""


class PayeeBook(Protocol):
    """What is kept of payees, in `records`."""

    def add_payee(self, signed: SignedPayee, *, at: int) -> bool:
        """Keeps a payee in the place of an earlier one; False for the one that counts already. InvalidInput
        (`namedAt`) for one that is not later."""

    def payee(self, consent_id: bytes) -> SignedPayee:
        """The payee that counts. Raises NotFound."""


class Payees:
    """The use case of payees for one deployment. `consent_of` finds a signed consent (raises NotFound); `clock` gives
    Unix seconds."""

    def __init__(
        self,
        domain: ConsentDomain,
        book: PayeeBook,
        consent_of: Callable[[bytes], SignedConsent],
        clock: Callable[[], int],
    ) -> None:
        self.domain = domain
        self._book = book
        self._consent_of = consent_of
        self._clock = clock

    def name(self, signed: SignedPayee) -> bool:
        """Keeps the payee of a consent, in the place of an earlier one; False where it counts already.

        Raises InvalidInput (`contract`, `subject`, `namedAt`), InvalidSignature, NotFound; nothing of the payee is
        quoted.
        """
        self._require_own(signed.domain, signed.payee.consent_id, signed.subject, "payee")
        now = self._clock()
        if signed.payee.named_at > now + LEEWAY:
            raise InvalidInput("namedAt", "is in the future")
        verify_signer(signed.digest, signed.signature, signed.subject)
        return self._book.add_payee(signed, at=now)

    def kept(self, request: PayeeRequest) -> SignedPayee:
        """What is kept of the payee of a consent, for its subject alone, who asks now.

        Raises InvalidInput (`contract`, `subject`, `askedAt`), InvalidSignature, NotFound.
        """
        self._require_own(request.domain, request.consent_id, request.subject, "request")
        if abs(request.asked_at - self._clock()) > LEEWAY:
            raise InvalidInput("askedAt", f"is more than {LEEWAY} seconds from now")
        verify_signer(request.digest, request.signature, request.subject)
        return self._book.payee(request.consent_id)

    def _require_own(self, domain: ConsentDomain, consent_id: bytes, subject: bytes, what: str) -> None:
        if domain != self.domain:
            raise InvalidInput("contract", f"the {what} is for another chain or contract")
        if subject != self._consent_of(consent_id).consent.subject:
            raise InvalidInput("subject", "the consent is another's")
