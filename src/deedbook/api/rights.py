"""Who may ask what: one row for every route, and a route without a row is nobody's.

A row says how much has to be known of who asks. That something is the caller's *own* - a statement, an operation, a
log - is looked at where it is found: what is another's is answered as what is not there (404), never as forbidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from deedbook.api.door import Door, caller_of, door_of
from deedbook.domain.codes import Role
from deedbook.domain.principals import Caller, Scope
from deedbook.errors import Forbidden, Unauthenticated

TABLES: Final = ("csv", "parquet")
"""The forms in which a list is a table."""
FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers of a request that came through a proxy."""


NO_ROLE: Final = Role(0)


@dataclass(frozen=True, slots=True)
class Right:
    """How much has to be known of who asks: `scope` (None: nobody has to be known), one of `roles` on chain, the
    operator's own account (`house`), this machine (`local`). What is `on_chain` is open where the settings say so."""

    scope: Scope | None = None
    roles: Role = NO_ROLE
    house: bool = False
    local: bool = False
    on_chain: bool = False
    known: bool = False
    never: bool = False

    @property
    def is_for_all(self) -> bool:
        """Whether nobody has to be known."""
        return self.scope is None and not self.known and not self.never


def needs(scope: Scope, *roles: Role, house: bool = False) -> Right:
    """Somebody who is known, with this scope, and one of these roles where there are any."""
    held = NO_ROLE
    for role in roles:
        held |= role
    return Right(scope, held, house)


ANYBODY: Final = Right()
"""Everybody."""
PROVEN: Final = Right()
"""Everybody: the body is signed by the one whom it concerns, and that proves it."""
BY_ID: Final = Right()
"""Who handed it over, whom it concerns, and the operator; what nobody known handed over, whoever has its id."""
ON_CHAIN: Final = Right(Scope.READ, on_chain=True)
"""Everybody, or who is known: what is on chain, or opens a commitment to whoever has its 32-byte id."""
KNOWN: Final = Right(known=True)
"""Whoever is known."""
LOCAL: Final = Right(local=True)
"""This machine."""
NEVER: Final = Right(never=True)
"""Nobody: a route that no row names."""

RIGHTS: Final[Mapping[tuple[str, str], Right]] = {
    ("GET", "/openapi.json"): ANYBODY,
    ("GET", "/health"): ANYBODY,
    ("GET", "/ready"): ANYBODY,
    ("GET", "/status"): ON_CHAIN,
    ("GET", "/metrics"): needs(Scope.OPERATE, house=True),
    ("GET", "/alerts"): needs(Scope.OPERATE, Role.OPERATOR, Role.REGULATOR, Role.AUDITOR),
    ("POST", "/rpc"): LOCAL,
    # who asks
    ("POST", "/session/nonce"): ANYBODY,
    ("POST", "/session"): ANYBODY,
    ("DELETE", "/session"): KNOWN,
    ("GET", "/me"): ANYBODY,
    ("GET", "/me/consents"): needs(Scope.OWN),
    ("GET", "/me/orders"): needs(Scope.OWN),
    ("GET", "/statements/{consent_id}"): needs(Scope.OWN),
    # what is on chain, and public documents
    ("GET", "/deployment"): ON_CHAIN,
    ("GET", "/documents/{digest}"): ON_CHAIN,
    ("GET", "/members"): ON_CHAIN,
    ("GET", "/members/{account}/statement"): ON_CHAIN,
    ("GET", "/assets"): ON_CHAIN,
    ("GET", "/assets/{asset_id}"): ON_CHAIN,
    ("GET", "/assets/{asset_id}/versions/{number}"): ON_CHAIN,
    ("GET", "/assets/{asset_id}/lineage"): ON_CHAIN,
    ("GET", "/assets/{asset_id}/flow"): ON_CHAIN,
    ("GET", "/assets/{asset_id}/batches"): ON_CHAIN,
    ("GET", "/consents/{consent_id}"): ON_CHAIN,
    ("GET", "/consents/{consent_id}/proof"): ON_CHAIN,
    ("GET", "/offers"): ON_CHAIN,
    ("GET", "/offers/{offer_id}"): ON_CHAIN,
    ("GET", "/sales"): ON_CHAIN,
    ("GET", "/sales/{sale_id}"): ON_CHAIN,
    ("GET", "/sales/{sale_id}/usage"): ON_CHAIN,
    ("GET", "/anchors/{exchange}"): ON_CHAIN,
    ("GET", "/anchors/{exchange}/log"): ON_CHAIN,
    ("GET", "/anchors/{exchange}/entries/{index}"): ON_CHAIN,
    ("GET", "/anchors/{exchange}/proof"): ON_CHAIN,
    ("GET", "/anchors/{exchange}/extension"): ON_CHAIN,
    ("GET", "/anchors/{exchange}/log/checkpoint"): ON_CHAIN,
    ("GET", "/anchors/{exchange}/log/tile/{path:path}"): ON_CHAIN,
    # what is done
    ("POST", "/consents"): needs(Scope.COLLECT),
    ("POST", "/assets/{asset_id}/batches"): needs(Scope.COLLECT, Role.PROVIDER),
    ("POST", "/anchors/{exchange}/entries"): needs(Scope.ANCHOR, Role.OPERATOR),
    ("POST", "/withdrawals"): PROVEN,
    ("POST", "/payees"): PROVEN,
    ("POST", "/payees/kept"): PROVEN,
    ("POST", "/relayed"): PROVEN,
    ("GET", "/relayed/{digest}"): BY_ID,
    ("GET", "/operations/{operation_id}"): BY_ID,
}
"""By method and path, as the route is declared."""


