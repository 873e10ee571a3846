"""States of the registers at a block: members, holds, attestations, from their journals.

Journals order the logs of one entity, and blocks order everything else; *within* one block the order between two
journals is not committed to. A rule that needs the state of another journal is therefore kept when some state of that
block keeps it: the one before the block, or the one after any of the journal's own events in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from deedbook.audit.evidence import Journals
from deedbook.audit.findings import Findings, contradiction
from deedbook.domain.attestations import ROLES_OF
from deedbook.domain.codes import (
    CLASS_FIRST_LICENCE,
    CLASS_NONE,
    ROLES_ALL,
    AttestationKind,
    MemberState,
    Outcome,
    Role,
)
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, checksum_address, to_hex
from deedbook.domain.journal import account_entity

State = TypeVar("State")

JUDGES = Role.ARBITER | Role.REGULATOR
"""Who decides cases and holds targets."""


def states_in(events: Sequence[Event], states: Sequence[State], block: int) -> Iterator[State]:
    """The states that an act in `block` may have met. `states[n]` is the state after n events."""
    for count in range(len(events) + 1):
        if (count == 0 or events[count - 1].log.block_number <= block) and (
            count == len(events) or events[count].log.block_number >= block
        ):
            yield states[count]


@dataclass(frozen=True, slots=True)
class Standing:
    """A participant at one moment."""

    state: MemberState = MemberState.NONE
    jurisdiction: int = 0
    roles: int = 0
    valid_until: int = 0
    licences: tuple[int, ...] = ()
    suite: int = 0
    key: bytes = ZERO32

    def is_good(self, time: int) -> bool:
        """Whether the participant is admitted, not suspended, not expired."""
        return self.state == MemberState.ADMITTED and time <= self.valid_until

    def has_role(self, roles: int) -> bool:
        """Whether one of the roles is held."""
        return bool(self.roles & roles)

    def is_of(self, class_code: int) -> bool:
        """Whether the class (0: none asked) is held."""
        if class_code == CLASS_NONE:
            return True
        if class_code >= CLASS_FIRST_LICENCE:
            return class_code in self.licences
        return bool(self.roles >> (class_code - 1) & 1)


class Members:
    """Participants by account."""

    def __init__(self, journals: Journals) -> None:
        self._journals = journals
        self._known: dict[bytes, tuple[Sequence[Event], list[Standing]]] = {}

    def standings(self, account: bytes, block: int) -> list[Standing]:
        """The account's possible standings in a block."""
        events, states = self._history(account)
        return list(states_in(events, states, block))

    def require(self, account: bytes, block: int, rule: str, act: str, roles: int = 0) -> None:
        """Raises IntegrityError unless the account was in good standing in the block, with one of `roles` if any."""
        time = self._journals.time(block)
        for standing in self.standings(account, block):
            if standing.is_good(time) and (not roles or standing.has_role(roles)):
                return
        wanted = f" with role {Role(roles)!r}" if roles else ""
        raise contradiction(
            rule, f"{checksum_address(account)}, who {act} in block {block}, was no member in good standing{wanted}"
        )

    def suites(self, account: bytes, block: int) -> frozenset[int]:
        """The encryption suites that the account had registered a key for by the end of the block."""
        events, states = self._history(account)
        told = zip(events, states[1:], strict=True)
        return frozenset(state.suite for event, state in told if event.log.block_number <= block and state.suite)

    def _history(self, account: bytes) -> tuple[Sequence[Event], list[Standing]]:
        if account not in self._known:
            events = self._journals.events("Membership", account_entity(account))
            states = [Standing()]
            for event in events:
                states.append(self._after(states[-1], event))
            self._known[account] = events, states
        return self._known[account]

    def _after(self, standing: Standing, event: Event) -> Standing:
        args, time = event.args, self._journals.time(event.log.block_number)
        if standing.state not in _FROM[event.name]:
            words = f"{event.name} of {checksum_address(args['account'])} while {standing.state.name}"
            raise contradiction("members.course", words)
        if event.name == "EncryptionKeyRegistered":
            if not standing.is_good(time):
                raise contradiction(
                    "members.key", f"{checksum_address(args['account'])} registered a key after its term"
                )
            return replace(standing, suite=args["suite"], key=args["key"])
        if event.name in _TO:
            return replace(standing, state=_TO[event.name])
        if args["validUntil"] < time or args["roles"] & ~ROLES_ALL:
            raise contradiction(
                "members.terms", f"{event.name} of {checksum_address(args['account'])} with no valid terms"
            )
        return replace(
            standing,
            state=MemberState.ADMITTED if event.name == "ParticipantAdmitted" else standing.state,
            jurisdiction=args["jurisdiction"],
            roles=args["roles"],
            valid_until=args["validUntil"],
            licences=tuple(args["licences"]),
        )


