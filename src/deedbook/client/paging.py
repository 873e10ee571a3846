"""Lists that come in pages: all items one after the other, a page at a time in memory.

What never ends (`events`) says on each page whether there is `more` now; the iteration ends where there is none, and
the last page's `after` is where a later one goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deedbook.client.talks import Call, Json


@dataclass(frozen=True, slots=True)
class Items:
    """The items of all pages. Nothing is asked before the first is wanted; every iteration asks anew."""

    call: Call
    ask: Callable[[Call], Any]

    def pages(self) -> Iterator[Json]:
        """The pages as the service answers them: `items`, and what else it says there."""
        call: Call | None = self.call
        while call is not None:
            page = self.ask(call)
            yield page
            call = _next(call, page)

    def __iter__(self) -> Iterator[Json]:
        for page in self.pages():
            yield from page["items"]


@dataclass(frozen=True, slots=True)
class AsyncItems:
    """As `Items`."""

    call: Call
    ask: Callable[[Call], Awaitable[Any]]

    async def pages(self) -> AsyncIterator[Json]:
        """As `Items.pages`."""
        call: Call | None = self.call
        while call is not None:
            page = await self.ask(call)
            yield page
            call = _next(call, page)

    async def __aiter__(self) -> AsyncIterator[Json]:
        async for page in self.pages():
            for item in page["items"]:
                yield item


def _next(call: Call, page: Mapping[str, Any]) -> Call | None:
    after = page["after"]
    is_last = after is None or page.get("more") is False
    return None if is_last else replace(call, query={**call.query, "after": after})
