"""Metered use: what provider and gateway state together, period by period."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, tabular
from deedbook.api.routes.inputs import After, Limit, key_of
from deedbook.api.said import Object
from deedbook.domain.hashing import to_hex
from deedbook.domain.usage import SignedReport
from deedbook.ledger import usage as ledger
from deedbook.queries import usage as queries
from deedbook.queries.usage import MeterView, ReportView

router = APIRouter(prefix="/sales", tags=["usage"])


@tabular(router, "/{sale_id}/usage", ReportView, MeterView)
def usage(asked: Reads, sale_id: str, limit: Limit = None, after: After = None) -> Response:
    """How much of its quota a sale has used, and the periods that were reported."""
    key = key_of(sale_id, "saleId")
    return listed(
        asked,
        ReportView,
        lambda mirror, few, at: queries.reports(mirror, key, limit=few, after=at),
        limit=limit,
        after=after,
        beside=lambda mirror: queries.meter(mirror, key).to_json(),
    )


class Reporting(By):
    """The signed reports (`deedbook.usage-report`, version 1): the other party's; both, if one is none of them."""

    signed: Annotated[list[Object], Field(min_length=1, max_length=2)]


@act(router, "/{sale_id}/usage", Reporting)
def report(hand: Hand, said: Reporting, sale_id: bytes) -> None:
    """Reports a period of use: the contract checks both statements, the term and the quota, and meters it."""
    statements = [SignedReport.from_json(each) for each in said.signed]
    _, ordered = hand.sale(sale_id)
    provider = ordered.offer.provider
    gateway = next((each.signer for each in statements if each.signer != provider), hand.me.address)
    hand.says(saleId=to_hex(sale_id), count=str(statements[0].report.count))
    ledger.report(hand.acting, hand.me, ordered, gateway, statements)
