"""The rows of intents: `domain.intents.Outbox` on SQL, on SQLite and PostgreSQL alike.

One statement for many rows, one transaction for one step of many intents. The newest attempt is in the intent's own
row, so that the common way (signed once, mined, final) writes nothing else; `attempts` holds what was replaced.

A writer has its database to itself (see `database`), so what it reads is true until it commits: a row's state, the
lease's token, the ledger's next nonce.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.compiler import SQLCompiler

from deedbook.domain.intents import ENDS, Intent, IntentRow, IntentState, Lease, Mined, SignedTransaction
from deedbook.domain.refusals import Refusal
from deedbook.errors import Conflict, InvalidInput, LeaseLost, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import attempts, counters, intents, leases

MOST_KEY: Final = 200
UNFINISHED: Final = (IntentState.QUEUED, IntentState.SUBMITTED, IntentState.MINED)
IN_FLIGHT: Final = (IntentState.SUBMITTED, IntentState.MINED)
_AT_ONCE: Final = 2_000
"""How many values stand in one IN list."""
_NOT_SENT: Final[Mapping[str, Any]] = {"nonce": None, "raw": None, "tx_hash": None}
_NOT_MINED: Final[Mapping[str, Any]] = dict.fromkeys(
    ("block_number", "block_hash", "tx_index", "gas_used", "status", "contract_account")
)
_UNREFUSED: Final[Mapping[str, Any]] = dict.fromkeys(("error", "refusal"))
_END: Final = case((intents.c.status == 1, IntentState.FINAL.value), else_=IntentState.FAILED.value)
_Item = TypeVar("_Item")


class SqlOutbox:
    """Implements `domain.intents.Outbox`; each method is one SQL transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Whoever wants something done ---------------------------------------------------------------------------------

    def put(self, intent: Intent, *, judged: bool = False) -> IntentRow:
        """Adds the intent as QUEUED, or gives the row of the same key.

        A row that failed before it was mined is queued anew. Raises Conflict where the call differs, InvalidInput for
        a key that is empty or longer than 200 characters.
        """
        return self.put_all([intent], judged=judged)[0]

    def put_all(self, wanted: Sequence[Intent], *, judged: bool = False) -> list[IntentRow]:
        """`put` for many: their rows in order; all of them are added or none."""
        for intent in wanted:
            if not 1 <= len(intent.key) <= MOST_KEY:
                raise InvalidInput("key", f"has {len(intent.key)} characters, not 1 to {MOST_KEY}")
        with self._database.writing() as connection:
            position = _reserved(connection, len(wanted))
            rows = {row.intent.key: row for row in _of_keys(connection, [intent.key for intent in wanted])}
            fresh: list[dict[str, Any]] = []
            again: list[dict[str, Any]] = []
            for intent in wanted:
                found = rows.get(intent.key)
                if found is None or (found.state is IntentState.FAILED and found.mined is None):
                    (fresh if found is None else again).append(_new_row(intent, position, judged))
                    rows[intent.key] = IntentRow(intent, IntentState.QUEUED, judged=judged)
                    position += 1
                elif found.intent != intent:
                    raise Conflict("the key stands for another call", key=intent.key)
            if fresh:
                _PUTTING.execute(connection, fresh)
            for row in again:
                connection.execute(update(intents).where(intents.c.key == row["key"]).values({**row, **_UNREFUSED}))
            return [rows[intent.key] for intent in wanted]

    def get(self, key: str) -> IntentRow | None:
        """The row of a key."""
        with self._database.reading() as connection:
            return _find(connection, key)

    def unfinished(self) -> list[IntentRow]:
        """QUEUED, SUBMITTED and MINED rows, oldest first."""
        return self._in_states(*UNFINISHED)

    def finished(self) -> list[IntentRow]:
        """FINAL and FAILED rows, oldest first."""
        return self._in_states(IntentState.FINAL, IntentState.FAILED)

    def counts(self) -> Mapping[IntentState, int]:
        """How many rows are in each state; a state without rows is missing."""
        with self._database.reading() as connection:
            found = connection.execute(select(intents.c.state, func.count()).group_by(intents.c.state))
            return {IntentState(state): count for state, count in found}

    # Who may send -------------------------------------------------------------------------------------------------

    def lease(
        self,
        signer: bytes,
        owner: str,
        seconds: float,
        *,
        now: float,
        renew: Lease | None = None,
        dead: Lease | None = None,
    ) -> Lease:
        """The account's lease: `owner`'s for `seconds` from `now`, or the one that another still holds."""
        with self._database.writing() as connection:
            held = _lease_of(connection, signer)
            if held is None:
                held = Lease(signer, owner, 1, 0, now + seconds, _next_unused(connection, signer))
                connection.execute(insert(leases), _lease_row(held))
                return held
            kept = renew is not None and (held.owner, held.token) == (owner, renew.token)
            over = dead is not None and (held.token, held.beat) == (dead.token, dead.beat)
            if not (kept or over or held.owner == owner or held.until <= now):
                return held
            token = held.token if kept else held.token + 1
            given = replace(held, owner=owner, token=token, beat=held.beat + 1, until=now + seconds)
            connection.execute(update(leases).where(leases.c.signer == signer).values(_lease_row(given)))
            return given

    def release(self, lease: Lease) -> None:
        """Ends the lease, if it is still held."""
        held = (leases.c.signer == lease.signer) & (leases.c.token == lease.token)
        with self._database.writing() as connection:
            connection.execute(update(leases).where(held).values(until=0, beat=leases.c.beat + 1))

    # Whoever sends ------------------------------------------------------------------------------------------------

    def busy(self) -> set[tuple[bytes, IntentState]]:
        """Which accounts have rows that are QUEUED, SUBMITTED or MINED."""
        found = select(intents.c.signer, intents.c.state).where(intents.c.state.in_(UNFINISHED)).distinct()
        with self._database.reading() as connection:
            return {(signer, IntentState(state)) for signer, state in connection.execute(found)}

    def queued(self, signer: bytes, most: int) -> list[IntentRow]:
        """The account's oldest QUEUED rows, oldest first."""
        queued = (intents.c.signer == signer) & (intents.c.state == IntentState.QUEUED)
        found = select(*_CALL, intents.c.error, intents.c.judged).where(queued)
        with self._database.reading() as connection:
            rows = connection.execute(found.order_by(intents.c.position).limit(most)).all()
        return [
            IntentRow(Intent(*call), IntentState.QUEUED, error=error, judged=judged) for *call, error, judged in rows
        ]

    def in_flight(self, signer: bytes) -> list[IntentRow]:
        """The account's SUBMITTED and MINED rows by nonce, with every attempt."""
        found = _of_signer(signer, *IN_FLIGHT).order_by(intents.c.nonce)
        with self._database.reading() as connection:
            rows = list(connection.execute(found).mappings())
            if not rows:
                return []
            former = _replaced(connection, signer, rows[0]["nonce"])
            return [_row(row, former.get(row["key"], ())) for row in rows]

    def fillers(self, signer: bytes, lowest: int) -> list[SignedTransaction]:
        """Transactions of no intent that fill a gap at or above the nonce `lowest`, by nonce."""
        of_none = (attempts.c.signer == signer) & (attempts.c.nonce >= lowest) & attempts.c.key.is_(None)
        with self._database.reading() as connection:
            found = connection.execute(select(attempts).where(of_none).order_by(attempts.c.nonce)).mappings()
            return [_attempt(row) for row in found]

    def newest_end(self, signer: bytes, below: int) -> Mined | None:
        """Where the account's highest nonce below `below` was mined, if its row has come to its end."""
        before = (intents.c.signer == signer) & (intents.c.nonce < below)
        highest = select(func.max(intents.c.nonce)).where(before).scalar_subquery()
        wanted = select(intents).where(intents.c.signer == signer, intents.c.nonce == highest)
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().first()
            return _row(row).mined if row is not None and row["state"] in ENDS else None

    def submit_all(self, lease: Lease, signed: Sequence[tuple[str, SignedTransaction]]) -> None:
        """QUEUED to SUBMITTED, by key, with nonces that ascend by one from the ledger's next or above."""
        if not signed:
            return
        first, last = signed[0][1].nonce, signed[-1][1].nonce
        if [transaction.nonce for _, transaction in signed] != list(range(first, last + 1)):
            raise Conflict("the nonces do not ascend by one", first=first, last=last)
        of_lease = (leases.c.signer == lease.signer) & (leases.c.token == lease.token) & (leases.c.next_nonce <= first)
        with self._database.writing() as connection:
            if connection.execute(update(leases).where(of_lease).values(next_nonce=last + 1)).rowcount != 1:
                _require(connection, lease)
                raise Conflict("the nonce was assigned before", nonce=first)
            _SUBMITTING.execute(connection, [_sent(lease.signer, key, transaction) for key, transaction in signed])
            of_these = (intents.c.signer == lease.signer) & intents.c.nonce.between(first, last)
            if connection.execute(select(func.count()).where(of_these)).scalar_one() != len(signed):
                raise Conflict("an intent is no longer queued")

    def replace_all(self, lease: Lease, signed: Sequence[tuple[str, SignedTransaction]]) -> None:
        """A further attempt of the same nonce for each SUBMITTED row, by key; the former ones are kept."""
        with self._database.writing() as connection:
            _require(connection, lease)
            for key, transaction in signed:
                row = _required(connection, key)
                former = row.transaction
                if row.state is not IntentState.SUBMITTED or former is None or former.nonce != transaction.nonce:
                    raise Conflict("the intent waits for no such nonce", key=key, nonce=transaction.nonce)
                _keep(connection, lease.signer, former, key)
                _drop(connection, transaction.tx_hash)  # after a fork a former attempt may be signed once more
                _change(connection, key, raw=transaction.raw, tx_hash=transaction.tx_hash)

    def fill(self, lease: Lease, filler: SignedTransaction) -> None:
        """Keeps a transaction of no intent, which uses up a nonce that nothing else will use."""
        with self._database.writing() as connection:
            _require(connection, lease)
            _keep(connection, lease.signer, filler, None)
            behind = (leases.c.signer == lease.signer) & (leases.c.next_nonce <= filler.nonce)
            connection.execute(update(leases).where(behind).values(next_nonce=filler.nonce + 1))

    def mined_all(self, lease: Lease, found: Sequence[tuple[IntentRow, Mined]], *, final: int) -> None:
        """Keeps where an attempt of each row was mined: MINED, or at once its end where its block is final."""
        if not found:
            return
        for row, mined in found:
            if mined.tx_hash not in [attempt.tx_hash for attempt in row.attempts]:
                raise Conflict("the transaction is not the intent's", key=row.intent.key)
        with self._database.writing() as connection:
            _require(connection, lease)
            for row, mined in found:
                if row.transaction is not None and row.transaction.tx_hash != mined.tx_hash:
                    _take_up(connection, row, mined.tx_hash)
            _MINING.execute(connection, [_mined_row(row, mined, final) for row, mined in found])

    def finalise(self, lease: Lease, blocks: Sequence[bytes]) -> int:
        """MINED to FINAL (status 1) or FAILED (0) for the rows of these blocks, by hash; how many there were."""
        return self._of_blocks(lease, blocks, {"state": _END})

    def forked(self, lease: Lease, blocks: Sequence[bytes]) -> int:
        """MINED back to SUBMITTED for the rows of these blocks, by hash: the blocks are no longer the chain's."""
        return self._of_blocks(lease, blocks, {"state": IntentState.SUBMITTED, **_NOT_MINED})

    def requeue_all(self, lease: Lease, rows: Sequence[IntentRow]) -> None:
        """SUBMITTED to QUEUED, to be judged anew, or to FAILED where the row was given up. What was signed is kept."""
        with self._database.writing() as connection:
            _require(connection, lease)
            for row in rows:
                stands = _required(connection, row.intent.key)
                if stands.state is not IntentState.SUBMITTED or stands.transaction != row.transaction:
                    raise Conflict("the intent has gone on", key=row.intent.key)
                if stands.transaction is not None:
                    _keep(connection, lease.signer, stands.transaction, row.intent.key)
                state = IntentState.QUEUED if stands.error is None else IntentState.FAILED
                _change(connection, row.intent.key, state=state, judged=False, **_NOT_SENT)

    def give_up(self, lease: Lease, key: str, error: str) -> None:
        """Marks a SUBMITTED row by the code of the error: it fails when its nonce is used otherwise."""
        with self._database.writing() as connection:
            _require(connection, lease)
            _change(connection, key, error=error)

    def fail(self, key: str, error: str, *, refusal: Refusal | None = None) -> IntentRow:
        """QUEUED to FAILED, with the code of the error; the key may be put again. Raises NotFound, Conflict."""
        queued = (intents.c.key == key) & (intents.c.state == IntentState.QUEUED)
        said = None if refusal is None else refusal.to_text()
        failed = update(intents).where(queued).values(state=IntentState.FAILED, error=error, refusal=said)
        with self._database.writing() as connection:
            done = connection.execute(failed).rowcount
            row = _required(connection, key)
            if not done:
                raise Conflict(f"the intent is {row.state}", key=key)
            return row

    def explain(self, key: str, refusal: Refusal) -> None:
        """Keeps why a FAILED row had no effect, where nothing is kept of it yet."""
        unexplained = (intents.c.key == key) & (intents.c.state == IntentState.FAILED) & intents.c.refusal.is_(None)
        with self._database.writing() as connection:
            connection.execute(update(intents).where(unexplained).values(refusal=refusal.to_text()))

    def _of_blocks(self, lease: Lease, blocks: Sequence[bytes], values: Mapping[str, Any]) -> int:
        of_signer = (intents.c.signer == lease.signer) & (intents.c.state == IntentState.MINED)
        changed = 0
        with self._database.writing() as connection:
            _require(connection, lease)
            for some in _parts(blocks):
                here = of_signer & intents.c.block_hash.in_(some)
                changed += connection.execute(update(intents).where(here).values(values)).rowcount
        return changed

    def _in_states(self, *states: IntentState) -> list[IntentRow]:
        wanted = select(intents).where(intents.c.state.in_(states)).order_by(intents.c.position)
        with self._database.reading() as connection:
            return [_row(row) for row in connection.execute(wanted).mappings()]


