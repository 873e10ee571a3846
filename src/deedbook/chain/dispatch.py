"""The engine that brings intents to their end: leases, nonces, signing, sending, receipts, replacements, forks.

    Dispatcher.step()
        1. leases       for each account with something to do: take it, keep it, or stand by
        2. chain        the new blocks: which of our transactions they hold (MINED, and FINAL when the block is), which
                        blocks were forked away (their transactions are SUBMITTED again)
        3. look after   what waits too long: found by hash, sent again, replaced at a higher price, queued anew where
                        another transaction has its nonce for good; gaps in the nonces are filled
        4. sign         queued intents, oldest first: judged if nobody has yet, signed, kept - durably, then
        5. send         in batches, on a thread of its own while there is more to sign

What a node says of a transaction decides nothing; receipts by hash, the account's nonce and finality do. Everything is
in the outbox before it is sent, so a step may be cut short anywhere: the next one, by whomever, goes on from the rows.
A Dispatcher belongs to one thread at a time; several, in any number of processes, may work on one outbox.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from deedbook.chain.client import Node, NodeError
from deedbook.chain.decoding import decode_revert, revert_data
from deedbook.chain.finality import Finality, at_once
from deedbook.chain.nonces import user_of
from deedbook.chain.pricing import Price, Pricing, is_short
from deedbook.chain.signing import Signer, Terms, sign, terms_of
from deedbook.chain.tracking import Block, Track, mined_of
from deedbook.domain.hashing import to_hex
from deedbook.domain.intents import Intent, IntentRow, IntentState, Lease, Mined, Outbox, SignedTransaction
from deedbook.domain.refusals import Refusal
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    DeedbookError,
    IntegrityError,
    LeaseLost,
    Locked,
    NoFunds,
)

SEND: Final = "eth_sendRawTransaction"
SIMULATION_GAS: Final = 30_000_000
PLAIN_GAS: Final = 21_000
NEXT: Final = "pending"
"""Where a call is tried: the newest block may be old, and its time with it, while a rule asks for the time."""
SURE: Final = 3
"""How often a refusal or a taken nonce is seen before it is believed: a node may lag behind itself."""
GIVEN_UP: Final = 12
"""After how many refusals by the node, with the nonce the account's next, a transaction is given up."""
REFUSED: Final = "refused-by-node"
UNDER_WAY: Final = float("inf")
"""When a flight is due that is being sent just now: not before its answer is in."""
_CHUNK: Final = 500
"""How many intents are signed and kept in one SQL transaction: while they are sent, the next ones are signed."""
_SLOWLY: Final = 12
"""A transaction that is not its account's next is asked for so many times more seldom."""
_MISSED: Final = 3
"""After how many blocks without a transaction of the account its next one is looked after: a pool may have lost it."""
_STUCK: Final = 12
"""After how many blocks a transaction that the nodes know, and could mine, is replaced at a higher price."""
_PAUSES: Final = (0.01, 0.5)
"""The shortest and the longest pause of `run`, in seconds."""


@dataclass(slots=True)
class Step:
    """What one round did. `sent` is how many the node took, `waiting` how many are in flight; `refused` says why some
    intents did not go on, by key."""

    signed: int = 0
    sent: int = 0
    mined: int = 0
    ended: int = 0
    replaced: int = 0
    requeued: int = 0
    forked: int = 0
    filled: int = 0
    waiting: int = 0
    standing_by: int = 0
    refused: dict[str, DeedbookError] = field(default_factory=dict)

    @property
    def progressed(self) -> bool:
        """Whether anything changed."""
        counts = (self.signed, self.sent, self.mined, self.ended, self.replaced, self.requeued, self.forked)
        return any(counts) or self.filled > 0


@dataclass(slots=True, eq=False)
class _Flight:
    """One SUBMITTED or MINED row in memory. `due` is when it is looked after next; `handed` whether a node may have it
    already; `refusal` what the node last refused it with."""

    row: IntentRow
    nonce: int
    due: float = 0.0
    handed: bool = False
    terms: Terms | None = None
    since: int = 0
    refusal: NodeError | None = None
    refusals: int = 0
    overtaken: int = 0

    @property
    def newest(self) -> SignedTransaction:
        assert self.row.transaction is not None
        return self.row.transaction

    def offers(self) -> Terms:
        if self.terms is None:
            self.terms = terms_of(self.newest.raw)
        return self.terms


