"""Rights in an asset as they were granted and ended: who may sell its use, in which modes, for what, how long.

The holder has every right. A right is numbered with the grant by the holder that it goes back to, so that it lives
while that one stands; a transfer of the asset ends them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from deedbook.domain.codes import MODES_ALL, Right

LONGEST: Final = 2**40 - 1
"""The last second that a right's term can name."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Modes (bits of Mode), purposes (bits 1 << Purpose), and the last Unix second."""

    modes: int
    purposes: int
    valid_until: int

    def is_within(self, other: Scope) -> bool:
        """Whether `other` covers all of it, in a term that is no shorter."""
        inside = not self.modes & ~other.modes and not self.purposes & ~other.purposes
        return inside and self.valid_until <= other.valid_until

    def covers(self, mode: int, purpose: int) -> bool:
        """Whether the mode and the purpose are in it."""
        return mode != 0 and not mode & ~self.modes and bool(self.purposes >> purpose & 1)


EVERYTHING: Final = Scope(MODES_ALL, 2**16 - 1, LONGEST)


@dataclass(frozen=True, slots=True)
class Grant:
    """One right as it was granted: by whom, how far, and the number of the holder's grant that it goes back to."""

    grantor: bytes
    scope: Scope
    serial: int


@dataclass(frozen=True)
class Rights:
    """Every right in one asset at one moment, by account and right; numbers up to `over` ended with a transfer."""

    granted: Mapping[tuple[bytes, int], Grant] = field(default_factory=dict)
    last: int = 0
    over: int = 0

    def of(self, account: bytes, right: int) -> Grant | None:
        """The right of an account as it was granted last, whether it lives or not."""
        return self.granted.get((account, right))

    def live(self, account: bytes, right: int, holder: bytes, time: int) -> Grant | None:
        """The right of an account, where it lives while `holder` holds the asset; None else."""
        grant = self.of(account, right)
        if grant is None or grant.serial <= self.over or time > grant.scope.valid_until:
            return None
        parent = self.of(grant.grantor, Right.PROCESS)
        stands = grant.grantor == holder or (parent is not None and parent.serial == grant.serial)
        return grant if stands else None

    def operates(self, account: bytes, holder: bytes, mode: int, purpose: int, time: int) -> bool:
        """Whether the account may sell the asset's use in this mode for this purpose."""
        if account == holder:
            return True
        grant = self.live(account, Right.OPERATE, holder, time)
        return grant is not None and grant.scope.covers(mode, purpose)

    def scope_of(self, account: bytes, right: int, holder: bytes, time: int) -> Scope | None:
        """How far the account may grant `right` on; None where it may not grant it at all."""
        if account == holder:
            return EVERYTHING
        own = self.live(account, Right.PROCESS, holder, time) if right == Right.OPERATE else None
        return None if own is None else own.scope

    def after_grant(self, account: bytes, right: int, grantor: bytes, holder: bytes, scope: Scope) -> Rights:
        """The rights after one more grant, by one who may give it."""
        own = None if grantor == holder else self.of(grantor, Right.PROCESS)
        serial = self.last + 1 if own is None else own.serial
        granted = {**self.granted, (account, right): Grant(grantor, scope, serial)}
        return replace(self, granted=granted, last=max(self.last, serial))

    def after_end(self, account: bytes, right: int) -> Rights:
        """The rights without one."""
        return replace(self, granted={place: each for place, each in self.granted.items() if place != (account, right)})

    def after_transfer(self) -> Rights:
        """The rights after the asset moved: none is left."""
        return replace(self, over=self.last)
