"""Offers and sales: the terms under which a version is sold, and the identifiers that commit to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deedbook.domain.abi import encode
from deedbook.domain.documents import Fields, read_document, read_hex, require_bytes, require_flag, require_unsigned
from deedbook.domain.hashing import canonical_json, keccak256, parse_canonical_json, to_hex
from deedbook.errors import InvalidFormat, InvalidInput

OFFER_TAG: Final = keccak256(b"deedbook.offer.v1")
SALE_TAG: Final = keccak256(b"deedbook.sale.v1")

OFFER_ABI: Final = (
    "(address,uint256,uint32,bytes32,uint16,uint16,(uint128,uint128,uint128,uint128,bytes3),"
    "(address,uint16,uint16,uint16,(address,uint16)[]),bytes32,bytes32,uint64,uint64,uint64,(uint16,uint16[]),"
    "(bool,uint64,uint32,uint128,address[]),bytes32)"
)
"""IMarket.Offer for `domain.abi`."""


def currency_text(currency: bytes) -> str:
    """The ISO 4217 code of three ASCII bytes. Raises InvalidInput for others."""
    require_bytes("currency", currency, 3)
    if not all(65 <= sign <= 90 for sign in currency):
        raise InvalidInput("currency", "is not three capital letters (ISO 4217)")
    return currency.decode("ascii")


def parse_currency(text: object) -> bytes:
    """The three bytes of an ISO 4217 code. Raises InvalidInput for others."""
    if not isinstance(text, str) or not text.isascii():
        raise InvalidInput("currency", "is not three capital letters (ISO 4217)")
    currency = text.encode("ascii")
    currency_text(currency)
    return currency


@dataclass(frozen=True, slots=True)
class Price:
    """The price lines of an offer in minor units (uint128 each) of one ISO 4217 currency (three ASCII bytes)."""

    data: int
    algorithm: int
    compute: int
    service: int
    currency: bytes

    def __post_init__(self) -> None:
        for line in ("data", "algorithm", "compute", "service"):
            require_unsigned(f"price.{line}", getattr(self, line), 128)
        currency_text(self.currency)

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.data + self.algorithm + self.compute + self.service


@dataclass(frozen=True, slots=True)
class Intermediary:
    """Who shares in a sale besides exchange, provider and subjects, and for how many basis points."""

    account: bytes
    bps: int

    def __post_init__(self) -> None:
        require_bytes("split.intermediaries.account", self.account, 20)
        require_unsigned("split.intermediaries.bps", self.bps, 16)


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of the price in basis points. That they add up is the contract's rule."""

    exchange: bytes
    exchange_bps: int
    provider_bps: int
    subjects_bps: int
    intermediaries: tuple[Intermediary, ...] = ()

    def __post_init__(self) -> None:
        require_bytes("split.exchange", self.exchange, 20)
        for share in ("exchange_bps", "provider_bps", "subjects_bps"):
            require_unsigned(f"split.{share}", getattr(self, share), 16)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Who may buy: a class (0: any) and, where not empty, ISO 3166-1 numeric jurisdictions."""

    buyer_class: int = 0
    jurisdictions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require_unsigned("conditions.buyerClass", self.buyer_class, 16)
        for jurisdiction in self.jurisdictions:
            require_unsigned("conditions.jurisdictions", jurisdiction, 16)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The limits of a sandbox offer: end in Unix seconds, orders, price in minor units, named buyers."""

    on: bool = False
    end: int = 0
    max_orders: int = 0
    max_price: int = 0
    buyers: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        require_flag("sandbox.on", self.on)
        require_unsigned("sandbox.end", self.end, 64)
        require_unsigned("sandbox.maxOrders", self.max_orders, 32)
        require_unsigned("sandbox.maxPrice", self.max_price, 128)
        for buyer in self.buyers:
            require_bytes("sandbox.buyers", buyer, 20)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is sold, how, to whom and for what (IMarket.Offer). Accounts 20 bytes, hashes and keys 32; `mode` one bit;
    `quota` uses (0: unlimited); `term` seconds after delivery; `valid_until` Unix seconds."""

    provider: bytes
    asset_id: int
    version: int
    version_key: bytes
    mode: int
    purpose: int
    price: Price
    split: Split
    terms_hash: bytes
    policy_hash: bytes
    quota: int
    term: int
    valid_until: int
    conditions: Conditions
    sandbox: Sandbox
    salt: bytes

    def __post_init__(self) -> None:
        require_bytes("provider", self.provider, 20)
        require_unsigned("assetId", self.asset_id, 256)
        require_unsigned("version", self.version, 32)
        require_bytes("versionKey", self.version_key, 32)
        require_unsigned("mode", self.mode, 16)
        require_unsigned("purpose", self.purpose, 16)
        require_bytes("termsHash", self.terms_hash, 32)
        require_bytes("policyHash", self.policy_hash, 32)
        require_unsigned("quota", self.quota, 64)
        require_unsigned("term", self.term, 64)
        require_unsigned("validUntil", self.valid_until, 64)
        require_bytes("salt", self.salt, 32)

    def as_tuple(self) -> tuple[Any, ...]:
        """For a call, and for `OFFER_ABI`."""
        price, split, sandbox = self.price, self.split, self.sandbox
        return (
            self.provider,
            self.asset_id,
            self.version,
            self.version_key,
            self.mode,
            self.purpose,
            (price.data, price.algorithm, price.compute, price.service, price.currency),
            (
                split.exchange,
                split.exchange_bps,
                split.provider_bps,
                split.subjects_bps,
                tuple((each.account, each.bps) for each in split.intermediaries),
            ),
            self.terms_hash,
            self.policy_hash,
            self.quota,
            self.term,
            self.valid_until,
            (self.conditions.buyer_class, self.conditions.jurisdictions),
            (sandbox.on, sandbox.end, sandbox.max_orders, sandbox.max_price, sandbox.buyers),
            self.salt,
        )

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Offer:
        """The offer as `OfferListed` carries it: structs as mappings by ABI name, arrays as tuples."""
        price, split, sandbox = args["price"], args["split"], args["sandbox"]
        return cls(
            provider=args["provider"],
            asset_id=args["assetId"],
            version=args["version"],
            version_key=args["versionKey"],
            mode=args["mode"],
            purpose=args["purpose"],
            price=Price(price["data"], price["algorithm"], price["compute"], price["service"], price["currency"]),
            split=Split(
                split["exchange"],
                split["exchangeBps"],
                split["providerBps"],
                split["subjectsBps"],
                tuple(Intermediary(each["account"], each["bps"]) for each in split["intermediaries"]),
            ),
            terms_hash=args["termsHash"],
            policy_hash=args["policyHash"],
            quota=args["quota"],
            term=args["term"],
            valid_until=args["validUntil"],
            conditions=Conditions(args["conditions"]["buyerClass"], tuple(args["conditions"]["jurisdictions"])),
            sandbox=Sandbox(
                sandbox["on"], sandbox["end"], sandbox["maxOrders"], sandbox["maxPrice"], tuple(sandbox["buyers"])
            ),
            salt=args["salt"],
        )

    def to_json(self) -> dict[str, Any]:
        """The document (format `deedbook.offer`, version 1) as a JSON object."""
        price, split, sandbox = self.price, self.split, self.sandbox
        return {
            "format": "deedbook.offer",
            "version": 1,
            "provider": to_hex(self.provider),
            "assetId": str(self.asset_id),
            "assetVersion": self.version,
            "versionKey": to_hex(self.version_key),
            "mode": int(self.mode),
            "purpose": int(self.purpose),
            "price": {
                "data": str(price.data),
                "algorithm": str(price.algorithm),
                "compute": str(price.compute),
                "service": str(price.service),
                "currency": currency_text(price.currency),
            },
            "split": {
                "exchange": to_hex(split.exchange),
                "exchangeBps": split.exchange_bps,
                "providerBps": split.provider_bps,
                "subjectsBps": split.subjects_bps,
                "intermediaries": [{"account": to_hex(each.account), "bps": each.bps} for each in split.intermediaries],
            },
            "termsHash": to_hex(self.terms_hash),
            "policyHash": to_hex(self.policy_hash),
            "quota": str(self.quota),
            "term": str(self.term),
            "validUntil": str(self.valid_until),
            "conditions": {
                "buyerClass": int(self.conditions.buyer_class),
                "jurisdictions": [int(each) for each in self.conditions.jurisdictions],
            },
            "sandbox": {
                "on": sandbox.on,
                "end": str(sandbox.end),
                "maxOrders": sandbox.max_orders,
                "maxPrice": str(sandbox.max_price),
                "buyers": [to_hex(buyer) for buyer in sandbox.buyers],
            },
            "salt": to_hex(self.salt),
        }

    @classmethod
    def from_json(cls, value: object) -> Offer:
        """The document of a JSON object. Raises InvalidFormat, InvalidInput (a currency), WrongVersion."""
        fields = read_document(value, "deedbook.offer", _OFFER_KEYS)
        return cls(
            provider=fields.hex("provider", 20),
            asset_id=fields.decimal("assetId", 256),
            version=fields.number("assetVersion", 32),
            version_key=fields.hex("versionKey", 32),
            mode=fields.number("mode", 16),
            purpose=fields.number("purpose", 16),
            price=_price(fields.object("price", ("data", "algorithm", "compute", "service", "currency"))),
            split=_split(fields.object("split", _SPLIT_KEYS)),
            terms_hash=fields.hex("termsHash", 32),
            policy_hash=fields.hex("policyHash", 32),
            quota=fields.decimal("quota", 64),
            term=fields.decimal("term", 64),
            valid_until=fields.decimal("validUntil", 64),
            conditions=_conditions(fields.object("conditions", ("buyerClass", "jurisdictions"))),
            sandbox=_sandbox(fields.object("sandbox", ("on", "end", "maxOrders", "maxPrice", "buyers"))),
            salt=fields.hex("salt", 32),
        )

    def encode(self) -> bytes:
        """The document's canonical bytes."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> Offer:
        """The document of its canonical bytes; no other spelling is taken. Raises as `from_json`."""
        return cls.from_json(parse_canonical_json(data, "deedbook.offer"))


