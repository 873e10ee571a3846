"""In which form a table is written into a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from deedbook.errors import InvalidInput
from deedbook.queries import exports
from deedbook.queries.exports import Relation
from deedbook.queries.parquet import write_parquet
from deedbook.queries.rows import Reading


def writer_of(form: str, out: str) -> Callable[[Relation, Reading, BinaryIO], int]:
    """What writes `csv` or `parquet` to `out`. Raises InvalidInput (`format`, `out`)."""
    if form == "csv":
        return exports.write_csv
    if form != "parquet":
        raise InvalidInput("format", f"{form!r} is neither csv nor parquet")
    if out == "-":
        raise InvalidInput("out", "a Parquet file is not printed")
    return write_parquet
