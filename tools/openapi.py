"""Writes `docs/openapi.json` (`--write`) or checks it: the service's API, as the program itself describes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, cast

from deedbook.api.app import create_app
from deedbook.api.serving import Serving
from tools.pages import ROOT, settle

PAGE = ROOT / "docs" / "openapi.json"


def described() -> dict[str, Any]:
    """The document: no home is asked for it."""
    return create_app(cast(Serving, None)).openapi()


def render() -> str:
    """The document as it is committed."""
    return json.dumps(described(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(words: Sequence[str]) -> int:
    """Writes the document, or says that it is stale."""
    return settle(words, PAGE, render(), "python -m tools.openapi --write")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