_REMAINING = (MemberState.ADMITTED, MemberState.SUSPENDED)
_FROM = {
    "ParticipantAdmitted": (MemberState.NONE,),
    "ParticipantChanged": _REMAINING,
    "ParticipantSuspended": (MemberState.ADMITTED,),
    "ParticipantReinstated": (MemberState.SUSPENDED,),
    "ParticipantExpelled": _REMAINING,
    "EncryptionKeyRegistered": (MemberState.ADMITTED,),
}
_TO = {
    "ParticipantSuspended": MemberState.SUSPENDED,
    "ParticipantReinstated": MemberState.ADMITTED,
    "ParticipantExpelled": MemberState.EXPELLED,
}


class Holds:
    """Which targets were held."""

    def __init__(self, journals: Journals, members: Members) -> None:
        self._journals = journals
        self._members = members
        self._known: dict[bytes, tuple[Sequence[Event], list[frozenset[bytes]]]] = {}

    def require_free(self, target: bytes, block: int, rule: str, what: str) -> None:
        """Raises IntegrityError if somebody held the target in every state of the block."""
        events, states = self._history(target)
        if all(states_in(events, states, block)):
            raise contradiction(rule, f"{what} {to_hex(target)} was held in block {block}")

    def _history(self, target: bytes) -> tuple[Sequence[Event], list[frozenset[bytes]]]:
        if target not in self._known:
            events = self._journals.events("Cases", target)
            states: list[frozenset[bytes]] = [frozenset()]
            for event in events:
                states.append(self._after(states[-1], event))
            self._known[target] = events, states
        return self._known[target]

    def _after(self, holders: frozenset[bytes], event: Event) -> frozenset[bytes]:
        if event.name == "CaseOpened":
            self._members.require(event.args["opener"], event.log.block_number, "cases.opener", "opened a case")
            return holders
        if event.name == "CaseDecided":
            self._members.require(
                event.args["decider"], event.log.block_number, "cases.judge", "decided a case", JUDGES
            )
            return holders
        holder, holds = event.args["holder"], event.name == "TargetHeld"
        if holds:  # whoever can no longer release a hold has it released by a regulator, whom the event does not name
            self._members.require(holder, event.log.block_number, "cases.judge", "held a target", JUDGES)
        if (holder in holders) == holds:
            raise contradiction("cases.hold", f"{event.name} by {checksum_address(holder)} does not follow")
        return holders | {holder} if holds else holders - {holder}


@dataclass(frozen=True, slots=True)
class Statement:
    """One attester's statement of one kind about one target, at one moment."""

    kind: AttestationKind
    attester: bytes
    outcome: int
    document_hash: bytes
    valid_until: int

    def is_live(self, time: int) -> bool:
        """Whether the statement is positive and has not expired."""
        return self.outcome == Outcome.POSITIVE and time <= self.valid_until


@dataclass(frozen=True)
class _Register:
    """The standing statements about a target, by kind and attester."""

    standing: dict[tuple[int, bytes], Statement] = field(default_factory=dict)


class Attestations:
    """What accredited members stated."""

    def __init__(self, journals: Journals, members: Members, findings: Findings) -> None:
        self._journals = journals
        self._members = members
        self._findings = findings
        self._known: dict[bytes, tuple[Sequence[Event], list[_Register]]] = {}

    def live(
        self, target: bytes, kind: AttestationKind, block: int, matches: Callable[[bytes], bool]
    ) -> Statement | None:
        """A live statement about the target by an attester that `matches`, in some state of the block; None without."""
        time = self._journals.time(block)
        events, states = self._history(target)
        for register in states_in(events, states, block):
            for (of_kind, attester), statement in register.standing.items():
                if of_kind == kind and statement.is_live(time) and matches(attester):
                    return statement
        return None

    def _history(self, target: bytes) -> tuple[Sequence[Event], list[_Register]]:
        if target not in self._known:
            events = self._journals.events("Attestations", target)
            states = [_Register()]
            for event in events:
                states.append(self._after(states[-1], event))
            self._known[target] = events, states
            self._findings.found(
                "attestations.accredited", f"{len(events)} acts about {to_hex(target)} are by accredited members"
            )
        return self._known[target]

    def _after(self, register: _Register, event: Event) -> _Register:
        args, block = event.args, event.log.block_number
        attester, place = args["attester"], (args["kind"], args["attester"])
        stands = place in register.standing
        if stands != (event.name != "Attested"):
            raise contradiction("attestations.order", f"{event.name} by {checksum_address(attester)} does not follow")
        if event.name == "AttestationWithdrawn":
            self._members.require(attester, block, "attestations.accredited", "withdrew a statement")
            return _Register({key: value for key, value in register.standing.items() if key != place})
        kind = _kind(args["kind"])
        self._members.require(attester, block, "attestations.accredited", f"attested {kind.name}", ROLES_OF[kind])
        statement = Statement(kind, attester, args["outcome"], args["documentHash"], args["validUntil"])
        whole = statement.outcome in set(Outcome) and statement.document_hash != ZERO32
        if not whole or statement.valid_until < self._journals.time(block):
            raise contradiction("attestations.form", f"{kind.name} by {checksum_address(attester)} says nothing valid")
        return _Register({**register.standing, place: statement})


def _kind(code: int) -> AttestationKind:
    try:
        return AttestationKind(code)
    except ValueError:
        raise contradiction("attestations.kind", f"no kind of attestation is {code}") from None
