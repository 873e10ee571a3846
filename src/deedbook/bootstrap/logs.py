"""The log of a process: one line for each thing that happened, JSON for machines, words on a terminal.

Every line has `time` (UTC, RFC 3339), `level`, `event` and the module that says it; `request` while a request is
answered; `operation`, `transaction` and `block` where they are known. Nothing of a person, no secret, no path with ids,
no address of a caller is ever said. The one place that knows the library.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

import orjson
import structlog

from deedbook.config import LOG_FORMS, LOG_LEVELS

QUIET: Final = ("asyncio", "urllib3", "httpcore", "httpx", "alembic", "web3", "eth", "obstore")
"""Libraries whose least important lines say nothing of our work."""
_FACTS: Final = ("request", "operation", "transaction", "block", "block_hash", "method", "route", "status", "seconds")
MOST_FRAMES: Final = 12
"""How many of the innermost calls a fault is told with."""
REQUESTS: Final = logging.getLogger("deedbook.requests")
_NONE: Final[Mapping[str, Any]] = {}
_BOUND: Final[ContextVar[Mapping[str, Any]]] = ContextVar("bound", default=_NONE)
_LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


@contextmanager
def logging_to(stream: TextIO, *, form: str = LOG_FORMS[0], level: str = LOG_LEVELS[0]) -> Iterator[None]:
    """Whatever any module logs is written to `stream`, until the context ends."""
    in_words = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream) if in_words else _Lines(stream)
    handler.setFormatter(formatter(in_words=in_words))
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
        _with_bound,
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


def _with_bound(_: Any, __: str, line: Any) -> Any:
    return {**_BOUND.get(), **line}


def bound(**facts: Any) -> AbstractContextManager[None]:
    """Every line that is said within, by whichever module, has these facts."""
    return _Bound(facts)


class _Bound(AbstractContextManager[None]):
    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts

    def __enter__(self) -> None:
        self._token: Token[Mapping[str, Any]] = _BOUND.set({**_BOUND.get(), **self._facts})

    def __exit__(self, *_: object) -> None:
        _BOUND.reset(self._token)


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines of JSON; a request's without the detour by a record, which costs ten times its line."""

    def tell(self, event: str, module: str, facts: Mapping[str, Any]) -> None:
        """Says at level INFO what happened."""
        said = {"event": event, **_BOUND.get(), "level": "info", "logger": module, "time": datetime.now(UTC), **facts}
        line = orjson.dumps(said, option=_LINE).decode()
        self.acquire()
        try:
            self.stream.write(line)
            self.flush()
        except Exception:  # noqa: BLE001 - as any handler's: whoever is answered is not to know
            self.handleError(logging.makeLogRecord({"msg": event, "name": module}))
        finally:
            self.release()


def tell_request(facts: Mapping[str, Any]) -> None:
    """Says that a request was answered: these facts, of which there may be thousands a second."""
    if not REQUESTS.isEnabledFor(logging.INFO):
        return
    (handler, *others) = logging.getLogger().handlers or (None,)
    if isinstance(handler, _Lines) and not others:
        handler.tell("request", REQUESTS.name, facts)
    else:
        REQUESTS.info("request", extra=facts)
