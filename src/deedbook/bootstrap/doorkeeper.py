"""Who comes in to a home's service: API keys, sessions, an issuer's tokens; their accounts' roles on chain.

What may be asked is for `api.rights`; here is only who asks, and whose what is.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any, Final
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from deedbook import config
from deedbook.bootstrap.services import RECORDS_KEY, Services
from deedbook.config import LOOPBACK, Oidc, Settings
from deedbook.domain.codes import Role
from deedbook.domain.hashing import parse_address
from deedbook.domain.operations import Operation, OperationKind
from deedbook.domain.principals import (
    KEY_ID,
    SECRET,
    Caller,
    KeyEntry,
    Means,
    Scope,
    Secret,
    Session,
    reader_mark,
    session_kept,
    session_of,
)
from deedbook.errors import ChainUnavailable, InvalidFormat, InvalidInput, NotFound, Unauthenticated
from deedbook.ledger.signing_in import SIGN_IN_TAG, Place, SigningIn
from deedbook.queries.members import member
from deedbook.wallet.tokens import Issuer, Tokens

MOST_DOCUMENT: Final = 256 * 1024
"""Bytes of the longest document that an issuer gives."""
PATIENCE: Final = 5.0
"""Seconds that an issuer has for an answer."""
PROVEN: Final = (OperationKind.WITHDRAWAL, OperationKind.RELAYED)
"""What a signed message proves, whoever hands it over."""
OVERLAP: Final = 86_400
"""Seconds for which a key that was replaced stays good, where nothing else is said."""


def doorkeeper_of(services: Services, url: str) -> Doorkeeper | None:
    """Who keeps the door of a home that is served at `url`; None where it is open to everybody. Raises InvalidInput
    (`host`, `access`)."""
    settings = services.settings
    if settings.access == "open":
        _require_loopback(settings)
        return None
    if settings.access == "auto" and settings.oidc is None and not services.records.principals.has_keys():
        _require_loopback(settings)
        return None
    return Doorkeeper(services, settings.origin or url)


def _require_loopback(settings: Settings) -> None:
    if settings.host not in LOOPBACK:
        hint = "say who may ask: DEEDBOOK_ACCESS=closed lets in keys (deedbook keys add) and wallets that sign in"
        raise InvalidInput("host", "is reached by others, and nobody is asked who they are", hint=hint)


class Doorkeeper:
    """Implements `api.door.Door` over the services of a home, reached at `origin`."""

    def __init__(
        self,
        services: Services,
        origin: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
    ) -> None:
        self._services = services
        self._origin = origin
        self._book = services.records.principals
        self._signing_in = SigningIn(
            Place(origin, services.chain_id),
            self._book,
            services.node,
            key=hmac.new(services.seeds.seed(RECORDS_KEY), SIGN_IN_TAG, hashlib.sha256).digest(),
            clock=services.clock,
            entropy=services.entropy,
        )
        oidc = services.settings.oidc
        self._tokens = None if oidc is None else Tokens(_issuer(oidc), fetch or fetched, services.clock)

    @property
    def origin(self) -> str:
        """The service's own origin."""
        return self._origin

    @property
    def public_reads(self) -> bool:
        """Whether what is on chain is read by everybody."""
        return self._services.settings.public_reads

    @property
    def limits(self) -> tuple[int, int]:
        """Requests a minute of a known account, and of an unknown address."""
        return self._services.settings.limit, self._services.settings.limit_nobody

    # -- who asks --------------------------------------------------------------------------------------------------

    def challenge(self, account: bytes | None) -> Mapping[str, Any]:
        """What a sign-in message of now says."""
        return self._signing_in.challenge(account)

    def sign_in(self, text: str, signature: bytes) -> tuple[str, Session]:
        """A new session and its token. Raises InvalidInput, InvalidSignature, ChainUnavailable."""
        return self._signing_in.sign_in(text, signature)

    def sign_out(self, token: str) -> None:
        """Ends the session of a token."""
        with suppress(InvalidFormat):
            self._book.end(session_kept(session_of(token)))

    def bearer(self, text: str) -> Caller:
        """Who holds a key, a session's token, or an issuer's. Raises Unauthenticated, ChainUnavailable."""
        found = self._key(text) if text.startswith("dbk_") else self.session(text)
        if found is None and self._tokens is not None and not text.startswith(("dbk_", "dbs_")):
            found = self._tokens.caller(text)
        if found is None:
            raise Unauthenticated(given=True)
        return found

    def session(self, token: str) -> Caller | None:
        """Who holds a session's token, unless it is over, or none."""
        try:
            kept = session_kept(session_of(token))
        except InvalidFormat:
            return None
        found = self._book.session(kept, now=self._services.clock())
        if found is None:
            return None
        return Caller(Means.SESSION, found.account, found.scopes, reader_mark(found.account))

    def _key(self, text: str) -> Caller | None:
        try:
            secret = Secret.of(text)
        except InvalidFormat:
            return None
        entry = self._book.use(secret.key_id, secret.kept, now=self._services.clock())
        return None if entry is None else Caller(Means.KEY, entry.account, entry.scopes, entry.key_id.hex())

    # -- what they are ---------------------------------------------------------------------------------------------

    def roles(self, account: bytes) -> Role:
        """The roles on chain of a member in good standing, as the mirror has it."""
        try:
            found = member(self._services.mirror, account)
        except NotFound:
            return Role(0)
        return found.roles if found.is_in_good_standing(self._services.clock()) else Role(0)

    def is_house(self, account: bytes) -> bool:
        """Whether it is an operator in good standing whose key is in this home."""
        if Role.OPERATOR not in self.roles(account):
            return False
        try:
            self._services.signer_of(account)
        except InvalidInput:
            return False
        return True

    # -- whose what is ---------------------------------------------------------------------------------------------

    def own(self, operation: Operation, account: bytes) -> None:
        """Notes who handed an operation over."""
        self._book.own(operation.operation_id, account)

    def owners(self, operation: Operation) -> frozenset[bytes] | None:
        """Who handed it over, and whom it concerns; None for what a signed message proves, handed over by nobody who
        is known."""
        handed = self._book.owners(operation.operation_id)
        if operation.kind in PROVEN and not handed:
            return None
        return handed | self._concerned(operation)

    def _concerned(self, operation: Operation) -> frozenset[bytes]:
        """The account of the person who withdraws, of the member who signed, of the collector."""
        about, consents = operation.about, self._services.records.consents
        with suppress(NotFound):
            if operation.kind is OperationKind.WITHDRAWAL:
                return frozenset({consents.standing(bytes.fromhex(about["consentId"][2:])).subject})
            if operation.kind is OperationKind.RELAYED:
                return frozenset({parse_address(about["member"], "member")})
            if "as" in about:
                return frozenset({parse_address(about["as"], "as")})
            if operation.kind is OperationKind.BATCH:
                return frozenset({consents.batch(bytes.fromhex(about["batchId"][2:])).terms.controller})
        return frozenset()

    def subject_of(self, consent_id: bytes) -> bytes:
        """The person's account of a consent. Raises NotFound."""
        return self._services.records.consents.standing(consent_id).subject


