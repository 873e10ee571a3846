"""Where a list goes on: what its rows are ordered by, and the token that names a place in that order.

A page is asked for by the key of the row before it (a keyset), never by a number of rows to skip: rows that come while
somebody reads are neither doubled nor push others out, and the last page costs what the first one does. A token is the
page's own word: its bytes are no promise, and another list's, another release's or a damaged one is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, tuple_

from deedbook.domain.hashing import sha256
from deedbook.errors import InvalidInput
from deedbook.queries.rows import many
from deedbook.queries.views import Page, View, page_of, require_limit

VERSION: Final = 1
"""Of the tokens."""
MOST_TOKEN: Final = 240
"""Characters of the longest token."""
_CHECK = 4
_INTEGER = 8

Item = TypeVar("Item", bound=View)
Part = int | bytes
"""What a list is ordered by: whole numbers below 2^63, and up to 255 bytes."""


@dataclass(frozen=True)
class Places:
    """The places of the list of this name, whose order is by parts of these kinds."""

    name: str
    kinds: tuple[type[int] | type[bytes], ...]

    def token(self, *parts: Part) -> str:
        """The token of a place."""
        body = bytes([VERSION]) + b"".join(map(_packed, parts))
        return base64.urlsafe_b64encode(body + self._check(body)).rstrip(b"=").decode()

    def parts(self, token: str) -> tuple[Any, ...]:
        """The place that a token names. Raises InvalidInput (`after`) where no page of this list gave it."""
        given = _decoded(token)
        body, check = given[:-_CHECK], given[-_CHECK:]
        if body[:1] != bytes([VERSION]) or check != self._check(body) or self._unpacked(body) is None:
            raise InvalidInput("after", "is not a place that a page of this list gave")
        return self._unpacked(body) or ()

    def _check(self, body: bytes) -> bytes:
        return sha256(b"deedbook.page\0" + self.name.encode() + b"\0" + body)[:_CHECK]

    def _unpacked(self, body: bytes) -> tuple[Part, ...] | None:
        found: list[Part] = []
        rest = body[1:]
        for kind in self.kinds:
            length = _INTEGER if kind is int else 1 + (rest[0] if rest else 0)
            part, rest = rest[:length], rest[length:]
            if len(part) < length:
                return None
            found.append(int.from_bytes(part, "big") if kind is int else part[1:])
        return tuple(found) if not rest and all(not isinstance(n, int) or n < 2**63 for n in found) else None


class Keyset:
    """The order of a list by columns of a query that together are unique in it, none of them null.

    They are integers or bytes: text would be ordered by a collation, and not by the same one everywhere.
    """

    def __init__(self, name: str, *columns: ColumnElement[Any]) -> None:
        self._columns = columns
        self._places = Places(name, tuple(bytes if each.type.python_type is bytes else int for each in columns))

    def page(
        self,
        connection: Connection,
        query: Select[Any],
        view: Callable[[Mapping[str, Any]], Item],
        *,
        limit: int,
        after: str | None,
    ) -> Page[Item]:
        """The rows of `query` behind the place `after`, each as its `view`. Raises InvalidInput."""
        rows = list(many(connection, self.ordered(query, after).limit(require_limit(limit) + 1)))
        return page_of([view(row) for row in rows[:limit]], len(rows) > limit, [self._token(row) for row in rows])

    def ordered(self, query: Select[Any], after: str | None = None) -> Select[Any]:
        """The query in this order, from behind the place `after`. Raises InvalidInput."""
        query = query.order_by(*self._columns)
        if after is None:
            return query
        return query.where(tuple_(*self._columns) > self._places.parts(after))

    def _token(self, row: Mapping[str, Any]) -> str:
        return self._places.token(*(row[str(column.key)] for column in self._columns))


def _packed(part: Part) -> bytes:
    return part.to_bytes(_INTEGER, "big") if isinstance(part, int) else bytes([len(part)]) + part


def _decoded(token: str) -> bytes:
    """The bytes of a token; none where it is not written as tokens are."""
    try:
        raw = token.encode("ascii") if len(token) <= MOST_TOKEN else b""
        found = base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b""
    return found if base64.urlsafe_b64encode(found).rstrip(b"=") == raw else b""  # one token, one writing
