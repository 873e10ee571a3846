"""The chain as JSON-RPC 2.0: the methods that the service and wallets use, with anvil's answers and error codes.

Knows the text forms and nothing else: every fact comes from the chain. `Methods.answer` is one method in process;
`handle` takes the bytes of a request or a batch and gives the bytes of its answer, whatever the bytes are. Any HTTP
server can carry it.

Where it differs from anvil on purpose: a nonce gap is refused, not queued; a transaction with another chain id or
with trailing bytes is refused; malformed JSON is -32700, as JSON-RPC says; a mined transaction sent again is "already
known"; there are no accounts and nothing to impersonate; `debug_getRawHeader` (as geth names it) gives the header's
RLP, for proofs; `deedbook_sendRawTransactions` puts several transactions into one block.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from deedbook import __version__
from deedbook.chain.client import NodeError
from deedbook.chain.embedded.blocks import EMPTY_UNCLES, Header
from deedbook.chain.embedded.chain import Chain, FoundLog, LogFilter, MinedTransaction, execution_error
from deedbook.chain.embedded.machine import View
from deedbook.chain.embedded.transactions import AccessList, Transaction
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, keccak256, to_hex
from deedbook.errors import DeedbookError

MOST_BODY: Final = 5 * 1024 * 1024
"""The longest request body, in bytes."""

MOST_BATCH: Final = 1000
"""The most requests in one batch."""

MOST_DEPTH: Final = 32
"""The deepest nesting of arrays and objects in a request."""

MOST_STORAGE_KEYS: Final = 1024
"""The most slots that one `eth_getProof` proves."""

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_NO_METHOD: Final = -32601
_INVALID_PARAMS: Final = -32602
_INTERNAL: Final = -32603
_SERVER: Final = -32000

_STRING_OR_BRACKET: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_NO_BLOOM: Final = "0x" + "00" * 256
_T = TypeVar("_T")


class Methods:
    """The method table of one chain."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        table: Mapping[str, Callable[..., Any]] = {
            "web3_clientVersion": self._client_version,
            "web3_sha3": self._sha3,
            "net_version": self._net_version,
            "net_listening": self._true,
            "eth_chainId": self._chain_id,
            "eth_blockNumber": self._block_number,
            "eth_syncing": self._false,
            "eth_accounts": self._accounts,
            "eth_coinbase": self._coinbase,
            "eth_gasPrice": self._zero,
            "eth_maxPriorityFeePerGas": self._zero,
            "eth_feeHistory": self._fee_history,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": self._count_by_number,
            "eth_getBlockTransactionCountByHash": self._count_by_hash,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionByBlockNumberAndIndex": self._transaction_by_number,
            "eth_getTransactionByBlockHashAndIndex": self._transaction_by_block_hash,
            "eth_getRawTransactionByHash": self._raw_transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getTransactionCount": self._nonce,
            "eth_getBalance": self._balance,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_getProof": self._proof,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_getLogs": self._logs,
            "eth_sendRawTransaction": self._send,
            "deedbook_sendRawTransactions": self._send_many,
            "debug_getRawHeader": self._raw_header,
        }
        self._table = {name: (run, *_arity(run)) for name, run in table.items()}

    def answer(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one method, in JSON's own types. Raises NodeError, and what the chain raises."""
        if method not in self._table:
            raise NodeError(_NO_METHOD, "Method not found")
        run, least, most = self._table[method]
        if not least <= len(params) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise _invalid(f"{len(params)} parameters instead of {wanted}")
        with self._chain.reading():
            return run(*params)

    def handle(self, body: bytes) -> bytes:
        """The answer to the bytes of a request or a batch; empty where nothing is to be answered."""
        if len(body) > MOST_BODY:
            return _encoded(_error(None, _INVALID_REQUEST, f"the request is longer than {MOST_BODY} bytes"))
        try:
            request = json.loads(body) if _is_shallow(body) else None
        except (ValueError, RecursionError):
            return _encoded(_error(None, _PARSE_ERROR, "Parse error"))
        if not isinstance(request, list):
            return _encoded(self._respond(request))
        if not request:
            return _encoded(_error(None, _INVALID_REQUEST, "Invalid request: an empty batch"))
        if len(request) > MOST_BATCH:
            return _encoded(_error(None, _INVALID_REQUEST, f"Invalid request: more than {MOST_BATCH} in a batch"))
        answers = [answer for answer in map(self._respond, request) if answer is not None]
        return _encoded(answers or None)

    def _respond(self, request: Any) -> dict[str, Any] | None:
        """The answer object to one request; None to a notification (which is carried out)."""
        if not isinstance(request, dict):
            return _error(None, _INVALID_REQUEST, "Invalid request")
        request_id = request.get("id")
        if isinstance(request_id, bool) or not isinstance(request_id, (int, str, type(None))):
            return _error(None, _INVALID_REQUEST, "Invalid request: id")
        method, params = request.get("method"), request.get("params", [])
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, (list, dict)):
            return _error(request_id, _INVALID_REQUEST, "Invalid request")
        answer = self._outcome(request_id, method, params)
        return answer if "id" in request else None

    def _outcome(self, request_id: int | str | None, method: str, params: Any) -> dict[str, Any]:
        try:
            if not isinstance(params, list):
                raise _invalid("params is not an array")
            return {"jsonrpc": "2.0", "id": request_id, "result": self.answer(method, params)}
        except NodeError as error:
            return _error(request_id, error.rpc_code, error.reason, error.data)
        except DeedbookError as error:
            return _error(request_id, _INTERNAL, error.message)
        except Exception as error:  # noqa: BLE001 - the last door: no trace leaves the process
            return _error(request_id, _INTERNAL, f"internal error: {type(error).__name__}")

    # Facts about the node ---------------------------------------------------------------------------------------

    def _client_version(self) -> str:
        return f"deedbook/v{__version__}/py-evm-paris"

    def _sha3(self, data: Any) -> str:
        return to_hex(keccak256(_octets(data, "data")))

    def _net_version(self) -> str:
        return str(self._chain.chain_id)

    def _chain_id(self) -> str:
        return hex(self._chain.chain_id)

    def _block_number(self) -> str:
        return hex(self._chain.head.number)

    def _accounts(self) -> list[str]:
        return []

    def _coinbase(self) -> str:
        return to_hex(ZERO_ADDRESS)

    def _true(self) -> bool:
        return True

    def _false(self) -> bool:
        return False

    def _zero(self) -> str:
        return "0x0"

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
        last = self._header(newest)
        wanted = min(max(_quantity(count, "blockCount"), 1), 1024, last.number + 1)
        first = last.number - wanted + 1
        used = [self._known(number) for number in range(first, last.number + 1)]
        history: dict[str, Any] = {
            "oldestBlock": hex(first),
            "baseFeePerGas": ["0x0"] * (wanted + 1),
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in used],
        }
        if percentiles is not None:
            history["reward"] = [["0x0"] * _length(percentiles, "percentiles")] * wanted if percentiles else []
        return history

    # Blocks and transactions ------------------------------------------------------------------------------------

    def _block_by_number(self, tag: Any, full: Any) -> dict[str, Any] | None:
        if tag == "pending":
            return _block(self._chain.next_header(), (), _flag(full, "full"))
        if tag is None:
            raise _invalid("block is null")
        header = self._found(tag)
        return None if header is None else self._whole(header, full)

    def _block_by_hash(self, block_hash: Any, full: Any) -> dict[str, Any] | None:
        header = self._chain.header_by_hash(_word(block_hash, "hash"))
        return None if header is None else self._whole(header, full)

    def _whole(self, header: Header, full: Any) -> dict[str, Any]:
        return _block(header, self._chain.transactions(header), _flag(full, "full"))

    def _count_by_number(self, tag: Any) -> str | None:
        header = self._found(tag)
        return None if header is None else hex(len(self._chain.transactions(header)))

    def _count_by_hash(self, block_hash: Any) -> str | None:
        header = self._chain.header_by_hash(_word(block_hash, "hash"))
        return None if header is None else hex(len(self._chain.transactions(header)))

    def _block_receipts(self, block: Any) -> list[dict[str, Any]] | None:
        header = self._found(block)
        return None if header is None else [_receipt(mined) for mined in self._chain.transactions(header)]

    def _transaction(self, tx_hash: Any) -> dict[str, Any] | None:
        mined = self._chain.transaction(_word(tx_hash, "hash"))
        return None if mined is None else _transaction(mined)

    def _transaction_by_number(self, tag: Any, index: Any) -> dict[str, Any] | None:
        return self._transaction_at(self._found(tag), _quantity(index, "index"))

    def _transaction_by_block_hash(self, block_hash: Any, index: Any) -> dict[str, Any] | None:
        return self._transaction_at(self._chain.header_by_hash(_word(block_hash, "hash")), _quantity(index, "index"))

    def _transaction_at(self, header: Header | None, index: int) -> dict[str, Any] | None:
        mined = () if header is None else self._chain.transactions(header)
        return _transaction(mined[index]) if index < len(mined) else None

    def _raw_transaction(self, tx_hash: Any) -> str | None:
        mined = self._chain.transaction(_word(tx_hash, "hash"))
        return None if mined is None else to_hex(mined.signed.raw)

    def _receipt(self, tx_hash: Any) -> dict[str, Any] | None:
        mined = self._chain.transaction(_word(tx_hash, "hash"))
        return None if mined is None else _receipt(mined)

    def _raw_header(self, block: Any) -> str:
        return to_hex(self._header(block).encode())

    def _logs(self, query: Any) -> list[dict[str, Any]]:
        if not isinstance(query, dict):
            raise _invalid("the filter is not an object")
        wanted = LogFilter(_addresses(query.get("address")), _topics(query.get("topics")))
        first, last = self._range(query)
        return [_log(found) for found in self._chain.logs(first, last, wanted)]

    def _range(self, query: Mapping[str, Any]) -> tuple[int, int]:
        block_hash, start, end = query.get("blockHash"), query.get("fromBlock"), query.get("toBlock")
        if block_hash is not None:
            if start is not None or end is not None:
                raise _invalid("cannot specify both blockHash and fromBlock/toBlock, choose one or the other")
            header = self._chain.header_by_hash(_word(block_hash, "blockHash"))
            if header is None:
                raise NodeError(_SERVER, "unknown block")
            return header.number, header.number
        first, last = self._number(start), self._number(end)
        if first > self._chain.head.number:
            raise self._beyond(first)
        return first, min(last, self._chain.head.number)

    # State ------------------------------------------------------------------------------------------------------

    def _nonce(self, address: Any, block: Any = "latest") -> str:
        return hex(self._view(block).account(_address(address, "address")).nonce)

    def _balance(self, address: Any, block: Any = "latest") -> str:
        return hex(self._view(block).account(_address(address, "address")).balance)

    def _code(self, address: Any, block: Any = "latest") -> str:
        return to_hex(self._view(block).code(_address(address, "address")))

    def _storage(self, address: Any, slot: Any, block: Any = "latest") -> str:
        value = self._view(block).storage(_address(address, "address"), _slot(slot))
        return to_hex(value.to_bytes(32, "big"))

    def _proof(self, address: Any, slots: Any, block: Any = "latest") -> dict[str, Any]:
        owner, view = _address(address, "address"), self._view(block)
        if not isinstance(slots, list) or len(slots) > MOST_STORAGE_KEYS:
            raise _invalid(f"storage keys are not a list of at most {MOST_STORAGE_KEYS}")
        account = view.account(owner)
        return {
            "address": to_hex(owner),
            "accountProof": [to_hex(node) for node in view.account_proof(owner)],
            "balance": hex(account.balance),
            "codeHash": to_hex(account.code_hash),
            "nonce": hex(account.nonce),
            "storageHash": to_hex(account.storage_root),
            "storageProof": [_storage_proof(view, owner, _slot(slot)) for slot in slots],
        }

    def _call(self, request: Any, block: Any = "latest") -> str:
        header, pending = self._place(block)
        outcome = self._chain.call(self._message(request, header), header, pending=pending)
        if not outcome.success:
            raise execution_error(outcome)
        return to_hex(outcome.output)

    def _estimate(self, request: Any, block: Any = "latest") -> str:
        header, pending = self._place(block)
        return hex(self._chain.estimate(self._message(request, header), header, pending=pending))

    def _send(self, raw: Any) -> str:
        return to_hex(self._chain.send(_octets(raw, "transaction")))

    def _send_many(self, raws: Any) -> list[str | dict[str, Any]]:
        """One block of several transactions: for each its hash, or the error object that refused it."""
        if not isinstance(raws, list) or len(raws) > MOST_BATCH:
            raise _invalid(f"not a list of at most {MOST_BATCH} transactions")
        results = self._chain.send_many([_octets(raw, "transaction") for raw in raws])
        return [_error_object(item) if isinstance(item, NodeError) else to_hex(item) for item in results]

    def _message(self, request: Any, at: Header) -> Transaction:
        """The message of a call object; gas is capped by the block's limit, which is also its default."""
        if not isinstance(request, dict):
            raise _invalid("the call is not an object")
        price = _optional(request, "gasPrice", _quantity, 0)
        data = request.get("input") if request.get("input") is not None else request.get("data")
        return Transaction(
            sender=_optional(request, "from", _address, ZERO_ADDRESS),
            to=_optional(request, "to", _address, b""),
            data=b"" if data is None else _octets(data, "data"),
            gas=min(_optional(request, "gas", _quantity, at.gas_limit), at.gas_limit),
            value=_optional(request, "value", _quantity, 0),
            max_fee_per_gas=_optional(request, "maxFeePerGas", _quantity, price),
            max_priority_fee_per_gas=_optional(request, "maxPriorityFeePerGas", _quantity, price),
            access_list=_optional(request, "accessList", _access_list, ()),
        )

    # Which block ------------------------------------------------------------------------------------------------

    def _found(self, block: Any) -> Header | None:
        """The header that a tag, a number or an EIP-1898 object names; None for one that does not exist."""
        block_hash = _hash_in(block)
        if block_hash is not None:
            return self._chain.header_by_hash(block_hash)
        if isinstance(block, dict):
            block = block.get("blockNumber")
        number = self._number(block)
        return self._chain.header(number) if number <= self._chain.head.number else None

    def _header(self, block: Any) -> Header:
        header = self._found(block)
        if header is not None:
            return header
        if _hash_in(block) is not None:
            raise NodeError(_SERVER, "unknown block")
        raise self._beyond(self._number(block["blockNumber"] if isinstance(block, dict) else block))

    def _number(self, block: Any) -> int:
        if block is None or block in ("latest", "pending", "safe", "finalized"):
            return self._chain.head.number
        return 0 if block == "earliest" else _quantity(block, "block")

    def _known(self, number: int) -> Header:
        header = self._chain.header(number)
        assert header is not None
        return header

    def _place(self, block: Any) -> tuple[Header, bool]:
        return self._header(block), block == "pending"

    def _view(self, block: Any) -> View:
        return self._chain.view(self._header(block))

    def _beyond(self, number: int) -> NodeError:
        height = self._chain.head.number
        return _invalid(f"BlockOutOfRangeError: block height is {height} but requested was {number}")


