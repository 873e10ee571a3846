"""Runs transactions on a state: py-evm's Paris rules over a store of trie nodes. The one module that imports py-evm.

Refuses to know blocks, receipts and SQL. Paris, because the contracts are compiled for it and no opcode after it is
asked for. The base fee is zero and stays zero. What a chain checks of a transaction before it runs is the chain's
work; this machine executes what it is given.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

# Before anything imports eth_hash: this implementation is several times faster than the other it would choose.
if find_spec("sha3") is not None:
    os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

from eth import exceptions as evm
from eth._utils.address import generate_contract_address
from eth.db.backends.base import BaseAtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.paris.state import ParisState, ParisTransactionExecutor
from eth.vm.interrupt import EVMMissingData
from eth.vm.message import Message
from eth_typing import Address, BlockNumber, Hash32
from trie.exceptions import MissingTrieNode
from trie.hexary import HexaryTrie

from deedbook.chain import rlp
from deedbook.chain.embedded.transactions import Transaction
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, keccak256, to_hex
from deedbook.errors import CorruptStore

RECURSION_LIMIT: Final = 9000
"""Python frames at once: eight for each of the EVM's 1024 levels of calls, and the caller's own.

py-evm sets 100,000 for the whole process, and then a few bytes of nested JSON, parsed anywhere in it, overflow the C
stack and end the process instead of raising RecursionError.
"""
sys.setrecursionlimit(RECURSION_LIMIT)

EMPTY_ROOT: Final = keccak256(b"\x80")
"""The root of an empty trie."""

EMPTY_CODE: Final = keccak256(b"")
"""The code hash of an account without code."""

_REFUND_QUOTIENT: Final = 5  # EIP-3529

_HALTS: Final = {
    evm.OutOfGas: "OutOfGas",
    evm.InvalidJumpDestination: "InvalidJump",
    evm.InsufficientStack: "StackUnderflow",
    evm.FullStack: "StackOverflow",
    evm.StackDepthLimit: "CallTooDeep",
    evm.InsufficientFunds: "OutOfFunds",
    evm.ContractCreationCollision: "CreateCollision",
    evm.IncorrectContractCreationAddress: "CreateCollision",
    evm.WriteProtection: "StateChangeDuringStaticCall",
    evm.OutOfBoundsRead: "OutOfOffset",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """What a contract sees of its block. `ancestor` gives the hash of an earlier block, by number."""

    chain_id: int
    number: int
    timestamp: int
    gas_limit: int
    ancestor: Callable[[int], bytes] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the state trie holds it."""

    nonce: int = 0
    balance: int = 0
    storage_root: bytes = EMPTY_ROOT
    code_hash: bytes = EMPTY_CODE


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a contract emitted: address (20 bytes), topics (32 bytes each), data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended. `halt` names why it was cut short (never for a revert); gas is in units.

    `gas_spent` is before refunds: what the execution needed at least.
    """

    success: bool
    output: bytes
    gas_used: int
    gas_spent: int
    logs: tuple[LogEntry, ...]
    halt: str | None

    @property
    def reverted(self) -> bool:
        """Whether the contract itself refused (REVERT), with `output` as its reason."""
        return not self.success and self.halt is None


class Nodes(BaseAtomicDB):
    """Trie nodes and code by hash, as py-evm wants them: reads fall through to `source`, writes stay in `made`."""

    def __init__(self, source: Callable[[bytes], bytes | None]) -> None:
        self._source = source
        self.made: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        found = self.made.get(key)
        if found is None:
            found = self._source(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.made[key] = value

    def __delitem__(self, key: bytes) -> None:
        self.made.pop(key, None)

    def _exists(self, key: bytes) -> bool:
        return key in self.made or self._source(key) is not None

    @contextlib.contextmanager
    def atomic_batch(self) -> Iterator[Any]:
        """py-evm's batch; atomic here is the block, which the store writes whole."""
        yield self


class Run:
    """One line of executions on a state: those of a block, in order, or a single call that leaves no trace."""

    def __init__(self, source: Callable[[bytes], bytes | None], root: bytes, environment: Environment) -> None:
        self._nodes = Nodes(source)
        # py-evm names bytes by what they are (Address, Hash32); here they are bytes.
        self._state: Any = _State(self._nodes, _context(environment), Hash32(root))

    def nonce(self, address: bytes) -> int:
        """The next nonce of an account."""
        with _whole():
            return int(self._state.get_nonce(address))

    def balance(self, address: bytes) -> int:
        """The balance of an account, in wei."""
        with _whole():
            return int(self._state.get_balance(address))

    def execute(self, transaction: Transaction) -> Outcome:
        """Runs the transaction: buys gas, raises the nonce, calls or creates, returns what is left."""
        with _whole():
            self._state.lock_changes()
            computation = self._state.apply_transaction(transaction)
            return _outcome(transaction, computation)

    def seal(self) -> tuple[bytes, Mapping[bytes, bytes]]:
        """The state root after everything that ran, and the nodes it needs that were not there before."""
        with _whole():
            self._state.persist()
            return bytes(self._state.state_root), self._nodes.made


