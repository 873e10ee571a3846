"""What the records ask of a cipher; bootstrap hands one in."""

from __future__ import annotations

from typing import Protocol


class Sealer(Protocol):
    """Seals what must not be read in a stolen database. `context` says what is sealed; it is bound in, not hidden."""

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """The sealed form; twice the same gives two different ones."""

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed under this context. Raises SealBroken, MissingKey."""