def _arity(run: Callable[..., Any]) -> tuple[int, int]:
    """How few and how many parameters a method takes."""
    parameters = inspect.signature(run).parameters.values()
    return sum(each.default is inspect.Parameter.empty for each in parameters), len(parameters)


def _is_shallow(body: bytes) -> bool:
    """Whether no more than MOST_DEPTH brackets are open at once; what a request nests deeper is no request."""
    if body.count(b"[") + body.count(b"{") <= MOST_DEPTH:
        return True
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        first = body[match.start()]
        depth += 1 if first in b"[{" else -1 if first in b"]}" else 0
        if depth > MOST_DEPTH:
            return False
    return True


# Text to values -------------------------------------------------------------------------------------------------


def _octets(value: Any, name: str) -> bytes:
    if not isinstance(value, str) or not value.startswith(("0x", "0X")):
        raise _invalid(f"{name} is not 0x-prefixed hexadecimal text")
    digits = value[2:]
    if len(digits) % 2 or not digits.isascii() or not (digits == "" or digits.isalnum()):
        raise _invalid(f"{name} is not whole bytes in hexadecimal")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise _invalid(f"{name} is not hexadecimal") from None


def _sized(value: Any, name: str, size: int) -> bytes:
    octets = _octets(value, name)
    if len(octets) != size:
        raise _invalid(f"{name} is {len(octets)} bytes instead of {size}")
    return octets


