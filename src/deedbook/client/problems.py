"""Problems (RFC 9457) back into the errors that they were: the tree of `errors`, by the stable code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any, Final

from deedbook.errors import DeedbookError, InvalidInput, RejectedByContract, ServiceRefused, ServiceUnavailable

_PLAIN: Final = ("type", "title", "status", "detail", "code", "hint", "retryable")
_CAPITAL: Final = re.compile("[A-Z]")
_LATER: Final = (429, 502, 503, 504)
"""Statuses after which the same request may be answered: too many of them, or who stands before the service."""


def error_of(status: int, content: bytes) -> DeedbookError:
    """The error behind an answer of 400 or more. ServiceRefused where it is none of the tree, ServiceUnavailable where
    it is not of the service, or one that passes."""
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        if status in _LATER:
            return ServiceUnavailable(f"the service answers {status}", status=status)
        return ServiceRefused(status, "no-problem", f"the service answers {status} without saying why")
    words = problem.get("detail")
    return _error(status, problem["code"], words if isinstance(words, str) else "", problem)


def reason_of(operation: Mapping[str, Any]) -> DeedbookError:
    """Why an operation failed. It has the `operation` and its `transaction` among its fields."""
    reason = operation["reason"]
    about = {"operation": operation["operation"], "transaction": operation["transaction"]}
    if reason["code"] == RejectedByContract.code:
        made: DeedbookError = RejectedByContract(reason["contract"], reason["error"], reason["arguments"])
    elif reason["code"] == InvalidInput.code:
        made = InvalidInput(reason["about"], reason["message"].removeprefix(f"{reason['about']}: "))
    else:
        made = _error(409, reason["code"], reason["message"], {})
    made.fields = {**made.fields, **about}
    return made


def _error(status: int, code: str, words: str, problem: Mapping[str, Any]) -> DeedbookError:
    kind = _kinds().get(code)
    fields = {name: value for name, value in problem.items() if name not in _PLAIN and name.isidentifier()}
    hint = problem.get("hint")
    if kind is None:
        if status in _LATER or problem.get("retryable") is True:
            return ServiceUnavailable(words or f"the service answers {status}", status=status, problem=code)
        return ServiceRefused(status, code, words, hint=hint)
    # Their constructors make words of fields; here both are there.
    made = kind.__new__(kind)
    DeedbookError.__init__(made, words, hint=hint, **fields)
    for name in _attributes(kind):
        setattr(made, name, None)  # unless it is told
    for name, value in fields.items():
        if name not in ("fields", "message", "args"):
            setattr(made, _CAPITAL.sub(lambda letter: f"_{letter[0].lower()}", name), value)
    return made


def _attributes(kind: type[DeedbookError]) -> list[str]:
    """What errors of a kind have of their own."""
    return [name for name in signature(kind).parameters if name not in ("message", "hint", "fields")]


def _kinds() -> Mapping[str, type[DeedbookError]]:
    return {kind.code: kind for kind in _below(DeedbookError)}


def _below(kind: type[DeedbookError]) -> Iterator[type[DeedbookError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)
