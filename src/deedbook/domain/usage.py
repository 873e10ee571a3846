"""Metered use: the receipts of single uses, and the report of a period that provider and gateway state together.

The chain keeps a count and a root over the receipts (IUsage); who asked for what stays with gateway and parties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from deedbook.domain.consents import require_signature
from deedbook.domain.documents import Fields, read_document, require_bytes, require_time, require_unsigned
from deedbook.domain.eip712 import Domain, digest, typed, word
from deedbook.domain.hashing import ZERO32, canonical_json, keccak256, parse_canonical_json, to_hex
from deedbook.domain.merkle import rfc9162_root
from deedbook.errors import InvalidFormat, InvalidInput

REPORT_TYPE: Final = "UsageReport(bytes32 saleId,uint64 from,uint64 to,uint64 count,bytes32 receiptsRoot)"
REPORT_TYPE_HASH: Final = keccak256(REPORT_TYPE.encode())


@dataclass(frozen=True, slots=True)
class UsageDomain(Domain):
    """Where reports count: one `Usage` contract (20 bytes) on one chain."""

    NAME: ClassVar[str] = "Deedbook Usage"


@dataclass(frozen=True, slots=True)
class UsageReceipt:
    """One use, as the gateway notes it (format 32): the sale, the gateway, the use's number within the sale from 1,
    Unix seconds, how many units it counts, and the SHA-256 of request and answer as they went over the wire."""

    sale_id: bytes
    gateway: bytes
    number: int
    at: int
    units: int
    request_hash: bytes
    answer_hash: bytes

    def __post_init__(self) -> None:
        require_bytes("saleId", self.sale_id, 32)
        require_bytes("gateway", self.gateway, 20)
        require_time("number", self.number)
        require_time("at", self.at)
        require_time("units", self.units)
        require_bytes("requestHash", self.request_hash, 32)
        require_bytes("answerHash", self.answer_hash, 32)
        for field in ("number", "units"):
            if not getattr(self, field):
                raise InvalidInput(field, "is not above 0")

    def to_json(self) -> dict[str, Any]:
        """The document (format `deedbook.usage-receipt`, version 1) as a JSON object."""
        return {
            "format": "deedbook.usage-receipt",
            "version": 1,
            "saleId": to_hex(self.sale_id),
            "gateway": to_hex(self.gateway),
            "number": self.number,
            "at": self.at,
            "units": self.units,
            "requestHash": to_hex(self.request_hash),
            "answerHash": to_hex(self.answer_hash),
        }

    @classmethod
    def from_json(cls, value: object) -> UsageReceipt:
        """The document of a JSON object. Raises InvalidFormat, InvalidInput (a 0), WrongVersion."""
        fields = read_document(value, "deedbook.usage-receipt", _RECEIPT_KEYS)
        return cls(
            fields.hex("saleId", 32),
            fields.hex("gateway", 20),
            fields.number("number", 64),
            fields.number("at", 64),
            fields.number("units", 64),
            fields.hex("requestHash", 32),
            fields.hex("answerHash", 32),
        )

    def encode(self) -> bytes:
        """The document's canonical bytes: an entry of the receipts' tree."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> UsageReceipt:
        """The document of its canonical bytes; no other spelling is taken."""
        return cls.from_json(parse_canonical_json(data, "deedbook.usage-receipt"))


def receipts_root(receipts: Sequence[UsageReceipt]) -> bytes:
    """RFC 9162 root over the canonical receipts in the order of their numbers; 32 zero bytes where there is none."""
    return rfc9162_root(receipt.encode() for receipt in receipts) if receipts else ZERO32


@dataclass(frozen=True, slots=True)
class UsageReport:
    """A period [`first`, `end`) of a sale's use, in Unix seconds (IUsage.Report): units used, the receipts' root."""

    sale_id: bytes
    first: int
    end: int
    count: int
    root: bytes

    def __post_init__(self) -> None:
        require_bytes("saleId", self.sale_id, 32)
        require_time("from", self.first)
        require_time("to", self.end)
        require_unsigned("count", self.count, 64)
        require_bytes("receiptsRoot", self.root, 32)

    def as_tuple(self) -> tuple[bytes, int, int, int, bytes]:
        """For a call."""
        return (self.sale_id, self.first, self.end, self.count, self.root)

    def to_json(self) -> dict[str, Any]:
        """The fields in JSON, as typed data names them."""
        return {
            "saleId": to_hex(self.sale_id),
            "from": self.first,
            "to": self.end,
            "count": str(self.count),
            "receiptsRoot": to_hex(self.root),
        }

    @classmethod
    def from_json(cls, value: object) -> UsageReport:
        """The report of its five fields. Raises InvalidFormat."""
        fields = Fields(value, "report", _REPORT_KEYS)
        return cls(
            fields.hex("saleId", 32),
            fields.number("from", 64),
            fields.number("to", 64),
            fields.decimal("count", 64),
            fields.hex("receiptsRoot", 32),
        )


