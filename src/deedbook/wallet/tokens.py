"""Bearer tokens of an issuer (OpenID Connect, RFC 7519, RFC 9068): who signed them, for whom, and until when.

Only signatures by a key pair count, in the algorithms that are named: `none` is none, and a public key is no password
(RFC 8725, 3.1 and 3.2). Keys come from the issuer's own address alone: whatever a token says of keys but their name is
not looked at. They are kept for an hour; a token that names another key makes them be asked for again, once a minute.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from joserfc.jwt import JWTClaimsRegistry

from deedbook.domain.hashing import parse_json
from deedbook.domain.principals import Caller, Means, Scope, reader_mark
from deedbook.errors import ChainUnavailable, DeedbookError, InvalidFormat, InvalidInput, Unauthenticated

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA")
"""What may be allowed; the first and the third are, where nothing is said."""
MOST_TOKEN: Final = 8192
"""Characters of the longest token."""
MOST_KEYS: Final = 64
LEEWAY: Final = 60
"""Seconds by which the issuer's clock may differ."""
KEYS_LIFE: Final = 3600
"""Seconds for which keys are kept."""
KEYS_PAUSE: Final = 60
"""Seconds between two questions for keys at least."""
LEAST_RSA: Final = 2048
"""Bits of the shortest RSA key (NIST SP 800-131A)."""
_TYPES: Final = (None, "JWT", "at+jwt", "application/at+jwt")
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "PS256"),
    "EC": ("ES256", "ES384"),
    "OKP": ("Ed25519", "EdDSA"),
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are believed, for which audience, in which algorithms; `accounts` gives the account (20 bytes) of a
    value of `claim`. `keys_url` is where its keys are; None asks its discovery document.

    Raises InvalidInput.
    """

    name: str
    audience: str
    accounts: Mapping[str, bytes]
    claim: str = "sub"
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    keys_url: str | None = None

    def __post_init__(self) -> None:
        for algorithm in self.algorithms:
            if algorithm not in ALGORITHMS:
                raise InvalidInput("oidc_algorithms", f"is none of {', '.join(ALGORITHMS)}")


class Tokens:
    """Reads the tokens of one issuer. `fetch` gets a document from an address (raises ChainUnavailable); `clock` gives
    Unix seconds."""

    def __init__(self, issuer: Issuer, fetch: Callable[[str], bytes], clock: Callable[[], int]) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._asked_at: int | None = None
        self._known_at: int | None = None
        self._asking = threading.Lock()

    def caller(self, text: str) -> Caller:
        """Whose token it is. Raises Unauthenticated, and ChainUnavailable where the issuer's keys are asked for and do
        not come."""
        refused = Unauthenticated(given=True)
        try:
            claims = self._claims(text)
        except (JoseError, InvalidFormat, ValueError) as error:
            raise refused from error
        value = claims.get(self._issuer.claim)
        account = self._issuer.accounts.get(value) if isinstance(value, str) else None
        if account is None:
            raise refused
        said = claims.get("scope", "")
        words = said.split() if isinstance(said, str) else []
        scopes = frozenset(Scope(word) for word in words if word in tuple(Scope))
        return Caller(Means.ISSUED, account, scopes, reader_mark(account))

    def _claims(self, text: str) -> Mapping[str, Any]:
        header = _header(text)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._issuer.algorithms or header.get("typ") not in _TYPES or "crit" in header:
            raise InvalidFormat("token", "is of another kind")
        if not isinstance(kid, str):
            raise InvalidFormat("token", "names no key")
        key = self._key(kid)
        if algorithm not in _KINDS[key.key_type]:
            raise InvalidFormat("token", "is not signed by a key of its kind")
        content = jws.deserialize_compact(text, key, algorithms=[algorithm]).payload
        claims = parse_json(content or b"", "token")
        if not isinstance(claims, dict):
            raise InvalidFormat("token", "holds no claims")
        JWTClaimsRegistry(
            now=self._clock(),
            leeway=LEEWAY,
            iss={"essential": True, "value": self._issuer.name},
            aud={"essential": True, "value": self._issuer.audience},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
        return claims

    # -- keys ------------------------------------------------------------------------------------------------------

    def _key(self, kid: str) -> Key:
        """The issuer's key of this name. Raises InvalidFormat, ChainUnavailable."""
        with self._asking:
            now = self._clock()
            old = self._known_at is None or now >= self._known_at + KEYS_LIFE
            may = self._asked_at is None or now >= self._asked_at + KEYS_PAUSE
            if may and (old or kid not in self._keys):
                self._asked_at = now
                self._renew(now)
            elif old and self._known_at is None:
                raise ChainUnavailable("the issuer's keys are not known yet", failure="issuer")
            if kid not in self._keys:
                raise InvalidFormat("token", "names a key that its issuer does not have")
            return self._keys[kid]

    def _renew(self, now: int) -> None:
        """Asks for the keys; those of before stay where no answer comes."""
        try:
            self._keys = _keys_in(self._fetch(self._keys_url()))
            self._known_at = now
        except DeedbookError as error:
            if self._known_at is None:
                raise ChainUnavailable("the token's issuer does not give its keys", failure="issuer") from error

    def _keys_url(self) -> str:
        """Where the keys are (OpenID Connect Discovery 1.0, section 4)."""
        if self._issuer.keys_url is not None:
            return self._issuer.keys_url
        address = self._issuer.name.rstrip("/") + "/.well-known/openid-configuration"
        said = parse_json(self._fetch(address), "openid-configuration")
        if not isinstance(said, dict) or said.get("issuer") != self._issuer.name:
            raise InvalidFormat("openid-configuration", "is another issuer's")
        if not isinstance(said.get("jwks_uri"), str):
            raise InvalidFormat("openid-configuration", "names no keys")
        return str(said["jwks_uri"])


def _header(text: str) -> Mapping[str, Any]:
    if len(text) > MOST_TOKEN or text.count(".") != 2 or not text.isascii():
        raise InvalidFormat("token", "is no signed token")
    first = text.partition(".")[0]
    try:
        content = base64.b64decode(first + "=" * (-len(first) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidFormat("token", "is no signed token") from error
    header = parse_json(content, "token")
    if not isinstance(header, dict):
        raise InvalidFormat("token", "is no signed token")
    return header


def _keys_in(document: bytes) -> dict[str, Key]:
    """The keys of a JWK set (RFC 7517) that can check signatures, by name; others are left out."""
    said = parse_json(document, "jwks")
    listed = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise InvalidFormat("jwks", "is no set of keys")
    found: dict[str, Key] = {}
    for each in listed:
        if not isinstance(each, dict) or each.get("kty") not in _KINDS or not isinstance(each.get("kid"), str):
            continue
        if each.get("use", "sig") != "sig":
            continue
        public = {name: value for name, value in each.items() if name not in _PRIVATE}
        if each["kty"] == "RSA" and len(str(each.get("n"))) * 6 < LEAST_RSA:  # base64url: six bits a sign
            continue
        try:
            found[each["kid"]] = import_key(public)
        except (JoseError, ValueError, KeyError, TypeError):
            continue
    return found


_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