@dataclass(frozen=True, slots=True)
class Ordered:
    """What every later act of a sale brings along, since the chain keeps their hash alone: the sale's id, the offer,
    and the buyer's own 32 bytes."""

    sale_id: bytes
    offer: Offer
    reference: bytes

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The first arguments of such an act."""
        return (self.sale_id, self.offer.as_tuple(), self.reference)


@dataclass(frozen=True, slots=True)
class Policy:
    """What listing and ordering ask for a kind and grade (IMarket.Policy): attestation kinds as bits (1 << kind), and
    the modes that may be sold."""

    to_list: int
    to_order: int
    modes: int

    def __post_init__(self) -> None:
        require_unsigned("toList", self.to_list, 16)
        require_unsigned("toOrder", self.to_order, 16)
        require_unsigned("modes", self.modes, 16)

    def as_tuple(self) -> tuple[int, int, int]:
        """For a call."""
        return (int(self.to_list), int(self.to_order), int(self.modes))


def offer_id(chain_id: int, market: bytes, offer: Offer) -> bytes:
    """keccak256(abi.encode(OFFER_TAG, chainId, Market, offer)): the hash that a buyer names."""
    types = ["bytes32", "uint256", "address", OFFER_ABI]
    return keccak256(encode(types, [OFFER_TAG, chain_id, market, offer.as_tuple()]))


def sale_id(offer_id: bytes, buyer: bytes, reference: bytes) -> bytes:
    """keccak256(abi.encode(SALE_TAG, offerId, buyer, reference)); `reference` is the buyer's 32 bytes."""
    types = ["bytes32", "bytes32", "address", "bytes32"]
    return keccak256(encode(types, [SALE_TAG, offer_id, buyer, reference]))


