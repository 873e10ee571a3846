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

from deedbook.api.door import EXAMINERS, Door, caller_of, door_of
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
    operator's own account (`house`; with roles, either), this machine (`local`). What is `on_chain` is open where the
    settings say so."""

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

ACTS: Final = (
    "/anchors/checkpoints",
    "/assets",
    "/assets/{asset_id}/bindings",
    "/assets/{asset_id}/cancellation",
    "/assets/{asset_id}/changes",
    "/assets/{asset_id}/rights",
    "/assets/{asset_id}/rights/end",
    "/assets/{asset_id}/transfer",
    "/assets/{asset_id}/versions",
    "/attestations",
    "/attestations/corrections",
    "/attestations/withdrawals",
    "/batches/carried-withdrawals",
    "/batches/strikes",
    "/batches/{batch_id}/challenges",
    "/cases",
    "/cases/{case_id}/decision",
    "/consents/grants",
    "/consents/{consent_id}/mark",
    "/consents/{consent_id}/mark/dismissal",
    "/consents/{consent_id}/release",
    "/deployment/closing",
    "/holds",
    "/holds/release",
    "/holds/release-for",
    "/members",
    "/members/encryption-keys",
    "/members/{account}/changes",
    "/members/{account}/expulsion",
    "/members/{account}/reinstatement",
    "/members/{account}/suspension",
    "/offers",
    "/offers/{offer_id}/closing",
    "/policies",
    "/sales",
    "/sales/{sale_id}/acceptance",
    "/sales/{sale_id}/bank-batch-payouts",
    "/sales/{sale_id}/bounces",
    "/sales/{sale_id}/buyer-refunds",
    "/sales/{sale_id}/cancellation",
    "/sales/{sale_id}/decision",
    "/sales/{sale_id}/delivery",
    "/sales/{sale_id}/dispute",
    "/sales/{sale_id}/payment",
    "/sales/{sale_id}/payouts",
    "/sales/{sale_id}/preparation",
    "/sales/{sale_id}/refund",
    "/sales/{sale_id}/settlement",
    "/sales/{sale_id}/usage",
    "/withdrawals/by-receipt",
)
"""Posted to by the account that acts (`as`), and by no other."""
DRAFTS: Final = (
    "/drafts/assets",
    "/drafts/assets/{asset_id}/bindings",
    "/drafts/assets/{asset_id}/cancellation",
    "/drafts/assets/{asset_id}/changes",
    "/drafts/assets/{asset_id}/rights",
    "/drafts/assets/{asset_id}/rights/end",
    "/drafts/assets/{asset_id}/transfer",
    "/drafts/assets/{asset_id}/versions",
    "/drafts/attestations",
    "/drafts/attestations/corrections",
    "/drafts/attestations/withdrawals",
    "/drafts/batches/carried-withdrawals",
    "/drafts/batches/strikes",
    "/drafts/batches/{batch_id}/challenges",
    "/drafts/cases",
    "/drafts/cases/{case_id}/decision",
    "/drafts/consents/grants",
    "/drafts/consents/{consent_id}/mark",
    "/drafts/consents/{consent_id}/mark/dismissal",
    "/drafts/consents/{consent_id}/release",
    "/drafts/holds",
    "/drafts/holds/release",
    "/drafts/holds/release-for",
    "/drafts/members/encryption-keys",
    "/drafts/offers",
    "/drafts/offers/{offer_id}/closing",
    "/drafts/sales",
    "/drafts/sales/{sale_id}/acceptance",
    "/drafts/sales/{sale_id}/bank-batch-payouts",
    "/drafts/sales/{sale_id}/bounces",
    "/drafts/sales/{sale_id}/buyer-refunds",
    "/drafts/sales/{sale_id}/cancellation",
    "/drafts/sales/{sale_id}/decision",
    "/drafts/sales/{sale_id}/delivery",
    "/drafts/sales/{sale_id}/dispute",
    "/drafts/sales/{sale_id}/payment",
    "/drafts/sales/{sale_id}/payouts",
    "/drafts/sales/{sale_id}/preparation",
    "/drafts/sales/{sale_id}/refund",
    "/drafts/sales/{sale_id}/settlement",
    "/drafts/sales/{sale_id}/usage",
    "/drafts/withdrawals/by-receipt",
    "/drafts/consents",
    "/drafts/payee-requests",
    "/drafts/payees",
    "/drafts/usage-reports",
    "/drafts/withdrawals",
    "/commitments/asset-ids",
    "/commitments/identities",
    "/commitments/records",
    "/verifications",
)
"""Posted to, and nothing is sent or kept."""
HOUSE: Final = needs(Scope.OPERATE, house=True)
"""The operator's own account of this home."""
EXAMINED: Final = needs(Scope.OPERATE, *EXAMINERS, house=True)
"""The same, and who examines what others say: auditors, regulators."""