def _address(value: Any, name: str) -> bytes:
    return _sized(value, name, 20)


def _word(value: Any, name: str) -> bytes:
    return _sized(value, name, 32)


def _quantity(value: Any, name: str) -> int:
    """A number below 2^256: 0x-hexadecimal text, or a JSON integer."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        number = value
    elif isinstance(value, str) and value[:2] in ("0x", "0X") and 0 < len(value) - 2 <= 64 and value[2:].isalnum():
        try:
            number = int(value[2:], 16)
        except ValueError:
            raise _invalid(f"{name} is not a number") from None
    else:
        raise _invalid(f"{name} is not a number")
    if number >= 2**256:
        raise _invalid(f"{name} is too large")
    return number


def _slot(value: Any) -> int:
    return _quantity(value, "storage key")


def _hash_in(block: Any) -> bytes | None:
    """The block hash that an EIP-1898 object, or 32 bytes of text, give; None where they give a number or a tag."""
    if isinstance(block, dict) and "blockHash" in block:
        return _word(block["blockHash"], "blockHash")
    return _word(block, "block") if isinstance(block, str) and len(block) == 66 else None


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _invalid(f"{name} is not true or false")
    return value


def _length(value: Any, name: str) -> int:
    if not isinstance(value, list) or len(value) > 100:
        raise _invalid(f"{name} is not a list of at most 100")
    return len(value)


def _optional(request: Mapping[str, Any], name: str, read: Callable[[Any, str], _T], otherwise: _T) -> _T:
    value = request.get(name)
    return otherwise if value is None else read(value, name)


def _addresses(value: Any) -> tuple[bytes, ...]:
    if value is None:
        return ()
    return tuple(_address(item, "address") for item in (value if isinstance(value, list) else [value]))


def _topics(value: Any) -> tuple[tuple[bytes, ...] | None, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 4:
        raise _invalid("exceeded maximum topics len")
    return tuple(_topic(item) for item in value)


def _topic(value: Any) -> tuple[bytes, ...] | None:
    """One position of a filter: null, an empty list or a list with null in it take every topic."""
    if value is None or value == [] or (isinstance(value, list) and None in value):
        return None
    return tuple(_word(item, "topic") for item in (value if isinstance(value, list) else [value]))


def _access_list(value: Any, name: str) -> AccessList:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _invalid(f"{name} is not a list of objects")
    return tuple(
        (_address(item.get("address"), name), tuple(_quantity(slot, name) for slot in item.get("storageKeys") or ()))
        for item in value
    )


def _invalid(reason: str) -> NodeError:
    return NodeError(_INVALID_PARAMS, reason)


# Values to text -------------------------------------------------------------------------------------------------


def _block(header: Header, mined: Sequence[MinedTransaction], full: bool) -> dict[str, Any]:
    encoded = header.encode()
    return {
        "number": hex(header.number),
        "hash": to_hex(header.hash),
        "parentHash": to_hex(header.parent_hash),
        "sha3Uncles": to_hex(EMPTY_UNCLES),
        "miner": to_hex(ZERO_ADDRESS),
        "stateRoot": to_hex(header.state_root),
        "transactionsRoot": to_hex(header.transactions_root),
        "receiptsRoot": to_hex(header.receipts_root),
        "logsBloom": to_hex(header.bloom),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "extraData": "0x",
        "mixHash": to_hex(ZERO32),
        "nonce": "0x" + "00" * 8,
        "baseFeePerGas": "0x0",
        "size": hex(_block_size(len(encoded), mined)),
        "uncles": [],
        "transactions": [_transaction(item) if full else to_hex(item.signed.hash) for item in mined],
    }


def _block_size(header: int, mined: Sequence[MinedTransaction]) -> int:
    """The length of the block's RLP: header, transactions (typed ones as byte strings) and no uncles."""
    lengths = [(len(item.signed.raw), item.signed.type) for item in mined]
    body = sum(_prefixed(length) if kind else length for length, kind in lengths)
    inner = header + _prefixed(body) + 1
    return _prefixed(inner)


