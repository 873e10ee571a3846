"""How every use case acts: one call by one signer, under an idempotency key, judged by the contract alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from deedbook.chain.transactions import Call, Receipt, Signer
from deedbook.domain.hashing import sha256, to_hex


class Sending(Protocol):
    """What a use case needs of `chain.transactions.Sender`."""

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        """What a view returns."""

    def simulate(self, call: Call, *, sender: bytes) -> None:
        """Runs a call without sending it."""

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        """Makes a call once under its key."""


@dataclass(frozen=True, slots=True)
class Act:
    """A call that `signer` is about to make, under the idempotency key of its intent."""

    call: Call
    signer: Signer
    key: str


class Acting:
    """Calls the contracts of one deployment.

    `addresses` gives the 20-byte address of each contract by name. Where `is_over` is given (whether the intent of a
    key has come to its end), a call that was made before is made again, as another intent.
    """

    def __init__(
        self,
        sender: Sending,
        chain_id: int,
        addresses: Mapping[str, bytes],
        *,
        is_over: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._sender = sender
        self._is_over = is_over
        self.chain_id = chain_id
        self.addresses = addresses

    def act(self, signer: Signer, contract: str, function: str, *arguments: Any, key: str | None = None) -> Receipt:
        """Makes the call and waits for its receipt. The same call by the same signer is the same intent unless `key`
        says otherwise. Raises RejectedByContract when the contract refuses; nothing is sent then."""
        return self.make(self.prepared(signer, contract, function, *arguments, key=key))

    def make(self, act: Act) -> Receipt:
        """Makes a prepared call and waits for its receipt. Raises as `act`."""
        return self._sender.send(act.call, act.signer, key=act.key)

    def prepared(self, signer: Signer, contract: str, function: str, *arguments: Any, key: str | None = None) -> Act:
        """The call as `act` would make it."""
        call = self._call(contract, function, arguments)
        return Act(call, signer, key or self.key_of(signer, call))

    def simulate(self, sender: bytes, contract: str, function: str, *arguments: Any) -> None:
        """Asks the contract whether it would accept the call. Raises RejectedByContract."""
        self._sender.simulate(self._call(contract, function, arguments), sender=sender)

    def read(self, contract: str, function: str, *arguments: Any) -> Any:
        """What a view of the contract returns."""
        return self._sender.read(self._call(contract, function, arguments))

    def key_of(self, signer: Signer, call: Call) -> str:
        """The idempotency key of a call: contract, function, a hash of signer and data, and from the second time on
        which time it is."""
        digest = sha256(signer.address + call.to + call.data)
        key = first = f"{call.contract}.{call.function}/{to_hex(digest[:16])}"
        time = 1
        while self._is_over(key):
            time += 1
            key = f"{first}/{time}"
        return key

    def _call(self, contract: str, function: str, arguments: tuple[Any, ...]) -> Call:
        return Call(contract, self.addresses[contract], function, arguments)
