"""My data: what a person consented to, who ordered the record, what it was delivered for, what it earned; where the
money goes, how to withdraw, how to complain, and all of it as one file.

    /explore/own                      who signed in; /explore/own.json is everything that is kept of the person
    /explore/own/consents/CONSENT     one consent

Where the service asks who somebody is, the account is who signed in (EIP-4361), and another's consent is not there.
Where it asks nobody, everything is everybody's: the account is named in the address. Every read is noted before it is
shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from deedbook.api.web.asked import Asked
from deedbook.api.web.complaints import own_complaints, own_table
from deedbook.api.web.consenting import consent_domain, spoken, told
from deedbook.api.web.sections import Facts, Note, Page, Quote, Section, Table
from deedbook.domain.codes import Mode, Purpose, bits_in
from deedbook.domain.eip712 import DOMAIN_TYPE, members_of
from deedbook.domain.hashing import checksum_address, from_hex, parse_address, to_hex
from deedbook.domain.payees import PAYEE_REQUEST_TYPE, PAYEE_TYPE, PayeeKind
from deedbook.domain.principals import Matter, Scope
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import EvidenceMissing, Forbidden, NotFound
from deedbook.queries.views import code_of

FEW: Final = 100
"""Orders that are asked for at a time."""
HOLDING: Final = ("anchored", "pending", "staged")


def own(asked: Asked) -> Page:
    """Everything of one person; how to sign in, where nobody is known. Raises Forbidden."""
    account = _account(asked)
    if account is None:
        return _unknown(asked)
    asked.home.note_read(asked.caller, Matter.CONSENTS, [account], asked.request_id)
    asked.home.note_read(asked.caller, Matter.ORDERS, [account], asked.request_id)
    standings = list(asked.home.own_consents(account)["items"])
    ids = [from_hex(each["consentId"], "consentId", 32) for each in standings]
    asked.home.note_read(asked.caller, Matter.STATEMENT, ids, asked.request_id)
    found = [
        {**each, "receipt": _receipt(asked, name), "statement": _statement(asked, name)}
        for each, name in zip(standings, ids, strict=True)
    ]
    orders = list(_orders(asked, account))
    complaints = own_complaints(asked, account)
    show = asked.shown
    facts = [("own.account", show.hash_text(checksum_address(account), ""))]
    sections: list[Section] = [
        Facts("own.facts", facts, "own.facts.aside"),
        *_money([each["statement"] for each in found if each["statement"]], asked),
        _consents(asked, found),
        _ordered(asked, orders),
        *([own_table(asked, complaints)] if complaints else []),
        Note(show.say("own.export"), [(_path(asked, "own.json"), show.say("own.export.link"))]),
        *_complaint(asked),
    ]
    return Page(
        title=show.say("own"),
        noun="own",
        sections=sections,
        json={
            "account": checksum_address(account),
            "consents": found,
            "orders": orders,
            "complaints": complaints,
        },
        lead=show.say("own.lead" if asked.has_door else "own.lead.anybody"),
        template="own.html",
        private=True,
        more={"state": "known", **spoken(asked, told(asked, consent_domain(asked)))},
    )


def own_consent(asked: Asked) -> Page:
    """One consent of the person: the sentence, every delivery of the record, the money, the payee. Raises Forbidden;
    NotFound, also where it is another's."""
    name = asked.key("consent")
    account = _account(asked)
    if account is None and asked.has_door:
        return _unknown(asked)
    receipt = ConsentReceipt.from_json(asked.home.receipt(name))
    consent = receipt.signed.consent
    if asked.has_door and account != consent.subject:
        raise NotFound("consent", to_hex(name))
    asked.home.note_read(asked.caller, Matter.STATEMENT, [name], asked.request_id)
    statement = _statement(asked, name)
    standing = _standing(asked, consent.subject, name)
    show, written = asked.shown, to_hex(name)
    facts = [
        ("consent.id", show.hash(name)),
        ("own.state", _state(asked, standing)),
        ("terms.asset", show.asset(consent.asset_id, asked.titles([consent.asset_id]).get(consent.asset_id))),
        ("terms.controller", show.member(consent.controller)),
        ("terms.purpose", show.word("purpose", code_of(Purpose, consent.purpose))),
        ("terms.modes", show.all_words("mode", map(Mode, bits_in(consent.modes)))),
        ("terms.from", show.time(consent.valid_from)),
        ("terms.until", show.time(consent.valid_until)),
        ("own.since", show.time(receipt.issued_at)),
        ("terms.notice", show.document(consent.notice_hash)),
    ]
    sections: list[Section] = [
        Quote("sentence", show.text(consent.statement), receipt.language, "own.sentence.aside"),
        Facts("consent.facts", facts),
        *([] if statement is None else [_released(asked, statement, written), *_money([statement], asked)]),
        Note(show.say("own.receipt"), [(f"/consents/{written}/receipt", show.say("consenting.receipt"))]),
    ]
    if standing["state"] in HOLDING and standing["live"] is not False:
        link = show.path("consents", written, "withdrawal")
        sections.append(Note(show.say("withdrawing.lead"), [(link, show.say("consenting.withdraw"))]))
    sections += _complaint(asked)
    domain = consent_domain(asked)
    said = {
        **told(asked, domain),
        "consent": written,
        "types": _payee_types(),
        "subject": checksum_address(consent.subject),
    }
    return Page(
        title=show.say("own.consent"),
        noun="own",
        sections=sections,
        json={**standing, "receipt": receipt.to_json(), "statement": statement},
        template="own_consent.html",
        private=True,
        more={
            "kinds": [(str(each), show.word("payee.kind", str(each).replace("-", "_"))) for each in PayeeKind],
            **spoken(asked, said, "acting.session_over"),
        },
    )


