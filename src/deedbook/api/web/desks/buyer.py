"""The desk of a buyer: what can be ordered, the own orders, deliveries to open and to accept."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deedbook.api.web.asked import MOST_ROWS, Asked
from deedbook.api.web.desks.acts import Form, Input, coded, grounds, picked
from deedbook.api.web.desks.board import desk, first, piece
from deedbook.api.web.desks.selling import choices, named, waiting_columns
from deedbook.api.web.offers import offer_columns
from deedbook.api.web.sales import sale_columns
from deedbook.api.web.sections import Commands, Page, Section
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.queries import offers, sales
from deedbook.queries.sales import Waits
from deedbook.vault.envelopes import Suite


def buyer(asked: Asked) -> Page:
    """The desk of a buyer."""
    account, show = asked.account("account"), asked.shown
    name = checksum_address(account)
    bought = first(asked, sales.sales, buyer=account)
    offered = first(asked, offers.offers, only_open=True)
    sections: list[Section] = [
        *_delivered(asked, account),
        piece("desk.orders", bought, sale_columns(asked, bought.items), f"{show.root}/sales?buyer={name}"),
        piece("desk.offers.open", offered, offer_columns(asked, offered.items), f"{show.root}/offers?open=yes"),
    ]
    if offered.items:
        inputs = [picked(asked, "offer", "offer", _offers(asked))]
        sections.append(
            Form("act.order.title", "order", inputs, "deedbook sales order OFFER --as NAME", "act.order.aside")
        )
    sections.append(_key(asked))
    return desk(asked, "buyer", sections, {"orders": bought.to_json(), "offers": offered.to_json()})


def _key(asked: Asked) -> Form:
    """The key that deliveries are sealed to."""
    inputs = [
        Input("suite", "act.suite", "number", options=coded(asked, "suite", reversed(Suite))),
        Input("publicKey", "act.key.public", "octets", hint="act.key.hint", most=4000),
    ]
    return Form("act.key.title", "key", inputs, "deedbook members register-key --as NAME", "act.key.aside", folded=True)


def _offers(asked: Asked) -> list[tuple[str, Markup]]:
    """The open offers, each with its price."""
    found = offers.offers(asked.mirror, only_open=True, limit=MOST_ROWS).items
    titles = asked.titles(each.asset_id for each in found)
    return [(to_hex(each.offer_id), named(titles.get(each.asset_id), each.offer_id)) for each in found]


def _delivered(asked: Asked, account: bytes) -> Sequence[Section]:
    """What was delivered: how it is opened, accepted, disputed."""
    waiting = first(asked, sales.sales, buyer=account, waits_for=Waits.ACCEPTANCE)
    if not waiting.items:
        return []
    path = f"{asked.shown.root}/sales?buyer={checksum_address(account)}&waits={Waits.ACCEPTANCE}"
    which = picked(asked, "sale", "sale", choices(asked, waiting.items))
    return [
        piece("desk.waits.acceptance", waiting, waiting_columns(asked, waiting), path),
        Commands("desk.open", [("desk.open.command", "deedbook sales open SALE --as NAME")]),
        Form("act.accept.title", "accept", [which], "deedbook sales accept SALE --as NAME", "act.accept.aside"),
        Form(
            "act.dispute.title",
            "dispute",
            [which, grounds("document", "act.why")],
            "deedbook sales dispute SALE --document FILE --as NAME",
            "act.dispute.aside",
        ),
    ]
