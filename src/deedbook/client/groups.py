"""What the generated routes are made of: how a method's words become a `Call`, and its answer a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from deedbook.client.paging import AsyncItems, Items
from deedbook.client.talks import Call, Reply


class Asking(Protocol):
    """A client, as routes see it."""

    def ask(self, call: Call, *, raw: bool = False) -> Any:
        """The JSON of an answer, or its bytes."""

    def key(self) -> str:
        """A fresh idempotency key."""


class AsyncAsking(Protocol):
    """As `Asking`."""

    async def ask(self, call: Call, *, raw: bool = False) -> Any:
        """The JSON of an answer, or its bytes."""

    def key(self) -> str:
        """A fresh idempotency key."""


class Group:
    """The routes of one noun."""

    def __init__(self, client: Asking) -> None:
        self._client = client

    def _items(self, call: Call) -> Items:
        return Items(call, self._client.ask)


class AsyncGroup:
    """As `Group`."""

    def __init__(self, client: AsyncAsking) -> None:
        self._client = client

    def _items(self, call: Call) -> AsyncItems:
        return AsyncItems(call, self._client.ask)


def call(
    method: str,
    path: str,
    query: Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str | None] | None = None,
    body: Any = None,
    media_type: str | None = None,
    repeatable: bool = True,
) -> Call:
    """A request; what is None is not said. Bodies are values that are written as JSON, or bytes as they are."""
    said = {name: _word(value) for name, value in (query or {}).items() if value is not None}
    named = {name: value for name, value in (headers or {}).items() if value is not None}
    if media_type is None:
        return Call(method, path, said, named, repeatable=repeatable)
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Call(method, path, said, {"Content-Type": media_type, **named}, content, repeatable)


def part(value: object) -> str:
    """A value as one part of a path."""
    return quote(str(value), safe="")


def rest(value: object) -> str:
    """A value that may be several parts of a path."""
    return quote(str(value), safe="/")


def value_of(reply: Reply, *, raw: bool) -> Any:
    """What an answer says: its JSON, or its bytes where the route answers with another kind; None for no content."""
    if raw:
        return reply.content
    return reply.json() if reply.content else None


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
