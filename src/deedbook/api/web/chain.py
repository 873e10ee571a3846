"""Pages of the chain itself: blocks, transactions, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns, listed, relation
from deedbook.api.web.sections import Facts, Page, Section, Table
from deedbook.domain.hashing import checksum_address, parse_address, to_hex
from deedbook.errors import InvalidInput, NotFound
from deedbook.queries import blocks as queries
from deedbook.queries import members
from deedbook.queries.blocks import BlockView, LogView
from deedbook.queries.views import json_value

DEEP: Final = 4
"""Levels of an event's arguments that are shown one by one."""
MOST_ARGUMENTS: Final = 200


def blocks(asked: Asked) -> Page:
    """A list of blocks, the newest first."""
    show = asked.shown
    page = queries.blocks(asked.mirror, limit=asked.limit, after=asked.after)
    columns = Columns(
        heads=("block", "block.events", "block.final", "block.hash", "time"),
        row=lambda each: (
            show.block(each.number),
            show.number(each.logs),
            show.flag(each.final),
            show.short_text(to_hex(each.hash), show.path("blocks", str(each.number))),
            show.time(each.at),
        ),
        numbers=frozenset({0, 1}),
    )
    return listed(asked, "blocks", BlockView, page, columns)


def block(asked: Asked) -> Page:
    """One block and its events."""
    found = queries.block(asked.mirror, asked.number("block"))
    page = queries.logs_of_block(asked.mirror, found.number, limit=asked.limit, after=asked.after)
    show = asked.shown
    rows = [
        ("block.number", show.number(found.number)),
        ("block.hash", show.hash(found.hash)),
        ("block.parent", show.hash(found.parent_hash)),
        ("time", show.time(found.at)),
        ("block.final", show.flag(found.final)),
        ("block.events", show.number(found.logs)),
    ]
    after = None if page.after is None else f"?after={page.after}"
    table = event_columns(asked).table("block.list", page.items, after=after)
    said = {**found.to_json(), "events": page.to_json()}
    title = show.say("block.title", number=f"{found.number:,}")
    return Page(title, "blocks", [Facts("block.facts", rows), table], said, relation("events", LogView, page.items))


def transaction(asked: Asked) -> Page:
    """One transaction of the chain, and the events of the ledger in it."""
    found = asked.home.transaction(asked.key("transaction"))
    number, tx = int(found["blockNumber"]), asked.key("transaction")
    page = queries.logs_of_transaction(asked.mirror, number, tx, limit=asked.limit, after=asked.after)
    show = asked.shown
    rows = [
        ("transaction.hash", show.hash(tx)),
        ("transaction.succeeded", show.flag(bool(found["succeeded"]))),
        ("block", show.block(number)),
        ("transaction.sender", _sender(asked, parse_address(str(found["from"]), "from"))),
        ("transaction.gas", show.number(int(found["gasUsed"]))),
    ]
    if found["to"] is not None:
        rows.insert(4, ("transaction.to", show.hash(parse_address(str(found["to"]), "to"))))
    after = None if page.after is None else f"?after={page.after}"
    table = event_columns(asked).table("transaction.events", page.items, after=after)
    said = {**found, "events": page.to_json()}
    sections: list[Section] = [Facts("transaction.facts", rows), table]
    return Page(show.say("transaction"), "blocks", sections, said, relation("events", LogView, page.items))


def _sender(asked: Asked, account: bytes) -> Markup:
    """An account that sent a transaction, and the page of its member where it is one: whoever relays need not be."""
    try:
        return asked.shown.member(members.member(asked.mirror, account).account)
    except NotFound:
        return asked.shown.hash_text(checksum_address(account), "")


def event_columns(asked: Asked) -> Columns:
    """How a list shows events."""
    show = asked.shown
    return Columns(
        heads=("event", "event.contract", "transaction", "time"),
        row=lambda each: (
            show.link(show.path("events", f"{each.block}-{each.index}"), _name(asked, each)),
            Markup("{}").format(each.contract),
            show.short("transactions", each.tx),
            show.time(each.at),
        ),
    )


def _name(asked: Asked, each: LogView) -> Markup:
    return Markup("{}").format(each.event) if each.event else asked.shown.say("event.unknown")


def event(asked: Asked) -> Page:
    """One event, with its arguments as the contract's interface names them."""
    number, _, index = asked.names["event"].partition("-")
    if not (number + index).isascii() or not number.isdigit() or not index.isdigit() or len(number + index) > 36:
        raise InvalidInput("event", "is not BLOCK-INDEX")
    found = queries.log(asked.mirror, int(number), int(index))
    show = asked.shown
    decoded = asked.home.decoded(found)
    rows = [
        ("event.contract", Markup("{}").format(found.contract)),
        ("event.name", _name(asked, found)),
        ("block", show.block(found.block)),
        ("event.index", show.number(found.index)),
        ("transaction", show.hash(found.tx, show.path("transactions", to_hex(found.tx)))),
        ("time", show.time(found.at)),
    ]
    arguments = None if decoded is None else {name: json_value(value) for name, value in decoded.args.items()}
    sections: list[Section] = [Facts("event.facts", rows)]
    if arguments is not None:
        listed_arguments = list(_arguments(asked, arguments))[:MOST_ARGUMENTS]
        sections.append(Table("event.arguments", ("argument.name", "argument.value"), listed_arguments))
    else:
        raw = [(show.number(place), show.hash(topic)) for place, topic in enumerate(found.topics)]
        sections.append(Table("event.topics", ("argument.name", "argument.value"), raw, aside="event.raw"))
    said = {**found.to_json(), "arguments": arguments}
    return Page(_name(asked, found), "blocks", sections, said)


def _arguments(asked: Asked, values: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterable[Sequence[Markup]]:
    for name, value in values.items():
        path = f"{before}{name}"
        if isinstance(value, dict) and depth < DEEP:
            yield from _arguments(asked, value, f"{path}.", depth + 1)
        elif isinstance(value, list) and depth < DEEP:
            within = {str(place): item for place, item in enumerate(value)}
            yield from _arguments(asked, within, f"{path}.", depth + 1)
        else:
            yield (Markup("<code>{}</code>").format(path), asked.shown.text(_written(value)))


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
