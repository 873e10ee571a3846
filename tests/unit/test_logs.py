"""The log of a process: lines that machines read, with what they are about, and nothing of a person in them."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from deedbook.bootstrap.logs import bound, logging_to

LOG = logging.getLogger("deedbook.some.module")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_and_says_when_what_and_where() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        LOG.warning("a log is not anchored: %s", "no-funds")
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "warning", "logger": "deedbook.some.module", "event": "a log is not anchored: no-funds"}


def test_what_is_bound_stands_in_every_line_of_any_module() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        with bound(request="7f"):
            LOG.info("mined", extra={"transaction": "0x11", "block": 7, "person": "Li"})
            logging.getLogger("another").error("later")
        LOG.info("after")
    first, second, third = lines(stream)
    assert (first["request"], first["transaction"], first["block"]) == ("7f", "0x11", 7)
    assert "person" not in first  # nobody said that this may be told
    assert second["request"] == "7f"
    assert "request" not in third


def test_a_fault_is_told_without_what_it_says() -> None:
    stream = io.StringIO()
    with logging_to(stream):
        try:
            raise KeyError("Li Lei, 110101199003074518")
        except KeyError as error:
            LOG.exception("a fault", exc_info=error)
    (line,) = lines(stream)
    assert line["error"] == "KeyError"
    assert line["where"][-1].endswith("test_a_fault_is_told_without_what_it_says")
    assert "Li" not in stream.getvalue()
    assert "1101" not in stream.getvalue()


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [("auto", Terminal(), False), ("json", Terminal(), True), ("text", io.StringIO(), False)],
)
def test_a_terminal_reads_words(form: str, stream: io.StringIO, is_json: bool) -> None:
    with logging_to(stream, form=form):
        LOG.info("mined", extra={"block": 7})
    text = stream.getvalue()
    assert text.startswith("{") == is_json
    assert "mined" in text
    assert "block" in text


def test_what_is_less_important_than_asked_for_is_left_out_and_afterwards_all_is_as_before() -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.level, list(root.handlers)
    with logging_to(stream, level="error"):
        LOG.warning("something")
        logging.getLogger("web3").error("else")
    assert [line["event"] for line in lines(stream)] == ["else"]
    assert (root.level, list(root.handlers)) == before
