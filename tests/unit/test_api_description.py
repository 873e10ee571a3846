"""The API's description cannot rot: it is committed, and says of every route what it answers and takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.documents import MOST_NUMBER
from tools import openapi

READS = ("/rpc", "/payees/kept", "/verifications", "/drafts/", "/commitments/")
"""Routes, or where they begin, that are posted to and write nothing that anybody sees."""
BY_CONTENT = ("/anchors/{exchange}/entries", "/assets/{asset_id}/consents", "/documents")
"""Routes to which the same again is the same by itself: what is sent is its own key."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi.described()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


ALL = [pytest.param(path, method, found, id=f"{method} {path}") for path, method, found in operations()]


def test_the_committed_description_is_the_programs_own(root: Path) -> None:
    page = (root / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert page == openapi.render(), "run `python -m tools.openapi --write`"


@pytest.mark.parametrize(("path", "method", "found"), ALL)
def test_every_route_says_what_it_does_and_its_errors_are_problems(
    path: str, method: str, found: dict[str, Any]
) -> None:
    assert found["description"].strip().endswith(".")
    for status, answer in found["responses"].items():
        media_types = list(answer.get("content", {"": None}))
        assert media_types == (["application/problem+json"] if int(status) >= 400 else media_types), (path, method)
    writes = method != "get" and not path.startswith(READS) and path not in BY_CONTENT
    names = {each["name"] for each in found.get("parameters", ())}
    assert ("Idempotency-Key" in names) == writes
    assert writes <= ("requestBody" in found)
    if writes:
        assert {"409", "422", "503"} <= found["responses"].keys()
        assert ("wait" in names) == ("202" in found["responses"])


def test_every_reference_of_the_description_leads_somewhere() -> None:
    document = openapi.described()
    named = set(document["components"]["schemas"])
    assert {"Problem", "OperationAnswer"} <= named
    assert {name.rpartition("/")[2] for name in references(document)} == named


def test_no_number_of_the_description_is_more_than_json_carries() -> None:
    """RFC 7493, 2.2: 256-bit integers are text; whatever is a number has its bounds."""
    numbers = list(integers(openapi.described(), ""))
    assert len(numbers) > 100
    for place, schema in numbers:
        assert schema.get("minimum", 0) >= -MOST_NUMBER, place
        assert schema.get("maximum", MOST_NUMBER + 1) <= MOST_NUMBER, place


def integers(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if value.get("type") == "integer":
            yield place, value
        for name, item in value.items():
            yield from integers(item, f"{place}/{name}")
    elif isinstance(value, list):
        for item in value:
            yield from integers(item, place)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)
