"""The log of a process: one line for each thing that happened, JSON for machines, words on a terminal.

Every line has `time` (UTC, RFC 3339), `level`, `event` and the module that says it; `request` while a request is
answered; `operation`, `transaction` and `block` where they are known. Nothing of a person, no secret, no path with ids,
no address of a caller is ever said. The one place that knows the library.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

from deedbook.config import LOG_FORMS, LOG_LEVELS

QUIET: Final = ("asyncio", "urllib3", "httpcore", "httpx", "alembic", "web3", "eth", "obstore")
"""Libraries whose least important lines say nothing of our work."""
_FACTS: Final = ("request", "operation", "transaction", "block", "block_hash", "method", "route", "status", "seconds")
MOST_FRAMES: Final = 12
"""How many of the innermost calls a fault is told with."""


@contextmanager
def logging_to(stream: TextIO, *, form: str = LOG_FORMS[0], level: str = LOG_LEVELS[0]) -> Iterator[None]:
    """Whatever any module logs is written to `stream`, until the context ends."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(in_words=form == "text" or (form == "auto" and stream.isatty())))
    root = logging.getLogger()
    former = root.level, root.handlers[:], {name: logging.getLogger(name).level for name in QUIET}
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    try:
        yield
    finally:
        root.setLevel(former[0])
        root.handlers[:] = former[1]
        for name, was in former[2].items():
            logging.getLogger(name).setLevel(was)


def formatter(*, in_words: bool) -> logging.Formatter:
    """How a record becomes a line."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.stdlib.ExtraAdder(allow=_FACTS),
        _without_values,
    ]
    ending: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    ending.append(
        structlog.dev.ConsoleRenderer(timestamp_key="time") if in_words else structlog.processors.JSONRenderer()
    )
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=processors, processors=ending)


def _without_values(_: Any, __: str, line: Any) -> Any:
    """An exception as its class and where it came from: what it says may quote what somebody sent."""
    given = line.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
        line["where"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return line


@contextmanager
def bound(**facts: Any) -> Iterator[None]:
    """Every line that is said within, by whichever module, has these facts."""
    with structlog.contextvars.bound_contextvars(**facts):
        yield
