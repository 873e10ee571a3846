"""What a terminal is told of long work, and a pipe is not; lines of files, however they are cut into blocks."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.cli import counting
from deedbook.cli.counting import Counter, counted
from deedbook.cli.ndjson import blocks_of, ends_of, lines_of


class Terminal(io.StringIO):
    """Where a person looks on."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said of every one."""
    monkeypatch.setattr(counting, "EVERY", 0)


def shown(screen: Terminal) -> list[str]:
    """What stood in the lines one after the other, without rates."""
    return [part.split(", ")[0].strip() for part in screen.getvalue().replace("\n", "\r#").split("\r") if part]


def test_all_of_them_are_counted_to_the_end() -> None:
    with redirect_stderr(Terminal()) as screen:
        assert list(counted("abc", "letters", 3)) == ["a", "b", "c"]
    assert shown(screen) == ["letters: 1 of 3", "letters: 2 of 3", "letters: 3 of 3", "#"]


def test_of_how_many_nobody_has_to_know() -> None:
    with redirect_stderr(Terminal()) as screen, Counter("letters") as count:
        count(999_999)
        count(1_000_000)
    assert [part for part in screen.getvalue().split("\r") if "left" in part or " of " in part] == []
    assert screen.getvalue().count("letters: 1,000,000, ") == 2
    assert screen.getvalue().endswith("\n")


def test_work_that_is_left_half_way_leaves_the_line() -> None:
    with redirect_stderr(Terminal()) as screen, pytest.raises(OSError), Counter("letters", 3) as count:
        count(1)
        raise OSError
    assert shown(screen) == ["letters: 1 of 3", "letters: 1 of 3", "#"]


def test_what_is_done_at_once_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "EVERY", 3600)
    with redirect_stderr(Terminal()) as screen, Counter("letters") as count:
        count(1)
    assert screen.getvalue() == ""


def test_a_pipe_is_told_nothing() -> None:
    with redirect_stderr(io.StringIO()) as pipe:
        assert list(counted("abc", "letters", 3)) == ["a", "b", "c"]
    assert pipe.getvalue() == ""


@given(st.binary(max_size=60), st.integers(1, 9), st.integers(0, 9))
def test_lines_are_the_same_in_blocks_of_any_size(content: bytes, size: int, longest: int) -> None:
    content = content.replace(b"a", b"\n").replace(b"\x00", b"\n")
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    expected = content.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert list(lines_of(blocks, longest)) == [line[: longest + 1] for line in expected]
    ends = list(ends_of(blocks))
    assert [content[start:end] for start, end in zip([0, *(end + 1 for end in ends)], ends, strict=False)] == expected
    assert b"".join(blocks_of(io.BytesIO(content))) == content
