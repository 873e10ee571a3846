"""What is done at a desk: a form says which act, the service drafts it, the member's wallet signs it, the service
relays it (`static/acting.js`). No key is asked for; whoever has no scripts reads which command does the same.

Before anything is signed the script looks at the draft itself: that it is the member's, for the forwarder of this
deployment, that it calls the function of the contract that the form is for, and says in its place every value that was
said in the form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from markupsafe import Markup

from deedbook.api.web.asked import Asked
from deedbook.api.web.consenting import spoken as wallet_words
from deedbook.api.web.sections import Section
from deedbook.chain import abis
from deedbook.domain.abi import head_size
from deedbook.domain.codes import AttestationKind, Outcome, word_of
from deedbook.domain.hashing import checksum_address, parse_address, to_hex
from deedbook.domain.relaying import ForwardDomain, ForwardRequest, request_typed_data

WORD: Final = 32
TERMS: Final = (30, 90, 180, 365)
"""Days that a statement is said for."""


@dataclass(frozen=True)
class Input:
    """Something to say in a form. `kind`: `text`; `choice` (one of `options`: value and words); `grounds`, a text that
    is published once its hash is signed, or 32 bytes of hex that name a document; `days`, a number of days from now
    that becomes a time; `number`; `fixed`, what is not asked."""

    name: str
    label: str
    kind: str
    value: str = ""
    options: Sequence[tuple[str, Markup]] = ()
    hint: str | None = None


@dataclass(frozen=True)
class Act:
    """Where an act is drafted - `{names}` of the path are inputs, every other one goes into the body - and what it
    calls; `says` is the argument that each input becomes (`struct.component` in a struct), what it is about first;
    `document` what kind of document `grounds` becomes."""

    draft: str
    contract: str
    function: str
    says: Mapping[str, str]
    document: str = "document"

    @property
    def places(self) -> dict[str, int]:
        """Of each input the word of the call's arguments that says it, from 0 (Contract ABI Specification)."""
        inputs = abis.functions(self.contract)[self.function].inputs
        return {name: _place(inputs, *argument.split(".")) for name, argument in self.says.items()}


SALE: Final = {"sale": "saleId"}
WHY: Final = {"document": "documentHash"}
STATED: Final = {"target": "target", "kind": "kind", "outcome": "outcome", **WHY, "validUntil": "validUntil"}
PAID: Final = {**SALE, "receipt": "payout.receiptHash", "list": "payout.list"}
DECIDED: Final = {**SALE, "outcome": "outcome", **WHY}
ACTS: Final[Mapping[str, Act]] = {
    "attest": Act("/drafts/attestations", "Attestations", "attest", STATED, "report"),
    "order": Act("/drafts/sales", "Market", "order", {"offer": "offerId"}),
    "confirm": Act(
        "/drafts/sales/{sale}/payment", "Market", "confirmPayment", {**SALE, "receipt": "receiptHash"}, "receipt"
    ),
    "prepare": Act("/drafts/sales/{sale}/preparation", "Market", "prepare", SALE),
    "deliver": Act("/drafts/sales/{sale}/delivery", "Market", "deliver", SALE),
    "accept": Act("/drafts/sales/{sale}/acceptance", "Market", "accept", SALE),
    "dispute": Act("/drafts/sales/{sale}/dispute", "Market", "dispute", {**SALE, **WHY}),
    "decide": Act("/drafts/sales/{sale}/decision", "Market", "decideDispute", DECIDED),
    "settle": Act("/drafts/sales/{sale}/settlement", "Revenue", "settle", SALE),
    "pay": Act("/drafts/sales/{sale}/payouts", "Revenue", "confirmPayout", PAID, "receipt"),
    "hold": Act("/drafts/holds", "Cases", "hold", {"target": "target", **WHY}),
    "release": Act("/drafts/holds/release", "Cases", "release", {"target": "target", **WHY}),
}
"""What is done at desks, by name."""


CODES: Final[Mapping[str, Mapping[str, int]]] = {
    "kind": {word_of(each): int(each) for each in AttestationKind},
    "outcome": {word_of(each): int(each) for each in Outcome},
}
"""Inputs that are said as words, and the numbers that they are on chain."""

SAID: Final = ("drafting", "act_signing", "other_member", "wrong_act", "wrong_document", "rejected", "session_over")
"""Entries of the catalogues, under `acting.`, that the script says besides what wallets make it say."""


@dataclass(frozen=True)
class Form(Section):
    """The form of an act; `command` does the same without a browser."""

    kind: ClassVar[str] = "act"
    title: str
    act: str
    inputs: Sequence[Input]
    command: str
    aside: str | None = None
    anchor: str | None = None
    """The name under which links lead to it."""

    @property
    def press(self) -> str:
        """The entry of what stands on the button."""
        return f"act.{self.act}"


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
        "places": act.places,
        "codes": {name: CODES[name] for name in act.says if name in CODES},
        "document": act.document,
    }


def _place(parameters: abis.Parameters, name: str, *inside: str) -> int:
    """The word at which a value stands: behind the heads of those before it, and in a static struct behind theirs."""
    names = [each["name"] for each in parameters]
    before, found = parameters[: names.index(name)], parameters[names.index(name)]
    place = sum(head_size(abis.type_of(each)) for each in before) // WORD
    return place + _place(found["components"], *inside) if inside else place


# -- inputs that several forms have ------------------------------------------------------------------------------------


def picked(asked: Asked, name: str, label: str, options: Sequence[tuple[str, Markup]]) -> Input:
    """One of these; what the link says, where it is one of them."""
    wanted = asked.query.get(name, "")
    return Input(name, label, "choice", wanted if wanted in dict(options) else "", options)


def grounds(name: str, label: str) -> Input:
    """A document that says why, or what."""
    return Input(name, label, "grounds", hint="act.grounds")


def until(asked: Asked) -> Input:
    """Until when a statement is valid."""
    options = [(str(days), asked.shown.words.count("age.days", days)) for days in TERMS]
    return Input("validUntil", "act.term", "days", "180", options)


def outcome(asked: Asked) -> Input:
    """Positive or negative."""
    options = [(word, asked.shown.say(f"outcome.{word}")) for word in ("positive", "negative")]
    return Input("outcome", "attestation.outcome", "choice", "positive", options)
