"""What the API needs to know of who asks; bootstrap builds it. Without a door the service is open: nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Protocol

from fastapi import Depends, Request

from deedbook.domain.codes import Role
from deedbook.domain.hashing import from_hex
from deedbook.domain.operations import Operation
from deedbook.domain.principals import ANYBODY, Caller, Session
from deedbook.errors import DeedbookError, NotFound
from deedbook.queries.rows import Reading
from deedbook.queries.sales import sale

EXAMINERS: Final = Role.AUDITOR | Role.REGULATOR
"""Whoever rests on evidence alone: to them a sale's is open, whoever its parties are."""
COOKIE: Final = "__Host-deedbook"
"""The cookie that carries a session: by its name no other host, path or plain HTTP can set it (RFC 6265bis, 4.1.3)."""


class Door(Protocol):
    """Who comes in, and as whom."""

    @property
    def origin(self) -> str:
        """The service's own origin: scheme, host, port."""

    @property
    def public_reads(self) -> bool:
        """Whether what is on chain is read by everybody."""

    @property
    def limits(self) -> tuple[int, int]:
        """How many requests a minute a known account, and an unknown address, may make."""

    def challenge(self, account: bytes | None) -> Mapping[str, Any]:
        """What a sign-in message of now says; the message itself, with an account (20 bytes)."""

    def sign_in(self, text: str, signature: bytes) -> tuple[str, Session]:
        """A new session and its token. Raises InvalidInput, InvalidSignature, ChainUnavailable."""

    def sign_out(self, token: str) -> None:
        """Ends the session of a token; what is none ends nothing."""

    def bearer(self, text: str) -> Caller:
        """Who holds a key, a session's token, or an issuer's. Raises Unauthenticated."""

    def session(self, token: str) -> Caller | None:
        """Who holds a session's token, unless it is over, or none."""

    def roles(self, account: bytes) -> Role:
        """The roles on chain of a member in good standing; none for anybody else."""

    def is_house(self, account: bytes) -> bool:
        """Whether it is the operator's: an account of this home, with its role in good standing."""

    def own(self, operation: Operation, account: bytes) -> None:
        """Notes who handed an operation over."""

    def owners(self, operation: Operation) -> frozenset[bytes] | None:
        """Whose an operation is; None for what a signed message proves, handed over by nobody who is known: whoever
        has its id may look after it."""

    def subject_of(self, consent_id: bytes) -> bytes:
        """The person's account (20 bytes) of a consent. Raises NotFound."""


async def door_of(request: Request) -> Door | None:
    """The door of this app; None where it is open."""
    door: Door | None = request.app.state.door
    return door


async def caller_of(request: Request) -> Caller:
    """Who asks."""
    if request.app.state.door is None:
        return ANYBODY
    caller: Caller = request.state.caller  # the gate's word; without a gate, no answer
    return caller


async def request_id_of(request: Request) -> str:
    """What names this request in logs."""
    return str(getattr(request.state, "request_id", ""))


def require_own_operation(door: Door | None, caller: Caller, operation: Operation, unknown: DeedbookError) -> None:
    """Raises `unknown`, as for an operation that is not there, where it is another's."""
    if door is None or not caller.is_bound:
        return
    owners = door.owners(operation)
    if owners is None or caller.is_one_of(owners):
        return
    if caller.account is None or not door.is_house(caller.account):
        raise unknown


def require_own_consent(door: Door | None, caller: Caller, consent_id: bytes, name: str) -> None:
    """Raises NotFound, as for a consent that is not there, where it is another's."""
    if door is None or not caller.is_bound:
        return
    if not caller.is_one_of((door.subject_of(consent_id),)):
        raise NotFound("consent", name)


def require_party(mirror: Reading, caller: Caller, sale_id: str) -> None:
    """Raises NotFound, as for a sale that is not there, for who is neither its buyer nor its provider."""
    if caller.is_bound:
        found = sale(mirror, from_hex(sale_id, "saleId", 32))
        if not caller.is_one_of([each for each in (found.buyer, found.provider) if each is not None]):
            raise NotFound("sale", sale_id)


def require_evidence(door: Door | None, mirror: Reading, caller: Caller, sale_id: str) -> None:
    """The same, where it is no auditor or regulator in good standing either."""
    if door is None or caller.account is None or not door.roles(caller.account) & EXAMINERS:
        require_party(mirror, caller, sale_id)


AtDoor = Annotated["Door | None", Depends(door_of)]
Asking = Annotated[Caller, Depends(caller_of)]
RequestId = Annotated[str, Depends(request_id_of)]