def _prefixed(length: int) -> int:
    return length + 1 + (0 if length < 56 else (length.bit_length() + 7) // 8)


def _transaction(mined: MinedTransaction) -> dict[str, Any]:
    signed, message = mined.signed, mined.signed.transaction
    text: dict[str, Any] = {
        "type": hex(signed.type),
        "nonce": hex(message.nonce),
        "gas": hex(message.gas),
        "gasPrice": hex(signed.gas_price),
        "to": to_hex(message.to) if message.to else None,
        "value": hex(message.value),
        "input": to_hex(message.data),
        "r": hex(signed.r),
        "s": hex(signed.s),
        "v": hex(signed.v),
        "hash": to_hex(signed.hash),
        "blockHash": to_hex(mined.header.hash),
        "blockNumber": hex(mined.header.number),
        "blockTimestamp": hex(mined.header.timestamp),
        "transactionIndex": hex(mined.position),
        "from": to_hex(message.sender),
    }
    if signed.chain_id is not None:
        text["chainId"] = hex(signed.chain_id)
    if signed.type:
        text["yParity"] = hex(signed.y_parity)
        text["accessList"] = [
            {"address": to_hex(address), "storageKeys": [to_hex(slot.to_bytes(32, "big")) for slot in slots]}
            for address, slots in message.access_list
        ]
    if signed.type == 2:
        text["maxFeePerGas"] = hex(message.max_fee_per_gas)
        text["maxPriorityFeePerGas"] = hex(message.max_priority_fee_per_gas)
    return text


def _receipt(mined: MinedTransaction) -> dict[str, Any]:
    message, receipt, header = mined.signed.transaction, mined.receipt, mined.header
    logs = [
        _log(FoundLog(entry, header, mined.signed.hash, mined.position, mined.first_log + at))
        for at, entry in enumerate(receipt.logs)
    ]
    return {
        "type": hex(receipt.type),
        "status": "0x1" if receipt.success else "0x0",
        "cumulativeGasUsed": hex(receipt.cumulative_gas),
        "gasUsed": hex(mined.gas_used),
        "effectiveGasPrice": hex(mined.signed.gas_price),
        "logs": logs,
        "logsBloom": to_hex(receipt.bloom) if logs else _NO_BLOOM,
        "transactionHash": to_hex(mined.signed.hash),
        "transactionIndex": hex(mined.position),
        "blockHash": to_hex(header.hash),
        "blockNumber": hex(header.number),
        "from": to_hex(message.sender),
        "to": to_hex(message.to) if message.to else None,
        "contractAddress": to_hex(mined.created) if mined.created else None,
    }


def _log(found: FoundLog) -> dict[str, Any]:
    return {
        "address": to_hex(found.entry.address),
        "topics": [to_hex(topic) for topic in found.entry.topics],
        "data": to_hex(found.entry.data),
        "blockHash": to_hex(found.header.hash),
        "blockNumber": hex(found.header.number),
        "blockTimestamp": hex(found.header.timestamp),
        "transactionHash": to_hex(found.tx_hash),
        "transactionIndex": hex(found.tx_position),
        "logIndex": hex(found.index),
        "removed": False,
    }


def _storage_proof(view: View, owner: bytes, slot: int) -> dict[str, Any]:
    return {
        "key": to_hex(slot.to_bytes(32, "big")),
        "value": hex(view.storage(owner, slot)),
        "proof": [to_hex(node) for node in view.storage_proof(owner, slot)],
    }


def _error_object(error: NodeError) -> dict[str, Any]:
    text: dict[str, Any] = {"code": error.rpc_code, "message": error.reason}
    if error.data is not None:
        text["data"] = error.data
    return {"error": text}


def _error(request_id: int | str | None, code: int, reason: str, data: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, **_error_object(NodeError(code, reason, data))}


def _encoded(answer: Any) -> bytes:
    return b"" if answer is None else json.dumps(answer, separators=(",", ":")).encode()
