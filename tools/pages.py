"""Pages of the documents that are written from the program itself: written (`--write`), or said to be stale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def settle(words: Sequence[str], page: Path, text: str, again: str) -> int:
    """Writes the page where the words say so; else says how where it is stale. The exit code, 0 or 1."""
    if "--write" in words:
        page.write_text(text, encoding="utf-8")
    elif not page.exists() or page.read_text(encoding="utf-8") != text:
        print(f"{page.relative_to(ROOT)} is stale: run `{again}`")
        return 1
    return 0
