"""The rows of intents: `domain.intents.Outbox` on SQL. The nonce and the signed bytes are one transaction's work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from deedbook.domain.intents import Intent, IntentRow, IntentState, Mined, SignedTransaction
from deedbook.errors import Conflict, InvalidInput, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import intents

MOST_KEY = 200


class SqlOutbox:
    """Implements `domain.intents.Outbox`; each method is one SQL transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, intent: Intent) -> IntentRow:
        """Adds the intent as QUEUED, or gives the row of the same key.

        A row that failed before anything was sent is queued anew. Raises Conflict where the call differs, InvalidInput
        for a key that is empty or longer than 200 characters.
        """
        if not 1 <= len(intent.key) <= MOST_KEY:
            raise InvalidInput("key", f"has {len(intent.key)} characters, not 1 to {MOST_KEY}")
        with self._database.writing() as connection:
            found = _find(connection, intent.key)
            if found is not None and found.state is IntentState.FAILED and found.transaction is None:
                connection.execute(delete(intents).where(intents.c.key == intent.key))
                found = None
            if found is None:
                connection.execute(insert(intents), _new_row(connection, intent))
                return IntentRow(intent, IntentState.QUEUED)
            if found.intent != intent:
                raise Conflict("the key stands for another call", key=intent.key)
            return found

    def get(self, key: str) -> IntentRow | None:
        """The row of a key."""
        with self._database.reading() as connection:
            return _find(connection, key)

    def submit(self, key: str, floor: int, sign: Callable[[int], SignedTransaction]) -> IntentRow:
        """Assigns the signer's next nonce (never below `floor`), signs, and keeps the bytes: QUEUED to SUBMITTED.

        A row that is SUBMITTED or further is given back unchanged. Raises NotFound, Conflict for a failed row.
        """
        with self._database.writing() as connection:
            row = _required(connection, key)
            if row.state is IntentState.FAILED and row.transaction is None:
                raise Conflict("the intent has failed; put it again", key=key)
            if row.state is not IntentState.QUEUED:
                return row
            signed = sign(max(floor, _next_nonce(connection, row.intent.signer)))
            sent = {"nonce": signed.nonce, "raw": signed.raw, "tx_hash": signed.tx_hash}
            return _changed(connection, key, state=IntentState.SUBMITTED, **sent)

    def requeue(self, key: str, tx_hash: bytes) -> IntentRow:
        """SUBMITTED to QUEUED, where the row's transaction is `tx_hash`; else the row unchanged. Raises NotFound."""
        with self._database.writing() as connection:
            row = _required(connection, key)
            if row.state is not IntentState.SUBMITTED or row.transaction is None or row.transaction.tx_hash != tx_hash:
                return row
            return _changed(connection, key, state=IntentState.QUEUED, nonce=None, raw=None, tx_hash=None)

    def mined(self, key: str, mined: Mined) -> IntentRow:
        """SUBMITTED to FINAL (status 1) or FAILED (status 0); a row at its end is given back unchanged.

        Raises NotFound, Conflict where the transaction is not the row's.
        """
        with self._database.writing() as connection:
            row = _required(connection, key)
            if row.transaction is None or row.transaction.tx_hash != mined.tx_hash:
                raise Conflict("the transaction is not the intent's", key=key)
            if row.state in (IntentState.FINAL, IntentState.FAILED):
                return row
            state = IntentState.FINAL if mined.status == 1 else IntentState.FAILED
            return _changed(connection, key, state=state, **_mined_row(mined))

    def fail(self, key: str, error: str) -> IntentRow:
        """QUEUED to FAILED, with the code of the error; the key may be put again. Raises NotFound, Conflict."""
        with self._database.writing() as connection:
            row = _required(connection, key)
            if row.state is not IntentState.QUEUED:
                raise Conflict(f"the intent is {row.state}", key=key)
            return _changed(connection, key, state=IntentState.FAILED, error=error)

    def unfinished(self) -> list[IntentRow]:
        """QUEUED and SUBMITTED rows, oldest first."""
        return self._in_states(IntentState.QUEUED, IntentState.SUBMITTED)

    def finished(self) -> list[IntentRow]:
        """FINAL and FAILED rows, oldest first."""
        return self._in_states(IntentState.FINAL, IntentState.FAILED)

    def _in_states(self, *states: IntentState) -> list[IntentRow]:
        wanted = select(intents).where(intents.c.state.in_(states)).order_by(intents.c.position)
        with self._database.reading() as connection:
            return [_row(row) for row in connection.execute(wanted).mappings()]


def _find(connection: Connection, key: str) -> IntentRow | None:
    row = connection.execute(select(intents).where(intents.c.key == key)).mappings().first()
    return None if row is None else _row(row)


def _required(connection: Connection, key: str) -> IntentRow:
    row = _find(connection, key)
    if row is None:
        raise NotFound("intent", key)
    return row


def _changed(connection: Connection, key: str, **values: Any) -> IntentRow:
    connection.execute(update(intents).where(intents.c.key == key).values(values))
    return _required(connection, key)


def _next_nonce(connection: Connection, signer: bytes) -> int:
    last = connection.execute(select(func.max(intents.c.nonce)).where(intents.c.signer == signer)).scalar_one()
    return 0 if last is None else last + 1


def _new_row(connection: Connection, intent: Intent) -> dict[str, Any]:
    last = connection.execute(select(func.max(intents.c.position))).scalar_one()
    return {
        "key": intent.key,
        "position": (last or 0) + 1,
        "signer": intent.signer,
        "to_account": intent.to,
        "contract": intent.contract,
        "function": intent.function,
        "calldata": intent.data,
        "state": IntentState.QUEUED,
    }


def _mined_row(mined: Mined) -> dict[str, Any]:
    return {
        "block_number": mined.block_number,
        "block_hash": mined.block_hash,
        "tx_index": mined.tx_index,
        "gas_used": str(mined.gas_used),
        "status": mined.status,
        "contract_account": mined.contract_address,
    }


def _row(row: Row) -> IntentRow:
    intent = Intent(row["key"], row["signer"], row["to_account"], row["contract"], row["function"], row["calldata"])
    transaction = mined = None
    if row["raw"] is not None:
        transaction = SignedTransaction(row["nonce"], row["raw"], row["tx_hash"])
    if row["status"] is not None:
        mined = Mined(
            row["tx_hash"],
            row["block_number"],
            row["block_hash"],
            row["tx_index"],
            int(row["gas_used"]),
            row["status"],
            row["contract_account"],
        )
    return IntentRow(intent, IntentState(row["state"]), transaction, mined, row["error"])
