"""What is done at a desk: a form says which act, the service drafts it, the member's wallet signs it, the service
relays it (`static/acting.js`). No key is asked for; whoever has no scripts reads which command does the same.

Before anything is signed the script looks at the draft itself: that it is the member's, for the forwarder of this
deployment, that it calls the function of the contract that the form is for, and says in its place every value that was
said in the form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from markupsafe import Markup

from deedbook.api.web.asked import Asked
from deedbook.api.web.consenting import spoken as wallet_words
from deedbook.api.web.sections import Section
from deedbook.chain import abis
from deedbook.domain.abi import head_size, is_dynamic
from deedbook.domain.codes import AttestationKind, Outcome, word_of
from deedbook.domain.hashing import checksum_address, parse_address, to_hex
from deedbook.domain.members import KEY_TAG
from deedbook.domain.relaying import ForwardDomain, ForwardRequest, request_typed_data
from deedbook.vault.envelopes import PUBLIC_LENGTHS

WORD: Final = 32
SHORT: Final = 100
LONG: Final = 4000
"""Characters of an input of one line, and of one of several, where it says nothing else."""
TERMS: Final = (30, 90, 180, 365)
"""Days that a statement is said for."""


@dataclass(frozen=True)
class Input:
    """Something to say in a form. `kind`: `text`; `choice` (one of `options`: value and words); `grounds`, a text that
    is published once its hash is signed, or 32 bytes of hex that name a document; `account`; `days`, a number of days
    from now that becomes a time; `span`, one that becomes seconds; `first` and `last`, a day that becomes its first or
    last second; `number`; `numbers`; `assets`; `money` and `percent`, in hundredths; `key`, 32 bytes of hex, and
    `octets`, any number of them; `rows` and `pairs`, lines of parts; `long`, a text whose lines become one; `json`;
    `fresh`, 32 new bytes; `fixed`, what is not asked; `several`, any of `options`, as text with commas between;
    `words`, what stands between spaces or lines; `file`, what the script reads. What has more than `most` characters is
    refused, not cut.

    It may say several values: then `name` has their names with spaces between, and the value is an array of them. What
    is `as_text` is sent as text, as large numbers are."""

    name: str
    label: str
    kind: str
    value: str = ""
    options: Sequence[tuple[str, Markup]] = ()
    hint: str | None = None
    as_text: bool = False
    required: bool = True
    most: int = 0

    @property
    def is_asked(self) -> bool:
        """Whether somebody fills it in."""
        return bool(self.options) or self.kind not in ("fixed", "json", "fresh")

    @property
    def is_long(self) -> bool:
        """Whether it has lines."""
        return self.kind in ("grounds", "rows", "pairs", "long", "words")

    @property
    def longest(self) -> int:
        """How many characters it may have."""
        return self.most or (LONG if self.is_long else SHORT)

    @property
    def is_number(self) -> bool:
        """Whether it has digits alone."""
        return self.kind in ("number", "money", "percent")

    @property
    def pattern(self) -> str | None:
        """What its text has to look like."""
        return PATTERNS.get(self.kind)


PATTERNS: Final = {
    "number": "[0-9]{1,9}",
    "numbers": "[0-9 ,，、]*",
    "assets": "((0x[0-9a-f]{64}|[0-9]{1,78})([ ,，、]+|$))*",
    "key": "0x[0-9a-fA-F]{64}",
    "account": "0x[0-9a-fA-F]{40}",
    "octets": "0x([0-9a-fA-F]{2})+",
    "money": r"[0-9]{1,13}(\.[0-9]{1,2})?",
    "percent": r"[0-9]{1,3}(\.[0-9]{1,2})?",
}
"""What is typed for some kinds of inputs, as HTML has it."""


@dataclass(frozen=True)
class Act:
    """Where an act is drafted - `{names}` of the path are inputs, every other one goes into the body, those with dots
    into objects of it - and what it calls; `says` is the argument that each input becomes (`struct.component` in a
    struct), what it is about first; `documents` which kind of document an input of `grounds` becomes.

    `besides` is sent with it; `within` are inputs that are said inside what another one says; arguments of `nothing`
    have to be zero, or empty. `parts`: documents that are written in the form, by the name of their hash, each with
    what all of its kind have; their inputs are `name.member`. `commits`: inputs that the call says by the SHA-256 of
    this tag, the suite and the bytes; `keeps`: where all that was said is handed over once the act is done."""

    draft: str
    contract: str
    function: str
    says: Mapping[str, str]
    documents: Mapping[str, str] = field(default_factory=dict)
    besides: Mapping[str, Any] = field(default_factory=dict)
    within: Sequence[str] = ()
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    nothing: Sequence[str] = ()
    commits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    keeps: str | None = None

    @property
    def empty(self) -> list[list[int]]:
        """The places of what has to be nothing."""
        inputs = abis.functions(self.contract)[self.function].inputs
        return [_place(inputs, *argument.split(".")) for argument in self.nothing]

    @property
    def places(self) -> dict[str, list[int]]:
        """Of each input the word of the call's arguments that says it, from 0: the last step of a path each of whose
        former ones is an offset to follow (Contract ABI Specification)."""
        inputs = abis.functions(self.contract)[self.function].inputs
        return {name: _place(inputs, *argument.split(".")) for name, argument in self.says.items()}


PRICES: Final = ("data", "algorithm", "compute", "service")
SHARES: Final = ("exchangeBps", "providerBps", "subjectsBps")
SALE: Final = {"sale": "saleId"}
WHY: Final = {"document": "documentHash"}
STATED: Final = {"target": "target", "kind": "kind", "outcome": "outcome", **WHY, "validUntil": "validUntil"}
RECEIPT: Final = {"receipt": "receipt"}
PAID: Final = {**SALE, "receipt": "payout.receiptHash", "list": "payout.list"}
DECIDED: Final = {**SALE, "outcome": "outcome", **WHY}
ASSET: Final = {"asset_id": "assetId"}
VERSIONS: Final = "/drafts/assets/{asset_id}/versions"
CONTENT: Final = ("contentRoot", "recordCount", "descriptorHash")
VERSION: Final = {each.removesuffix("Hash"): f"version.{each}" for each in CONTENT}
DESCRIPTOR: Final = {"descriptor": {"format": "deedbook.descriptor", "version": 1}}
SOURCE: Final = {"source": "source"}
REGISTERED: Final = {
    **{each: f"registration.{each}" for each in ("salt", "kind", "grade", "level", "parents")},
    "source": "registration.sourceHash",
}
ENDED: Final = {**ASSET, "account": "account", "right": "right", **WHY}
SCOPE: Final = {"modeBits": "scope.modes", "purposeBits": "scope.purposes", "validUntil": "scope.validUntil"}
GRANTED: Final = {**ENDED, **SCOPE}
LICENCE: Final = {"document": "terms"}
OFFERED: Final = {
    "offer.versionKey": "offer.versionKey",
    "offer.assetVersion": "offer.version",
    **{f"offer.{each}": f"offer.{each}" for each in ("provider", "assetId", "mode", "purpose", "quota", "term")},
    **{f"offer.price.{each}": f"offer.price.{each}" for each in (*PRICES, "currency")},
    **{f"offer.split.{each}": f"offer.split.{each}" for each in ("exchange", *SHARES)},
    **{f"offer.conditions.{each}": f"offer.conditions.{each}" for each in ("buyerClass", "jurisdictions")},
    **{f"offer.{each}": f"offer.{each}" for each in ("validUntil", "termsHash", "policyHash", "salt")},
}
TEXTS: Final = {"offer.termsHash": "terms", "offer.policyHash": "policy"}
NONE: Final = (
    *(f"sandbox.{each}" for each in ("on", "end", "maxOrders", "maxPrice", "buyers")),
    "split.intermediaries",
)
"""What an offer has besides that no form asks for: whoever wants it says so by the command."""
OFFER: Final = {
    "offer.format": "deedbook.offer",
    "offer.version": 1,
    "offer.sandbox": {"on": False, "end": "0", "maxOrders": 0, "maxPrice": "0", "buyers": []},
    "offer.split.intermediaries": [],
}
COMMITTED: Final = {
    "tag": KEY_TAG.decode(),
    "lengths": {str(int(suite)): size for suite, size in PUBLIC_LENGTHS.items()},
}
ACTS: Final[Mapping[str, Act]] = {
    "attest": Act("/drafts/attestations", "Attestations", "attest", STATED, {"document": "report"}),
    "order": Act("/drafts/sales", "Market", "order", {"offer": "offerId"}),
    "key": Act(
        "/drafts/members/encryption-keys",
        "Membership",
        "registerEncryptionKey",
        {"suite": "suite", "publicKey": "key"},
        commits={"publicKey": COMMITTED},
        keeps="/members/{as}/public-key",
    ),
    "confirm": Act(
        "/drafts/sales/{sale}/payment", "Market", "confirmPayment", {**SALE, "receipt": "receiptHash"}, RECEIPT
    ),
    "prepare": Act("/drafts/sales/{sale}/preparation", "Market", "prepare", SALE),
    "deliver": Act("/drafts/sales/{sale}/delivery", "Market", "deliver", SALE),
    "accept": Act("/drafts/sales/{sale}/acceptance", "Market", "accept", SALE),
    "dispute": Act("/drafts/sales/{sale}/dispute", "Market", "dispute", {**SALE, **WHY}),
    "decide": Act("/drafts/sales/{sale}/decision", "Market", "decideDispute", DECIDED),
    "settle": Act("/drafts/sales/{sale}/settlement", "Revenue", "settle", SALE),
    "pay": Act("/drafts/sales/{sale}/payouts", "Revenue", "confirmPayout", PAID, RECEIPT),
    "hold": Act("/drafts/holds", "Cases", "hold", {"target": "target", **WHY}),
    "open": Act("/drafts/cases", "Cases", "open", {"target": "target", "kind": "kind", **WHY}),
    "conclude": Act(
        "/drafts/cases/{case}/decision", "Cases", "decide", {"case": "caseId", "outcome": "outcome", **WHY}
    ),
    "release": Act("/drafts/holds/release", "Cases", "release", {"target": "target", **WHY}),
    "register": Act(
        "/drafts/assets", "DataAssets", "register", REGISTERED, SOURCE, nothing=[f"version.{each}" for each in CONTENT]
    ),
    "enrol": Act("/drafts/assets", "DataAssets", "register", REGISTERED | VERSION, SOURCE, parts=DESCRIPTOR),
    "publish": Act(VERSIONS, "DataAssets", "publish", {**ASSET, **VERSION}, parts=DESCRIPTOR),
    "sealed": Act(VERSIONS, "DataAssets", "publish", {**ASSET, **VERSION}),
    "anchor": Act("/drafts/assets/{asset_id}/batches", "Consents", "grantBatch", ASSET, nothing=["salt"]),
    "bind": Act(
        "/drafts/assets/{asset_id}/bindings",
        "Consents",
        "bind",
        {**ASSET, "version": "version", "bases": "batches"},
        within=("auditor", "batches"),
    ),
    "list": Act(
        "/drafts/offers", "Market", "list", OFFERED, TEXTS, besides=OFFER, nothing=[f"offer.{each}" for each in NONE]
    ),
    "grant": Act(
        "/drafts/assets/{asset_id}/rights", "DataAssets", "grantRight", GRANTED, LICENCE, within=("modes", "purposes")
    ),
    "end": Act("/drafts/assets/{asset_id}/rights/end", "DataAssets", "endRight", ENDED),
    "close": Act("/drafts/offers/{offer}/closing", "Market", "close", {"terms": "offer"}, within=("offer",)),
}
"""What is done at desks, by name."""
ERRANDS: Final = ("notice", "seal")
"""What is done there without a signature."""


CODES: Final[Mapping[str, Mapping[str, int]]] = {
    "kind": {word_of(each): int(each) for each in AttestationKind},
    "outcome": {word_of(each): int(each) for each in Outcome},
}
"""Inputs that are said as words, and the numbers that they are on chain."""

SAID: Final = (
    "drafting",
    "act_signing",
    "other_member",
    "wrong_act",
    "wrong_document",
    "rejected",
    "session_over",
    "unclear",
    "too_long",
    "wrong_key",
    "other_document",
    "unreadable",
    "no_records",
    "bad_record",
)
"""Entries of the catalogues, under `acting.`, that the script says besides what wallets make it say."""


@dataclass(frozen=True)
class Form(Section):
    """The form of an act; `command` does the same without a browser."""

    kind: ClassVar[str] = "act"
    is_signed: ClassVar[bool] = True
    title: str
    act: str
    inputs: Sequence[Input]
    command: str
    aside: str | None = None
    anchor: str | None = None
    """The name under which links lead to it."""
    folded: bool = False
    """Whether it is opened by who wants it: a desk may have many."""

    @property
    def press(self) -> str:
        """The entry of what stands on the button."""
        return f"act.{self.act}"


@dataclass(frozen=True)
class Errand(Form):
    """The form of what no wallet signs (`static/errands.js`); `shown` is what came of it, by name, with its label."""

    is_signed: ClassVar[bool] = False
    shown: Sequence[tuple[str, str]] = ()


def told(asked: Asked, account: bytes, acts: Sequence[str]) -> dict[str, Any]:
    """What the script is told: who acts, where requests count, and how each act is drafted and known again."""
    deployment = asked.home.deployment()
    contracts = deployment["contracts"]
    domain = ForwardDomain(int(deployment["chainId"]), parse_address(contracts["Forwarder"], "contract"))
    nothing = ForwardRequest(sender=bytes(20), to=bytes(20), gas=0, nonce=0, deadline=0, data=b"")
    return {
        "root": asked.shown.root,
        "door": asked.has_door,
        "account": checksum_address(account),
        "domain": {
            "name": domain.NAME,
            "version": domain.VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": checksum_address(domain.contract),
        },
        "types": request_typed_data(domain, nothing)["types"],
        "acts": {name: _told(ACTS[name], contracts) for name in acts},
    }


def spoken(asked: Asked, said: Mapping[str, Any]) -> dict[str, Any]:
    """What a desk hands to its script: what is asked for, and the words."""
    handed = wallet_words(asked, said)
    return {
        **handed,
        "spoken": {**handed["spoken"], **{name: asked.shown.words.one[f"acting.{name}"] for name in SAID}},
    }


def _told(act: Act, contracts: Mapping[str, str]) -> dict[str, Any]:
    selector = abis.functions(act.contract)[act.function].selector
    return {
        "draft": act.draft,
        "to": contracts[act.contract],
        "selector": to_hex(selector),
        "about": next(iter(act.says)),
        "documents": act.documents,
        "places": act.places,
        "codes": {name: CODES[name] for name in act.says if name in CODES},
        "besides": act.besides,
        "within": list(act.within),
        "parts": act.parts,
        "empty": act.empty,
        "commits": act.commits,
        "keeps": act.keeps,
    }


def _place(parameters: abis.Parameters, name: str, *inside: str) -> list[int]:
    """The way to a value: behind the heads of those before it, and in a struct behind theirs; a dynamic struct, and an
    array, which begins with its length, stand behind an offset."""
    names = [each["name"] for each in parameters]
    before, found = parameters[: names.index(name)], parameters[names.index(name)]
    place = sum(head_size(abis.type_of(each)) for each in before) // WORD
    rest = _place(found["components"], *inside) if inside else [0]
    return [place, *rest] if is_dynamic(abis.type_of(found)) else [place + rest[0], *rest[1:]]


# -- inputs that several forms have ------------------------------------------------------------------------------------


def picked(asked: Asked, name: str, label: str, options: Sequence[tuple[str, Markup]]) -> Input:
    """One of these; what the link says, where it is one of them."""
    wanted = asked.query.get(name, "")
    return Input(name, label, "choice", wanted if wanted in dict(options) else "", options)


def coded(asked: Asked, group: str, codes: Iterable[int]) -> list[tuple[str, Markup]]:
    """Codes to pick from, by their words."""
    return [(str(int(each)), asked.shown.word(group, each)) for each in codes]


def grounds(name: str, label: str, most: int = 0) -> Input:
    """A document that says why, or what."""
    return Input(name, label, "grounds", hint="act.grounds", most=most)


def until(asked: Asked) -> Input:
    """Until when a statement is valid."""
    options = [(str(days), asked.shown.words.count("age.days", days)) for days in TERMS]
    return Input("validUntil", "act.term", "days", "180", options)


def outcome(asked: Asked) -> Input:
    """Positive or negative."""
    options = [(word, asked.shown.say(f"outcome.{word}")) for word in ("positive", "negative")]
    return Input("outcome", "attestation.outcome", "choice", "positive", options)
