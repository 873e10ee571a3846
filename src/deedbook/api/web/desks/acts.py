"""What is done at a desk: a form says which act, the service drafts it, the member's wallet signs it, the service
relays it (`static/acting.js`). No key is asked for; whoever has no scripts reads which command does the same.

Before anything is signed the script looks at the draft itself: that it is the member's, for the forwarder of this
deployment, that it calls the function of the contract that the form is for, first of all with what was picked, and that
the published document is in it.
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
from deedbook.domain.hashing import checksum_address, parse_address, to_hex
from deedbook.domain.relaying import ForwardDomain, ForwardRequest, request_typed_data

TERMS: Final = (30, 90, 180, 365)
"""Days that a statement is said for."""


@dataclass(frozen=True)
class Input:
    """Something to say in a form. `kind`: `text`; `choice` (one of `options`: value and words); `grounds`, a text that
    is published, or 32 bytes of hex that name a document, and becomes its hash; `days`, a number of days from now that
    becomes a time; `number`; `fixed`, what is not asked."""

    name: str
    label: str
    kind: str
    value: str = ""
    options: Sequence[tuple[str, Markup]] = ()
    hint: str | None = None


@dataclass(frozen=True)
class Act:
    """Where an act is drafted - `{names}` of the path are inputs, every other one goes into the body - and what it
    calls; `key` is the input that the call says first, `document` what kind of document `grounds` becomes."""

    draft: str
    contract: str
    function: str
    key: str
    document: str = "document"


ACTS: Final[Mapping[str, Act]] = {
    "attest": Act("/drafts/attestations", "Attestations", "attest", "target", "report"),
    "order": Act("/drafts/sales", "Market", "order", "offer"),
    "confirm": Act("/drafts/sales/{sale}/payment", "Market", "confirmPayment", "sale", "receipt"),
    "prepare": Act("/drafts/sales/{sale}/preparation", "Market", "prepare", "sale"),
    "deliver": Act("/drafts/sales/{sale}/delivery", "Market", "deliver", "sale"),
    "accept": Act("/drafts/sales/{sale}/acceptance", "Market", "accept", "sale"),
    "dispute": Act("/drafts/sales/{sale}/dispute", "Market", "dispute", "sale"),
    "decide": Act("/drafts/sales/{sale}/decision", "Market", "decideDispute", "sale"),
    "settle": Act("/drafts/sales/{sale}/settlement", "Revenue", "settle", "sale"),
    "pay": Act("/drafts/sales/{sale}/payouts", "Revenue", "confirmPayout", "sale", "receipt"),
    "hold": Act("/drafts/holds", "Cases", "hold", "target"),
    "release": Act("/drafts/holds/release", "Cases", "release", "target"),
}
"""What is done at desks, by name."""


SAID: Final = ("drafting", "act_signing", "other_member", "wrong_act", "rejected")
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


def _told(act: Act, contracts: Mapping[str, str]) -> dict[str, str]:
    selector = abis.functions(act.contract)[act.function].selector
    return {
        "draft": act.draft,
        "to": contracts[act.contract],
        "selector": to_hex(selector),
        "key": act.key,
        "document": act.document,
    }


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
