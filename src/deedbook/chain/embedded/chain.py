"""The embedded chain: takes signed transactions, makes a block of each, and answers from what it kept.

Knows nothing of JSON-RPC's text forms, of HTTP, or of our contracts. Its rules are those of a one-node development
chain that is also a ledger: Paris opcodes, a base fee of zero for ever (an account without ether sends at price 0), a
block a transaction, every block final, block time = max(clock, parent's), and all history readable: no state is ever
pruned. A transaction that was acknowledged is on disk. There is no pool: a nonce gap is refused, not queued, because
a queued transaction would be an acknowledgement that a crash could break.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from deedbook.chain import rlp
from deedbook.chain.client import NodeError
from deedbook.chain.embedded import blocks
from deedbook.chain.embedded.blocks import Header, Receipt
from deedbook.chain.embedded.machine import (
    EMPTY_ROOT,
    Environment,
    LogEntry,
    Outcome,
    Run,
    View,
    contract_address,
    empty_state,
)
from deedbook.chain.embedded.store import BlockBytes, Body, Store
from deedbook.chain.embedded.transactions import SignedTransaction, Transaction, decode_transaction
from deedbook.chain.tries import ordered_root
from deedbook.domain import abi
from deedbook.domain.hashing import ZERO32, keccak256, to_hex
from deedbook.errors import CorruptStore, InvalidInput, InvalidSignature, NotFound, WrongChain

CHAIN_ID: Final = 20230415
"""The chain id of an embedded chain that was given none."""

GAS_LIMIT: Final = 30_000_000
"""The gas limit of a block, and so of a transaction and a call."""

MOST_LOGS: Final = 100_000
"""The most logs that one query returns."""

_REFUSED: Final = -32003
_SERVER: Final = -32000
_INVALID_PARAMS: Final = -32602
_INTERNAL: Final = -32603
_REVERTED: Final = 3

_PANICS: Final = {
    0x00: "generic compiler panic",
    0x01: "assertion failed",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "failed to convert value into enum type",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "pop on empty array",
    0x32: "array out-of-bounds access",
    0x41: "memory allocation error",
    0x51: "call to invalid internal function",
}


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """A transaction in its block: `position` in it, gas used by it alone, and the index of its first log there."""

    signed: SignedTransaction
    receipt: Receipt
    header: Header
    position: int
    gas_used: int
    first_log: int

    @property
    def created(self) -> bytes | None:
        """The address of the contract that it created (or tried to), None for a call."""
        message = self.signed.transaction
        return None if message.to else contract_address(message.sender, message.nonce)


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log with its place: block, transaction (hash and position) and index in the block."""

    entry: LogEntry
    header: Header
    tx_hash: bytes
    tx_position: int
    index: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs: of any of these addresses (none = all), and at each position any of these topics (None = all)."""

    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...] | None, ...] = ()

    def takes(self, entry: LogEntry) -> bool:
        """Whether the log fits."""
        if self.addresses and entry.address not in self.addresses:
            return False
        if len(self.topics) > len(entry.topics):
            return False
        return all(wanted is None or topic in wanted for wanted, topic in zip(self.topics, entry.topics, strict=False))

    def masks(self) -> list[list[int]]:
        """For each condition the blooms that would satisfy it."""
        conditions = [wanted for wanted in (self.addresses, *self.topics) if wanted]
        return [[blocks.bloom_bits(item) for item in wanted] for wanted in conditions]


class Chain:
    """One chain, open. Thread-safe: one act at a time. Built by `create`, `open`, `open_or_create`, `in_memory`.

    `clock` gives Unix seconds and is read once a block.
    """

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self.chain_id = int.from_bytes(store.fact("chain_id"), "big")
        self.genesis_hash = store.fact("genesis_hash")
        self._head = self._checked_head()
        self.on_block: Callable[[], None] = lambda: None
        """Called after each block, by whoever made it: to be done at once."""

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        clock: Callable[[], int],
        chain_id: int = CHAIN_ID,
        gas_limit: int = GAS_LIMIT,
        balances: Mapping[bytes, int] | None = None,
    ) -> Chain:
        """A new chain in `path`. `balances` (wei by address) is for tests: nobody needs ether here.

        Raises Conflict where one exists, Locked, InvalidInput for an impossible chain id or gas limit.
        """
        return cls(Store.create(path, *_genesis(clock(), chain_id, gas_limit, balances or {})), clock)

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], int], chain_id: int | None = None) -> Chain:
        """The chain in `path`; of this chain id, where one is given.

        Raises NotFound, Locked, WrongVersion, InvalidFormat, CorruptStore, WrongChain.
        """
        store = Store.open(path)
        try:
            chain = cls(store, clock)
            if chain_id is not None and chain.chain_id != chain_id:
                raise WrongChain(
                    f"the chain in {path.name} has id {chain.chain_id}, not {chain_id}",
                    expected=chain_id,
                    found=chain.chain_id,
                )
        except BaseException:
            store.close()
            raise
        return chain

    @classmethod
    def open_or_create(cls, path: Path, *, clock: Callable[[], int], chain_id: int = CHAIN_ID) -> Chain:
        """The chain in `path`, made where there is none (or where making it was cut short). Raises as both."""
        try:
            return cls.open(path, clock=clock, chain_id=chain_id)
        except NotFound:
            return cls.create(path, clock=clock, chain_id=chain_id)

    @classmethod
    def in_memory(
        cls,
        *,
        clock: Callable[[], int],
        chain_id: int = CHAIN_ID,
        gas_limit: int = GAS_LIMIT,
        balances: Mapping[bytes, int] | None = None,
    ) -> Chain:
        """A chain that ends with its process."""
        return cls(Store.in_memory(*_genesis(clock(), chain_id, gas_limit, balances or {})), clock)

    def __enter__(self) -> Chain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the act under way, closes the file and frees the lock."""
        with self._lock:
            self._store.close()

    # Writing ----------------------------------------------------------------------------------------------------

    def send(self, raw: bytes) -> bytes:
        """Makes a block of one signed transaction; its hash, once it is on disk.

        Raises NodeError as a node would: it does not decode, its signature, chain id, nonce, gas or balance does not
        fit. A transaction that its contract refuses is mined all the same, and its receipt says so.
        """
        (result,) = self.send_many([raw])
        if isinstance(result, NodeError):
            raise result
        return result

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | NodeError]:
        """Puts signed transactions into one block, in order, as far as they fit and the gas limit allows (the rest go
        into the next). For each its hash, or why it was refused; all that have a hash are on disk.
        """
        with self._lock:
            draft = _Draft(self)
            results: list[bytes | NodeError] = []
            for raw in raws:
                try:
                    signed = _decoded(raw)
                    self._require_known_rules(signed)
                    if draft.full(signed.transaction.gas):
                        self._append(draft)
                        draft = _Draft(self)
                    draft.add(signed)
                    results.append(signed.hash)
                except NodeError as refusal:
                    results.append(refusal)
            if draft.bodies:
                self._append(draft)
            return results

    def mine(self) -> Header:
        """Adds an empty block, so that time and number move."""
        with self._lock:
            self._append(_Draft(self))
            return self._head

    def _append(self, draft: _Draft) -> None:
        header, nodes = draft.seal()
        block = BlockBytes(header.number, header.hash, header.encode(), tuple(draft.bodies))
        self._store.append(block, nodes)
        self._head = header
        self.on_block()

    def _require_known_rules(self, signed: SignedTransaction) -> None:
        """What a transaction must satisfy whatever the state is."""
        message = signed.transaction
        if signed.chain_id is not None and signed.chain_id != self.chain_id:
            raise NodeError(_SERVER, f"invalid chain id for signer: have {signed.chain_id} want {self.chain_id}")
        if self._store.place_of(signed.hash) is not None:
            raise NodeError(_REFUSED, "already known")
        if message.max_priority_fee_per_gas > message.max_fee_per_gas:
            raise NodeError(_REFUSED, "max priority fee per gas higher than max fee per gas")
        if message.gas > self._head.gas_limit:
            raise NodeError(_SERVER, "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit")
        if message.gas < message.intrinsic_gas:
            raise NodeError(_SERVER, "intrinsic gas too low")

    # Trying -----------------------------------------------------------------------------------------------------

    def call(self, message: Transaction, at: Header, *, pending: bool = False) -> Outcome:
        """What the message would do on top of block `at`, seen from inside it (`pending`: from the next one).

        Nonce and signature play no part; nothing is kept. Raises NodeError when value or gas cannot be paid.
        """
        with self._lock:
            if message.gas < message.intrinsic_gas:
                raise NodeError(_SERVER, "intrinsic gas too high -- CallGasCostMoreThanGasLimit")
            run = Run(self._store.node, at.state_root, self._environment(at, pending))
            _require_funds(run, message)
            return run.execute(message)

    def estimate(self, message: Transaction, at: Header, *, pending: bool = False) -> int:
        """The least gas limit with which the message succeeds on top of block `at`.

        Raises NodeError: what refuses it at `message.gas`, the most that is tried.
        """
        with self._lock:
            if message.to and not message.data and not View(self._store.node, at.state_root).code(message.to):
                return message.intrinsic_gas
            most = self.call(message, at, pending=pending)
            if not most.success:
                raise _estimate_error(most, message.gas)
            # What it spent suffices unless a call inside was withheld a 64th (EIP-150): then look above.
            if self._succeeds(message, most.gas_spent, at, pending):
                return most.gas_spent
            least, enough = most.gas_spent, message.gas
            guess = least + least // 32 + 1
            while enough - least > 1:
                guess = min(guess, enough - 1)
                if self._succeeds(message, guess, at, pending):
                    enough = guess
                else:
                    least = guess
                guess = (least + enough) // 2
            return enough

    def _succeeds(self, message: Transaction, gas: int, at: Header, pending: bool) -> bool:
        trial = Transaction(
            sender=message.sender,
            to=message.to,
            data=message.data,
            gas=gas,
            value=message.value,
            access_list=message.access_list,
        )
        return self.call(trial, at, pending=pending).success

    def _environment(self, at: Header, pending: bool) -> Environment:
        if not pending:
            return Environment(self.chain_id, at.number, at.timestamp, at.gas_limit, self._hash_of)
        return Environment(self.chain_id, at.number + 1, self._next_time(at), at.gas_limit, self._hash_of)

    def _next_time(self, parent: Header) -> int:
        return max(self._clock(), parent.timestamp)

    def _hash_of(self, number: int) -> bytes:
        found = self._store.header(number)
        return found[0] if found else ZERO32

    # Reading ----------------------------------------------------------------------------------------------------

    @property
    def head(self) -> Header:
        """The last block's header."""
        return self._head

    def header(self, number: int) -> Header | None:
        """The header of this number, or None."""
        with self._lock:
            found = self._store.header(number)
            return None if found is None else blocks.decode_header(found[1])

    def header_by_hash(self, block_hash: bytes) -> Header | None:
        """The header of this hash, or None."""
        with self._lock:
            number = self._store.number_of(block_hash)
            return None if number is None else self.header(number)

    def next_header(self) -> Header:
        """What is known of the block after the head."""
        with self._lock:
            head = self._head
            return Header(
                number=head.number + 1,
                parent_hash=head.hash,
                state_root=ZERO32,
                transactions_root=EMPTY_ROOT,
                receipts_root=EMPTY_ROOT,
                bloom=bytes(256),
                gas_limit=head.gas_limit,
                gas_used=0,
                timestamp=self._next_time(head),
            )

    def transactions(self, header: Header) -> tuple[MinedTransaction, ...]:
        """The transactions of a block in order. Raises CorruptStore unless they are those its header binds."""
        with self._lock:
            bodies = self._store.bodies(header.number)
            _require_bound(header, bodies)
            return tuple(_mined(header, bodies))

    def transaction(self, tx_hash: bytes) -> MinedTransaction | None:
        """The transaction of this hash, or None."""
        with self._lock:
            place = self._store.place_of(tx_hash)
            header = None if place is None else self.header(place[0])
            if place is None or header is None:
                return None
            return self.transactions(header)[place[1]]

    def view(self, at: Header) -> View:
        """Accounts, code, storage and proofs as of block `at`. Its methods are not serialised: use `reading`."""
        return View(self._store.node, at.state_root)

    def reading(self) -> threading.RLock:
        """Held while several reads must see the same head (`with chain.reading():`)."""
        return self._lock

    def logs(self, first: int, last: int, wanted: LogFilter) -> list[FoundLog]:
        """The logs of blocks `first` to `last` that fit, in order, from the receipts; blooms decide where to look.

        Raises NodeError when there are more than MOST_LOGS.
        """
        masks = wanted.masks()
        found: list[FoundLog] = []
        with self._lock:
            for _, _, encoded in self._store.headers(first, min(last, self._head.number)):
                bloom = blocks.bloom_in(encoded)
                if bloom and all(any(mask & bloom == mask for mask in condition) for condition in masks):
                    found.extend(self._logs_of(blocks.decode_header(encoded), wanted))
                    if len(found) > MOST_LOGS:
                        raise NodeError(-32005, f"query returned more than {MOST_LOGS} results")
        return found

    def _logs_of(self, header: Header, wanted: LogFilter) -> Iterator[FoundLog]:
        bodies = self._store.bodies(header.number)
        _require_bound(header, bodies)
        index = 0
        for position, body in enumerate(bodies):
            for entry in blocks.decode_receipt(body.receipt).logs:
                if wanted.takes(entry):
                    yield FoundLog(entry, header, body.hash, position, index)
                index += 1

    # Trusting ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Reads everything: the file, every block and its links and roots, the whole state of the head.

        Raises CorruptStore that names the first thing that is wrong. Takes as long as the chain is big.
        """
        with self._lock:
            self._store.check()
            parent = ZERO32
            expected = 0
            for number, block_hash, encoded in self._store.headers(0, self._head.number):
                header = blocks.decode_header(encoded)
                if number != expected or header.number != number or header.parent_hash != parent:
                    raise CorruptStore(f"block {expected} does not follow its parent", number=expected)
                _require_bound(header, self._store.bodies(number))
                parent, expected = block_hash, number + 1
            self._walk(self._head.state_root)

    def _walk(self, root: bytes) -> None:
        """Reads every node of the state trie under `root`; leaves name storage and code, which are read too."""
        waiting = [(root, True)]
        seen: set[bytes] = set()
        while waiting:
            key, accounts = waiting.pop()
            if key == EMPTY_ROOT or key in seen:
                continue
            seen.add(key)
            node = self._store.node(key)
            if node is None:
                raise CorruptStore(f"the chain file lacks the state node {to_hex(key)}", node=to_hex(key))
            waiting.extend(self._children(rlp.decode(node), accounts))

    def _children(self, node: rlp.Decoded, accounts: bool) -> Iterator[tuple[bytes, bool]]:
        if isinstance(node, bytes):
            return
        if len(node) == 17:
            for child in node[:16]:
                yield from self._child(child, accounts)
            return
        path, value = node
        if isinstance(path, bytes) and path[0] & 0x20:
            if accounts and isinstance(value, bytes):
                _, _, storage_root, code_hash = rlp.decode_list(value, "account")
                assert isinstance(storage_root, bytes)
                assert isinstance(code_hash, bytes)
                yield storage_root, False
                self._require_code(code_hash)
            return
        yield from self._child(value, accounts)

    def _child(self, child: rlp.Decoded, accounts: bool) -> Iterator[tuple[bytes, bool]]:
        if not isinstance(child, bytes):
            yield from self._children(child, accounts)
        elif len(child) == 32:
            yield child, accounts

    def _require_code(self, code_hash: bytes) -> None:
        if code_hash != keccak256(b"") and self._store.node(code_hash) is None:
            raise CorruptStore(f"the chain file lacks the code {to_hex(code_hash)}", node=to_hex(code_hash))

    def _checked_head(self) -> Header:
        """The head, if it belongs to the genesis block of the file and its state is there."""
        number, _, encoded = self._store.head()
        head = blocks.decode_header(encoded)
        first = self._store.header(0)
        if first is None or first[0] != self.genesis_hash:
            raise CorruptStore("the chain file's first block is not its genesis block")
        if head.number != number or (number and self._hash_of(number - 1) != head.parent_hash):
            raise CorruptStore(f"block {number} does not follow its parent", number=number)
        if head.state_root != EMPTY_ROOT and self._store.node(head.state_root) is None:
            raise CorruptStore(f"the state of block {number} is missing", number=number)
        return head


class _Draft:
    """The block that is being made on top of the head."""

    def __init__(self, chain: Chain) -> None:
        self._parent = chain._head
        self._time = chain._next_time(self._parent)
        self._gas_limit = self._parent.gas_limit
        number = self._parent.number + 1
        environment = Environment(chain.chain_id, number, self._time, self._gas_limit, chain._hash_of)
        self._run = Run(chain._store.node, self._parent.state_root, environment)
        self._gas_used = 0
        self._hashes: set[bytes] = set()
        self._blooms: list[bytes] = []
        self.bodies: list[Body] = []

    def full(self, gas: int) -> bool:
        """Whether a transaction with this limit must wait for the next block."""
        return bool(self.bodies) and self._gas_used + gas > self._gas_limit

    def add(self, signed: SignedTransaction) -> None:
        """Runs the transaction here, or raises the NodeError that keeps it out."""
        message = signed.transaction
        if signed.hash in self._hashes:
            raise NodeError(_REFUSED, "already known")
        self._require_turn(message)
        outcome = self._run.execute(message)
        self._gas_used += outcome.gas_used
        bloom = blocks.bloom_of(outcome.logs)
        receipt = Receipt(signed.type, outcome.success, self._gas_used, bloom, outcome.logs)
        self._hashes.add(signed.hash)
        self._blooms.append(bloom)
        self.bodies.append(Body(signed.hash, signed.raw, receipt.encode()))

    def seal(self) -> tuple[Header, Mapping[bytes, bytes]]:
        """The finished header and the state nodes that the block made."""
        state_root, nodes = self._run.seal()
        header = Header(
            number=self._parent.number + 1,
            parent_hash=self._parent.hash,
            state_root=state_root,
            transactions_root=ordered_root([body.raw for body in self.bodies]),
            receipts_root=ordered_root([body.receipt for body in self.bodies]),
            bloom=blocks.union(self._blooms),
            gas_limit=self._gas_limit,
            gas_used=self._gas_used,
            timestamp=self._time,
        )
        return header, nodes

    def _require_turn(self, message: Transaction) -> None:
        expected = self._run.nonce(message.sender)
        if message.nonce < expected:
            raise NodeError(_REFUSED, "nonce too low")
        if message.nonce > expected or message.nonce >= 2**64 - 1:
            words = f"nonce too high: the next of this account is {expected}, a transaction is not queued"
            raise NodeError(_REFUSED, words)
        _require_funds(self._run, message)


def execution_error(outcome: Outcome) -> NodeError:
    """What a node says of a call that did not succeed: a revert with its data, or what cut it short."""
    if outcome.reverted:
        return NodeError(_REVERTED, _revert_words(outcome.output), to_hex(outcome.output))
    return NodeError(_INTERNAL, f"EVM error {outcome.halt}")


def _estimate_error(outcome: Outcome, gas: int) -> NodeError:
    if outcome.halt == "OutOfGas":
        return NodeError(_REFUSED, f"Out of gas: gas required exceeds allowance: {gas}")
    return execution_error(outcome)


def _revert_words(data: bytes) -> str:
    """Solidity's own reasons in words; a custom error by its selector and arguments."""
    if not data:
        return "execution reverted"
    try:
        if data[:4] == bytes.fromhex("08c379a0"):
            return f"execution reverted: {abi.decode(['string'], data[4:])[0]}"
        if data[:4] == bytes.fromhex("4e487b71"):
            (number,) = abi.decode(["uint256"], data[4:])
            return f"execution reverted: panic: {_PANICS.get(number, 'unknown')} (0x{number:02x})"
    except InvalidInput:
        pass
    arguments = f": {data[4:].hex()}" if data[4:] else ""
    return f"execution reverted: custom error {to_hex(data[:4])}{arguments}"


