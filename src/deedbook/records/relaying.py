"""Signed requests that members handed over to be relayed, each kept before anything is sent.

At most one request of a member and nonce waits at a time. A claim says who sends it, until when, in which transaction:
it saves gas and order, no more - that a request runs once is the forwarder's, so a claim that is over hurts nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from deedbook.domain.hashing import to_hex
from deedbook.domain.refusals import Refusal
from deedbook.domain.relaying import ActState, Ran, RelayedAct, SignedRequest
from deedbook.errors import Conflict, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import relayed_acts as acts


class RelayedActs:
    """The relayed acts of a home; each method is one SQL transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, signed: SignedRequest, *, key: str, seen: int) -> RelayedAct:
        """Keeps a request as WAITING under its idempotency key, or gives the act that it is already.

        `seen` is the chain's newest final block: it ran in none before. One that was refused waits again. Raises
        Conflict where the key stands for another request that was not refused, or another one of this member and nonce
        waits.
        """
        with self._database.writing() as connection:
            known = _first(connection, acts.c.digest == signed.digest)
            if known is not None and known.state is not ActState.REFUSED:
                return known
            self._require_free(connection, signed, key)
            connection.execute(delete(acts).where(acts.c.key == key, acts.c.digest != signed.digest))
            if known is None:
                connection.execute(insert(acts), _new_row(connection, signed, key, seen))
            else:
                connection.execute(update(acts).where(acts.c.digest == signed.digest).values(_again(signed, key)))
            found = _first(connection, acts.c.digest == signed.digest)
            assert found is not None
            return found

    def _require_free(self, connection: Connection, signed: SignedRequest, key: str) -> None:
        request = signed.request
        other = _first(connection, acts.c.key == key)
        if other is not None and other.state is not ActState.REFUSED:
            raise Conflict("the key stands for another request", key=key)
        same = (acts.c.signer == request.sender) & (acts.c.nonce == request.nonce)
        if _first(connection, same & (acts.c.state == ActState.WAITING)) is not None:
            raise Conflict("another request of this nonce waits", nonce=request.nonce)

    def get(self, digest: bytes) -> RelayedAct:
        """The act of a request's digest. Raises NotFound."""
        with self._database.reading() as connection:
            found = _first(connection, acts.c.digest == digest)
        if found is None:
            raise NotFound("relayed act", to_hex(digest))
        return found

    def find(self, key: str) -> RelayedAct | None:
        """The act under an idempotency key."""
        with self._database.reading() as connection:
            return _first(connection, acts.c.key == key)

    def seen(self, digest: bytes) -> int:
        """The chain's newest final block when the request was kept. Raises NotFound."""
        with self._database.reading() as connection:
            found = connection.execute(select(acts.c.seen_block).where(acts.c.digest == digest)).scalar()
        if found is None:
            raise NotFound("relayed act", to_hex(digest))
        return int(found)

    def waiting(self, signer: bytes | None = None) -> list[RelayedAct]:
        """What waits, of one member or of all, by member and nonce."""
        wanted = acts.c.state == ActState.WAITING
        with self._database.reading() as connection:
            return _all(connection, wanted if signer is None else wanted & (acts.c.signer == signer))

    def of(self, signer: bytes | None = None) -> list[RelayedAct]:
        """Every act, of one member or of all, in the order in which they were kept."""
        wanted = acts.c.position > 0 if signer is None else acts.c.signer == signer
        found = select(acts).where(wanted).order_by(acts.c.position)
        with self._database.reading() as connection:
            return [_act(row) for row in connection.execute(found).mappings()]

    def counts(self) -> dict[str, int]:
        """How many acts are in each state; a state without acts is missing."""
        with self._database.reading() as connection:
            counted = connection.execute(select(acts.c.state, func.count().label("acts")).group_by(acts.c.state))
            return {row.state: row.acts for row in counted}

    def claim(
        self, digests: Sequence[bytes], relayer: bytes, *, now: int, until: int, name: Callable[[Sequence[str]], str]
    ) -> dict[str, list[RelayedAct]]:
        """Claims those of them that wait and that nobody else has claimed beyond `now`; Unix seconds.

        Gives the transactions to send, by the idempotency key of each, with every request that it carries, in order:
        one new transaction for what nobody had claimed, its key by `name` from the requests' own marks, and those that
        this relayer had claimed before, as they were.
        """
        with self._database.writing() as connection:
            found = connection.execute(select(acts).where(acts.c.digest.in_(digests)).order_by(acts.c.position))
            mine = [row for row in found.mappings().all() if _is_claimable(row, relayer, now)]
            carriers = {str(row["carrier"]) for row in mine if row["relayer"] == relayer}
            fresh = [row for row in mine if row["relayer"] != relayer]
            if fresh:
                carrier = name([f"{row['digest'].hex()}/{row['attempts']}" for row in fresh])
                taken = {"relayer": relayer, "carrier": carrier}
                connection.execute(update(acts).where(_among(fresh)).values(taken))
                carriers.add(carrier)
            connection.execute(update(acts).where(_among(mine)).values(claimed_until=until))
            return {carrier: _all(connection, acts.c.carrier == carrier) for carrier in sorted(carriers)}

    def settle(
        self, digest: bytes, state: ActState, *, ran: Ran | None = None, refusal: Refusal | None = None
    ) -> RelayedAct:
        """Notes what became of a waiting act, or of a refused one that ran after all; one that waits no more
        is given back unchanged. Raises NotFound."""
        said: dict[str, Any] = {"state": state, "refusal": None if refusal is None else refusal.to_text()}
        if ran is not None:
            said |= {"tx_hash": ran.tx_hash, "block_number": ran.block_number, "block_hash": ran.block_hash}
            said |= {"success": int(ran.success)}
        return self._changed(digest, said, _WAITS if ran is None else acts.c.state.in_(_OPEN))

    def refuse(self, digest: bytes, refusal: Refusal, *, now: int) -> RelayedAct:
        """WAITING to REFUSED, unless somebody has claimed it beyond `now` and may be sending it. Raises NotFound."""
        said = {"state": ActState.REFUSED, "refusal": refusal.to_text()}
        nobody = acts.c.relayer.is_(None) | (acts.c.claimed_until <= now)
        return self._changed(digest, said, _WAITS & nobody)

    def free(self, digest: bytes, carrier: str) -> RelayedAct:
        """Gives up the claim of a transaction that ended without running the request, which waits on."""
        nobody = {"relayer": None, "carrier": None, "claimed_until": None, "attempts": acts.c.attempts + 1}
        return self._changed(digest, nobody, _WAITS & (acts.c.carrier == carrier))

    def _changed(self, digest: bytes, values: dict[str, Any], where: ColumnElement[bool]) -> RelayedAct:
        with self._database.writing() as connection:
            connection.execute(update(acts).where(acts.c.digest == digest, where).values(values))
            found = _first(connection, acts.c.digest == digest)
        if found is None:
            raise NotFound("relayed act", to_hex(digest))
        return found


