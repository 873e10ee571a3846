"""Signing in: a nonce is given, a message signed with it is judged, a session begins.

Nothing is kept of a nonce that is given: it carries its time and a code of this home (HMAC-SHA-256), so that giving
nonces fills no table. A nonce that was used is kept until it is too old by itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from deedbook.chain.client import NodeError
from deedbook.domain import abi
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.principals import ALL_SCOPES, SECRET, Scope, Session, scopes_of, session_kept, session_text
from deedbook.errors import InvalidInput, InvalidSignature
from deedbook.wallet.sign_in import SignInMessage, signed_by_key, time_text, unix_of

NONCE_LIFE: Final = 600
"""Seconds for which a nonce is good."""
LEEWAY: Final = 60
"""Seconds by which a person's clock may differ."""
SESSION_LIFE: Final = 12 * 3600
"""Seconds that a session lasts at most."""
MOST_SIGNATURE: Final = 4096
"""Bytes of the longest signature: what a contract takes for one may be longer than a key's."""
STATEMENT: Final = "Sign in to Deedbook. This costs nothing and moves nothing."
SCOPE_RESOURCE: Final = "urn:deedbook:scope:"
"""With a scope's word behind it: a resource that narrows a session to it."""

SIGN_IN_TAG: Final = b"deedbook.sign-in.v1"
RANDOM: Final = 12
"""Random bytes of a nonce."""
_CODE: Final = 16
_MAGIC: Final = bytes.fromhex("1626ba7e")
"""What ERC-1271's isValidSignature(bytes32,bytes) returns, and its selector."""
_CALL_GAS: Final = 1_000_000


class SessionBook(Protocol):
    """What is kept of sessions, in `records`."""

    def begin(self, kept: bytes, session: Session, *, nonce: bytes, nonce_ends: int) -> bool:
        """Uses a nonce and keeps the session; False where the nonce was used before."""


class Node(Protocol):
    """What is asked of the chain, for accounts that are contracts."""

    def request(self, method: str, params: list[Any]) -> Any:
        """The result of one JSON-RPC method."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one signs in: the service's own `origin` (scheme, host, port) and the chain's id."""

    origin: str
    chain_id: int

    @property
    def domain(self) -> str:
        """The authority of the origin."""
        return urlsplit(self.origin).netloc

    @property
    def scheme(self) -> str:
        """The scheme of the origin."""
        return urlsplit(self.origin).scheme


