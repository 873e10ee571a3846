"""Whether a node's result is one to its request: its shape, and the block, transaction or hash that was asked for.

Pure, and blind to whether the result is true: headers, proofs and journals are checked where they are used. A result
that is no answer is the node's fault, never the caller's and never the chain's: ChainUnavailable, `malformed`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.errors import ChainUnavailable, InvalidInput

_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_OCTETS: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")


def require_answer(method: str, params: Sequence[Any], result: Any) -> None:
    """Raises ChainUnavailable ("malformed") unless `result` can be the answer; methods not known here pass."""
    fits = _FITS.get(method)
    if fits is not None and not fits(params, result):
        raise ChainUnavailable(f"the node's answer to {method} is none", failure="malformed", method=method)


def _quantity(_: Sequence[Any], result: Any) -> bool:
    return _is(_QUANTITY, result)


def _octets(_: Sequence[Any], result: Any) -> bool:
    return _is(_OCTETS, result)


def _sent(params: Sequence[Any], result: Any) -> bool:
    """The hash of the very bytes that were sent."""
    try:
        return _is(_HASH, result) and bytes.fromhex(result[2:]) == keccak256(from_hex(str(params[0]).lower(), "raw"))
    except (InvalidInput, IndexError):
        return False


def _syncing(_: Sequence[Any], result: Any) -> bool:
    return isinstance(result, (bool, dict))


def _block(params: Sequence[Any], result: Any) -> bool:
    """None, or a block: of the number or hash that was asked for, and with a hash unless it is still to come."""
    wanted = str(params[0]) if params else ""
    if result is None or wanted == "pending":
        return wanted != "latest" and (result is None or isinstance(result, dict))
    if not (isinstance(result, dict) and _is(_QUANTITY, result.get("number")) and _is(_HASH, result.get("hash"))):
        return False
    if _is(_HASH, wanted):
        return _same(result["hash"], wanted)
    return not _is(_QUANTITY, wanted) or int(result["number"], 16) == int(wanted, 16)


def _transaction(params: Sequence[Any], result: Any) -> bool:
    return result is None or (isinstance(result, dict) and _same(result.get("hash"), params[0]))


def _receipt(params: Sequence[Any], result: Any) -> bool:
    return result is None or (_is_receipt(result) and _same(result["transactionHash"], params[0]))


def _receipts(_: Sequence[Any], result: Any) -> bool:
    """None, or the receipts of one block."""
    if result is None:
        return True
    return isinstance(result, list) and all(map(_is_receipt, result)) and len({r["blockHash"] for r in result}) <= 1


def _is_receipt(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("logs"), list):
        return False
    if found.get("blockNumber") is None:  # some nodes tell of what is not mined yet
        return _is(_HASH, found.get("transactionHash"))
    numbers = (found.get(name) for name in ("blockNumber", "transactionIndex", "gasUsed", "status"))
    hashes = (found.get(name) for name in ("transactionHash", "blockHash"))
    return all(_is(_QUANTITY, each) for each in numbers) and all(_is(_HASH, each) for each in hashes)


def _logs(params: Sequence[Any], result: Any) -> bool:
    """Logs, each of the block or the range that was asked for."""
    asked = params[0] if params and isinstance(params[0], dict) else {}
    return isinstance(result, list) and all(isinstance(log, dict) and _is_within(asked, log) for log in result)


def _is_within(asked: Mapping[str, Any], log: Mapping[str, Any]) -> bool:
    if asked.get("blockHash") is not None:
        return _same(log.get("blockHash"), asked["blockHash"])
    if not _is(_QUANTITY, log.get("blockNumber")):
        return False
    number, first, last = int(log["blockNumber"], 16), asked.get("fromBlock"), asked.get("toBlock")
    return (not _is(_QUANTITY, first) or int(str(first), 16) <= number) and (
        not _is(_QUANTITY, last) or number <= int(str(last), 16)
    )


def _proof(_: Sequence[Any], result: Any) -> bool:
    """None, or the nodes of an account and of its slots. (geth tells of no account at all by null.)"""
    if result is None:
        return True
    if not isinstance(result, dict) or "accountProof" not in result:
        return False
    return isinstance(result["accountProof"], list | None) and isinstance(result.get("storageProof"), list)


def _history(_: Sequence[Any], result: Any) -> bool:
    return isinstance(result, dict) and _is(_QUANTITY, result.get("oldestBlock"))


def _is(form: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _same(found: Any, wanted: Any) -> bool:
    return isinstance(found, str) and isinstance(wanted, str) and found.lower() == wanted.lower()


_FITS: Final[Mapping[str, Callable[[Sequence[Any], Any], bool]]] = {
    **dict.fromkeys(
        (
            "eth_chainId",
            "eth_blockNumber",
            "eth_gasPrice",
            "eth_maxPriorityFeePerGas",
            "eth_getBalance",
            "eth_getTransactionCount",
            "eth_estimateGas",
        ),
        _quantity,
    ),
    **dict.fromkeys(("eth_call", "eth_getCode", "eth_getStorageAt", "debug_getRawHeader"), _octets),
    **dict.fromkeys(("eth_getBlockByNumber", "eth_getBlockByHash"), _block),
    "eth_sendRawTransaction": _sent,
    "eth_syncing": _syncing,
    "eth_getTransactionByHash": _transaction,
    "eth_getTransactionReceipt": _receipt,
    "eth_getBlockReceipts": _receipts,
    "eth_getLogs": _logs,
    "eth_getProof": _proof,
    "eth_feeHistory": _history,
}


def told_hash(block: Any) -> str:
    """A block's hash as text in lower case."""
    return to_hex(bytes.fromhex(block["hash"][2:]))


def told_number(block: Any) -> int:
    """A block's number."""
    return int(block["number"], 16)
