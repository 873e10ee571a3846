"""A bare ASGI function on the server that Deedbook runs on: what is left when the product is taken away.

    python -m tests.bench.bare MIRROR FOLDER

It answers `GET /assets/{id}/versions/{number}` with that row of a mirror in SQLite, and `POST` with as many bytes as
there are in receipts after it has put the body into a file and synced it. Prints its port.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

import orjson
import uvicorn

from deedbook.api.server import configured

ROW: Final = """
SELECT v.version, v.version_key, v.content_root, v.record_count, v.descriptor_hash, b.timestamp, v.published_block,
       v.published_tx
FROM versions v JOIN blocks b ON b.number = v.published_block WHERE v.asset_id = ? AND v.version = ?
"""
RECEIPT: Final = 420
"""Bytes of a receipt, about."""


class Bare:
    """The function."""

    def __init__(self, mirror: str, folder: str) -> None:
        self._rows = sqlite3.connect(f"file:{mirror}?mode=ro", uri=True, isolation_level=None)
        self._rows.execute("PRAGMA cache_size = -65536")
        self._file = os.open(Path(folder) / "entries", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["method"] == "GET":
            _, _, asset, _, number = scope["path"].split("/")
            body, kind = self._row(bytes.fromhex(asset[2:]), int(number)), b"application/json"
        else:
            taken, kind = await _body(receive), b"application/x-ndjson"
            os.write(self._file, taken)
            os.fsync(self._file)
            body = bytes(RECEIPT * taken.count(b"\n"))
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _row(self, asset: bytes, number: int) -> bytes:
        row = self._rows.execute(ROW, (asset, number)).fetchone()
        return orjson.dumps(
            {
                "version": row[0],
                "versionKey": "0x" + row[1].hex(),
                "contentRoot": "0x" + row[2].hex(),
                "recordCount": row[3],
                "descriptorHash": "0x" + row[4].hex(),
                "publishedAt": row[5],
                "publishedBlock": row[6],
                "publishedTx": "0x" + row[7].hex(),
                "basis": None,
                "attestations": [],
            }
        )


async def _body(receive: Any) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def main(mirror: str, folder: str) -> None:
    """Serves until it is ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(configured(Bare(mirror, folder))).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
