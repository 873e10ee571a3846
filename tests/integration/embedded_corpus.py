"""The scripted corpus: one story told to two chains, every answer kept by name.

The transactions are the same bytes on both sides, the block times too. What a side is (a process, an object) is the
caller's affair.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rlp
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

CHAIN_ID = 20230415
START = 1_800_000_000
PROBE: dict[str, Any] = json.loads((Path(__file__).parent / "probe" / "probe.json").read_text())

# The first account of the mnemonic that every development node knows ("test test ... junk"): it has ether.
RICH: LocalAccount = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
POOR: LocalAccount = Account.from_key("0x" + "11" * 32)
SECOND: LocalAccount = Account.from_key("0x" + "22" * 32)
THIRD: LocalAccount = Account.from_key("0x" + "33" * 32)
NOBODY = "0x" + "99" * 20
ZERO = "0x" + "00" * 20
MISSING = "0x" + "12" * 32


class Side:
    """One chain in the comparison: how to ask it and how to set the time of its next block."""

    def __init__(
        self,
        ask: Callable[[str, Sequence[Any]], Any],
        set_time: Callable[[int], None],
        send_block: Callable[[Sequence[str]], None],
    ) -> None:
        self._ask = ask
        self._set_time = set_time
        self._send_block = send_block
        self._now = START
        self.answers: dict[str, Any] = {}

    def ask(self, name: str, method: str, *params: Any) -> Any:
        """Asks and keeps the answer: {"result": ...} or {"error": {...}}."""
        assert name not in self.answers, name
        self.answers[name] = self._ask(method, params)
        return self.answers[name].get("result")

    def send(self, name: str, raw: str, seconds: int = 1) -> str:
        """Sends a transaction into a block of its own, `seconds` after the last; its hash."""
        self._now += seconds
        self._set_time(self._now)
        found: str = self.ask(name, "eth_sendRawTransaction", raw)
        if found:
            self._settled(found)
        return found

    def send_block(self, raws: Sequence[str]) -> None:
        """Sends transactions into one block."""
        self._now += 1
        self._set_time(self._now)
        self._send_block(raws)
        for raw in raws:
            self._settled("0x" + keccak(hexstr=raw).hex())

    def _settled(self, tx_hash: str) -> None:
        """anvil answers a little before it has mined, and has a receipt a little before its pool lets go."""
        while (self._ask("eth_getTransactionByHash", [tx_hash])["result"] or {}).get("blockHash") is None:
            time.sleep(0.005)

    def block_hashes(self) -> dict[str, str]:
        """What stands for each block hash, so that two chains can be compared."""
        head = int(self._ask("eth_blockNumber", [])["result"], 16)
        names = {}
        for number in range(head + 1):
            block = self._ask("eth_getBlockByNumber", [hex(number), False])["result"]
            names[block["hash"]] = f"<hash of block {number}>"
        return names


def signed(account: LocalAccount, **fields: Any) -> str:
    """A signed raw transaction as hex; legacy with price 0 unless the fields say otherwise."""
    values: dict[str, Any] = {"gas": 3_000_000, "value": 0, "data": "0x", "chainId": CHAIN_ID, **fields}
    if "maxFeePerGas" not in values and "gasPrice" not in values:
        values["gasPrice"] = 0
    return "0x" + bytes(account.sign_transaction(values).raw_transaction).hex()


def call(signature: str, *arguments: Any) -> str:
    """Calldata of a function named by its signature."""
    kinds = signature[signature.index("(") + 1 : -1]
    return "0x" + (keccak(text=signature)[:4] + encode(kinds.split(",") if kinds else [], arguments)).hex()


def creation(start: int = 5) -> str:
    """The creation code of a probe."""
    return str(PROBE["bytecode"]) + encode(["uint256"], [start]).hex()


def tell(side: Side) -> None:
    """The whole story: everything in it must be answered alike."""
    _empty(side)
    probe = _deploy(side)
    _transactions(side, probe)
    _together(side, probe)
    _calls(side, probe)
    _estimates(side, probe)
    _refused(side, probe)
    _state(side, probe)
    _logs(side, probe)
    _blocks(side)
    _malformed(side, probe)
    _emptied(side, probe)


def diverge(side: Side) -> None:
    """What the two answer differently by intent; to be told after everything else, for the states part here."""
    probe = side.answers["receipt of the deployment"]["result"]["contractAddress"]
    to, nonce = to_checksum_address(probe), 25
    first = signed(POOR, nonce=0, data=creation())
    plain = signed(POOR, nonce=nonce, to=to, data=call("quiet(uint256)", 1))
    side.ask("sent again", "eth_sendRawTransaction", first)
    side.ask("nonce gap", "eth_sendRawTransaction", signed(POOR, nonce=nonce + 7, to=to))
    side.ask("another chain's", "eth_sendRawTransaction", signed(RICH, nonce=6, to=to, chainId=1))
    side.ask("trailing byte", "eth_sendRawTransaction", plain + "00")
    side.ask(
        "too little gas for its data",
        "eth_sendRawTransaction",
        signed(SECOND, nonce=2, to=to, gas=21_001, data="0xffff"),
    )
    side.ask("malleable", "eth_sendRawTransaction", _malleable(signed(THIRD, nonce=0, to=to)))
    side.ask("raw header", "debug_getRawHeader", "0x1")
    side.ask("accounts", "eth_accounts")
    side.ask("priority fee", "eth_maxPriorityFeePerGas")
    side.ask("version", "web3_clientVersion")
    side.ask("slot in short hexadecimal", "eth_getProof", probe, ["0x1"], "latest")


def _empty(side: Side) -> None:
    side.ask("chain id", "eth_chainId")
    side.ask("network", "net_version")
    side.ask("listening", "net_listening")
    side.ask("syncing", "eth_syncing")
    side.ask("gas price", "eth_gasPrice")
    side.ask("coinbase", "eth_coinbase")
    side.ask("height 0", "eth_blockNumber")
    side.ask("keccak", "web3_sha3", "0x68656c6c6f")
    for tag in ("latest", "earliest", "safe", "finalized", "0x0", "0x00"):
        side.ask(f"block {tag} at the start", "eth_getBlockByNumber", tag, False)
    side.ask("block that is not there", "eth_getBlockByNumber", "0x7", False)
    side.ask("nonce at the start", "eth_getTransactionCount", POOR.address, "latest")
    side.ask("balance at the start", "eth_getBalance", POOR.address, "latest")
    side.ask("no logs yet", "eth_getLogs", {"fromBlock": "earliest"})


def _deploy(side: Side) -> str:
    tx_hash = side.send("deploy", signed(POOR, nonce=0, data=creation()))
    receipt = side.ask("receipt of the deployment", "eth_getTransactionReceipt", tx_hash)
    side.ask("transaction of the deployment", "eth_getTransactionByHash", tx_hash)
    side.ask("raw transaction of the deployment", "eth_getRawTransactionByHash", tx_hash)
    address: str = receipt["contractAddress"]
    side.ask("code of the probe", "eth_getCode", address, "latest")
    side.ask("code before the deployment", "eth_getCode", address, "0x0")
    return address


def _transactions(side: Side, probe: str) -> None:
    to = to_checksum_address(probe)
    put = call("put(uint256,bytes32,bytes)", 1, b"\x01" * 32, b"a note")
    sent = {
        "legacy": signed(POOR, nonce=1, to=to, data=put),
        "access list": signed(
            POOR,
            nonce=2,
            to=to,
            data=put,
            gasPrice=0,
            type=1,
            accessList=[
                {"address": to, "storageKeys": ["0x" + "00" * 31 + "01"]},
                {"address": NOBODY, "storageKeys": []},
            ],
        ),
        "dynamic fee": signed(
            POOR, nonce=3, to=to, data=put, type=2, maxFeePerGas=0, maxPriorityFeePerGas=0, accessList=[]
        ),
        "many logs": signed(POOR, nonce=4, to=to, data=call("putMany(uint256,uint256)", 10, 20)),
        "refund": signed(POOR, nonce=5, to=to, data=call("put(uint256,bytes32,bytes)", 1, b"\x02" * 32, b"")),
        "anonymous log": signed(POOR, nonce=6, to=to, data=call("quiet(uint256)", 77)),
        "custom error": signed(POOR, nonce=7, to=to, data=call("refuse(uint256)", 3)),
        "out of gas": signed(POOR, nonce=8, to=to, gas=60_000, data=call("burn()")),
        "invalid opcode": signed(POOR, nonce=9, to=to, gas=60_000, data=call("stop()")),
        "a contract creates": signed(POOR, nonce=10, to=to, data=call("spawn(uint256)", 7)),
        "create2": signed(POOR, nonce=11, to=to, data=call("spawnAt(bytes32)", b"\x07" * 32)),
        "create2 again": signed(POOR, nonce=12, to=to, data=call("spawnAt(bytes32)", b"\x07" * 32)),
        "caught revert": signed(POOR, nonce=13, to=to, data=call("catching(uint256)", 4)),
        "caught out of gas": signed(POOR, nonce=14, to=to, data=call("catchingGas()")),
        "value": signed(RICH, nonce=0, to=NOBODY, value=123, gas=21_000),
        "value to a contract": signed(RICH, nonce=1, to=to, value=5, gas=60_000),
        "value through a contract": signed(
            RICH, nonce=2, to=to, value=6, gas=90_000, data=call("forward(address)", SECOND.address)
        ),
        "value refused": signed(RICH, nonce=3, to=to, value=6, gas=90_000, data=call("quiet(uint256)", 1)),
        "paid gas": signed(RICH, nonce=4, to=NOBODY, gas=50_000, gasPrice=7),
        "paid dynamic fee": signed(
            RICH, nonce=5, to=NOBODY, gas=50_000, type=2, maxFeePerGas=9, maxPriorityFeePerGas=2, accessList=[]
        ),
        "calldata to nobody": signed(POOR, nonce=15, to=NOBODY, data="0x0001ff00"),
        "creation of nothing": signed(POOR, nonce=16, data="0x"),
        "creation too large": signed(POOR, nonce=17, data="0x62010000600160206000f35b", gas=3_000_000),
        "end": signed(SECOND, nonce=0, data=creation(1)),
    }  # fmt: skip
    for at, (name, raw) in enumerate(sent.items()):
        tx_hash = side.send(f"send: {name}", raw, seconds=at % 3 + 1)
        side.ask(f"receipt: {name}", "eth_getTransactionReceipt", tx_hash)
        side.ask(f"transaction: {name}", "eth_getTransactionByHash", tx_hash)
    side.ask("nonce after everything", "eth_getTransactionCount", POOR.address, "latest")
    side.ask("nonce, pending", "eth_getTransactionCount", POOR.address, "pending")
    side.ask("nonce, long ago", "eth_getTransactionCount", POOR.address, "0x2")


def _together(side: Side, probe: str) -> None:
    """Several transactions in a block: places, indices and sums."""
    to = to_checksum_address(probe)
    raws = [
        signed(POOR, nonce=18, to=to, data=call("putMany(uint256,uint256)", 60, 3)),
        signed(POOR, nonce=19, to=to, data=call("refuse(uint256)", 1)),
        signed(POOR, nonce=20, to=to, data=call("quiet(uint256)", 5), type=2, maxFeePerGas=0, maxPriorityFeePerGas=0),
        signed(POOR, nonce=21, data=creation(8), type=1, gasPrice=0, accessList=[]),
        signed(POOR, nonce=22, to=to, data=call("put(uint256,bytes32,bytes)", 61, b"\x05" * 32, b"last")),
    ]
    side.send_block(raws)
    for at, raw in enumerate(raws):
        tx_hash = "0x" + keccak(hexstr=raw).hex()
        side.ask(f"receipt: together {at}", "eth_getTransactionReceipt", tx_hash)
        side.ask(f"transaction: together {at}", "eth_getTransactionByHash", tx_hash)
    side.ask("nonce after a block of several", "eth_getTransactionCount", POOR.address, "latest")


def _calls(side: Side, probe: str) -> None:
    sender = {"from": POOR.address, "to": probe}
    number = side.ask("height before the calls", "eth_blockNumber")
    for name, data in _READS.items():
        side.ask(f"call: {name}", "eth_call", {**sender, "data": data}, "latest")
        side.ask(f"call by input: {name}", "eth_call", {**sender, "input": data}, number)
    side.ask("call: endless", "eth_call", {**sender, "gas": "0x30d40", "data": call("burn()")}, "latest")
    where: dict[str, Any] = {
        "the past": "0x2", "before it was there": "0x0", "an object": {"blockNumber": "0x3"}, "safe": "safe",
        "finalized": "finalized", "earliest": "earliest", "beyond": "0x999",
    }  # fmt: skip
    for name, block in where.items():
        side.ask(f"call at {name}", "eth_call", {**sender, "data": call("environment()")}, block)
        side.ask(f"total at {name}", "eth_call", {**sender, "data": call("total()")}, block)
    side.ask("call in the next block", "eth_call", {**sender, "data": call("environment()")}, "pending")
    side.ask("call from nobody", "eth_call", {"to": probe, "data": call("environment()")}, "latest")
    side.ask("call without a block", "eth_call", {"to": probe, "data": call("total()")})
    side.ask("call with a nonce", "eth_call", {**sender, "nonce": "0x77", "data": call("total()")}, "latest")
    side.ask("call with little gas", "eth_call", {**sender, "gas": "0x5208", "data": call("total()")}, "latest")
    side.ask("call that runs out", "eth_call", {**sender, "gas": "0x5300", "data": call("deep(uint256)", 9)}, "latest")
    side.ask("call with value it has not", "eth_call", {**sender, "value": "0x1", "data": call("total()")}, "latest")
    rich = {"from": RICH.address, "to": probe, "value": "0x1"}
    side.ask("call with value", "eth_call", {**rich, "data": call("put(uint256,bytes32,bytes)", 1, b"", b"")}, "latest")
    side.ask("call with value refused", "eth_call", {**rich, "data": call("quiet(uint256)", 1)}, "latest")
    side.ask("call a creation", "eth_call", {"from": POOR.address, "data": creation()}, "latest")
    side.ask("call nobody", "eth_call", {"to": NOBODY, "data": "0x1234"}, "latest")
    side.ask("call nothing", "eth_call", {}, "latest")
    listed = [{"address": probe, "storageKeys": ["0x" + "00" * 31 + "01"]}]
    side.ask(
        "call with an access list", "eth_call", {**sender, "data": call("total()"), "accessList": listed}, "latest"
    )
    side.ask("call keeps nothing", "eth_call", {**sender, "data": call("total()")}, "latest")


_READS = {
    "total": call("total()"),
    "a slot": call("get(uint256)", 1),
    "environment": call("environment()"),
    "time": call("time()"),
    "no ancestor": call("ancestor(uint256)", 10_000),
    "depth": call("deep(uint256)", 60),
    "too deep": call("deep(uint256)", 1100),
    "precompiles": call(
        "precompiles(bytes32,uint8,bytes32,bytes32)",
        bytes.fromhex("456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3"),
        28,
        bytes.fromhex("9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"),
        bytes.fromhex("4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada"),
    ),
    "a change": call("put(uint256,bytes32,bytes)", 9, b"\x09" * 32, b"x"),
    "custom error": call("refuse(uint256)", 7),
    "bare error": call("bare()"),
    "words": call("word(string)", "no way"),
    "words of more than one byte": call("word(string)", "不可以"),
    "no words": call("word(string)", ""),
    "silence": call("silent()"),
    "panic: assert": call("panicAssert()"),
    "panic: divide": call("panicDivide(uint256)", 0),
    "panic: index": call("panicIndex(uint256)", 3),
    "panic: under": call("panicUnder(uint256)", 3),
    "no such function": "0xdeadbeef",
    "half a selector": "0xdead",
    "bad arguments": call("get(uint256)", 1)[:20],
    "invalid opcode": call("stop()"),
}


def _estimates(side: Side, probe: str) -> None:
    sender = {"from": POOR.address, "to": probe}
    for name, data in _READS.items():
        side.ask(f"estimate: {name}", "eth_estimateGas", {**sender, "data": data})
    writes = {
        "many": call("putMany(uint256,uint256)", 50, 10), "wipe": call("wipe(uint256,uint256)", 1, 1),
        "spawn": call("spawn(uint256)", 3), "catching": call("catching(uint256)", 3),
        "catching gas": call("catchingGas()"),
    }  # fmt: skip
    for name, data in writes.items():
        side.ask(f"estimate: {name}", "eth_estimateGas", {**sender, "data": data}, "latest")
    side.ask("estimate: endless", "eth_estimateGas", {**sender, "gas": "0x30d40", "data": call("burn()")})
    side.ask("estimate: creation", "eth_estimateGas", {"from": POOR.address, "data": creation()})
    side.ask("estimate: transfer", "eth_estimateGas", {"from": RICH.address, "to": NOBODY, "value": "0x1"})
    side.ask("estimate: nothing to nobody", "eth_estimateGas", {"from": POOR.address, "to": NOBODY})


def _refused(side: Side, probe: str) -> None:
    to, nonce = to_checksum_address(probe), 23
    bad: dict[str, Any] = {
        "nonce too low": signed(POOR, nonce=3, to=to),
        "too little gas": signed(POOR, nonce=nonce, to=to, gas=20_999),
        "too much gas": signed(POOR, nonce=nonce, to=to, gas=30_000_001),
        "value without ether": signed(POOR, nonce=nonce, to=to, value=1),
        "price without ether": signed(POOR, nonce=nonce, to=to, gasPrice=1),
        "tip above the fee": signed(
            POOR, nonce=nonce, to=to, type=2, maxFeePerGas=0, maxPriorityFeePerGas=1, accessList=[]
        ),
        "empty": "0x", "type 0": "0x00", "type 18": "0x1234", "type 2, nothing": "0x02", "type 2, empty": "0x02c0",
        "not hexadecimal": "0xzz", "null": None, "a number": 7, "cut short": signed(POOR, nonce=nonce, to=to)[:-2],
        "a blob transaction": "0x03c0", "an object": {},
    }  # fmt: skip
    for name, raw in bad.items():
        side.ask(f"refused: {name}", "eth_sendRawTransaction", raw)
    side.ask("refused: nothing", "eth_sendRawTransaction")
    side.ask("nothing was mined", "eth_blockNumber")


def _state(side: Side, probe: str) -> None:
    side.ask("balance of the rich", "eth_getBalance", RICH.address, "latest")
    side.ask("balance of the coinbase", "eth_getBalance", ZERO, "latest")
    side.ask("balance of nobody", "eth_getBalance", NOBODY, "latest")
    side.ask("balance of nobody, before", "eth_getBalance", NOBODY, "0x1")
    side.ask("code of nobody", "eth_getCode", NOBODY, "latest")
    for slot in ("0x0", "0x1", "0x2", "0x" + "00" * 31 + "01", "0x" + "ff" * 32):
        side.ask(f"slot {slot}", "eth_getStorageAt", probe, slot, "latest")
        side.ask(f"slot {slot} long ago", "eth_getStorageAt", probe, slot, "0x1")
    keys = ["0x" + key.to_bytes(32, "big").hex() for key in (0, 1, 2, 3)]
    keys.append("0x" + keccak(encode(["uint256", "uint256"], [1, 0])).hex())
    for name, owner in {"probe": probe, "nobody": NOBODY, "poor": POOR.address, "new": "0x" + "77" * 20}.items():
        side.ask(f"proof of {name}", "eth_getProof", owner, keys, "latest")
        side.ask(f"proof of {name} long ago", "eth_getProof", owner, keys, "0x5")
    side.ask("proof without slots", "eth_getProof", probe, [], "latest")
    side.ask("nonce beyond the head", "eth_getTransactionCount", POOR.address, "0x999")
    side.ask("balance beyond the head", "eth_getBalance", POOR.address, "0x999")


def _logs(side: Side, probe: str) -> None:
    stored = "0x" + keccak(text="Stored(uint256,bytes32,address,bytes)").hex()
    plain = "0x" + keccak(text="Plain(uint256)").hex()
    eleven = "0x" + (11).to_bytes(32, "big").hex()
    by = "0x" + "00" * 12 + POOR.address[2:].lower()
    everything = {"fromBlock": "0x0", "toBlock": "latest"}
    filters: dict[str, dict[str, Any]] = {
        "all": everything,
        "of the latest block": {},
        "of an address": {**everything, "address": probe},
        "of an address in capitals": {**everything, "address": to_checksum_address(probe)},
        "of addresses": {**everything, "address": [probe, NOBODY]},
        "of no address": {**everything, "address": []},
        "of nobody": {**everything, "address": NOBODY},
        "by name": {**everything, "topics": [plain]},
        "by names": {**everything, "topics": [[plain, stored]]},
        "by second": {**everything, "topics": [None, eleven]},
        "by second and third": {**everything, "topics": [stored, eleven, None, by]},
        "by an empty list": {**everything, "topics": [[], eleven]},
        "with a null in a list": {**everything, "topics": [[None, plain], eleven]},
        "by a topic too many": {**everything, "topics": [plain, None]},
        "by all four": {**everything, "topics": [None, None, None, None]},
        "no topics": {**everything, "topics": []},
        "in a range": {"fromBlock": "0x2", "toBlock": "0x4", "address": probe},
        "in one block": {"fromBlock": "0x5", "toBlock": "0x5"},
        "beyond the end": {"fromBlock": "0x5", "toBlock": "0x999"},
        "after the end": {"fromBlock": "0x888", "toBlock": "0x999"},
        "upside down": {"fromBlock": "0x5", "toBlock": "0x2"},
        "earliest to latest": {"fromBlock": "earliest", "toBlock": "latest", "topics": [stored]},
        "safe to finalized": {"fromBlock": "safe", "toBlock": "finalized"},
        "of an unknown block": {"blockHash": MISSING},
        "five topics": {**everything, "topics": [None] * 5},
        "half a topic": {**everything, "topics": ["0x12"]},
        "half an address": {**everything, "address": "0x12"},
        "unknown tag": {"fromBlock": "yesterday"},
    }
    for name, wanted in filters.items():
        side.ask(f"logs {name}", "eth_getLogs", wanted)
    block = side.answers["receipt: many logs"]["result"]["blockHash"]
    side.ask("logs of a block by hash", "eth_getLogs", {"blockHash": block, "topics": [plain]})
    side.ask("logs by hash and number", "eth_getLogs", {"blockHash": block, "fromBlock": "0x0"})


def _blocks(side: Side) -> None:
    height = int(side.ask("height at the end", "eth_blockNumber"), 16)
    for number in range(1, height + 1):
        side.ask(f"block {number}", "eth_getBlockByNumber", hex(number), False)
        side.ask(f"block {number} whole", "eth_getBlockByNumber", hex(number), True)
        side.ask(f"receipts of block {number}", "eth_getBlockReceipts", hex(number))
    some = side.answers["block 5"]["result"]["hash"]
    side.ask("block by hash", "eth_getBlockByHash", some, False)
    side.ask("block by hash, whole", "eth_getBlockByHash", some, True)
    side.ask("block by a hash of nothing", "eth_getBlockByHash", MISSING, False)
    side.ask("receipts by hash", "eth_getBlockReceipts", some)
    side.ask("receipts of no block", "eth_getBlockReceipts", "0x999")
    side.ask("call by hash", "eth_call", {"to": NOBODY}, {"blockHash": some})
    side.ask("count by number", "eth_getBlockTransactionCountByNumber", "0x5")
    side.ask("count by hash", "eth_getBlockTransactionCountByHash", some)
    side.ask("count of no block", "eth_getBlockTransactionCountByNumber", "0x999")
    side.ask("first of a block", "eth_getTransactionByBlockNumberAndIndex", "0x5", "0x0")
    side.ask("second of a block", "eth_getTransactionByBlockNumberAndIndex", "0x5", "0x1")
    side.ask("first of a block by hash", "eth_getTransactionByBlockHashAndIndex", some, "0x0")
    side.ask("transaction of nothing", "eth_getTransactionByHash", MISSING)
    side.ask("receipt of nothing", "eth_getTransactionReceipt", MISSING)
    side.ask("raw transaction of nothing", "eth_getRawTransactionByHash", MISSING)
    side.ask("fee history", "eth_feeHistory", "0x4", "latest", [25, 75])
    side.ask("fee history of a number", "eth_feeHistory", 3, "latest", [])


def _malformed(side: Side, probe: str) -> None:
    bad: dict[str, tuple[Any, ...]] = {
        "unknown method": ("eth_nonsense",),
        "block: no parameters": ("eth_getBlockByNumber",),
        "block: one parameter": ("eth_getBlockByNumber", "latest"),
        "block: unknown tag": ("eth_getBlockByNumber", "yesterday", False),
        "block: null": ("eth_getBlockByNumber", None, False),
        "block: full is text": ("eth_getBlockByNumber", "latest", "yes"),
        "block: short hash": ("eth_getBlockByHash", "0x12", False),
        "transaction: short hash": ("eth_getTransactionByHash", "0x12"),
        "transaction: no parameters": ("eth_getTransactionByHash",),
        "receipt: no parameters": ("eth_getTransactionReceipt",),
        "receipt: not hexadecimal": ("eth_getTransactionReceipt", "0x" + "zz" * 32),
        "nonce: short address": ("eth_getTransactionCount", "0x12", "latest"),
        "nonce: a number": ("eth_getTransactionCount", 7, "latest"),
        "balance: unknown tag": ("eth_getBalance", probe, "yesterday"),
        "call: no parameters": ("eth_call",),
        "call: text": ("eth_call", "x", "latest"),
        "call: short address": ("eth_call", {"to": "0x12"}, "latest"),
        "call: bad data": ("eth_call", {"to": probe, "data": "0x1"}, "latest"),
        "call: bad value": ("eth_call", {"to": probe, "value": "much"}, "latest"),
        "estimate: no parameters": ("eth_estimateGas",),
        "logs: no parameters": ("eth_getLogs",),
        "logs: text": ("eth_getLogs", "x"),
        "proof: bad slot": ("eth_getProof", probe, ["zz"], "latest"),
        "proof: slots are text": ("eth_getProof", probe, "0x0", "latest"),
        "storage: bad slot": ("eth_getStorageAt", probe, "zz", "latest"),
        "height: parameters": ("eth_blockNumber", 1, 2),
    }
    for name, (method, *params) in bad.items():
        side.ask(f"malformed: {name}", method, *params)


def _emptied(side: Side, probe: str) -> None:
    """Slots and accounts that become empty: gas and refunds are compared, state roots no more.

    anvil keeps zeros in its storage tries and empty accounts in its state trie; no Ethereum chain does (EIP-161).
    """
    to = to_checksum_address(probe)
    wiping = call("wipe(uint256,uint256)", 10, 20)
    side.ask("estimate: wiping", "eth_estimateGas", {"from": POOR.address, "to": probe, "data": wiping})
    ended = side.answers["receipt: end"]["result"]["contractAddress"]
    sent = {
        "wiping": signed(POOR, nonce=23, to=to, data=wiping),
        "creation refused": signed(POOR, nonce=24, data="0x60006000fd"),
        "self-destruction": signed(
            SECOND, nonce=1, to=to_checksum_address(ended), data=call("end(address)", SECOND.address)
        ),
    }
    for name, raw in sent.items():
        side.ask(f"receipt: {name}", "eth_getTransactionReceipt", side.send(f"send: {name}", raw))
    side.ask("slot after wiping", "eth_call", {"to": probe, "data": call("get(uint256)", 12)}, "latest")
    side.ask("slot before wiping", "eth_call", {"to": probe, "data": call("get(uint256)", 12)}, "0x6")
    side.ask("code after self-destruction", "eth_getCode", ended, "latest")
    side.ask("code before self-destruction", "eth_getCode", ended, "0x19")


def _malleable(raw: str) -> str:
    """The same transaction with the other s of its signature (EIP-2)."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    items = rlp.decode(bytes.fromhex(raw[2:]))
    v = int.from_bytes(items[6], "big")
    items[6] = (v + 1 if v % 2 else v - 1).to_bytes(4, "big")
    items[8] = (order - int.from_bytes(items[8], "big")).to_bytes(32, "big")
    return "0x" + bytes(rlp.encode(items)).hex()