def _account(asked: Asked) -> bytes | None:
    """Whose data is asked for; None where that is nobody yet. Raises Forbidden where a session is not for it."""
    if not asked.has_door:
        return asked.query_account("account")
    if asked.caller.account is not None and Scope.OWN not in asked.caller.scopes:
        raise Forbidden(f"what was shown is not for {Scope.OWN}", scope=str(Scope.OWN))
    return asked.caller.account


def _unknown(asked: Asked) -> Page:
    show = asked.shown
    said = told(asked, consent_domain(asked))
    return Page(
        title=show.say("own"),
        noun="own",
        sections=[],
        json={"account": None},
        lead=show.say("own.unknown" if asked.has_door else "own.anybody"),
        template="own.html",
        private=True,
        more={"state": "unknown", **spoken(asked, said)},
    )


# -- what is kept ------------------------------------------------------------------------------------------------------


def _orders(asked: Asked, account: bytes) -> Iterator[Mapping[str, Any]]:
    after: str | None = None
    while True:
        page = asked.home.own_orders(account, FEW, after)
        yield from page["items"]
        after = page["after"]
        if after is None:
            return


def _receipt(asked: Asked, name: bytes) -> Mapping[str, Any] | None:
    with suppress(NotFound):
        return asked.home.receipt(name)
    return None


def _statement(asked: Asked, name: bytes) -> Mapping[str, Any] | None:
    """None before the consent is in a batch, and where what it would be read from is not at hand."""
    with suppress(NotFound, EvidenceMissing):
        return asked.home.statement(name)
    return None


def _standing(asked: Asked, subject: bytes, name: bytes) -> Mapping[str, Any]:
    written = to_hex(name)
    for each in asked.home.own_consents(subject)["items"]:
        if each["consentId"] == written:
            return dict(each)
    raise NotFound("consent", written)


# -- how it is shown ---------------------------------------------------------------------------------------------------


def _path(asked: Asked, *names: str) -> str:
    """A page of this part; where nobody is asked who they are, it goes on naming the account."""
    account = asked.query_account("account")
    query = "" if asked.has_door or account is None else "?" + urlencode({"account": checksum_address(account)})
    return asked.shown.path(*names) + query


def _state(asked: Asked, standing: Mapping[str, Any]) -> Markup:
    state = "withdrawn" if standing["live"] is False else standing["state"]
    return asked.shown.word("own.state", state)