_OFFER_KEYS: Final = (
    "provider",
    "assetId",
    "assetVersion",
    "versionKey",
    "mode",
    "purpose",
    "price",
    "split",
    "termsHash",
    "policyHash",
    "quota",
    "term",
    "validUntil",
    "conditions",
    "sandbox",
    "salt",
)
_SPLIT_KEYS: Final = ("exchange", "exchangeBps", "providerBps", "subjectsBps", "intermediaries")


def _price(fields: Fields) -> Price:
    return Price(
        fields.decimal("data", 128),
        fields.decimal("algorithm", 128),
        fields.decimal("compute", 128),
        fields.decimal("service", 128),
        parse_currency(fields.text("currency")),
    )


def _split(fields: Fields) -> Split:
    where = fields.path("intermediaries")
    rows = [Fields(row, where, ("account", "bps")) for row in fields.array("intermediaries")]
    return Split(
        fields.hex("exchange", 20),
        fields.number("exchangeBps", 16),
        fields.number("providerBps", 16),
        fields.number("subjectsBps", 16),
        tuple(Intermediary(row.hex("account", 20), row.number("bps", 16)) for row in rows),
    )


def _conditions(fields: Fields) -> Conditions:
    jurisdictions = fields.array("jurisdictions")
    for each in jurisdictions:
        if not isinstance(each, int) or isinstance(each, bool) or not 0 <= each < 2**16:
            raise InvalidFormat(fields.path("jurisdictions"), "is not an array of 16-bit numbers")
    return Conditions(fields.number("buyerClass", 16), tuple(jurisdictions))


def _sandbox(fields: Fields) -> Sandbox:
    return Sandbox(
        fields.flag("on"),
        fields.decimal("end", 64),
        fields.number("maxOrders", 32),
        fields.decimal("maxPrice", 128),
        tuple(read_hex(buyer, fields.path("buyers"), 20) for buyer in fields.array("buyers")),
    )
