"""An exchange's log as its user has it: entries are sent in portions, every receipt is checked, and so is every proof.

A receipt that holds is a promise: the exchange has signed that this entry stands at this place for good. A proof under
a checkpoint shows that it does. Whoever is told anything else has an `IntegrityError` that quotes both.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deedbook.domain.anchors import LogDomain, LogExtension, LogProof, LogReceipt
from deedbook.domain.hashing import canonical_json, from_hex, parse_address, to_hex
from deedbook.domain.merkle import rfc9162_leaf
from deedbook.errors import IntegrityError, InvalidInput, InvalidSignature
from deedbook.wallet.recovery import Recovery

if TYPE_CHECKING:
    from deedbook.client.clients import AsyncClient, Client

AT_ONCE: Final = 2_000
"""Entries of a request."""
MOST_BYTES: Final = 2 * 1024 * 1024
"""Bytes of a request, about; the service takes 4 MiB."""


@dataclass
class _Portion:
    """Entries in canonical form that go together."""

    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, entry: Any) -> bool:
        """Takes an entry; whether the portion is full now. Raises InvalidInput for what is no JSON value."""
        line = canonical_json(entry)
        self.lines.append(line)
        self.size += len(line) + 1
        return len(self.lines) >= AT_ONCE or self.size >= MOST_BYTES

    @property
    def body(self) -> bytes:
        return b"\n".join(self.lines) + b"\n"


class Checker:
    """What has to hold of what one log's exchange states."""

    def __init__(self, domain: LogDomain, exchange: bytes) -> None:
        self._domain = domain
        self._exchange = exchange
        self._recovery = Recovery()

    def receipts(self, lines: Sequence[bytes], answer: bytes) -> list[LogReceipt]:
        """The receipts of these entries. Raises IntegrityError, InvalidFormat, InvalidSignature."""
        said = answer.splitlines()
        if len(said) != len(lines):
            raise IntegrityError("the service gave another number of receipts", sent=len(lines), received=len(said))
        receipts = [LogReceipt.from_json(_json(line)) for line in said]
        places: dict[int, bytes] = {}
        for line, receipt in zip(lines, receipts, strict=True):
            self._require_own(receipt)
            if receipt.leaf_hash != rfc9162_leaf(line):
                raise IntegrityError("a receipt is not of the entry that was sent", index=receipt.index)
            if places.setdefault(receipt.index, receipt.leaf_hash) != receipt.leaf_hash:
                raise IntegrityError("two entries have receipts for one place", index=receipt.index)
            self.require_signed(receipt)
        return receipts

    def require_signed(self, receipt: LogReceipt) -> None:
        """Raises InvalidSignature unless the exchange signed it."""
        if self._recovery.signer(receipt.digest, receipt.signature) != self._exchange:
            raise InvalidSignature("signature", "a receipt was made by another account")

    def proof(self, receipt: LogReceipt, said: Any) -> LogProof:
        """The proof that what a receipt promises was kept. Raises IntegrityError where it was not: the receipt and what
        was said instead are the evidence."""
        proof = LogProof.from_json(said)
        self._require_own(proof)
        if (proof.index, proof.leaf_hash) != (receipt.index, receipt.leaf_hash):
            raise IntegrityError(
                "the log has another entry at the place of a receipt",
                receipt=receipt.to_json(),
                proof=proof.to_json(),
            )
        if not proof.holds:
            raise IntegrityError("a proof does not lead to its root", proof=proof.to_json())
        return proof

    def extension(self, former: int, root: bytes, said: Any) -> LogExtension:
        """The proof that the log goes on from this size and root. Raises IntegrityError where it does not."""
        extension = LogExtension.from_json(said)
        self._require_own(extension)
        if (extension.former_size, extension.former_root) != (former, root) or not extension.holds:
            raise IntegrityError(
                "the log does not go on from what it was", former=former, root=to_hex(root), said=extension.to_json()
            )
        return extension

    def _require_own(self, stated: LogReceipt | LogProof | LogExtension) -> None:
        if (stated.domain, stated.exchange) != (self._domain, self._exchange):
            raise IntegrityError("the service answered for another log", exchange=to_hex(stated.exchange))


