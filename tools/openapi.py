"""Writes `docs/openapi.json` (`--write`) or checks it: the service's API, as the program itself describes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from deedbook.api.app import create_app
from deedbook.api.serving import Serving

PAGE = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"


def described() -> dict[str, Any]:
    """The document: no home is asked for it."""
    return create_app(cast(Serving, None)).openapi()


def render() -> str:
    """The document as it is committed."""
    return json.dumps(described(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(words: Sequence[str]) -> int:
    """Writes the document, or says that it is stale."""
    page = render()
    if "--write" in words:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        print("docs/openapi.json is stale: run `python -m tools.openapi --write`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
