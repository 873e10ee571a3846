"""What somebody asked a page for, and what the pages of all nouns do alike: lists, titles, tables of views."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from markupsafe import Markup

from deedbook.api.door import Door
from deedbook.api.rights import allows, right_of
from deedbook.api.serving import Serving
from deedbook.api.web.sections import Page, Table
from deedbook.api.web.shown import Shown
from deedbook.domain.assets import Descriptor
from deedbook.domain.hashing import from_hex, parse_address
from deedbook.domain.principals import ANYBODY, Caller
from deedbook.errors import DeedbookError, InvalidInput
from deedbook.queries.assets import descriptors_of
from deedbook.queries.exports import Relation, cells_of, fields_of
from deedbook.queries.rows import Reading
from deedbook.queries.views import Page as Items
from deedbook.queries.views import View

ROWS: Final = 50
"""Rows of a list on one page, where nobody asks for another number."""
MOST_ROWS: Final = 200
"""The most rows of a list in HTML: a page stays below 300 KiB."""
FEW_ROWS: Final = 50
"""The most rows of a list in HTML where a page has several."""
FIRST_ROWS: Final = 10
"""Rows of a list inside a page of something else."""

Item = TypeVar("Item", bound=View)


@dataclass(frozen=True)
class Asked:
    """One request: what is served, one state of the mirror, how values are shown, the names in the path, the query; who
    asks, and whether the service asks who somebody is at all."""

    home: Serving
    mirror: Reading
    shown: Shown
    names: Mapping[str, str]
    query: Mapping[str, str]
    caller: Caller = ANYBODY
    request_id: str = ""
    door: Door | None = None
    is_over: bool = False
    """Whether it came with a session that is over."""

    @property
    def has_door(self) -> bool:
        """Whether the service asks who somebody is."""
        return self.caller.is_bound

    def may_read(self, path: str) -> bool:
        """Whether who asks may read what the API has at this path, as the route is declared."""
        return allows(right_of("GET", path), self.door, self.caller)

    def may_post(self, path: str) -> bool:
        """Whether who asks may post to this path of the API, as the route is declared."""
        return allows(right_of("POST", path), self.door, self.caller)

    @property
    def asset_id(self) -> int:
        """The asset of the path, in hex or decimal. Raises InvalidInput."""
        return _asset_id(self.names["asset"])

    @property
    def query_asset(self) -> int | None:
        """The asset that a list is asked for. Raises InvalidInput."""
        return _asset_id(self.query["asset"]) if self.query.get("asset") else None

    def query_account(self, name: str) -> bytes | None:
        """An account that a list is asked for. Raises InvalidInput."""
        return parse_address(self.query[name], name) if self.query.get(name) else None

    def key(self, name: str) -> bytes:
        """32 bytes of the path. Raises InvalidInput."""
        return from_hex(self.names[name].lower(), name, 32)

    def account(self, name: str) -> bytes:
        """An account of the path. Raises InvalidInput."""
        return parse_address(self.names[name], name)

    def number(self, name: str) -> int:
        """A whole number of the path, below 2^63. Raises InvalidInput."""
        return _number(name, self.names[name], 2**63 - 1)

    def is_yes(self, name: str) -> bool:
        """Whether `yes` is said to this."""
        return self.query.get(name) == "yes"

    @property
    def after(self) -> str | None:
        """Behind which place a list is asked for."""
        return self.query.get("after") or None

    @property
    def limit(self) -> int:
        """How many rows of a list are asked for. Raises InvalidInput."""
        return max(1, _number("limit", self.query.get("limit") or str(ROWS), MOST_ROWS))

    @property
    def few(self) -> int:
        """The same for each of several lists on one page. Raises InvalidInput."""
        return min(self.limit, FEW_ROWS)

    @cached_property
    def _descriptors(self) -> dict[bytes, Descriptor | None]:
        return {}

    def descriptor(self, digest: bytes) -> Descriptor | None:
        """The public descriptor of this hash, where it is at hand and is one."""
        if digest not in self._descriptors:
            found = None
            with suppress(DeedbookError, ValueError, RecursionError):
                found = Descriptor.decode(self.home.document(digest)[1])
            self._descriptors[digest] = found
        return self._descriptors[digest]

    def titles(self, asset_ids: Iterable[int]) -> dict[int, str]:
        """The titles of the newest versions of these assets, where they are at hand."""
        named = {}
        for asset_id, digest in descriptors_of(self.mirror, set(asset_ids)).items():
            descriptor = self.descriptor(digest)
            if descriptor is not None:
                named[asset_id] = descriptor.title
        return named


def _asset_id(text: str) -> int:
    if text.startswith("0x"):
        return int.from_bytes(from_hex(text.lower(), "asset", 32), "big")
    if not re.fullmatch(r"[0-9]{1,78}", text) or int(text) >= 2**256:
        raise InvalidInput("asset", "is neither decimal nor 32 bytes of hex")
    return int(text)


def _number(name: str, text: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > most:
        raise InvalidInput(name, f"is not a whole number up to {most}")
    return int(text)


# -- lists -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Columns:
    """The columns of a list of one kind of view: heads, how a row is made of an item, which columns are numbers."""

    heads: Sequence[str]
    row: Callable[[Any], Sequence[Markup]]
    numbers: frozenset[int] = frozenset()

    def table(self, title: str, items: Iterable[Any], **more: Any) -> Table:
        """A table of these items."""
        return Table(title, self.heads, [self.row(item) for item in items], numbers=self.numbers, **more)


def listed(asked: Asked, noun: str, view: type[Item], page: Items[Item], columns: Columns, **more: Any) -> Page:
    """A page of a list, whose JSON is the API's own and whose CSV has the same rows."""
    after = None
    if page.after is not None:
        after = "?" + urlencode({**asked.query, "after": page.after})
    title = f"{noun}.list"
    return Page(
        title=asked.shown.say(title),
        noun=noun,
        sections=[columns.table(title, page.items, after=after, aside=f"{noun}.list.aside")],
        json=page.to_json(),
        table=relation(noun, view, page.items),
        following=page.after,
        **more,
    )


def relation(name: str, view: type[View], items: Iterable[View]) -> Relation:
    """These items as rows."""
    columns = fields_of(view)
    rows = [cells_of(item, columns) for item in items]
    return Relation(name, columns, lambda _: iter(rows))
