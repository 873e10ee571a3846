from typing_extensions import Buffer

def read_rows(
    text: Buffer, begins: Buffer, record: Buffer, spans: Buffer, width: int, numbers: int, /
) -> tuple[bytes, bytes, bytes]: ...