class SigningIn:
    """The use case of signing in, at one place. `key` (32 bytes) makes the codes of nonces; `clock` gives Unix
    seconds."""

    def __init__(
        self,
        place: Place,
        book: SessionBook,
        node: Node,
        *,
        key: bytes,
        clock: Callable[[], int],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._place = place
        self._book = book
        self._node = node
        self._key = key
        self._clock = clock
        self._entropy = entropy

    def challenge(self, account: bytes | None) -> Mapping[str, Any]:
        """What a message of now says; with an account (20 bytes), the message itself."""
        now = self._clock()
        said = {
            "domain": self._place.domain,
            "uri": self._place.origin,
            "version": "1",
            "chainId": self._place.chain_id,
            "nonce": self._nonce(now),
            "statement": STATEMENT,
            "issuedAt": time_text(now),
            "expirationTime": time_text(now + NONCE_LIFE),
        }
        if account is None:
            return said
        message = SignInMessage(
            self._place.domain,
            account,
            self._place.origin,
            self._place.chain_id,
            str(said["nonce"]),
            str(said["issuedAt"]),
            statement=STATEMENT,
            expiration_time=str(said["expirationTime"]),
        )
        return {**said, "address": checksum_address(account), "message": message.text}

    def sign_in(self, text: str, signature: bytes) -> tuple[str, Session]:
        """The token of a new session, shown this once, and the session.

        Raises InvalidFormat, InvalidInput naming the field of EIP-4361 that is another place's, another time's or
        used before, InvalidSignature; ChainUnavailable where a contract has to be asked and no node answers.
        """
        message = SignInMessage.of(text)
        now = self._clock()
        nonce_ends = self._require_fit(message, now)
        scopes = _scopes_of(message)
        self._require_signed(message, signature)
        token = self._entropy(SECRET)
        session = Session(message.account, scopes, now, now + SESSION_LIFE)
        nonce = sha256(message.nonce.encode())
        if not self._book.begin(session_kept(token), session, nonce=nonce, nonce_ends=nonce_ends):
            raise InvalidInput("nonce", "was used before", hint="ask for another one: POST /session/nonce")
        return session_text(token), session

    def _require_fit(self, message: SignInMessage, now: int) -> int:
        """That the message is for this place and this time; until when its nonce could come again."""
        if message.domain != self._place.domain:
            raise InvalidInput("domain", "is another service's")
        if message.scheme not in (None, self._place.scheme):
            raise InvalidInput("scheme", "is another service's")
        if message.uri != self._place.origin and not message.uri.startswith(self._place.origin + "/"):
            raise InvalidInput("uri", "is another service's")
        if message.chain_id != self._place.chain_id:
            raise InvalidInput("chain-id", f"is not {self._place.chain_id}")
        issued = unix_of(message.issued_at, "issued-at")
        if not now - NONCE_LIFE - LEEWAY <= issued <= now + LEEWAY:
            raise InvalidInput("issued-at", "is not now")
        if message.expiration_time is not None and unix_of(message.expiration_time, "expiration-time") <= now - LEEWAY:
            raise InvalidInput("expiration-time", "is over")
        if message.not_before is not None and unix_of(message.not_before, "not-before") > now + LEEWAY:
            raise InvalidInput("not-before", "is still to come")
        return self._require_ours(message.nonce, now)

    # -- nonces ----------------------------------------------------------------------------------------------------

    def _nonce(self, now: int) -> str:
        return nonce_of(self._key, now, self._entropy(RANDOM))

    def _require_ours(self, nonce: str, now: int) -> int:
        """Until when the nonce is good. Raises InvalidInput."""
        try:
            given = bytes.fromhex(nonce)
        except ValueError:
            given = b""
        time, random = given[:8], given[8 : 8 + RANDOM]
        ours = nonce_of(self._key, int.from_bytes(time, "big"), random)
        if len(nonce) != len(ours) or not hmac.compare_digest(nonce.encode(), ours.encode()):
            raise InvalidInput("nonce", "was not given here", hint="ask for one: POST /session/nonce")
        ends = int.from_bytes(time, "big") + NONCE_LIFE
        if now >= ends:
            raise InvalidInput("nonce", "is too old", hint="ask for another one: POST /session/nonce")
        return ends

    # -- signatures ------------------------------------------------------------------------------------------------

    def _require_signed(self, message: SignInMessage, signature: bytes) -> None:
        """That the account signed: its key, or the contract that it is (ERC-1271)."""
        refusal = InvalidSignature("signature", "made by another account")
        if len(signature) > MOST_SIGNATURE:
            raise InvalidSignature("signature", f"is longer than {MOST_SIGNATURE} bytes")
        try:
            if signed_by_key(message, signature):
                return
        except InvalidSignature as error:  # what a contract takes for a signature is its own affair
            refusal = error
        if not self._approves(message, signature):
            raise refusal

    def _approves(self, message: SignInMessage, signature: bytes) -> bool:
        account = to_hex(message.account)
        if self._node.request("eth_getCode", [account, "latest"]) in ("0x", "0x0", None):
            return False
        asked = _MAGIC + abi.encode(("bytes32", "bytes"), (message.digest, signature))
        call = {"to": account, "data": to_hex(asked), "gas": hex(_CALL_GAS)}
        try:
            answer = self._node.request("eth_call", [call, "latest"])
        except NodeError:  # it reverted, or burnt all its gas
            return False
        return bool(answer == to_hex(_MAGIC + bytes(28)))


def nonce_of(key: bytes, time: int, random: bytes) -> str:
    """The nonce (format 47) of a home's key (32 bytes), a time (Unix seconds) and 12 random bytes: their digits, and
    those of a code over them."""
    said = time.to_bytes(8, "big") + random
    code = hmac.new(key, SIGN_IN_TAG + said, hashlib.sha256).digest()[:_CODE]
    return (said + code).hex()


def _scopes_of(message: SignInMessage) -> frozenset[Scope]:
    """What the session is for: everything, or what the message's resources narrow it to. Raises InvalidInput."""
    for resource in message.resources:
        if not resource.startswith(SCOPE_RESOURCE):
            raise InvalidInput("resources", f"know only {SCOPE_RESOURCE}NAME here")
    words = [resource[len(SCOPE_RESOURCE) :] for resource in message.resources]
    return scopes_of(words, "resources") if words else ALL_SCOPES