def report_of(sale_id: bytes, first: int, end: int, receipts: Sequence[UsageReceipt], *, after: int = 0) -> UsageReport:
    """The report of a period from the receipts of its uses, whose numbers go on from `after`.

    Raises InvalidInput for a receipt of another sale, out of the period, by another gateway than the first one's, or
    out of order.
    """
    for number, receipt in enumerate(receipts, start=after + 1):
        if receipt.sale_id != sale_id:
            raise InvalidInput("receipts", f"use {receipt.number} is of another sale")
        if receipt.gateway != receipts[0].gateway:
            raise InvalidInput("receipts", f"use {receipt.number} is by another gateway")
        if receipt.number != number:
            raise InvalidInput("receipts", f"use {receipt.number} stands where use {number} belongs")
        if not first <= receipt.at < end:
            raise InvalidInput("receipts", f"use {receipt.number} is not in the period")
    return UsageReport(sale_id, first, end, sum(receipt.units for receipt in receipts), receipts_root(receipts))


def report_digest(domain: UsageDomain, report: UsageReport) -> bytes:
    """The EIP-712 digest that provider and gateway sign."""
    words = report.sale_id + word(report.first) + word(report.end) + word(report.count) + report.root
    return digest(domain.separator, REPORT_TYPE_HASH + words)


def report_typed_data(domain: UsageDomain, report: UsageReport) -> dict[str, Any]:
    """The report for `eth_signTypedData_v4`."""
    return typed(domain, "UsageReport", REPORT_TYPE, report.to_json())


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A report with one party's signature (format 33): how it goes from gateway to provider, or back."""

    domain: UsageDomain
    report: UsageReport
    signer: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_bytes("signer", self.signer, 20)
        require_signature(self.signature)

    @property
    def digest(self) -> bytes:
        """What was signed."""
        return report_digest(self.domain, self.report)

    def to_json(self) -> dict[str, Any]:
        """The document (format `deedbook.usage-report`, version 1) as a JSON object."""
        return {
            "format": "deedbook.usage-report",
            "version": 1,
            "chainId": str(self.domain.chain_id),
            "contract": to_hex(self.domain.contract),
            "report": self.report.to_json(),
            "signer": to_hex(self.signer),
            "signature": to_hex(self.signature),
        }

    @classmethod
    def from_json(cls, value: object) -> SignedReport:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion, InvalidSignature (a length)."""
        fields = read_document(value, "deedbook.usage-report", _SIGNED_KEYS)
        domain = UsageDomain(fields.decimal("chainId", 256), fields.hex("contract", 20))
        report = UsageReport.from_json(fields.raw("report"))
        return cls(domain, report, fields.hex("signer", 20), fields.hex("signature"))

    def encode(self) -> bytes:
        """The document's canonical bytes."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> SignedReport:
        """The document of its canonical bytes; no other spelling is taken."""
        return cls.from_json(parse_canonical_json(data, "deedbook.usage-report"))


def receipts_in(lines: Sequence[bytes]) -> tuple[UsageReceipt, ...]:
    """The receipts of canonical lines. Raises InvalidFormat naming the line."""
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(UsageReceipt.decode(line))
        except InvalidInput as error:
            raise InvalidFormat(f"line {number}", f"{error.field}: {error.reason}") from error
    return tuple(found)


_RECEIPT_KEYS: Final = ("saleId", "gateway", "number", "at", "units", "requestHash", "answerHash")
_REPORT_KEYS: Final = ("saleId", "from", "to", "count", "receiptsRoot")
_SIGNED_KEYS: Final = ("chainId", "contract", "report", "signer", "signature")