RIGHTS: Final[Mapping[tuple[str, str], Right]] = {
    ("GET", "/openapi.json"): ANYBODY,
    ("GET", "/health"): ANYBODY,
    ("GET", "/ready"): ANYBODY,
    ("GET", "/status"): ON_CHAIN,
    ("GET", "/livez"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): HOUSE,
    ("GET", "/alerts"): needs(Scope.OPERATE, Role.OPERATOR, Role.REGULATOR, Role.AUDITOR),
    ("POST", "/rpc"): LOCAL,
    # who asks
    ("POST", "/session/nonce"): ANYBODY,
    ("POST", "/session"): ANYBODY,
    ("DELETE", "/session"): KNOWN,
    ("GET", "/me"): ANYBODY,
    ("GET", "/me/consents"): needs(Scope.OWN),
    ("GET", "/me/orders"): needs(Scope.OWN),
    ("GET", "/me/complaints"): needs(Scope.OWN),
    ("POST", "/me/complaints"): needs(Scope.OWN),
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
    ("GET", "/members/{account}"): ON_CHAIN,
    ("GET", "/attestations"): ON_CHAIN,
    ("GET", "/assets/{asset_id}/rights"): ON_CHAIN,
    ("GET", "/batches/{batch_id}"): ON_CHAIN,
    ("GET", "/cases"): ON_CHAIN,
    ("GET", "/cases/{case_id}"): ON_CHAIN,
    ("GET", "/holds"): ON_CHAIN,
    ("GET", "/policies"): ON_CHAIN,
    ("GET", "/trust"): ON_CHAIN,
    ("GET", "/events"): ON_CHAIN,
    # what is private: a person's, a sale's parties', the operator's
    ("GET", "/consents/{consent_id}/receipt"): needs(Scope.OWN),
    ("GET", "/sales/{sale_id}/evidence/{consent_id}"): needs(Scope.OWN),
    ("GET", "/sales/{sale_id}/bundle"): needs(Scope.READ),
    ("GET", "/sales/{sale_id}/delivery"): needs(Scope.READ),
    ("GET", "/sales/{sale_id}/records"): needs(Scope.READ),
    ("GET", "/complaints"): needs(Scope.OPERATE, Role.ARBITER, Role.REGULATOR, house=True),
    ("GET", "/batches/{batch_id}/consents"): EXAMINED,
    ("GET", "/batches/{batch_id}/check"): EXAMINED,
    ("GET", "/payloads"): HOUSE,
    ("GET", "/payloads/{payload_id}"): HOUSE,
    **{("GET", f"/sales/{{sale_id}}/statements.{form}"): HOUSE for form in TABLES},
    **{("GET", f"/sales/{{sale_id}}/bank-batches/{{number}}.{form}"): HOUSE for form in TABLES},
    ("POST", "/sales/{sale_id}/bank-batches"): HOUSE,
    ("POST", "/assets/{asset_id}/consents"): HOUSE,
    ("POST", "/assets/{asset_id}/payloads"): HOUSE,
    ("POST", "/payloads/{payload_id}/erasures"): HOUSE,
    ("GET", "/webhooks"): HOUSE,
    ("POST", "/webhooks"): HOUSE,
    ("GET", "/webhooks/{hook_id}"): HOUSE,
    ("GET", "/webhooks/{hook_id}/dead"): HOUSE,
    **{("POST", f"/webhooks/{{hook_id}}/{act}"): HOUSE for act in ("enable", "remove", "replay", "rotate", "test")},
    # what is done
    **{("POST", path): needs(Scope.ACT) for path in ACTS},
    **{("POST", path): ANYBODY for path in DRAFTS},
    ("POST", "/documents"): needs(Scope.ACT),
    ("POST", "/members/{account}/public-key"): needs(Scope.ACT),
    ("POST", "/consents"): needs(Scope.COLLECT),
    ("POST", "/assets/{asset_id}/batches"): needs(Scope.COLLECT, Role.PROVIDER),
    ("POST", "/drafts/assets/{asset_id}/batches"): needs(Scope.COLLECT, Role.PROVIDER),
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
    if not is_open(right, door):
        await run_in_threadpool(require, door, right, caller)


def is_open(right: Right, door: Door | None) -> bool:
    """Whether nobody has to be known for it."""
    return door is None or right.is_for_all or (right.on_chain and door.public_reads)


def allows(right: Right, door: Door | None, caller: Caller) -> bool:
    """Whether who asks has it."""
    if door is None or is_open(right, door):
        return True
    try:
        require(door, right, caller)
    except (Unauthenticated, Forbidden):
        return False
    return True


def right_of(method: str, path: str) -> Right:
    """The right of a route: a table (`.csv`, `.parquet`) is the list's in another form, and HEAD is GET."""
    method = "GET" if method == "HEAD" else method
    found = RIGHTS.get((method, path))
    if found is None and method == "GET":
        stem, dot, form = path.rpartition(".")
        found = RIGHTS.get((method, stem)) if dot and form in TABLES else None
    return found or NEVER


def require(door: Door, right: Right, caller: Caller) -> None:
    """That who asks has a right that not everybody has. Raises Unauthenticated, Forbidden."""
    if right.never:
        raise Forbidden("no row of the rights names this route")
    if caller.account is None:
        raise Unauthenticated
    if right.scope is not None and right.scope not in caller.scopes:
        raise Forbidden(f"what was shown is not for {right.scope}", scope=str(right.scope))
    if right.house and door.is_house(caller.account):
        return
    if right.roles and not right.roles & door.roles(caller.account):
        names = ", ".join(str(role.name).lower() for role in right.roles)
        raise Forbidden(f"the account is no member in good standing that is one of: {names}")
    if right.house and not right.roles:
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