class Log:
    """The log of one exchange at one service."""

    def __init__(self, client: Client, exchange: str, domain: LogDomain | None = None) -> None:
        self._client = client
        self._account = exchange
        self._exchange = parse_address(exchange, "exchange")
        self._domain = domain
        self._known: Checker | None = None

    def append(self, entries: Iterable[Any]) -> Iterator[LogReceipt]:
        """Sends entries (any JSON values, as many as there are) and gives the checked receipt of each, in their order,
        as soon as the portion that it was in is on the service's disk. Stopped anywhere, the same entries can be sent
        again: each has the place that it has.

        Raises IntegrityError for a receipt that does not hold; InvalidInput for what is no JSON value.
        """
        portion = _Portion()
        for entry in entries:
            if portion.add(entry):
                yield from self._sent(portion)
                portion = _Portion()
        if portion.lines:
            yield from self._sent(portion)

    def prove(self, receipt: LogReceipt) -> LogProof:
        """The checked proof that the entry of a receipt stands in the log as of the last checkpoint on chain. Raises
        NotFound before there is one, IntegrityError where the promise was broken."""
        checker = self._checker()
        return checker.proof(receipt, self._client.anchors.proof(self._account, index=receipt.index))

    def extension(self, former: LogProof, size: int | None = None) -> LogExtension:
        """The checked proof that the log goes on from the checkpoint of an earlier proof. Raises IntegrityError."""
        said = self._client.anchors.extension(self._account, former=former.size, size=size)
        return self._checker().extension(former.size, former.root, said)

    def _sent(self, portion: _Portion) -> list[LogReceipt]:
        checker = self._checker()
        return checker.receipts(portion.lines, self._client.anchors.append(self._account, portion.body))

    def _checker(self) -> Checker:
        if self._known is None:
            domain = self._domain or domain_in(self._client.deployment.deployment())
            self._known = Checker(domain, self._exchange)
        return self._known


class AsyncLog:
    """As `Log`."""

    def __init__(self, client: AsyncClient, exchange: str, domain: LogDomain | None = None) -> None:
        self._client = client
        self._account = exchange
        self._exchange = parse_address(exchange, "exchange")
        self._domain = domain
        self._known: Checker | None = None

    async def append(self, entries: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[LogReceipt]:
        """As `Log.append`; the entries may come asynchronously."""
        portion = _Portion()
        async for entry in _each(entries):
            if portion.add(entry):
                for receipt in await self._sent(portion):
                    yield receipt
                portion = _Portion()
        if portion.lines:
            for receipt in await self._sent(portion):
                yield receipt

    async def prove(self, receipt: LogReceipt) -> LogProof:
        """As `Log.prove`."""
        said = await self._client.anchors.proof(self._account, index=receipt.index)
        return (await self._checker()).proof(receipt, said)

    async def extension(self, former: LogProof, size: int | None = None) -> LogExtension:
        """As `Log.extension`."""
        said = await self._client.anchors.extension(self._account, former=former.size, size=size)
        return (await self._checker()).extension(former.size, former.root, said)

    async def _sent(self, portion: _Portion) -> list[LogReceipt]:
        checker = await self._checker()
        return checker.receipts(portion.lines, await self._client.anchors.append(self._account, portion.body))

    async def _checker(self) -> Checker:
        if self._known is None:
            domain = self._domain or domain_in(await self._client.deployment.deployment())
            self._known = Checker(domain, self._exchange)
        return self._known


async def _each(entries: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(entries, AsyncIterable):
        async for entry in entries:
            yield entry
    else:
        for entry in entries:
            yield entry


def domain_in(deployment: Mapping[str, Any]) -> LogDomain:
    """Where logs are anchored, as a deployment says (`GET /deployment`). Raises InvalidInput."""
    try:
        return LogDomain(
            int(deployment["chainId"]), from_hex(deployment["contracts"]["AnchorLog"].lower(), "AnchorLog", 20)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("deployment", "names no AnchorLog") from error


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise IntegrityError("a receipt is not JSON") from error
