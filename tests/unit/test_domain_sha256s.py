"""Many hashes at once: what hashing one by one gives, with the kernel and without."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.sha256s import LONGEST, SHA256S, Plain, Sha256s
from tests.native import kernel

WAYS = ("plain", "anywhere", "instructions")


@pytest.fixture(params=["plain", "kernel"])
def sha256s(request: pytest.FixtureRequest) -> Any:
    return Plain() if request.param == "plain" else kernel("_sha256")


@pytest.mark.parametrize("width", [1, 31, 32, 33, 64, 119, 120, 121, 305])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_rows_behind_prefixes_of_every_length(sha256s: Sha256s, width: int, count: int) -> None:
    rows = bytes(place * 31 + width & 255 for place in range(width * count))
    prefixes = tuple(bytes([length]) * length for length in range(LONGEST + 1))
    each = [rows[at : at + width] for at in range(0, len(rows), width)]
    expected = b"".join(sha256(prefix + row).digest() for row in each for prefix in prefixes)
    assert sha256s.sha256_rows(rows, width, prefixes) == expected
    assert sha256s.sha256_rows(memoryview(rows), width, prefixes[:1]) == b"".join(sha256(row).digest() for row in each)
    assert sha256s.sha256_rows(rows, width, ()) == b""


def test_items_of_every_length(sha256s: Sha256s) -> None:
    items = [bytes([length & 255]) * length for length in range(420)]
    assert sha256s.sha256_each(items) == b"".join(sha256(item).digest() for item in items)
    assert sha256s.sha256_each(reversed(items)) == b"".join(sha256(item).digest() for item in reversed(items))
    assert sha256s.sha256_each([]) == b""


@given(items=st.lists(st.binary(max_size=300), max_size=20))
def test_items_as_they_come(items: list[bytes]) -> None:
    expected = b"".join(sha256(item).digest() for item in items)
    assert kernel("_sha256").sha256_each(items) == Plain().sha256_each(items) == expected


def test_known_hashes(sha256s: Sha256s) -> None:
    """Of nothing, of "abc", and of the two blocks' message (NIST, examples for SHA-256)."""
    two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    known = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ]
    assert sha256s.sha256_each([b"", b"abc", two_blocks]).hex() == "".join(known)


def test_what_does_not_fit_is_refused(sha256s: Sha256s) -> None:
    for rows, width, prefixes in [
        (bytes(33), 32, (b"",)),
        (bytes(32), 0, (b"",)),
        (bytes(32), -32, (b"",)),
        (bytes(32), 32, (b"", bytes(LONGEST + 1))),
    ]:
        with pytest.raises(ValueError):
            sha256s.sha256_rows(rows, width, prefixes)
    with pytest.raises(TypeError):
        sha256s.sha256_each(["text"])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        sha256s.sha256_rows(bytes(32), 32, ("text",))  # type: ignore[arg-type]


def test_the_kernel_takes_its_way_by_the_processor() -> None:
    assert kernel("_sha256").WAY in WAYS[1:]
    assert SHA256S.WAY in WAYS
