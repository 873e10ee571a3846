"""How a command does its work: a home opened, an act made and told, a question asked and shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from deedbook import config
from deedbook.bootstrap.hands import Elsewhere
from deedbook.bootstrap.services import Services
from deedbook.chain.transactions import Receipt, Signer
from deedbook.cli import grammar
from deedbook.domain.hashing import parse_address, to_hex
from deedbook.domain.relaying import ForwardDomain
from deedbook.queries.views import Page, View


@dataclass
class Draft:
    """How acts end that are to be signed and not sent: `until` as a command line says it; the domain they count in."""

    until: str
    domain: ForwardDomain | None = None


_draft: ContextVar[Draft | None] = ContextVar("draft", default=None)


@contextmanager
def drafting(until: str) -> Iterator[Draft]:
    """Inside, every act of a command ends by raising `Drafted`."""
    draft = Draft(until)
    token = _draft.set(draft)
    try:
        yield draft
    finally:
        _draft.reset(token)


@contextmanager
def opened() -> Iterator[Services]:
    """The home that the options name."""
    with Services.open(config.load()) as services:
        draft = _draft.get()
        if draft is not None:
            until = grammar.moment(draft.until, "until", services.clock()) if draft.until else None
            services.draft_acts(deadline=until)
            draft.domain = services.relaying.domain
        yield services


@contextmanager
def reading() -> Iterator[Services]:
    """The same, with its mirror at the chain's head."""
    with opened() as services:
        services.follow()
        yield services


def account(services: Services, text: str, field: str) -> bytes:
    """An account by its address, or by its name in this home."""
    return parse_address(text, field) if text.startswith("0x") else services.signer(text).address


def signer(services: Services, name: str) -> Signer:
    """The account that acts; where it will sign elsewhere, an address will do."""
    if _draft.get() is not None and name.startswith("0x"):
        return Elsewhere(parse_address(name, "as"))
    return services.signer(name)


def document(services: Services, text: str, kind: str) -> bytes:
    """The SHA-256 of a document: given as such, or of a file, which is then kept and public."""
    if text.startswith("0x"):
        return grammar.key32(text, kind)
    media_type = "application/json" if text.endswith(".json") else "application/octet-stream"
    content = grammar.content_of(text, kind)
    return services.records.documents.put(kind, content, at=services.clock(), media_type=media_type)


# -- telling -----------------------------------------------------------------------------------------------------------


def tell(receipt: Receipt, words: str, as_json: bool, **facts: Any) -> None:
    """What an act did, and its transaction, block and gas."""
    if as_json:
        say_json({**facts, **transaction(receipt)})
        return
    print(words)
    for name, value in facts.items():
        print(f"  {spaced(name)} {plain(value)}")
    print(f"  transaction {to_hex(receipt.tx_hash)} block {receipt.block_number} gas {receipt.gas_used:,}")


def transaction(receipt: Receipt) -> dict[str, Any]:
    """A receipt in JSON."""
    return {"transaction": to_hex(receipt.tx_hash), "block": receipt.block_number, "gas": receipt.gas_used}


def show(found: View | Mapping[str, Any], as_json: bool) -> None:
    """One thing, whole."""
    value = found.to_json() if isinstance(found, View) else dict(found)
    if as_json:
        say_json(value)
        return
    for line in _lines(value, ""):
        print(line)


def show_page(page: Page[Any], columns: Sequence[str], as_json: bool) -> None:
    """A page of things, one a line, and how to go on."""
    if as_json:
        say_json(page.to_json())
        return
    show_rows([item.to_json() for item in page.items], columns, as_json=False)
    if page.after:
        print(f"more: --after {page.after}")


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Rows under their columns; everything in JSON."""
    if as_json:
        say_json({"items": [dict(row) for row in rows]})
        return
    if not rows:
        print("none")
        return
    cells = [[spaced(column) for column in columns], *([plain(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def hand_over(out: str, document: Any, as_json: bool, **facts: Any) -> None:
    """A document in JSON: on standard output, or in a file, which is then named."""
    grammar.write(out, json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n")
    if out != "-":
        show({"file": out, **facts}, as_json)


def say_json(value: Any) -> None:
    """JSON on standard output."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def plain(value: Any) -> str:
    """A value in words."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{spaced(name)} {plain(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "none"
    return str(value)


def spaced(name: str) -> str:
    """`camelCase` and `snake_case` as words."""
    return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name).replace("_", " ").strip()


def _lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, item in value.items():
        if isinstance(item, Mapping) and item:
            yield f"{indent}{spaced(name)}:"
            yield from _lines(item, indent + "  ")
        elif isinstance(item, list) and item and isinstance(item[0], Mapping):
            yield f"{indent}{spaced(name)}:"
            for each in item:
                first, *rest = _lines(each, "")
                yield f"{indent}  - {first}"
                yield from (f"{indent}    {line}" for line in rest)
        else:
            yield f"{indent}{spaced(name)}: {plain(item) if not isinstance(item, Mapping) else 'none'}"