_OPEN: Final = (ActState.WAITING, ActState.REFUSED)
_WAITS: Final = acts.c.state == ActState.WAITING


def _is_claimable(row: Row, relayer: bytes, now: int) -> bool:
    free = row["relayer"] is None or row["relayer"] == relayer or row["claimed_until"] <= now
    return bool(row["state"] == ActState.WAITING and free)


def _among(rows: Sequence[Row]) -> ColumnElement[bool]:
    return acts.c.digest.in_([row["digest"] for row in rows])


def _all(connection: Connection, wanted: ColumnElement[bool]) -> list[RelayedAct]:
    order = (acts.c.signer, acts.c.nonce, acts.c.position)
    return [_act(row) for row in connection.execute(select(acts).where(wanted).order_by(*order)).mappings()]


def _first(connection: Connection, wanted: ColumnElement[bool]) -> RelayedAct | None:
    row = connection.execute(select(acts).where(wanted)).mappings().first()
    return None if row is None else _act(row)


def _new_row(connection: Connection, signed: SignedRequest, key: str, seen: int) -> dict[str, Any]:
    last = connection.execute(select(func.max(acts.c.position))).scalar_one()
    return {
        "key": key,
        "position": (last or 0) + 1,
        "digest": signed.digest,
        "signer": signed.request.sender,
        "nonce": signed.request.nonce,
        "document": signed.encode(),
        "state": ActState.WAITING,
        "attempts": 0,
        "seen_block": seen,
    }


def _again(signed: SignedRequest, key: str) -> dict[str, Any]:
    """A refused one, waiting again: its next transaction is another one."""
    nobody = {"relayer": None, "carrier": None, "claimed_until": None, "refusal": None}
    return {
        "key": key,
        "document": signed.encode(),
        "state": ActState.WAITING,
        "attempts": acts.c.attempts + 1,
        **nobody,
    }


def _act(row: Row) -> RelayedAct:
    ran = None
    if row["tx_hash"] is not None:
        ran = Ran(row["tx_hash"], row["block_number"], row["block_hash"], bool(row["success"]))
    refusal = Refusal.from_text(row["refusal"])
    signed = SignedRequest.decode(row["document"])
    return RelayedAct(signed, ActState(row["state"]), row["relayer"], row["carrier"], ran, refusal, row["attempts"])
