"""Refusals: why something that was asked for had no effect, as it is kept and shown, and raised again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deedbook.errors import Conflict, DeedbookError, InvalidInput, RejectedByContract, TransactionFailed


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an act had no effect: the code of an error and what it said; where a contract refused, its own error by name
    with its arguments; where the request itself was wrong, the field that it is `about`."""

    code: str
    message: str
    about: str = ""
    contract: str = ""
    error: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: DeedbookError) -> Refusal:
        """An error as it is kept."""
        if isinstance(error, RejectedByContract):
            return cls(error.code, error.message, "", error.contract, error.error, dict(error.arguments))
        if isinstance(error, InvalidInput):
            return cls(error.code, error.reason, error.field)
        return cls(error.code, error.message)

    def as_error(self) -> DeedbookError:
        """The kept error, to be raised again."""
        if self.error:
            return RejectedByContract(self.contract, self.error, self.arguments)
        if self.about:
            return InvalidInput(self.about, self.message)
        kind = Conflict if self.code == Conflict.code else TransactionFailed
        return kind(self.message)

    def to_json(self) -> dict[str, Any]:
        """The refusal as it is shown."""
        named = {"contract": self.contract, "error": self.error, "arguments": dict(self.arguments)}
        about = {"about": self.about} if self.about else {}
        return {"code": self.code, "message": self.message} | about | (named if self.error else {})

    def to_text(self) -> str:
        """The refusal as it is kept: JSON, not canonical, for a contract's arguments may pass 2^53."""
        return json.dumps(self.to_json())

    @classmethod
    def from_text(cls, text: str | None) -> Refusal | None:
        """The refusal as it was kept, where one was."""
        return None if text is None else cls(**json.loads(text))
