"""A sale as a command names it: what the mirror knows of it, and what every later act of it brings along."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.bootstrap import selling
from deedbook.bootstrap.services import Services
from deedbook.cli import grammar
from deedbook.domain.sales import Ordered
from deedbook.queries.sales import SaleView

SaleId = Annotated[str, typer.Argument(help="the sale's id, 32 bytes of 0x-hex")]


def sale_of(services: Services, text: str) -> tuple[SaleView, Ordered]:
    """The sale of an identifier. Raises InvalidInput, NotFound."""
    return selling.ordered_sale(services.mirror, grammar.key32(text, "sale"))