def _consents(asked: Asked, found: Sequence[Mapping[str, Any]]) -> Table:
    show = asked.shown
    titles = asked.titles(int(each["assetId"]) for each in found)
    rows = [
        (
            show.link(_path(asked, "own", "consents", each["consentId"]), show.say("own.look")),
            show.asset(int(each["assetId"]), titles.get(int(each["assetId"]))),
            _state(asked, each),
            show.time(each["collectedAt"]),
            show.number(len(each["statement"]["lines"]) if each["statement"] else 0),
        )
        for each in found
    ]
    heads = ("consent", "asset", "own.state", "own.since", "own.deliveries")
    return Table("own.consents", heads, rows, frozenset({4}), aside="own.consents.aside")


def _ordered(asked: Asked, orders: Sequence[Mapping[str, Any]]) -> Table:
    show = asked.shown
    rows = [
        (
            show.short("sales", from_hex(each["saleId"], "saleId", 32)),
            _buyer(asked, each),
            show.time(each["orderedAt"]),
            show.nothing() if each["purpose"] is None else show.word("purpose", each["purpose"]),
            show.all_words("mode", [name.replace("-", "_") for name in each["mode"] or ()]),
            show.word("sale.state", each["state"]),
            show.nothing() if each["delivered"] is None else show.flag(each["delivered"]),
        )
        for each in orders
    ]
    heads = ("sale", "sale.buyer", "sale.ordered", "sale.purpose", "sale.mode", "sale.state", "own.delivered")
    return Table("own.orders", heads, rows, aside="own.orders.aside")


def _buyer(asked: Asked, order: Mapping[str, Any]) -> Markup:
    """By the legal name where the commitment on chain opens to it."""
    member = asked.shown.short_member(parse_address(order["buyer"], "buyer"))
    name = order.get("buyerName")
    return member if name is None else asked.shown.text(name) + Markup(" ") + member


def _released(asked: Asked, statement: Mapping[str, Any], consent: str) -> Table:
    show = asked.shown
    rows = []
    for line in statement["lines"]:
        due = show.say("own.unsettled") if line["due"] is None else show.money(int(line["due"]), line["currency"])
        evidence = f"/sales/{line['saleId']}/evidence/{consent}"
        rows.append(
            (
                show.short("sales", from_hex(line["saleId"], "saleId", 32)),
                show.short_member(parse_address(line["buyer"], "buyer")),
                show.time(line["deliveredAt"]),
                show.nothing() if line["purpose"] is None else show.word("purpose", line["purpose"]),
                due,
                show.flag(line["paid"]),
                show.link(evidence, show.say("own.evidence")),
            )
        )
    heads = ("sale", "sale.buyer", "own.delivered", "sale.purpose", "own.due", "own.paid", "own.proof")
    return Table("own.releases", heads, rows, frozenset({4}), aside="own.releases.aside")


def _money(statements: Sequence[Mapping[str, Any]], asked: Asked) -> list[Section]:
    """What all of them earned, by currency; a table without lines where nothing was sold yet."""
    show, names = asked.shown, ("due", "paid", "open", "deferred")
    sums: dict[str, list[int]] = {}
    for statement in statements:
        for total in statement["totals"]:
            known = sums.setdefault(total["currency"], [0] * len(names))
            sums[total["currency"]] = [one + int(total[name]) for one, name in zip(known, names, strict=True)]
    rows = [tuple(show.money(amount, currency) for amount in amounts) for currency, amounts in sorted(sums.items())]
    heads = ("own.due", "own.paid", "own.open", "own.deferred")
    return [Table("own.money", heads, rows, frozenset(range(4)), aside="own.money.aside")]


def _complaint(asked: Asked) -> list[Section]:
    show = asked.shown
    entry = "own.complain.here" if asked.has_door else "own.complain"
    return [Note(show.say(entry), [(show.path("members"), show.say("own.complain.link"))])]


def _payee_types() -> dict[str, Any]:
    """The types of what is signed about a payee, as typed data lists them."""
    place = {"EIP712Domain": members_of(DOMAIN_TYPE)}
    return {
        "Payee": {**place, "Payee": members_of(PAYEE_TYPE)},
        "PayeeRequest": {**place, "PayeeRequest": members_of(PAYEE_REQUEST_TYPE)},
    }
