"""The pages where a person gives a consent, and takes it back: what is read there is what is signed.

    /explore/consents/new?asset=...&notice=...      a link that a provider hands to one person, see `Invitation`
    /explore/consents/CONSENT/withdrawal

The page says everything without scripts; the wallet's part is `static/consenting.js` and `static/withdrawing.js`, which
build the sentence again from what is about to be signed, and refuse what differs. Nothing is kept before it is signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

from pydantic import Field

from deedbook.api.said import Account, Asset, ClassCode, Key32, Modes, PurposeCode, Said
from deedbook.api.web.asked import Asked
from deedbook.api.web.consents import terms_of
from deedbook.api.web.sections import Facts, Page, Section
from deedbook.api.web.words import Words
from deedbook.domain.codes import Purpose, bits_in
from deedbook.domain.consents import Consent, ConsentDomain, typed_data, withdrawal_typed_data
from deedbook.domain.hashing import ZERO_ADDRESS, checksum_address, parse_address, to_hex
from deedbook.domain.notices import Notice, render_statement
from deedbook.errors import InvalidInput, NotFound
from deedbook.queries import consents as queries
from deedbook.queries.views import code_of

DAY: Final = 86_400
YEAR: Final = 365
MOST_DAYS: Final = 36_500
TERMS: Final = (30, 90, 180, YEAR, 2 * YEAR, 3 * YEAR, 5 * YEAR)
"""Days that a person picks from, as far as they are offered."""
SAID_BY_WALLETS: Final = (
    "wallet.none",
    "wallet.choose",
    "wallet.legacy",
    "wallet.asking",
    "wallet.signing",
    "wallet.signing_other",
    "wallet.sending",
    "wallet.unsafe",
    "wallet.refused",
    "wallet.busy",
    "wallet.away",
    "wallet.failed",
    "wallet.locked",
    "wallet.other_account",
    "wallet.other_chain",
    "wallet.wrong_chain",
    "wallet.wrong_contract",
    "wallet.wrong_text",
    "wallet.wrong_terms",
    "wallet.wrong_receipt",
    "wallet.wrong_message",
    "wallet.malleable",
    "wallet.no_signature",
    "wallet.foreign",
    "wallet.pick",
    "wallet.already",
    "wallet.unreachable",
    "wallet.declined",
    "wallet.not_yours",
    "wallet.no_payee",
    "wallet.incomplete",
    "wallet.waits",
)
"""Entries of the catalogues that the scripts say; nothing else stands in them that a person reads."""


class Invitation(Said):
    """What a link asks a person for: of which asset, by which notice, whose record, and what is offered to pick from.

    `modes` are those that may be picked, `days` the longest term; any member of `class` receives the data where no
    `recipient` is named. A link may say for which `chain` and `contract` it is: on another ledger it is refused.
    """

    asset: Asset
    notice: Key32
    controller: Account
    purpose: PurposeCode
    modes: Modes
    record: Key32
    recipient: Account = ZERO_ADDRESS
    buyers: Annotated[ClassCode, Field(alias="class")] = 0
    border: bool = False
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = YEAR
    chain: Annotated[int, Field(ge=1)] | None = None
    contract: Account | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Invitation:
        """The invitation of a link. Raises InvalidInput naming the parameter."""
        given: dict[str, Any] = {name: query[name] for name in FIELDS if query.get(name)}
        for name in ("days", "chain", "class", "purpose"):
            if re.fullmatch(r"[0-9]{1,15}", given.get(name, "")):
                given[name] = int(given[name])
        if "modes" in given:
            given["modes"] = [int(each) if each.isdecimal() else each for each in given["modes"].split(",")]
        given["border"] = query.get("border") == "yes"
        invited = cls.read(given)
        if invited.modes == 0:
            raise InvalidInput("modes", "are none")
        if not any(invited.recipient) and invited.buyers == 0:
            raise InvalidInput("class", "is not said, and no recipient")
        return invited

    def consent(self, *, modes: int, valid_from: int, days: int) -> Consent:
        """What the person would sign, but for who the person is."""
        return Consent(
            subject=ZERO_ADDRESS,
            asset_id=self.asset,
            controller=self.controller,
            recipient=self.recipient,
            recipient_class=self.buyers,
            purpose=self.purpose,
            modes=modes,
            cross_border=self.border,
            notice_hash=self.notice,
            record_commit=self.record,
            valid_from=valid_from,
            valid_until=valid_from + days * DAY,
            statement="-",
            salt=bytes(32),
        )

    @property
    def draft(self) -> dict[str, Any]:
        """What a script says to `POST /drafts/consents`, but for who signs and what is picked."""
        return {
            "assetId": str(self.asset),
            "controller": checksum_address(self.controller),
            "notice": to_hex(self.notice),
            "purpose": int(self.purpose),
            "recordCommit": to_hex(self.record),
            "recipient": checksum_address(self.recipient),
            "class": int(self.buyers),
            "crossBorder": self.border,
        }


FIELDS: Final = (
    *("asset", "notice", "controller", "purpose", "modes", "record"),
    *("recipient", "class", "days", "chain", "contract"),
)
"""The parameters of a link, but for `border`, which is `yes` or not there."""


def consenting(asked: Asked) -> Page:
    """The notice, the sentence, and what may be picked. Raises InvalidInput, NotFound (the notice)."""
    invited, show = Invitation.of(asked.query), asked.shown
    notice = Notice.decode(asked.home.document(invited.notice)[1])
    days = _term(asked, invited)
    picked = _picked(asked, invited)
    consent = invited.consent(modes=picked or invited.modes, valid_from=show.now, days=days)
    sentence = render_statement(notice, consent)  # refuses a code that the notice has no word for
    domain = consent_domain(asked)
    here = _is_here(invited, domain)
    said = {
        **told(asked, domain),
        "here": here,
        "notice": to_hex(invited.notice),
        "types": typed_data(domain, consent)["types"],
        "validFrom": show.now,
        "draft": invited.draft,
    }
    terms = [days_each for days_each in TERMS if days_each < invited.days] + [invited.days]
    more = {
        "notice": notice,
        "here": here,
        "sentence": sentence if picked else None,
        "modes": [(code, notice.labels.mode[str(code)], bool(picked & code)) for code in bits_in(invited.modes)],
        "terms": [(each, asked.shown.words.count("age.days", each), each == days) for each in terms],
        "link": [(name, asked.query[name]) for name in (*FIELDS, "border") if asked.query.get(name)],
        **spoken(asked, said),
    }
    return Page(
        title=show.say("consenting"),
        noun="assets",
        sections=[_facts(asked, invited)],
        json={**said, "sentence": more["sentence"], "noticeText": notice.to_json()},
        template="consenting.html",
        more=more,
    )


def withdrawing(asked: Asked) -> Page:
    """Withdrawal of a consent: one signature, free, without a reason; it takes no more steps than consenting."""
    consent_id, show, domain = asked.key("consent"), asked.shown, consent_domain(asked)
    sections: list[Section] = [Facts("consent.facts", [("consent.id", show.hash(consent_id))])]
    if asked.may_read("/consents/{consent_id}"):
        with suppress(NotFound):  # one that is in no batch yet, or is not known here
            found = queries.consent(asked.mirror, consent_id, place=asked.home.place_of)
            sections += terms_of(asked, found.batch)
    typed = withdrawal_typed_data(domain, consent_id)
    said = {**told(asked, domain), "here": True, "consent": to_hex(consent_id), "types": typed["types"]}
    return Page(
        title=show.say("withdrawing"),
        noun="assets",
        sections=sections,
        json=said,
        lead=show.say("withdrawing.lead"),
        template="withdrawing.html",
        more=spoken(asked, said),
    )


def consent_domain(asked: Asked) -> ConsentDomain:
    """Where consents of this ledger count."""
    deployment = asked.home.deployment()
    return ConsentDomain(int(deployment["chainId"]), parse_address(deployment["contracts"]["Consents"], "contract"))


def spoken(asked: Asked, said: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """What a page hands to its script: what is asked for, and the words; `more` are entries that it says besides."""
    words: Words = asked.shown.words
    names = (*SAID_BY_WALLETS, *more)
    return {"said": dict(said), "spoken": {name.partition(".")[2]: words.one[name] for name in names}}


def told(asked: Asked, domain: ConsentDomain) -> dict[str, Any]:
    """What every script that has something signed is told of the place."""
    return {
        "root": asked.shown.root,
        "door": asked.has_door,
        "domain": {
            "name": domain.NAME,
            "version": domain.VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": checksum_address(domain.contract),
        },
    }


def _is_here(invited: Invitation, domain: ConsentDomain) -> bool:
    """Whether the link is for this ledger, as far as it says."""
    return invited.chain in (None, domain.chain_id) and invited.contract in (None, domain.contract)


def _term(asked: Asked, invited: Invitation) -> int:
    """The term that is picked, in days; a year or what is offered where none is."""
    text = asked.query.get("term") or str(min(invited.days, YEAR))
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= invited.days:
        raise InvalidInput("term", f"is not from 1 to {invited.days} days")
    return int(text)


def _picked(asked: Asked, invited: Invitation) -> int:
    """The modes that are picked; nothing is picked for anybody."""
    return sum(code for code in bits_in(invited.modes) if asked.query.get(f"mode-{code}"))


def _facts(asked: Asked, invited: Invitation) -> Facts:
    show = asked.shown
    titles = asked.titles([invited.asset])
    to = show.member(invited.recipient) if any(invited.recipient) else show.buyer_class(invited.buyers)
    rows: Sequence[tuple[str, Any]] = [
        ("terms.asset", show.asset(invited.asset, titles.get(invited.asset))),
        ("terms.controller", show.member(invited.controller)),
        ("terms.recipient", to),
        ("terms.purpose", show.word("purpose", code_of(Purpose, invited.purpose))),
        ("terms.border", show.flag(invited.border)),
        ("consenting.record", show.hash(invited.record)),
        ("terms.notice", show.document(invited.notice)),
    ]
    return Facts("consenting.terms", rows, "consenting.terms.aside")
