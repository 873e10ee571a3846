"""A node that does as it is told at the seam: it fails before or after it delivers, lies, or lets others go first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from deedbook.chain.client import Node, NodeError, Request, one_by_one
from deedbook.errors import ChainUnavailable

SEND = "eth_sendRawTransaction"
Answer = Callable[[Sequence[Any]], Any]


class SeamNode:
    """Another node, but for the next requests of the methods in `script`; `asked` remembers every request."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.asked: list[tuple[str, Sequence[Any]]] = []
        self._script: dict[str, list[Answer | None]] = {}

    def request(self, method: str, params: Sequence[Any]) -> Any:
        self.asked.append((method, params))
        waiting = self._script.get(method, [])
        answer = waiting.pop(0) if waiting else None
        return self.node.request(method, params) if answer is None else answer(params)

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        """The requests in turn, each as it is scripted; where one gets no answer, the batch gets none."""
        return one_by_one(self, requests)

    def then(self, method: str, *answers: Answer | None) -> None:
        """How the next requests of a method are answered, in turn; None is as the node does."""
        self._script.setdefault(method, []).extend(answers)

    def count(self, method: str) -> int:
        """How often a method was asked."""
        return sum(asked == method for asked, _ in self.asked)

    def lost_before(self, method: str = SEND) -> Answer:
        """The request never arrives."""

        def answer(_: Sequence[Any]) -> Any:
            raise ChainUnavailable("the line is cut before")

        return answer

    def lost_after(self, method: str = SEND) -> Answer:
        """The request arrives, its answer does not."""

        def answer(params: Sequence[Any]) -> Any:
            self.node.request(method, params)
            raise ChainUnavailable("the line is cut after")

        return answer

    def refused_after(self, error: Exception, method: str = SEND) -> Answer:
        """The request is done, and answered with an error all the same."""

        def answer(params: Sequence[Any]) -> Any:
            self.node.request(method, params)
            raise error

        return answer

    def refused(self, error: BaseException) -> Answer:
        """The request is answered with an error."""

        def answer(_: Sequence[Any]) -> Any:
            raise error

        return answer

    def after(self, act: Callable[[], Any], method: str = SEND) -> Answer:
        """Something happens just before the request arrives."""

        def answer(params: Sequence[Any]) -> Any:
            act()
            return self.node.request(method, params)

        return answer
