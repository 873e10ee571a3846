"""Relayed acts: what a member signs so that someone else pays for the transaction, and what becomes of it.

A request is OpenZeppelin's ForwardRequest (ERC-2771), an EIP-712 message of a member to the one forwarder (format 29).
Its digest is its identifier: whoever hands it over, and however often, it is one act. The forwarder's nonces are
sequential, so the requests of one member run in their order, or wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Final

from deedbook.domain.consents import require_signature
from deedbook.domain.documents import Fields, read_document, require_bytes, require_unsigned
from deedbook.domain.eip712 import Domain, digest, typed, word
from deedbook.domain.hashing import canonical_json, checksum_address, keccak256, parse_canonical_json, to_hex
from deedbook.domain.refusals import Refusal

REQUEST_TYPE: Final = (
    "ForwardRequest(address from,address to,uint256 value,uint256 gas,uint256 nonce,uint48 deadline,bytes data)"
)
REQUEST_TYPE_HASH: Final = keccak256(REQUEST_TYPE.encode())


@dataclass(frozen=True, slots=True)
class ForwardDomain(Domain):
    """Where requests count: one `Forwarder` (20 bytes) on one chain."""

    NAME: ClassVar[str] = "Deedbook Forwarder"


@dataclass(frozen=True, slots=True)
class ForwardRequest:
    """What a member signs (ERC2771Forwarder.ForwardRequest): `sender` (20 bytes) calls `to` (20 bytes) with `data`.

    `gas` is what the call may use; `nonce` is `Forwarder.nonces(sender)` when the request runs; `deadline`, in Unix
    seconds, is the last one at which it does; `value` is in wei, and 0 in every act. Raises InvalidInput by field for a
    wrong shape.
    """

    sender: bytes
    to: bytes
    gas: int
    nonce: int
    deadline: int
    data: bytes
    value: int = 0

    def __post_init__(self) -> None:
        require_bytes("from", self.sender, 20)
        require_bytes("to", self.to, 20)
        require_unsigned("value", self.value, 256)
        require_unsigned("gas", self.gas, 256)
        require_unsigned("nonce", self.nonce, 256)
        require_unsigned("deadline", self.deadline, 48)
        require_bytes("data", self.data, len(self.data))

    @property
    def delivered(self) -> bytes:
        """The calldata that the contract receives (ERC-2771): the call, and who makes it."""
        return self.data + self.sender

    def to_json(self) -> dict[str, Any]:
        """The seven fields in JSON, as typed data names them."""
        return {
            "from": to_hex(self.sender),
            "to": to_hex(self.to),
            "value": str(self.value),
            "gas": str(self.gas),
            "nonce": str(self.nonce),
            "deadline": self.deadline,
            "data": to_hex(self.data),
        }

    @classmethod
    def from_json(cls, value: object) -> ForwardRequest:
        """The request of its seven fields. Raises InvalidFormat."""
        fields = Fields(value, "request", REQUEST_FIELDS)
        return cls(
            sender=fields.hex("from", 20),
            to=fields.hex("to", 20),
            value=fields.decimal("value", 256),
            gas=fields.decimal("gas", 256),
            nonce=fields.decimal("nonce", 256),
            deadline=fields.number("deadline", 48),
            data=fields.hex("data"),
        )


REQUEST_FIELDS: Final = ("from", "to", "value", "gas", "nonce", "deadline", "data")
"""The names of a request's fields, in the order of the EIP-712 type."""


def request_digest(domain: ForwardDomain, request: ForwardRequest) -> bytes:
    """The EIP-712 digest: what the member signs, and the request's identifier."""
    numbers = (request.value, request.gas, request.nonce, request.deadline)
    words = bytes(12) + request.sender + bytes(12) + request.to + b"".join(map(word, numbers))
    return digest(domain.separator, REQUEST_TYPE_HASH + words + keccak256(request.data))


def request_typed_data(domain: ForwardDomain, request: ForwardRequest) -> dict[str, Any]:
    """The request for `eth_signTypedData_v4`: addresses with checksum, integers over 48 bits as decimal text."""
    message = request.to_json() | {"from": checksum_address(request.sender), "to": checksum_address(request.to)}
    return typed(domain, "ForwardRequest", REQUEST_TYPE, message)


@dataclass(frozen=True)
class SignedRequest:
    """A request with its sender's signature (format 37): what goes to whoever relays it."""

    domain: ForwardDomain
    request: ForwardRequest
    signature: bytes

    def __post_init__(self) -> None:
        require_signature(self.signature)

    @cached_property
    def digest(self) -> bytes:
        """What was signed: the request's identifier."""
        return request_digest(self.domain, self.request)

    def as_tuple(self) -> tuple[Any, ...]:
        """ERC2771Forwarder.ForwardRequestData for a call: without the nonce, which the forwarder knows."""
        request = self.request
        return (
            request.sender,
            request.to,
            request.value,
            request.gas,
            request.deadline,
            request.data,
            self.signature,
        )

    def to_json(self) -> dict[str, Any]:
        """The document (format `deedbook.forward-request`, version 1) as a JSON object."""
        return {
            "format": "deedbook.forward-request",
            "version": 1,
            "chainId": str(self.domain.chain_id),
            "contract": to_hex(self.domain.contract),
            "request": self.request.to_json(),
            "signature": to_hex(self.signature),
        }

    @classmethod
    def from_json(cls, value: object) -> SignedRequest:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion, InvalidSignature (a length)."""
        fields = read_document(value, "deedbook.forward-request", _SIGNED_KEYS)
        domain = ForwardDomain(fields.decimal("chainId", 256), fields.hex("contract", 20))
        return cls(domain, ForwardRequest.from_json(fields.raw("request")), fields.hex("signature"))

    def encode(self) -> bytes:
        """The document's canonical bytes."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> SignedRequest:
        """The document of its canonical bytes; no other spelling is taken."""
        return cls.from_json(parse_canonical_json(data, "deedbook.forward-request"))


_SIGNED_KEYS: Final = ("chainId", "contract", "request", "signature")


class ActState(StrEnum):
    """How far a relayed act has come. DONE, FAILED and VOID are its ends; a REFUSED one may be handed over again."""

    WAITING = "waiting"
    """Kept; its turn has not come, or its transaction is under way."""
    DONE = "done"
    """It ran, and its call succeeded (ExecutedForwardRequest.success)."""
    FAILED = "failed"
    """It ran, and its call was refused: the state changed since it was tried. Its nonce is used."""
    REFUSED = "refused"
    """The contract refuses the call, so nothing was sent; its nonce is free."""
    VOID = "void"
    """It can never run: it expired, or another request ran with its nonce."""


@dataclass(frozen=True, slots=True)
class Ran:
    """Where a request ran: the transaction, its block, and what the forwarder said of the call."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    success: bool


@dataclass(frozen=True, slots=True)
class RelayedAct:
    """A signed request with what became of it. `carrier` is the idempotency key of the transaction that carries it,
    `relayer` who sends that, `attempts` how many transactions have ended without running it."""

    signed: SignedRequest
    state: ActState
    relayer: bytes | None = None
    carrier: str | None = None
    ran: Ran | None = None
    refusal: Refusal | None = None
    attempts: int = 0

    @property
    def digest(self) -> bytes:
        """The request's identifier."""
        return self.signed.digest

    @property
    def is_over(self) -> bool:
        """Whether it has come to an end that nothing changes."""
        return self.state in (ActState.DONE, ActState.FAILED, ActState.VOID)
