"""What queries give: frozen views with one JSON form, and pages of them.

JSON form: names in camelCase; accounts as EIP-55 text, other bytes as lower-case hex; codes as lower-case words (sets
of bits as lists of words, codes without a name as numbers); identifiers and amounts of more than 53 bits as decimal
text; times as Unix seconds; nothing as null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, ClassVar, Generic, TypeVar

from deedbook.domain.codes import word_of
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.errors import InvalidInput

MOST_ROWS = 1000
"""The longest page."""

ACCOUNT_LENGTH = 20


class View:
    """A frozen dataclass with a JSON form; `DECIMAL` names the fields whose integers are written as text."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The view as a JSON object."""
        shown = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            shown[camel(field.name)] = json_value(value, decimal=field.name in self.DECIMAL)
        return shown


def json_value(value: Any, *, decimal: bool = False) -> Any:
    """A field's value in JSON."""
    if isinstance(value, View):
        return value.to_json()
    if isinstance(value, IntFlag):
        return [word_of(each) for each in value]
    if isinstance(value, IntEnum):
        return word_of(value)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(value) if decimal else value
    if isinstance(value, bytes):
        return checksum_address(value) if len(value) == ACCOUNT_LENGTH else to_hex(value)
    if isinstance(value, dict):
        return {key: json_value(item, decimal=decimal) for key, item in value.items()}
    return [json_value(item, decimal=decimal) for item in value]


Item = TypeVar("Item", bound=View)
Code = TypeVar("Code", bound=IntEnum)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items in order; `after` asks for those that follow, None at the end."""

    items: tuple[Item, ...]
    after: str | None

    def to_json(self) -> dict[str, Any]:
        """The page as a JSON object."""
        return {"items": [item.to_json() for item in self.items], "after": self.after}


def every(pages: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """The items of all pages; `pages` gives the one that goes on from a place (None: the first)."""
    after: str | None = None
    while True:
        page = pages(after)
        yield from page.items
        after = page.after
        if after is None:
            return


def page_of(items: Sequence[Item], more: bool, token: Sequence[str]) -> Page[Item]:
    """A page of these items, and whether there are `more` behind them; `token` says where each one stands."""
    return Page(tuple(items), token[len(items) - 1] if more else None)


def require_limit(limit: int) -> int:
    """Raises InvalidInput unless 1 <= limit <= 1000."""
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidInput("limit", f"is not 1 to {MOST_ROWS}")
    return limit


def code_of(codes: type[Code], value: int) -> Code | int:
    """The named code, or the number of one without a name."""
    try:
        return codes(value)
    except ValueError:
        return value


def camel(name: str) -> str:
    """A field's name in JSON."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