class View:
    """Accounts, code, storage and proofs at one state root."""

    def __init__(self, source: Callable[[bytes], bytes | None], root: bytes) -> None:
        self._nodes = Nodes(source)
        self._root = root

    def account(self, address: bytes) -> Account:
        """The account; an empty one where nothing was ever written."""
        with _whole():
            found = self._trie(self._root).get(keccak256(address))
        if not found:
            return Account()
        nonce, balance, storage_root, code_hash = rlp.decode_list(found, "account")
        assert isinstance(storage_root, bytes)
        assert isinstance(code_hash, bytes)
        return Account(rlp.decode_int(nonce, "nonce"), rlp.decode_int(balance, "balance"), storage_root, code_hash)

    def code(self, address: bytes) -> bytes:
        """The account's code; empty where it has none."""
        code_hash = self.account(address).code_hash
        if code_hash == EMPTY_CODE:
            return b""
        try:
            return self._nodes[code_hash]
        except KeyError:
            raise CorruptStore(f"the chain file lacks the code {to_hex(code_hash)}", node=to_hex(code_hash)) from None

    def storage(self, address: bytes, slot: int) -> int:
        """The value of a storage slot; zero where nothing was written."""
        with _whole():
            found = self._trie(self.account(address).storage_root).get(_slot_key(slot))
        return rlp.decode_int(rlp.decode(found), "slot") if found else 0

    def account_proof(self, address: bytes) -> list[bytes]:
        """RLP nodes from the state root towards the account, present or absent."""
        return self._proof(self._root, keccak256(address))

    def storage_proof(self, address: bytes, slot: int) -> list[bytes]:
        """RLP nodes from the account's storage root towards the slot; none where the storage is empty."""
        return self._proof(self.account(address).storage_root, _slot_key(slot))

    def _proof(self, root: bytes, key: bytes) -> list[bytes]:
        if root == EMPTY_ROOT:
            return []
        with _whole():
            nodes = [rlp.encode(node) for node in self._trie(root).get_proof(key)]
        # A node shorter than a hash lives inside its parent: listing it again proves nothing.
        return [node for at, node in enumerate(nodes) if at == 0 or len(node) >= 32]

    def _trie(self, root: bytes) -> Any:
        return HexaryTrie(self._nodes, root)


def empty_state(balances: Mapping[bytes, int], environment: Environment) -> tuple[bytes, Mapping[bytes, bytes]]:
    """The state root of a chain that starts with these balances (wei by address), and its nodes."""
    run = Run(lambda _: None, EMPTY_ROOT, environment)
    for address, wei in balances.items():
        run._state.set_balance(address, wei)
    return run.seal()


def contract_address(sender: bytes, nonce: int) -> bytes:
    """The address of the contract that `sender` creates with its transaction of this nonce."""
    return bytes(generate_contract_address(Address(sender), nonce))


class _Executor(ParisTransactionExecutor):
    """py-evm's executor for transactions that the chain has checked already."""

    def validate_transaction(self, transaction: Any) -> None:
        """The chain has done it."""

    def build_evm_message(self, transaction: Any) -> Message:
        state = self.vm_state
        price = state.get_gas_price(transaction)
        if price:
            state.delta_balance(transaction.sender, -transaction.gas * price)
        nonce = state.get_nonce(transaction.sender)
        state.increment_nonce(transaction.sender)
        creates = not transaction.to
        created: Any = generate_contract_address(transaction.sender, nonce) if creates else None
        return Message(
            gas=transaction.gas - transaction.intrinsic_gas,
            to=transaction.to,
            sender=transaction.sender,
            value=transaction.value,
            data=b"" if creates else transaction.data,
            code=transaction.data if creates else state.get_code(transaction.to),
            create_address=created,
        )


class _State(ParisState):
    transaction_executor_class = _Executor


def _context(environment: Environment) -> ExecutionContext:
    return ExecutionContext(
        coinbase=Address(ZERO_ADDRESS),
        timestamp=environment.timestamp,
        block_number=BlockNumber(environment.number),
        difficulty=0,
        mix_hash=Hash32(ZERO32),
        gas_limit=environment.gas_limit,
        prev_hashes=_ancestors(environment),
        chain_id=environment.chain_id,
        base_fee_per_gas=0,
    )


def _ancestors(environment: Environment) -> Iterator[Hash32]:
    """Hashes of the blocks before this one, nearest first; BLOCKHASH reaches 256 back."""
    for number in range(environment.number - 1, max(environment.number - 257, -1), -1):
        yield Hash32(environment.ancestor(number))


def _outcome(transaction: Transaction, computation: Any) -> Outcome:
    spent = transaction.gas - computation.get_gas_remaining()
    refund = min(computation.get_gas_refund(), spent // _REFUND_QUOTIENT)
    logs = tuple(
        LogEntry(bytes(address), tuple(topic.to_bytes(32, "big") for topic in topics), bytes(data))
        for address, topics, data in computation.get_log_entries()
    )
    halt = None if computation.is_success else _halt(computation.error)
    return Outcome(computation.is_success, bytes(computation.output), spent - refund, spent, logs, halt)


def _halt(error: Exception) -> str | None:
    if isinstance(error, evm.Revert):
        return None
    if isinstance(error, evm.InvalidInstruction):
        return "InvalidFEOpcode" if "0xfe" in str(error) else "OpcodeNotFound"
    return next((name for kind, name in _HALTS.items() if isinstance(error, kind)), type(error).__name__)


def _slot_key(slot: int) -> bytes:
    return keccak256(slot.to_bytes(32, "big"))


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """A node that the state needs and the store lacks means a damaged store."""
    try:
        yield
    except (EVMMissingData, MissingTrieNode) as reason:
        missing = getattr(reason, "missing_node_hash", None) or getattr(reason, "missing_code_hash", None)
        name = to_hex(bytes(missing)) if isinstance(missing, bytes) else str(reason)
        raise CorruptStore(f"the chain file lacks the state node {name}", node=name) from reason