def _decoded(raw: bytes) -> SignedTransaction:
    try:
        return decode_transaction(raw)
    except InvalidSignature as reason:
        raise NodeError(_REFUSED, f"invalid signature: {reason.reason}") from reason
    except InvalidInput as reason:
        raise NodeError(_INVALID_PARAMS, f"Failed to decode transaction: {reason.message}") from reason


def _require_funds(run: Run, message: Transaction) -> None:
    most = message.value + message.gas * message.max_fee_per_gas
    if most and run.balance(message.sender) < most:
        raise NodeError(_REFUSED, "Insufficient funds for gas * price + value")


def _require_bound(header: Header, bodies: Sequence[Body]) -> None:
    if ordered_root([body.raw for body in bodies]) != header.transactions_root:
        raise CorruptStore(f"the transactions of block {header.number} are not its header's", number=header.number)
    if ordered_root([body.receipt for body in bodies]) != header.receipts_root:
        raise CorruptStore(f"the receipts of block {header.number} are not its header's", number=header.number)


def _mined(header: Header, bodies: Sequence[Body]) -> Iterator[MinedTransaction]:
    gas, first_log = 0, 0
    for position, body in enumerate(bodies):
        receipt = blocks.decode_receipt(body.receipt)
        signed = decode_transaction(body.raw)
        yield MinedTransaction(signed, receipt, header, position, receipt.cumulative_gas - gas, first_log)
        gas, first_log = receipt.cumulative_gas, first_log + len(receipt.logs)


def _genesis(
    time: int, chain_id: int, gas_limit: int, balances: Mapping[bytes, int]
) -> tuple[dict[str, bytes], BlockBytes, Mapping[bytes, bytes]]:
    """The facts, the first block and the first state of a new chain."""
    if not 0 < chain_id < 2**63:
        raise InvalidInput("chain id", "not between 1 and 2^63 - 1")
    if not 5_000_000 <= gas_limit < 2**63:
        raise InvalidInput("gas limit", "less than 5,000,000 gas, or absurd")
    environment = Environment(chain_id, 0, time, gas_limit, lambda _: ZERO32)
    state_root, nodes = empty_state(balances, environment)
    header = Header(
        number=0,
        parent_hash=ZERO32,
        state_root=state_root,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        bloom=bytes(256),
        gas_limit=gas_limit,
        gas_used=0,
        timestamp=time,
    )
    facts = {"chain_id": rlp.encode_int(chain_id), "genesis_hash": header.hash}
    return facts, BlockBytes(0, header.hash, header.encode(), ()), nodes
