from collections.abc import Iterable

from typing_extensions import Buffer

def pack_rows(rows: int, columns: Iterable[tuple[Buffer, Buffer | None]], /) -> bytes: ...