# -- keys --------------------------------------------------------------------------------------------------------------


def add_key(
    services: Services,
    name: str,
    account: bytes,
    scopes: frozenset[Scope],
    *,
    ends_at: int | None,
) -> tuple[Secret, KeyEntry]:
    """Makes an API key of a member's account (20 bytes); its secret is shown this once. Raises InvalidInput
    (`account`, `ends`), Conflict."""
    now = services.clock()
    if not _standing(services, account, now):
        raise InvalidInput("account", "is no member in good standing")
    entry = _entry(services, name, account, scopes, now, ends_at)
    services.records.principals.add_key(entry[1], entry[0].kept)
    return entry


def rotate_key(services: Services, former: bytes, *, overlap: int, ends_at: int | None) -> tuple[Secret, KeyEntry]:
    """Makes a key in the place of another, which stays good for `overlap` seconds more at the most. Raises NotFound,
    InvalidInput (`key`, `ends`)."""
    now = services.clock()
    known = services.records.principals.key(former)
    if not known.is_good(now):
        raise InvalidInput("key", "has ended or is revoked: make another one by `deedbook keys add`")
    secret, entry = _entry(services, known.name, known.account, known.scopes, now, ends_at, former)
    services.records.principals.rotate(entry, secret.kept, former_ends=now + overlap)
    return secret, entry


def _entry(
    services: Services,
    name: str,
    account: bytes,
    scopes: frozenset[Scope],
    now: int,
    ends_at: int | None,
    former: bytes | None = None,
) -> tuple[Secret, KeyEntry]:
    if ends_at is not None and ends_at <= now:
        raise InvalidInput("ends", "is not in the future")
    secret = Secret(services.entropy(KEY_ID), services.entropy(SECRET))
    return secret, KeyEntry(secret.key_id, name, account, scopes, now, ends_at, former=former)


def _standing(services: Services, account: bytes, now: int) -> Role:
    try:
        found = member(services.mirror, account)
    except NotFound:
        return Role(0)
    return found.roles if found.is_in_good_standing(now) else Role(0)


# -- an issuer ---------------------------------------------------------------------------------------------------------


def _issuer(oidc: Oidc) -> Issuer:
    accounts = {value: parse_address(account, "oidc_accounts") for value, account in oidc.accounts}
    return Issuer(oidc.issuer, oidc.audience, accounts, oidc.claim, oidc.algorithms, oidc.keys_url)


class _Straight(HTTPRedirectHandler):
    """Follows no redirect: what is asked is the issuer's own address."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None: it is an error."""
        return


def _opener() -> OpenerDirector:
    return build_opener(ProxyHandler({}), _Straight)


def fetched(address: str) -> bytes:
    """The document at an https address, or an http one of this machine. Raises ChainUnavailable, InvalidFormat."""
    if not config.is_safe_address(address):
        raise InvalidFormat("issuer", "names an address that is not https")
    request = Request(address, headers={"Accept": "application/json"})  # noqa: S310 - https, or this machine
    try:
        with _opener().open(request, timeout=PATIENCE) as answer:
            content: bytes = answer.read(MOST_DOCUMENT + 1)
    except (URLError, HTTPException, OSError, ssl.SSLError) as error:
        raise ChainUnavailable("a token's issuer does not answer", failure="issuer") from error
    if len(content) > MOST_DOCUMENT:
        raise InvalidFormat("issuer", "gives a document that is too long")
    return content
