"""What the script of a desk looks at in a call before it is signed stands there: checked against the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from deedbook.api.web.desks.acts import ACTS, CODES, WORD
from deedbook.chain import abis
from deedbook.domain.abi import encode


def filled(parameters: abis.Parameters, numbers: Iterator[int], seen: dict[str, int], path: str = "") -> list[Any]:
    """Values of these types, every number of them another one; `seen` tells which is whose."""
    return [_filled(each, numbers, seen, f"{path}{each['name']}") for each in parameters]


def _filled(parameter: Mapping[str, Any], numbers: Iterator[int], seen: dict[str, int], path: str) -> Any:
    kind = str(parameter["type"])
    if kind.endswith("[]"):
        return [_filled({**parameter, "type": kind[:-2]}, numbers, seen, f"{path}.{each}") for each in range(2)]
    if kind == "tuple":
        return tuple(filled(parameter["components"], numbers, seen, f"{path}."))
    seen[path] = number = next(numbers)
    if kind == "bool":
        return True
    if kind == "address":
        return number.to_bytes(20, "big")
    return number.to_bytes(int(kind[5:]), "big") if kind.startswith("bytes") else number


@pytest.mark.parametrize("name", ACTS)
def test_each_value_of_a_form_is_looked_for_where_the_call_says_it(name: str) -> None:
    act, seen = ACTS[name], dict[str, int]()
    inputs = abis.functions(act.contract)[act.function].inputs
    data = encode([abis.type_of(each) for each in inputs], filled(inputs, iter(range(3, 250)), seen))
    words = [int.from_bytes(data[start : start + WORD], "big") for start in range(0, len(data), WORD)]
    numbers = {said: seen[argument] for said, argument in act.says.items() if argument in seen}
    found = {said: words[place_of(words, act.places[said])] for said in numbers}
    assert {said: number >> 232 or number for said, number in found.items()} == numbers  # three bytes stand to the left
    for said in act.says.keys() - numbers:  # arrays, and a struct that is said whole: behind its offset
        first = min(number for path, number in seen.items() if path.startswith(act.says[said]))
        place = place_of(words, act.places[said])
        assert first in (words[place], words[place + 1])
    for argument, path in zip(act.nothing, act.empty, strict=True):
        assert words[place_of(words, path)] in (seen.get(argument, 2), 1)  # a number, how many there are, or True


@pytest.mark.parametrize("name", ["register", "enrol", "publish", "sealed", "list", "grant", "end", "key"])
def test_a_form_says_every_word_of_what_a_provider_signs(name: str) -> None:
    act = ACTS[name]
    inputs = abis.functions(act.contract)[act.function].inputs
    data = encode([abis.type_of(each) for each in inputs], filled(inputs, iter(range(3, 250)), {}))
    words = [int.from_bytes(data[start : start + WORD], "big") for start in range(0, len(data), WORD)]
    seen = set[int]()
    told = [*zip(act.says.values(), act.places.values(), strict=True), *zip(act.nothing, act.empty, strict=True)]
    for argument, path in told:
        steps = [place_of(words, path[: depth + 1]) for depth in range(len(path))]
        elements = 4 if argument.endswith("intermediaries") else 2
        has_elements = words[steps[-1]] == 2  # how many an array has; values begin with 3
        seen |= {*steps, *(steps[-1] + 1 + each for each in range(elements) if has_elements)}
    attesters = {1, *range(len(words) - 3, len(words))} if name == "list" else set()
    assert set(range(len(words))) - seen == attesters


def place_of(words: list[int], path: list[int]) -> int:
    """The word at the end of a path, as the script follows it."""
    base = 0
    for step in path[:-1]:
        base += words[base + step] // WORD
    return base + path[-1]


def test_words_are_the_numbers_of_the_ledger() -> None:
    assert CODES["outcome"] == {"positive": 1, "negative": 2}
    assert CODES["kind"]["source-legality"] == 2
    assert len(CODES["kind"]) == 8