@dataclass(slots=True, eq=False)
class _Lane:
    """An account that is ours to send for."""

    account: bytes
    lease: Lease
    renewed: float
    next_nonce: int
    flights: dict[str, _Flight] = field(default_factory=dict)
    fillers: dict[int, SignedTransaction] = field(default_factory=dict)
    gap: int = 0
    seen: int = 0
    has_queued: bool = True

    def waits(self, flight: _Flight) -> bool:
        """Whether the flight is still on its way: neither mined nor over."""
        return flight.row.intent.key in self.flights and flight.row.state is IntentState.SUBMITTED

    def submitted(self) -> Iterator[_Flight]:
        return (flight for flight in self.flights.values() if flight.row.state is IntentState.SUBMITTED)


class Dispatcher:
    """Sends for the accounts of `signers` (which may grow), and follows what others have sent.

    `final` gives the highest final block for a tip. `gas_limit` is every transaction's (a free chain needs no
    estimate); None estimates and adds a fifth. `owner` names this sender: a second one under the same name takes over
    at once, as the first one's next life. `lease` is its term in seconds. At most `in_flight` transactions of an
    account wait to be mined at a time; `batch` go to the node in one exchange. What waits `resend` seconds is looked
    after.
    """

    def __init__(
        self,
        node: Node,
        outbox: Outbox,
        signers: Mapping[bytes, Signer],
        *,
        chain_id: int,
        final: Finality = at_once,
        gas_limit: int | None = None,
        owner: str,
        lease: float = 30.0,
        in_flight: int = 2_000,
        batch: int = 500,
        pricing: Pricing = Pricing(),  # noqa: B008 - frozen
        resend: float = 5.0,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._node = node
        self._outbox = outbox
        self._signers = signers
        self._chain_id = chain_id
        self._final = final
        self._gas_limit = gas_limit
        self._owner = owner
        self._term = lease
        self._in_flight = in_flight
        self._batch = batch
        self._pricing = pricing
        self._resend = resend
        self._clock = clock
        self._wait = wait
        self._track = Track(node)
        self._lanes: dict[bytes, _Lane] = {}
        self._ours: dict[str, tuple[_Lane, _Flight]] = {}
        self._watched: dict[bytes, tuple[Lease, float]] = {}
        self._anchor: tuple[int, bytes] | None = None
        self._finality = (b"", -1)
        self._in_doubt = False
        self._known_accounts: set[bytes] = set()
        self._line: ThreadPoolExecutor | None = None
        self._under_way: list[tuple[Future[list[Any]], Sequence[_Flight]]] = []

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, until: Callable[[], bool]) -> None:
        """Steps until `until()`; pauses while there is nothing to do, and while no node answers."""
        shortest, longest = _PAUSES
        pause = shortest
        while not until():
            try:
                progressed = self.step().progressed
            except (ChainUnavailable, Locked):
                progressed = False
            if progressed:
                pause = shortest
            else:
                self._wait(pause)
                pause = min(2 * pause, longest)

    def step(self, accounts: Collection[bytes] | None = None, *, signing: bool = True) -> Step:
        """One round, for all accounts or these; without `signing`, what is queued stays so.

        Raises ChainUnavailable (nothing is lost: step again), IntegrityError where the chain denies a final block,
        CorruptStore, Locked. Whatever is raised, the leases are given back.
        """
        done = Step()
        try:
            lanes = self._take_lanes(accounts, signing, done)
            if self._lanes:
                self._follow(done)
            for lane in lanes:
                with self._holding(lane):
                    again: Sequence[_Flight] = self._looked_after(lane, done)
                    if signing:
                        again = self._sign_queued(lane, again, done)
                    self._send(again, done)
            self._collect(done, wait=not done.progressed)
            for lane in lanes:
                self._make_due(lane, self._clock())
                if not lane.flights and not lane.has_queued:
                    self._let_go(lane)
        except BaseException:
            self.release()
            raise
        done.waiting = sum(len(lane.flights) for lane in self._lanes.values())
        return done

    def release(self) -> None:
        """Gives the leases back and forgets what is in flight: the outbox knows it."""
        for future, _ in self._under_way:
            future.cancel()
        self._under_way.clear()
        for lane in list(self._lanes.values()):
            with suppress(DeedbookError):
                self._let_go(lane)

    def close(self) -> None:
        """Gives the leases back and ends the sending thread."""
        self.release()
        if self._line is not None:
            self._line.shutdown(wait=True)
            self._line = None

    # 1. Leases ----------------------------------------------------------------------------------------------------

    def _take_lanes(self, accounts: Collection[bytes] | None, signing: bool, done: Step) -> list[_Lane]:
        wanted = set(self._lanes) if accounts is None else set()
        for account, state in self._outbox.busy():
            if state is not IntentState.QUEUED or (signing and account in self._signers):
                wanted.add(account)
        if accounts is not None:
            wanted.intersection_update(accounts)
        found = [self._lane(account) for account in sorted(wanted)]
        done.standing_by = found.count(None)
        return [lane for lane in found if lane is not None]

    def _lane(self, account: bytes) -> _Lane | None:
        """The account's lane if its lease is ours, newly taken or renewed; None while another holds it."""
        lane, now = self._lanes.get(account), self._clock()
        if lane is not None and lane.renewed <= now < lane.renewed + self._term / 3:
            return lane
        renew = lane.lease if lane is not None else None
        dead = self._dead(account, now)
        lease = self._outbox.lease(account, self._owner, self._term, now=now, renew=renew, dead=dead)
        if lease.owner != self._owner:
            self._drop(account)
            if self._watched.get(account, (None, now))[0] != lease:
                self._watched[account] = (lease, now)
            return None
        self._watched.pop(account, None)
        if lane is not None and lease.token == lane.lease.token:
            lane.lease, lane.renewed = lease, now
            return lane
        self._drop(account)
        return self._loaded(_Lane(account, lease, now, lease.next_nonce))

    def _dead(self, account: bytes, now: float) -> Lease | None:
        """Another's lease that was not renewed for a whole term while we watched: its holder is gone, whatever the
        clocks say."""
        lease, since = self._watched.get(account, (None, now))
        return lease if now - since > self._term else None

    def _loaded(self, lane: _Lane) -> _Lane:
        for row in self._outbox.in_flight(lane.account):
            assert row.transaction is not None
            self._track_flight(lane, _Flight(row, row.transaction.nonce, handed=True))
        lowest = min((flight.nonce for flight in lane.flights.values()), default=lane.next_nonce)
        lane.fillers = {each.nonce: each for each in self._outbox.fillers(lane.account, lowest)}
        if lane.account not in self._known_accounts:
            self._anchor_at(self._outbox.newest_end(lane.account, lowest))
            self._require_final_block()
            self._known_accounts.add(lane.account)
        self._lanes[lane.account] = lane
        return lane

    def _track_flight(self, lane: _Lane, flight: _Flight) -> None:
        lane.flights[flight.row.intent.key] = flight
        for attempt in flight.row.attempts:
            self._ours["0x" + attempt.tx_hash.hex()] = (lane, flight)

    def _land(self, lane: _Lane, flight: _Flight) -> None:
        del lane.flights[flight.row.intent.key]
        for attempt in flight.row.attempts:
            self._ours.pop("0x" + attempt.tx_hash.hex(), None)

    def _drop(self, account: bytes) -> None:
        """Forgets an account: another sends for it now, or its rows are to be read again."""
        lane = self._lanes.pop(account, None)
        if lane is not None:
            for flight in list(lane.flights.values()):
                self._land(lane, flight)

    def _let_go(self, lane: _Lane) -> None:
        self._drop(lane.account)
        self._outbox.release(lane.lease)

    @contextmanager
    def _holding(self, lane: _Lane) -> Iterator[None]:
        """Where the lease was lost on the way, the account is dropped: whoever has it goes on from the rows."""
        try:
            yield
        except LeaseLost:
            self._drop(lane.account)

    # 2. The chain -------------------------------------------------------------------------------------------------

    def _follow(self, done: Step) -> None:
        if self._in_doubt:
            self._require_final_block()
        moved = self._track.advance()
        if moved.ancestor is not None:
            self._unwind(moved.gone, moved.ancestor, done)
            return
        found: dict[_Lane, list[tuple[_Flight, Mined]]] = {}
        for block in moved.blocks:
            receipts = self._receipts_of(block)
            if receipts is None:
                self._track.retreat(block)
                break
            for lane, flight, mined in receipts:
                found.setdefault(lane, []).append((flight, mined))
        for lane, pairs in found.items():
            self._take_mined(lane, pairs, done)
        self._finalise(done)

    def _receipts_of(self, block: Block) -> list[tuple[_Lane, _Flight, Mined]] | None:
        """Where ours of a block were mined; None where the node shows another block by now."""
        ours = self._ours.keys() & set(block.transactions)
        receipts = self._track.receipts(block, ours) if ours else []
        if receipts is None:
            return None
        return [(*self._ours["0x" + mined.tx_hash.hex()], mined) for mined in receipts]

    def _take_block(self, number: int, done: Step) -> None:
        """Takes what an older block holds of ours."""
        block = self._track.block_at(number)
        for lane, flight, mined in (self._receipts_of(block) if block is not None else None) or ():
            self._take_mined(lane, [(flight, mined)], done)

    def _final_block(self) -> int:
        """The number of the highest final block, -1 for none; asked once for each newest block."""
        tip = self._track.tip
        if tip is None:
            return -1
        if self._finality[0] != tip.hash:
            self._finality = (tip.hash, self._final(tip.number))
        return self._finality[1]

    def _take_mined(self, lane: _Lane, pairs: Sequence[tuple[_Flight, Mined]], done: Step) -> None:
        final = self._final_block()
        lane.seen = max([lane.seen, *(mined.block_number for _, mined in pairs)])
        pairs = [(flight, mined) for flight, mined in pairs if flight.row.state is IntentState.SUBMITTED]
        with self._holding(lane):
            self._outbox.mined_all(lane.lease, [(flight.row, mined) for flight, mined in pairs], final=final)
            for flight, mined in pairs:
                done.mined += 1
                if mined.block_number <= final:
                    self._end(lane, flight, mined, done)
                else:
                    flight.row = _as_mined(flight.row, mined)

    def _end(self, lane: _Lane, flight: _Flight, mined: Mined, done: Step) -> None:
        self._land(lane, flight)
        done.ended += 1
        self._anchor_at(mined)

    def _anchor_at(self, mined: Mined | None) -> None:
        if mined is not None and (self._anchor is None or mined.block_number > self._anchor[0]):
            self._anchor = (mined.block_number, mined.block_hash)

    def _finalise(self, done: Step) -> None:
        """MINED rows whose blocks are final end, if those are still the chain's blocks."""
        waiting = [lane for lane in self._lanes.values() if len(lane.flights) > sum(1 for _ in lane.submitted())]
        final = self._final_block() if waiting else -1
        for lane in waiting:
            mined = [(flight, flight.row.mined) for flight in lane.flights.values()]
            over = [(flight, at) for flight, at in mined if at is not None and at.block_number <= final]
            blocks = {at.block_hash: at.block_number for _, at in over}
            now = {block: self._track.hash_at(number) for block, number in blocks.items()}
            kept = {block for block in blocks if now[block] == block}
            gone = {block for block in blocks if now[block] not in (block, None)}  # None: the node lags
            with self._holding(lane):
                if kept:
                    self._outbox.finalise(lane.lease, sorted(kept))
                for flight, at in over:
                    if at.block_hash in kept:
                        self._end(lane, flight, at, done)
                self._send_back(lane, gone, done)
        places = (flight.row.mined for lane in waiting for flight in lane.flights.values())
        waits = [place.block_number for place in places if place is not None]
        self._track.forget_below(min(waits, default=None))

    def _unwind(self, gone: Collection[bytes], ancestor: int, done: Step) -> None:
        """The chain took another branch: what was mined above the ancestor is sent again."""
        if self._anchor is not None and ancestor < self._anchor[0]:
            self._require_final_block()
        for lane in list(self._lanes.values()):
            blocks = gone if ancestor >= 0 else self._no_longer(lane)
            with self._holding(lane):
                self._send_back(lane, blocks, done)

    def _no_longer(self, lane: _Lane) -> set[bytes]:
        """The fork is deeper than we remember: each block of a MINED row is asked for. (None: the node lags.)"""
        places = [flight.row.mined for flight in lane.flights.values() if flight.row.mined is not None]
        now = {number: self._track.hash_at(number) for number in {at.block_number for at in places}}
        return {at.block_hash for at in places if now[at.block_number] not in (at.block_hash, None)}

    def _send_back(self, lane: _Lane, blocks: Collection[bytes], done: Step) -> None:
        forked = [
            flight
            for flight in lane.flights.values()
            if flight.row.mined is not None and flight.row.mined.block_hash in blocks
        ]
        if forked:
            self._outbox.forked(lane.lease, sorted({at.block_hash for f in forked if (at := f.row.mined)}))
        for flight in forked:
            flight.row = replace(flight.row, state=IntentState.SUBMITTED, mined=None)
            flight.due = 0.0
            done.forked += 1

    def _require_final_block(self) -> None:
        """Raises IntegrityError where the chain no longer has the highest block in which an intent came to its end."""
        if self._anchor is None:
            return
        self._in_doubt = True
        number, expected = self._anchor
        found = Track(self._node).hash_at(number)
        if found is None:
            raise ChainUnavailable("the node lags behind a block that was final", block=number)
        if found != expected:
            said = f"block {number} was final as {to_hex(expected)}, and the node now has {to_hex(found)}"
            raise IntegrityError(said, block=number)
        self._in_doubt = False

    # 3. What waits too long ---------------------------------------------------------------------------------------

    def _looked_after(self, lane: _Lane, done: Step) -> list[_Flight]:
        """Finds out what became of the flights that are due; gives those that are to be sent, by nonce."""
        now = self._clock()
        self._make_due(lane, now)
        due = sorted((each for each in lane.submitted() if each.due <= now and each.handed), key=_nonce)
        if not due:
            return []
        lost = self._not_mined(lane, due, done)
        if not lost:
            return []
        used = self._count(lane.account, "latest")
        passed = [flight for flight in lost if flight.nonce < used]
        if passed:
            self._overtaken(lane, passed, done)
        again = self._unknown(lane, [flight for flight in lost if flight.nonce >= used], used, done)
        again = self._raised(lane, again, used, done)
        self._fill_gaps(lane, used, done)
        return again

    def _make_due(self, lane: _Lane, now: float) -> None:
        """The account's next nonce is looked after soon, and what the base fee has left behind at once."""
        first = next(lane.submitted(), None)
        if first is not None and first.due != UNDER_WAY:
            first.due = min(first.due, now if self._is_missed(lane, first) else now + self._resend)
        base_fee = self._base_fee()
        for flight in lane.submitted() if base_fee else ():
            if flight.due != UNDER_WAY and is_short(flight.offers().price, base_fee):
                flight.due = min(flight.due, now)

    def _is_missed(self, lane: _Lane, first: _Flight) -> bool:
        """Whether blocks went by without a transaction of the account's, since one of them or since the last look."""
        if self._track.tip is None or self._track.tip.number - max(lane.seen, first.since) < _MISSED:
            return False
        lane.seen = self._track.tip.number
        return True

    def _not_mined(self, lane: _Lane, flights: Sequence[_Flight], done: Step) -> list[_Flight]:
        """Looks every attempt up by its hash; those of which none was mined."""
        hashes = [(flight, attempt.tx_hash) for flight in flights for attempt in flight.row.attempts]
        answers = self._asked([("eth_getTransactionReceipt", [to_hex(tx_hash)]) for _, tx_hash in hashes])
        tip = self._track.tip
        found: dict[_Flight, Mined] = {}
        for (flight, _), answer in zip(hashes, answers, strict=True):
            mined = mined_of(answer)
            if mined is not None:
                found[flight] = mined
        kept = {
            flight: mined
            for flight, mined in found.items()
            if tip is not None
            and mined.block_number <= tip.number
            and self._track.hash_at(mined.block_number) == mined.block_hash
        }
        if kept:
            self._take_mined(lane, list(kept.items()), done)
        return [flight for flight in flights if flight not in found]

    def _overtaken(self, lane: _Lane, flights: Sequence[_Flight], done: Step) -> None:
        """Their nonces are used. By whom is seen in a final block: by an attempt of theirs, which the node merely does
        not find by its hash, or by another transaction: then they are queued anew."""
        final, out = self._final_block(), []
        for flight in flights:
            flight.overtaken += 1
            if flight.overtaken < SURE or final < 0 or not lane.waits(flight):
                continue
            found = user_of(self._node, lane.account, flight.nonce, final)
            if found is None:
                continue
            number, tx_hash = found
            if tx_hash in self._ours:
                self._take_block(number, done)
            else:
                out.append(flight)
        if out:
            self._outbox.requeue_all(lane.lease, [flight.row for flight in out])
            lane.has_queued = True
        for flight in out:
            self._land(lane, flight)
            done.requeued += 1

    def _unknown(self, lane: _Lane, flights: Sequence[_Flight], used: int, done: Step) -> list[_Flight]:
        """Those that the node does not have; the others wait on. A refusal counts for the account's next nonce."""
        known = self._known(flight.newest for flight in flights)
        now, missing = self._clock(), []
        for flight in flights:
            if flight.newest.tx_hash in known:
                flight.due = now + self._resend * (1 if flight.nonce == used else _SLOWLY)
                flight.refusal, flight.refusals = None, 0
                continue
            missing.append(flight)
            if flight.nonce == used:  # what comes after it may be gone from the pool as well
                for later in lane.submitted():
                    later.due = min(later.due, now) if later.due != UNDER_WAY else UNDER_WAY
            if flight.refusal is not None and flight.nonce == used:
                self._refused(lane, flight, done)
        return missing

    def _refused(self, lane: _Lane, flight: _Flight, done: Step) -> None:
        """The node refuses the account's next transaction, and has it not: believed by and by, and in the end given
        up, so that those behind it can go on."""
        flight.refusals += 1
        if flight.refusals < SURE:
            return
        error = done.refused[flight.row.intent.key] = self._why_refused(flight)
        flight.due, flight.refusal = self._clock() + self._resend, None
        if flight.refusals >= GIVEN_UP and not isinstance(error, NoFunds) and lane.account in self._signers:
            self._outbox.give_up(lane.lease, flight.row.intent.key, REFUSED)
            flight.row = replace(flight.row, error=REFUSED)

    def _why_refused(self, flight: _Flight) -> DeedbookError:
        assert flight.refusal is not None
        return self._short_of_funds(flight.row.intent.signer, flight.offers()) or flight.refusal

    def _raised(self, lane: _Lane, flights: Sequence[_Flight], used: int, done: Step) -> list[_Flight]:
        """Replaces what the base fee has left behind, and what the sealers leave lying; gives what is to be sent."""
        signer, base_fee = self._signers.get(lane.account), self._base_fee()
        waiting = [each for each in lane.submitted() if each.row.error is None and each.due != UNDER_WAY]
        short = [flight for flight in waiting if base_fee and is_short(flight.offers().price, base_fee)]
        stuck = [
            flight for flight in waiting if flight.nonce == used and self._is_stuck(flight) and flight not in short
        ]
        if signer is not None and (short or stuck):
            self._replace(lane, signer, short, done, needed=True)
            self._replace(lane, signer, stuck, done, needed=False)
        raised = [flight for flight in [*short, *stuck] if not flight.handed]
        again = {flight.nonce: flight for flight in [*flights, *raised] if flight.row.error is None}
        return [again[nonce] for nonce in sorted(again)]

    def _is_stuck(self, flight: _Flight) -> bool:
        return self._track.tip is not None and self._track.tip.number - flight.since >= _STUCK

    def _replace(self, lane: _Lane, signer: Signer, flights: Sequence[_Flight], done: Step, *, needed: bool) -> None:
        """Signs and keeps the same calls at a higher price. What is `needed` and cannot be paid for is reported."""
        signed: list[tuple[_Flight, SignedTransaction, Terms]] = []
        for flight in flights:
            price = self._pricing.bumped(flight.offers().price, self._base_fee())
            if price is not None:
                terms, intent = Terms(price, flight.offers().gas), flight.row.intent
                signed.append((flight, self._signed(signer, flight.nonce, terms, intent.to, intent.data), terms))
        lacking = self._short_of_funds(lane.account, signed[0][2]) if signed else None
        if lacking is not None:
            done.refused |= {flight.row.intent.key: lacking for flight, _, _ in signed if needed}
            return
        if signed:
            self._outbox.replace_all(lane.lease, [(flight.row.intent.key, new) for flight, new, _ in signed])
        for flight, new, terms in signed:
            others = tuple(each for each in flight.row.attempts if each.tx_hash != new.tx_hash)
            flight.row = replace(flight.row, transaction=new, replaced=others)
            flight.terms, flight.refusal, flight.refusals, flight.handed = terms, None, 0, False
            flight.since = 0 if self._track.tip is None else self._track.tip.number
            self._track_flight(lane, flight)
            done.replaced += 1

    def _fill_gaps(self, lane: _Lane, used: int, done: Step) -> None:
        """Nonces that hold everything up are used by plain transfers of nothing: those of intents that were given up,
        and those below our lowest that nobody uses."""
        missing = [each.nonce for each in lane.submitted() if each.row.error is not None and each.nonce >= used]
        lowest = min((flight.nonce for flight in lane.flights.values()), default=used)
        if used < lowest and self._count(lane.account, "pending") <= used:
            lane.gap += 1
            if lane.gap >= SURE:
                missing = [*range(used, lowest), *missing]
        else:
            lane.gap = 0
        fillers = [filler for nonce in missing if (filler := self._filler(lane, nonce, done)) is not None]
        if fillers:
            with suppress(ChainUnavailable):
                self._node.batch([(SEND, [to_hex(filler.raw)]) for filler in fillers])

    def _filler(self, lane: _Lane, nonce: int, done: Step) -> SignedTransaction | None:
        """The transaction that fills this nonce: the one that was kept, or a new one."""
        signer = self._signers.get(lane.account)
        if nonce not in lane.fillers and signer is not None:
            terms = Terms(self._price(), PLAIN_GAS)
            for former in [each.offers().price for each in lane.submitted() if each.nonce == nonce]:
                dearer = Terms(self._pricing.bumped(former, self._base_fee()) or former, PLAIN_GAS)
                if self._short_of_funds(lane.account, dearer) is None:  # some pool may hold what is given up
                    terms = dearer
            filler = self._signed(signer, nonce, terms, lane.account, b"")
            self._outbox.fill(lane.lease, filler)
            lane.fillers[nonce] = filler
            done.filled += 1
        return lane.fillers.get(nonce)

    # 4. Signing ---------------------------------------------------------------------------------------------------

    def _sign_queued(self, lane: _Lane, again: Sequence[_Flight], done: Step) -> Sequence[_Flight]:
        """Signs and keeps what is queued, as far as there is room, and sends all but the last of it.

        `again` has lower nonces and goes first. Gives what is still to be sent.
        """
        signer = self._signers.get(lane.account)
        room = self._in_flight - sum(1 for _ in lane.submitted())  # what is mined waits for nothing but finality
        if self._under_way and room < self._batch:
            return again  # the line is busy: more is signed when there is room for a whole batch
        lane.has_queued = False
        while signer is not None and room > 0:
            most = min(_CHUNK if lane.flights else self._batch, room)  # an idle line gets its first batch soon
            found = self._outbox.queued(lane.account, most)
            rows = self._judged([row for row in found if row.intent.key not in done.refused], done)
            offers = self._offers(lane.account, rows, done)
            if not offers:
                break
            self._send(again, done, more=True)
            again = self._submitted(lane, signer, offers, done)
            room -= len(again)
            lane.has_queued = len(found) == most
            if not lane.has_queued:
                break
        lane.has_queued = lane.has_queued or room <= 0
        return again

    def _judged(self, rows: Sequence[IntentRow], done: Step) -> list[IntentRow]:
        """Those that the contract would accept now; the others fail with its error."""
        anew = [row for row in rows if not row.judged]
        if not anew:
            return list(rows)
        gas = hex(self._gas_limit or SIMULATION_GAS)
        answers = self._asked([("eth_call", [call_of(row.intent) | {"gas": gas}, NEXT]) for row in anew])
        refused = {
            row.intent.key: _refusal(row.intent, answer)
            for row, answer in zip(anew, answers, strict=True)
            if isinstance(answer, NodeError)
        }
        for key, error in refused.items():
            done.refused[key] = error
            self._fail(key, error)
        return [row for row in rows if row.intent.key not in refused]

    def _fail(self, key: str, error: DeedbookError) -> None:
        """A revert ends a queued intent; whatever else a node says may be another one's tomorrow."""
        if not isinstance(error, NodeError):
            with suppress(Conflict):
                self._outbox.fail(key, error.code, refusal=Refusal.of(error))

    def _offers(self, account: bytes, rows: Sequence[IntentRow], done: Step) -> list[tuple[IntentRow, Terms]]:
        """Each with its price and gas; those that the account cannot pay for stay queued."""
        if not rows:
            return []
        price = self._price()
        if self._gas_limit is not None:
            offers = [(row, Terms(price, self._gas_limit)) for row in rows]
        else:
            offers = self._estimated(rows, price, done)
        if price.fee and offers:
            dearest = max((terms for _, terms in offers), key=lambda terms: terms.gas)
            lacking = self._short_of_funds(account, dearest)
            if lacking is not None:
                done.refused |= {row.intent.key: lacking for row, _ in offers}
                return []
        return offers

    def _estimated(self, rows: Sequence[IntentRow], price: Price, done: Step) -> list[tuple[IntentRow, Terms]]:
        answers = self._asked([("eth_estimateGas", [call_of(row.intent), NEXT]) for row in rows])
        offers = []
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, NodeError):
                error = _refusal(row.intent, answer)
                done.refused[row.intent.key] = error
                self._fail(row.intent.key, error)
            else:
                offers.append((row, Terms(price, int(answer, 16) * 6 // 5)))
        return offers

    def _submitted(
        self, lane: _Lane, signer: Signer, offers: Sequence[tuple[IntentRow, Terms]], done: Step
    ) -> list[_Flight]:
        """Signs, and keeps the bytes durably: from here on they may be sent."""
        if not lane.flights:  # others may have used the key while we were idle
            lane.next_nonce = max(lane.next_nonce, self._count(lane.account, "pending"))
        signed = []
        for nonce, (row, terms) in enumerate(offers, lane.next_nonce):
            signed.append((row.intent.key, self._signed(signer, nonce, terms, row.intent.to, row.intent.data)))
        self._outbox.submit_all(lane.lease, signed)
        lane.next_nonce += len(signed)
        since = 0 if self._track.tip is None else self._track.tip.number
        flights = []
        for (row, terms), (_, transaction) in zip(offers, signed, strict=True):
            sent = IntentRow(row.intent, IntentState.SUBMITTED, transaction, judged=row.judged)
            flights.append(_Flight(sent, transaction.nonce, terms=terms, since=since))
            self._track_flight(lane, flights[-1])
        done.signed += len(signed)
        return flights

    def _signed(self, signer: Signer, nonce: int, terms: Terms, to: bytes | None, data: bytes) -> SignedTransaction:
        return sign(signer, chain_id=self._chain_id, nonce=nonce, terms=terms, to=to, data=data)

    def _price(self) -> Price:
        return self._pricing.price(self._base_fee())

    def _base_fee(self) -> int | None:
        return None if self._track.tip is None else self._track.tip.base_fee

    def _short_of_funds(self, account: bytes, terms: Terms) -> NoFunds | None:
        needed = terms.price.fee * terms.gas
        if not needed:
            return None
        balance = self._number("eth_getBalance", account, "latest")
        return NoFunds(to_hex(account), needed, balance) if balance < needed else None

    # 5. Sending ---------------------------------------------------------------------------------------------------

    def _send(self, flights: Sequence[_Flight], done: Step, *, more: bool = False) -> None:
        """Sends; many in batches on the line's own thread, so that `more` can be signed meanwhile."""
        if not flights:
            return
        if len(flights) <= self._batch and not self._under_way and not more:
            self._sent(flights, self._exchange(flights), done)
            return
        if self._line is None:
            self._line = ThreadPoolExecutor(1, thread_name_prefix="sending")
        for at in range(0, len(flights), self._batch):
            some = flights[at : at + self._batch]
            for flight in some:
                flight.due = UNDER_WAY
            self._under_way.append((self._line.submit(self._exchange, some), some))

    def _exchange(self, flights: Sequence[_Flight]) -> list[Any]:
        """The node's answer to each; None where there is none, and nobody knows what arrived."""
        try:
            return self._node.batch([(SEND, ["0x" + flight.newest.raw.hex()]) for flight in flights])
        except ChainUnavailable:
            return [None] * len(flights)

    def _collect(self, done: Step, *, wait: bool) -> None:
        """Takes what the line has brought back; waits for one where nothing else is to be done."""
        while self._under_way and (wait or self._under_way[0][0].done()):
            future, flights = self._under_way.pop(0)
            self._sent(flights, future.result(), done)
            wait = False

    def _sent(self, flights: Sequence[_Flight], answers: Sequence[Any], done: Step) -> None:
        now = self._clock()
        for flight, answer in zip(flights, answers, strict=True):
            flight.handed = True
            if isinstance(answer, str):
                done.sent += 1
                flight.due = now + self._resend * _SLOWLY  # sooner when it is the account's next: see `_make_due`
            else:
                flight.due = now  # looked up by hash before anything else
                flight.refusal = answer if isinstance(answer, NodeError) else None

    # What the node is asked ---------------------------------------------------------------------------------------

    def _asked(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        found: list[Any] = []
        for at in range(0, len(requests), self._batch):
            found += self._node.batch(requests[at : at + self._batch])
        return found

    def _known(self, transactions: Iterable[SignedTransaction]) -> set[bytes]:
        hashes = [transaction.tx_hash for transaction in transactions]
        answers = self._asked([("eth_getTransactionByHash", [to_hex(tx_hash)]) for tx_hash in hashes])
        return {tx_hash for tx_hash, answer in zip(hashes, answers, strict=True) if isinstance(answer, Mapping)}

    def _count(self, account: bytes, block: str) -> int:
        return self._number("eth_getTransactionCount", account, block)

    def _number(self, method: str, account: bytes, block: str) -> int:
        """What a node says of an account; whatever it says else is no answer. Raises ChainUnavailable."""
        try:
            return int(self._node.request(method, [to_hex(account), block]), 16)
        except (NodeError, TypeError, ValueError) as error:
            raise ChainUnavailable(f"the node does not answer {method}") from error


def call_of(intent: Intent) -> dict[str, str]:
    """An intent as the object that `eth_call` takes."""
    parts = {"from": intent.signer, "to": intent.to, "data": intent.data}
    return {name: to_hex(part) for name, part in parts.items() if part is not None}


def _refusal(intent: Intent, error: NodeError) -> DeedbookError:
    """A node's error as the contract's own, where it is a revert."""
    revert = revert_data(error)
    return error if revert is None else decode_revert(intent.contract, revert)


def _as_mined(row: IntentRow, mined: Mined) -> IntentRow:
    found = next(attempt for attempt in row.attempts if attempt.tx_hash == mined.tx_hash)
    others = tuple(attempt for attempt in row.attempts if attempt is not found)
    return replace(row, state=IntentState.MINED, mined=mined, transaction=found, replaced=others)


def _nonce(flight: _Flight) -> int:
    return flight.nonce
