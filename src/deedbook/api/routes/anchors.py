"""The exchanges' own logs: entries taken, proofs given, and the checkpoints that anchor them.

What static clients of logs read (C2SP tlog-tiles) is under `/anchors/{exchange}/log`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from deedbook.api.acting import By, act
from deedbook.api.door import Asking
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, tabular
from deedbook.api.routes.inputs import NDJSON, OF_LINES, After, Home, Limit, Lines, key_of
from deedbook.domain.documents import MOST_NUMBER
from deedbook.domain.hashing import parse_address
from deedbook.errors import NotFound
from deedbook.queries import checkpoints as queries
from deedbook.queries.checkpoints import CheckpointView

router = APIRouter(prefix="/anchors", tags=["anchors"])

Place = Annotated[int, Query(ge=0, le=MOST_NUMBER, strict=False)]
MaybePlace = Annotated[int | None, Query(ge=0, le=MOST_NUMBER, strict=False)]
NEVER_CHANGES = {"Cache-Control": "public, max-age=31536000, immutable"}
SOON_ANOTHER = {"Cache-Control": "no-cache"}
RECEIPTS: Final[dict[int | str, dict[str, Any]]] = {201: {"content": {NDJSON: {"schema": {"type": "string"}}}}}
NOTE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
TILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


@tabular(router, "/{exchange}", CheckpointView)
def checkpoints(asked: Reads, exchange: str, limit: Limit = None, after: After = None) -> Response:
    """The checkpoints of an exchange, oldest first."""
    whose = _account(exchange)
    return listed(
        asked,
        CheckpointView,
        lambda mirror, few, at: queries.checkpoints(mirror, whose, limit=few, after=at),
        limit=limit,
        after=after,
    )


@router.post(
    "/{exchange}/entries", status_code=201, response_class=Response, responses=RECEIPTS, openapi_extra=OF_LINES
)
def append(home: Home, exchange: str, lines: Lines, caller: Asking) -> Response:
    """Takes entries into the exchange's log: NDJSON, any JSON value a line, at most 10,000 of them. Answers with a
    signed receipt for each (`deedbook.log-receipt`, version 1), one a line in the same order, once all of them are on
    disk. An entry is its content: the same one again has the same receipt. Where a line is refused, none is kept."""
    account = _account(exchange)
    if not caller.is_one_of((account,)):
        raise NotFound("log of", exchange)
    return Response(home.append(account, lines), 201, media_type=NDJSON)


@router.get("/{exchange}/log")
def log(home: Home, exchange: str) -> dict[str, Any]:
    """How the log stands: entries, how many of them are anchored, since when others wait."""
    return dict(home.log(_account(exchange)))


@router.get("/{exchange}/entries/{index}")
def receipt(home: Home, exchange: str, index: Annotated[int, Path(ge=0, le=MOST_NUMBER)]) -> dict[str, Any]:
    """The receipt of an entry again."""
    return dict(home.log_receipt(_account(exchange), index))


@router.get("/{exchange}/proof")
def proof(
    home: Home, exchange: str, index: MaybePlace = None, leaf: str | None = None, size: MaybePlace = None
) -> dict[str, Any]:
    """That an entry, by `index` or by `leaf` (its leaf hash), stands in the log as of the last checkpoint, or of the
    one of `size` (`deedbook.log-proof`, version 1): it ends in a transaction on chain. 404 before the next one."""
    wanted = None if leaf is None else key_of(leaf, "leaf")
    return dict(home.log_proof(_account(exchange), wanted, index, size))


@router.get("/{exchange}/extension")
def extension(home: Home, exchange: str, former: Place, size: MaybePlace = None) -> dict[str, Any]:
    """That the log of the last checkpoint, or of `size` entries, goes on from its first `former`
    (`deedbook.log-extension`, version 1)."""
    return dict(home.log_extension(_account(exchange), former, size))


@router.get("/{exchange}/log/checkpoint", response_class=Response, responses=NOTE)
def checkpoint(home: Home, exchange: str) -> Response:
    """The last checkpoint on chain as a note that the exchange signs."""
    content = home.log_checkpoint(_account(exchange))
    return Response(content, media_type="text/plain; charset=utf-8", headers=SOON_ANOTHER)


@router.get("/{exchange}/log/tile/{path:path}", response_class=Response, responses=TILE)
def tile(home: Home, exchange: str, path: str) -> Response:
    """A tile, `LEVEL/N` or `LEVEL/N.p/WIDTH`: up to 256 hashes of 32 bytes. What the entries are is not kept here."""
    content = home.log_tile(_account(exchange), path)
    return Response(content, media_type="application/octet-stream", headers=NEVER_CHANGES)


@act(router, "/checkpoints", By, direct=True)
def anchor(hand: Hand, _said: By) -> None:
    """Anchors one's own log as it is now; the service does so by itself, by its size and age."""
    hand.checkpoint()


def _account(text: str) -> bytes:
    return parse_address(text, "exchange")