# Statements -------------------------------------------------------------------------------------------------------


class _ForMany:
    """A statement for many rows of values that are the driver's own already (bytes, text, numbers, None).

    SQLAlchemy compiles it once for a kind of database; the rows go to the driver without its looking at each, which
    costs more than the database does.
    """

    def __init__(self, statement: Insert | Update) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {}

    def execute(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Runs it once for each row; the names are those of its bound parameters."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            compiled = self._statement.compile(dialect=dialect)
            assert isinstance(compiled, SQLCompiler)
            names = compiled.positiontup
            shaped: Callable[[Mapping[str, Any]], Any] = itemgetter(*names) if names else dict
            self._compiled[dialect.name] = str(compiled), shaped
        words, form = self._compiled[dialect.name]
        connection.exec_driver_sql(words, [form(row) for row in rows])


def _is(state: IntentState) -> ColumnElement[bool]:
    """The row's state, said in the statement itself."""
    return intents.c.state == literal_column(f"'{state.value}'")


_CALL: Final = (
    intents.c.key,
    intents.c.signer,
    intents.c.to_account,
    intents.c.contract,
    intents.c.function,
    intents.c.calldata,
)
"""The columns of an `Intent`, in the order of its fields."""
_NEW: Final = ("key", "position", "signer", "to_account", "contract", "function", "calldata", "state", "judged")
_PUTTING: Final = _ForMany(insert(intents).values({name: bindparam(name) for name in _NEW}))
_SUBMITTING: Final = _ForMany(
    update(intents)
    .where(intents.c.key == bindparam("of_key"), intents.c.signer == bindparam("of_signer"), _is(IntentState.QUEUED))
    .values({name: bindparam(f"to_{name}") for name in ("state", "error", *_NOT_SENT)})
)
_MINING: Final = _ForMany(
    update(intents)
    .where(intents.c.key == bindparam("of_key"), or_(*map(_is, IN_FLIGHT)))
    .values({name: bindparam(f"to_{name}") for name in ("state", *_NOT_MINED)})
)


def _of_signer(signer: bytes, *states: IntentState) -> Select[Any]:
    return select(intents).where(intents.c.state.in_(states), intents.c.signer == signer)


def _parts(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[at : at + _AT_ONCE] for at in range(0, len(items), _AT_ONCE))


# Rows -------------------------------------------------------------------------------------------------------------


def _find(connection: Connection, key: str) -> IntentRow | None:
    return next(iter(_of_keys(connection, [key])), None)


def _required(connection: Connection, key: str) -> IntentRow:
    row = _find(connection, key)
    if row is None:
        raise NotFound("intent", key)
    return row


def _of_keys(connection: Connection, keys: Sequence[str]) -> Iterator[IntentRow]:
    for some in _parts(keys):
        rows = list(connection.execute(select(intents).where(intents.c.key.in_(some))).mappings())
        sent = [row["key"] for row in rows if row["nonce"] is not None]
        found = connection.execute(select(attempts).where(attempts.c.key.in_(sent))).mappings() if sent else ()
        former = _by_key(found)
        yield from (_row(row, former.get(row["key"], ())) for row in rows)


def _replaced(connection: Connection, signer: bytes, lowest: int) -> dict[str, tuple[SignedTransaction, ...]]:
    of_intents = (attempts.c.signer == signer) & (attempts.c.nonce >= lowest) & attempts.c.key.is_not(None)
    return _by_key(connection.execute(select(attempts).where(of_intents)).mappings())


def _by_key(rows: Iterable[Row]) -> dict[str, tuple[SignedTransaction, ...]]:
    found: dict[str, tuple[SignedTransaction, ...]] = {}
    for row in rows:
        found[row["key"]] = (*found.get(row["key"], ()), _attempt(row))
    return found


def _attempt(row: Row) -> SignedTransaction:
    return SignedTransaction(row["nonce"], row["raw"], row["tx_hash"])


def _change(connection: Connection, key: str, **values: Any) -> None:
    connection.execute(update(intents).where(intents.c.key == key).values(values))


def _keep(connection: Connection, signer: bytes, transaction: SignedTransaction, key: str | None) -> None:
    _drop(connection, transaction.tx_hash)
    row = {"nonce": transaction.nonce, "raw": transaction.raw, "tx_hash": transaction.tx_hash}
    connection.execute(insert(attempts), row | {"signer": signer, "key": key})


def _drop(connection: Connection, tx_hash: bytes) -> None:
    connection.execute(delete(attempts).where(attempts.c.tx_hash == tx_hash))


def _take_up(connection: Connection, row: IntentRow, tx_hash: bytes) -> None:
    """Makes one of the row's former attempts its transaction: that one was mined."""
    former = next(attempt for attempt in row.replaced if attempt.tx_hash == tx_hash)
    assert row.transaction is not None
    _drop(connection, tx_hash)
    _keep(connection, row.intent.signer, row.transaction, row.intent.key)
    _change(connection, row.intent.key, raw=former.raw, tx_hash=former.tx_hash)


def _reserved(connection: Connection, count: int) -> int:
    """The first of `count` new positions."""
    of_intents = counters.c.name == intents.name
    connection.execute(update(counters).where(of_intents).values(next=counters.c.next + count))
    after: int = connection.execute(select(counters.c.next).where(of_intents)).scalar_one()
    return after - count


def _new_row(intent: Intent, position: int, judged: bool) -> dict[str, Any]:
    return {
        "key": intent.key,
        "position": position,
        "signer": intent.signer,
        "to_account": intent.to,
        "contract": intent.contract,
        "function": intent.function,
        "calldata": intent.data,
        "state": IntentState.QUEUED.value,
        "judged": judged,
    }


def _sent(signer: bytes, key: str, transaction: SignedTransaction) -> dict[str, Any]:
    return {
        "of_key": key,
        "of_signer": signer,
        "to_state": IntentState.SUBMITTED.value,
        "to_error": None,
        "to_nonce": transaction.nonce,
        "to_raw": transaction.raw,
        "to_tx_hash": transaction.tx_hash,
    }


def _mined_row(row: IntentRow, mined: Mined, final: int) -> dict[str, Any]:
    end = IntentState.FINAL if mined.status == 1 else IntentState.FAILED
    return {
        "of_key": row.intent.key,
        "to_state": (end if mined.block_number <= final else IntentState.MINED).value,
        "to_block_number": mined.block_number,
        "to_block_hash": mined.block_hash,
        "to_tx_index": mined.tx_index,
        "to_gas_used": str(mined.gas_used),
        "to_status": mined.status,
        "to_contract_account": mined.contract_address,
    }


def _row(row: Row, former: Sequence[SignedTransaction] = ()) -> IntentRow:
    intent = Intent(row["key"], row["signer"], row["to_account"], row["contract"], row["function"], row["calldata"])
    transaction = mined = None
    if row["raw"] is not None:
        transaction = _attempt(row)
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
    replaced = tuple(attempt for attempt in former if attempt.nonce == row["nonce"])
    state = IntentState(row["state"])
    refusal = Refusal.from_text(row["refusal"])
    return IntentRow(intent, state, transaction, mined, row["error"], row["judged"], replaced, refusal)


# Leases -----------------------------------------------------------------------------------------------------------


def _lease_of(connection: Connection, signer: bytes) -> Lease | None:
    """The account's lease as it stands."""
    row = connection.execute(select(leases).where(leases.c.signer == signer)).mappings().first()
    if row is None:
        return None
    return Lease(signer, row["owner"], row["token"], row["beat"], row["until"] / 1000, row["next_nonce"])


def _lease_row(lease: Lease) -> dict[str, Any]:
    return {
        "signer": lease.signer,
        "owner": lease.owner,
        "token": lease.token,
        "beat": lease.beat,
        "until": int(lease.until * 1000),
        "next_nonce": lease.next_nonce,
    }


def _require(connection: Connection, lease: Lease) -> None:
    """Raises LeaseLost unless the account's token is still the lease's."""
    held = _lease_of(connection, lease.signer)
    if held is None or held.token != lease.token:
        raise LeaseLost("another sender has taken over the account", account="0x" + lease.signer.hex())


def _next_unused(connection: Connection, signer: bytes) -> int:
    last = connection.execute(select(func.max(intents.c.nonce)).where(intents.c.signer == signer)).scalar_one()
    return 0 if last is None else last + 1