async def admit(request: Request) -> None:
    """Lets a request through to its route. Raises Unauthenticated, Forbidden."""
    door = await door_of(request)
    if door is None:
        return
    right = right_of(request.method, request.scope["route"].path)
    caller = await caller_of(request)
    if right.local:
        _require_local(request)
    if right.is_for_all or (right.on_chain and door.public_reads):
        return
    await _require(door, right, caller)


def right_of(method: str, path: str) -> Right:
    """The right of a route: a table (`.csv`, `.parquet`) is the list's in another form, and HEAD is GET."""
    method = "GET" if method == "HEAD" else method
    found = RIGHTS.get((method, path))
    if found is None and method == "GET":
        stem, dot, form = path.rpartition(".")
        found = RIGHTS.get((method, stem)) if dot and form in TABLES else None
    return found or NEVER


async def _require(door: Door, right: Right, caller: Caller) -> None:
    if right.never:
        raise Forbidden("no row of the rights names this route")
    if caller.account is None:
        raise Unauthenticated
    if right.scope is not None and right.scope not in caller.scopes:
        raise Forbidden(f"what was shown is not for {right.scope}", scope=str(right.scope))
    if right.roles and not right.roles & await run_in_threadpool(door.roles, caller.account):
        names = ", ".join(str(role.name).lower() for role in right.roles)
        raise Forbidden(f"the account is no member in good standing that is one of: {names}")
    if right.house and not await run_in_threadpool(door.is_house, caller.account):
        raise Forbidden("the account is not the operator's of this service")


def _require_local(request: Request) -> None:
    """That it comes from this machine, and not by way of a proxy on it."""
    peer = request.client.host if request.client else ""
    try:
        is_local = ip_address(peer).is_loopback
    except ValueError:
        is_local = False
    if not is_local or any(name in request.headers for name in FORWARDED):
        raise Forbidden("this is served to this machine only")


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every route that the app declares: method and path."""
    pending: list[Any] = list(app.routes)
    while pending:
        route = pending.pop(0)
        if getattr(route, "original_router", None) is not None:
            pending[:0] = route.original_router.routes
        elif getattr(route, "endpoint", None) is not None:
            for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
                yield method, route.path
        else:
            raise TypeError(f"a route of an unknown kind: {type(route).__name__}")
