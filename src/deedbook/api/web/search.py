"""The first page, and where a hash, an identifier, an account, a number or the title of a product leads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from markupsafe import Markup

from deedbook.api.web.asked import FIRST_ROWS, Asked
from deedbook.api.web.assets import asset_columns
from deedbook.api.web.sales import sale_columns
from deedbook.api.web.sections import Page, Section, Table
from deedbook.domain.hashing import checksum_address, from_hex, to_hex
from deedbook.errors import ChainUnavailable, NotFound
from deedbook.queries import assets, sales
from deedbook.queries.search import (
    FoundView,
    described_by,
    named_by_account,
    named_by_key,
    named_by_number,
)

LONGEST: Final = 200
"""Characters of a question that are read."""
_NOUNS: Final = {
    "offer": "offers",
    "sale": "sales",
    "batch": "batches",
    "case": "cases",
    "consent": "consents",
    "attestations": "attestations",
    "transaction": "transactions",
}


def start(asked: Asked) -> Page:
    """The first page: search, and what is there."""
    registered = assets.assets(asked.mirror, limit=FIRST_ROWS)
    sold = sales.sales(asked.mirror, limit=FIRST_ROWS)
    show = asked.shown
    sections: list[Section] = [
        asset_columns(asked, registered.items).table(
            "assets.list", registered.items, more=(show.path("assets"), "assets.all")
        ),
        sale_columns(asked, sold.items).table("sales.list", sold.items, more=(show.path("sales"), "sales.all")),
    ]
    said = {"assets": registered.to_json(), "sales": sold.to_json()}
    return Page(show.say("start"), "start", sections, said, lead=show.say("start.lead"), template="start.html")


def search(asked: Asked) -> Page:
    """What the question `q` names."""
    question = asked.query.get("q", "").strip()[:LONGEST]
    found = list(dict.fromkeys(_found(asked, question))) if question else []
    show = asked.shown
    titles = asked.titles(each.asset_id for each in found if each.asset_id is not None)
    rows = [(show.say(f"found.{each.noun}"), _link(asked, each, titles)) for each in found]
    sections: list[Section] = [Table("search.found", ("search.noun", "search.name"), rows)] if rows else []
    return Page(
        title=show.say("search"),
        noun="search",
        sections=sections,
        json={"q": question, "items": [each.to_json() for each in found]},
        lead=show.say("search.nothing") if question and not rows else None,
        template="search.html",
        more={"question": question},
    )


def _found(asked: Asked, question: str) -> Sequence[FoundView]:
    if re.fullmatch(r"0[xX][0-9a-fA-F]{64}", question):
        key = from_hex(question.lower(), "q", 32)
        return [*named_by_key(asked.mirror, key), *_off_the_mirror(asked, key)]
    if re.fullmatch(r"0[xX][0-9a-fA-F]{40}", question):
        return named_by_account(asked.mirror, from_hex(question.lower(), "q", 20))
    if re.fullmatch(r"[0-9]{1,78}", question):
        return [*named_by_number(asked.mirror, int(question)), *_titled(asked, question)]
    return _titled(asked, question)


def _off_the_mirror(asked: Asked, key: bytes) -> Sequence[FoundView]:
    """What the mirror has no index of: a transaction, a consent that waits in its batch, a public document."""
    found = []
    with suppress(NotFound, ChainUnavailable):  # all else is found while the node is away
        asked.home.transaction(key)
        found.append(FoundView("transaction", key))
    with suppress(NotFound):
        asked.home.place_of(key)
        found.append(FoundView("consent", key))
    with suppress(NotFound):
        asked.home.document(key)
        found.append(FoundView("document", key))
    return found


def _titled(asked: Asked, words: str) -> Sequence[FoundView]:
    descriptors = asked.home.titled(words)
    return described_by(asked.mirror, descriptors) if descriptors else ()


def _link(asked: Asked, each: FoundView, titles: dict[int, str]) -> Markup:
    show = asked.shown
    if each.asset_id is not None:
        return show.asset(each.asset_id, titles.get(each.asset_id))
    if each.number is not None:
        return show.block(each.number)
    assert each.key is not None
    if each.noun == "member":
        return show.hash_text(checksum_address(each.key), show.path("members", checksum_address(each.key)))
    if each.noun == "document":
        return show.document(each.key)
    return show.hash(each.key, show.path(_NOUNS[each.noun], to_hex(each.key)))
