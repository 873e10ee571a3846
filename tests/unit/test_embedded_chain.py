"""The chain's own rules: blocks, time, nonces, gas, history, proofs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import rlp
from eth_account.signers.local import LocalAccount
from trie.hexary import HexaryTrie

from deedbook.chain.client import NodeError
from deedbook.chain.embedded import blocks
from deedbook.chain.embedded.chain import GAS_LIMIT, Chain, LogFilter
from deedbook.chain.embedded.machine import EMPTY_ROOT, contract_address
from deedbook.chain.embedded.transactions import Transaction
from deedbook.chain.proofs import verify_account_proof, verify_storage_proof
from deedbook.chain.tries import ordered_root
from deedbook.domain.hashing import ZERO32, keccak256
from tests.conftest import START, Clock
from tests.integration.embedded_corpus import CHAIN_ID, POOR, SECOND, THIRD, call, creation, signed

SENDER = bytes.fromhex(POOR.address[2:])


@pytest.fixture
def chain(clock: Clock) -> Iterator[Chain]:
    with Chain.in_memory(clock=clock, chain_id=CHAIN_ID) as made:
        yield made


@pytest.fixture
def probe(chain: Chain) -> bytes:
    """A deployed probe; POOR's next nonce is 1."""
    chain.send(_raw(nonce=0, data=creation()))
    return contract_address(SENDER, 0)


def _raw(account: object = POOR, **fields: object) -> bytes:
    return bytes.fromhex(signed(account, **fields)[2:])  # type: ignore[arg-type]


def _put(probe: bytes, nonce: int, key: int = 1, **fields: object) -> bytes:
    data = call("put(uint256,bytes32,bytes)", key, nonce.to_bytes(32, "big"), b"")
    return _raw(nonce=nonce, to=probe, data=data, **{"gas": 200_000, **fields})


def _slot(key: int) -> int:
    return int.from_bytes(keccak256(key.to_bytes(32, "big") + bytes(32)), "big")


def test_a_new_chain_has_an_empty_first_block(chain: Chain) -> None:
    head = chain.head
    assert (head.number, head.timestamp, head.parent_hash, head.state_root) == (0, START, ZERO32, EMPTY_ROOT)
    assert head.gas_limit == GAS_LIMIT >= 30_000_000
    assert chain.genesis_hash == head.hash == keccak256(head.encode())


def test_an_account_without_ether_deploys_and_calls(chain: Chain, probe: bytes) -> None:
    tx_hash = chain.send(_put(probe, 1))
    mined = chain.transaction(tx_hash)
    assert mined is not None
    assert mined.receipt.success
    assert (mined.header.number, mined.position, mined.first_log) == (2, 0, 0)
    assert chain.view(chain.head).account(SENDER).balance == 0
    assert chain.view(chain.head).account(SENDER).nonce == 2


def test_every_header_is_the_hash_of_its_bytes_and_names_its_parent(chain: Chain, probe: bytes) -> None:
    chain.send(_put(probe, 1))
    chain.mine()
    parent = ZERO32
    for number in range(4):
        header = chain.header(number)
        assert header is not None
        encoded = header.encode()
        assert blocks.decode_header(encoded) == header
        assert header.hash == keccak256(encoded)
        assert rlp.encode(rlp.decode(encoded)) == encoded
        assert header.parent_hash == parent
        assert blocks.bloom_in(encoded) == int.from_bytes(header.bloom, "big")
        assert chain.header_by_hash(header.hash) == header
        parent = header.hash


def test_blocks_of_one_second_have_one_time_and_time_never_goes_back(chain: Chain, probe: bytes, clock: Clock) -> None:
    chain.send(_put(probe, 1))
    assert chain.head.timestamp == START
    clock.advance(60)
    chain.send(_put(probe, 2))
    clock.now = START - 1000
    chain.send(_put(probe, 3))
    assert [_time(chain, number) for number in range(5)] == [START, START, START, START + 60, START + 60]


def _time(chain: Chain, number: int) -> int:
    header = chain.header(number)
    assert header is not None
    return header.timestamp


def test_a_call_in_the_next_block_sees_the_clock(chain: Chain, probe: bytes, clock: Clock) -> None:
    clock.advance(100)
    message = Transaction(sender=SENDER, to=probe, data=bytes.fromhex(call("time()")[2:]), gas=100_000)
    now = chain.call(message, chain.head)
    then = chain.call(message, chain.head, pending=True)
    assert (int.from_bytes(now.output, "big"), int.from_bytes(then.output, "big")) == (START, START + 100)


def test_several_transactions_share_a_block(chain: Chain, probe: bytes) -> None:
    raws = [_put(probe, nonce, key=nonce) for nonce in (1, 2, 3)] + [_raw(SECOND, nonce=0, data=creation())]
    results = chain.send_many(raws)
    assert chain.head.number == 2
    mined = chain.transactions(chain.head)
    assert [item.signed.hash for item in mined] == results == [keccak256(raw) for raw in raws]
    assert [item.position for item in mined] == [0, 1, 2, 3]
    assert [item.first_log for item in mined] == [0, 1, 2, 3]
    assert sum(item.gas_used for item in mined) == mined[-1].receipt.cumulative_gas == chain.head.gas_used
    assert [log.index for log in chain.logs(2, 2, LogFilter())] == [0, 1, 2, 3]
    chain.check()


def test_a_block_and_single_blocks_lead_to_the_same_state(clock: Clock) -> None:
    raws = [_raw(nonce=0, data=creation())]
    raws += [_put(contract_address(SENDER, 0), nonce, key=nonce % 3) for nonce in range(1, 8)]
    with (
        Chain.in_memory(clock=clock, chain_id=CHAIN_ID) as one,
        Chain.in_memory(clock=clock, chain_id=CHAIN_ID) as many,
    ):
        for raw in raws:
            one.send(raw)
        many.send_many(raws)
        assert (one.head.number, many.head.number) == (8, 1)
        assert one.head.state_root == many.head.state_root


def test_what_does_not_fit_a_block_goes_into_the_next(chain: Chain, probe: bytes) -> None:
    results = chain.send_many([_put(probe, nonce, gas=29_990_000) for nonce in range(1, 4)])
    mined = [chain.transaction(item) for item in results if isinstance(item, bytes)]
    assert [item.header.number for item in mined if item] == [2, 3, 4]
    chain.check()


def test_a_refused_transaction_leaves_no_trace_in_its_block(chain: Chain, probe: bytes) -> None:
    raws = [_put(probe, 1), _put(probe, 1), b"\x02\xc0", _put(probe, 9), _put(probe, 2)]
    results = chain.send_many(raws)
    words = [item.reason.split(":")[0] if isinstance(item, NodeError) else "" for item in results]
    assert words == ["", "already known", "Failed to decode transaction", "nonce too high", ""]
    assert len(chain.transactions(chain.head)) == 2


def test_nothing_valid_makes_no_block(chain: Chain) -> None:
    assert len(chain.send_many([b"", b"\x01"])) == 2
    assert chain.send_many([]) == []
    assert chain.head.number == 0


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"nonce": 0}, -32003, "nonce too low"),
        ({"nonce": 5}, -32003, "nonce too high"),
        ({"nonce": 1, "chainId": 1}, -32000, "invalid chain id"),
        ({"nonce": 1, "gas": 20_999}, -32000, "intrinsic gas too low"),
        ({"nonce": 1, "gas": 21_000, "data": "0x01"}, -32000, "intrinsic gas too low"),
        ({"nonce": 1, "gas": GAS_LIMIT + 1}, -32000, "intrinsic gas too high"),
        ({"nonce": 1, "value": 1}, -32003, "Insufficient funds"),
        ({"nonce": 1, "gasPrice": 1}, -32003, "Insufficient funds"),
        ({"nonce": 1, "maxFeePerGas": 1, "maxPriorityFeePerGas": 0, "type": 2}, -32003, "Insufficient funds"),
        ({"nonce": 1, "maxFeePerGas": 0, "maxPriorityFeePerGas": 1, "type": 2}, -32003, "max priority fee"),
    ],
)
def test_a_transaction_that_does_not_fit_is_refused(
    chain: Chain, probe: bytes, fields: dict[str, object], code: int, words: str
) -> None:
    with pytest.raises(NodeError) as caught:
        chain.send(_raw(**{"to": probe, **fields}))
    assert caught.value.rpc_code == code
    assert words in caught.value.reason
    assert chain.head.number == 1


def test_a_transaction_that_names_no_chain_is_taken(chain: Chain, probe: bytes) -> None:
    tx = SECOND.sign_transaction({"nonce": 0, "gas": 21_000, "gasPrice": 0, "to": b"\x99" * 20, "value": 0})
    assert chain.transaction(chain.send(bytes(tx.raw_transaction))) is not None


def test_a_refusing_contract_is_mined_and_says_so(chain: Chain, probe: bytes) -> None:
    mined = chain.transaction(chain.send(_raw(nonce=1, to=probe, data=call("refuse(uint256)", 3))))
    assert mined is not None
    assert not mined.receipt.success
    assert mined.receipt.logs == ()
    assert chain.view(chain.head).account(SENDER).nonce == 2


def test_history_stays_readable_and_provable(chain: Chain, probe: bytes) -> None:
    for nonce in range(1, 30):
        chain.send(_put(probe, nonce, key=nonce % 4))
    for number in range(2, 31):
        header = chain.header(number)
        assert header is not None
        view, key, value = chain.view(header), (number - 1) % 4, number - 1
        assert view.storage(probe, _slot(key)) == value
        account = view.account(probe)
        proven = verify_account_proof(header.state_root, probe, view.account_proof(probe))
        assert proven is not None
        assert (proven.storage_root, proven.nonce) == (account.storage_root, account.nonce)
        assert verify_storage_proof(account.storage_root, _slot(key), view.storage_proof(probe, _slot(key))) == value
        absent = view.storage_proof(probe, 12345)
        assert verify_storage_proof(account.storage_root, 12345, absent) == 0


def test_roots_are_those_of_a_trie_made_anew(chain: Chain, probe: bytes) -> None:
    chain.send_many([_put(probe, nonce, key=nonce) for nonce in range(1, 140)])
    header = chain.head
    mined = chain.transactions(header)
    for root, items in (
        (header.transactions_root, [item.signed.raw for item in mined]),
        (header.receipts_root, [item.receipt.encode() for item in mined]),
    ):
        trie = HexaryTrie({})
        for index, item in enumerate(items):
            trie[rlp.encode(index)] = item
        assert trie.root_hash == root
    assert ordered_root([]) == EMPTY_ROOT


def test_the_storage_root_is_that_of_what_is_left(chain: Chain, probe: bytes) -> None:
    """Emptied slots leave no leaf, no branch and no root behind."""
    acts = [("putMany", 1, 40), ("wipe", 5, 20), ("putMany", 10, 5), ("wipe", 1, 9), ("wipe", 0, 41)]
    kept: dict[int, int] = {}
    for nonce, (verb, first, count) in enumerate(acts, start=1):
        data = call(f"{verb}(uint256,uint256)", first, count)
        chain.send(_raw(nonce=nonce, to=probe, data=data))
        for key in range(first, first + count):
            kept[key] = key + 1 if verb == "putMany" else 0
        slots = {_slot(key): value for key, value in kept.items()} | {1: 5}
        trie = HexaryTrie({})
        for slot, value in slots.items():
            if value:
                trie[keccak256(slot.to_bytes(32, "big"))] = rlp.encode(value)
        assert chain.view(chain.head).account(probe).storage_root == trie.root_hash
    chain.check()


def test_an_emptied_account_leaves_the_state(chain: Chain, probe: bytes) -> None:
    """EIP-161: what is touched and empty is not in the trie, the coinbase of free gas among it."""
    to = contract_address(bytes.fromhex(SECOND.address[2:]), 0)
    chain.send(_raw(SECOND, nonce=0, data=creation()))
    chain.send(_raw(SECOND, nonce=1, to=to, data=call("end(address)", "0x" + "99" * 20)))
    chain.send(_raw(SECOND, nonce=2, data="0x60006000fd"))
    view = chain.view(chain.head)
    for gone in (to, bytes(20), b"\x99" * 20, contract_address(bytes.fromhex(SECOND.address[2:]), 2)):
        assert verify_account_proof(chain.head.state_root, gone, view.account_proof(gone)) is None
    assert view.code(to) == b""
    chain.check()


def test_logs_are_found_by_bloom_and_filter(chain: Chain, probe: bytes) -> None:
    for nonce in range(1, 12):
        chain.send(_put(probe, nonce, key=nonce))
    topic = keccak256(b"Stored(uint256,bytes32,address,bytes)")
    five = (5).to_bytes(32, "big")
    found = chain.logs(0, 100, LogFilter((probe,), ((topic,), (five,))))
    assert [(log.header.number, log.index) for log in found] == [(6, 0)]
    assert chain.logs(0, 100, LogFilter((b"\x99" * 20,))) == []
    assert chain.logs(7, 3, LogFilter()) == []
    assert len(chain.logs(0, 2**62, LogFilter())) == 12


def test_an_estimate_is_the_least_gas_that_suffices(chain: Chain, probe: bytes) -> None:
    for data in (
        call("put(uint256,bytes32,bytes)", 1, b"\x01" * 32, b"abc"),
        call("deep(uint256)", 30),
        call("spawn(uint256)", 3),
        call("putMany(uint256,uint256)", 1, 8),
    ):
        message = Transaction(sender=SENDER, to=probe, data=bytes.fromhex(data[2:]), gas=GAS_LIMIT)
        gas = chain.estimate(message, chain.head)
        mined = chain.transaction(
            chain.send(_raw(nonce=chain.view(chain.head).account(SENDER).nonce, to=probe, data=data, gas=gas))
        )
        assert mined is not None
        assert mined.receipt.success, data
    wipe = bytes.fromhex(call("wipe(uint256,uint256)", 1, 8)[2:])
    least = chain.estimate(Transaction(sender=SENDER, to=probe, data=wipe, gas=GAS_LIMIT), chain.head)
    assert chain.call(Transaction(sender=SENDER, to=probe, data=wipe, gas=least), chain.head).success
    assert not chain.call(Transaction(sender=SENDER, to=probe, data=wipe, gas=least - 1), chain.head).success


def test_calls_leave_nothing_behind(chain: Chain, probe: bytes) -> None:
    before = chain.head.state_root
    message = Transaction(
        sender=SENDER, to=probe, data=bytes.fromhex(call("putMany(uint256,uint256)", 0, 5)[2:]), gas=GAS_LIMIT
    )
    assert chain.call(message, chain.head).success
    chain.mine()
    assert chain.head.state_root == before
    chain.check()


def test_a_deep_recursion_ends_as_the_protocol_says(chain: Chain, probe: bytes) -> None:
    data = bytes.fromhex(call("deep(uint256)", 1100)[2:])
    outcomes = []

    def run() -> None:
        outcomes.append(chain.call(Transaction(sender=SENDER, to=probe, data=data, gas=GAS_LIMIT), chain.head))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert [item.reverted for item in outcomes] == [True]


# Calls itself with a counter and returns how deep it came: CALL, DELEGATECALL, STATICCALL.
DIVER = "600160003501600052{}60206000f3"
DIVES = {
    "call": DIVER.format("60206000602060006000305af1"),
    "delegatecall": DIVER.format("6020600060206000305af4"),
    "staticcall": DIVER.format("6020600060206000305afa"),
}


@pytest.mark.parametrize("kind", DIVES)
def test_calls_go_as_deep_as_gas_allows(chain: Chain, kind: str) -> None:
    code = bytes.fromhex(DIVES[kind])
    size = len(code)
    making = bytes([0x5F + size]) + code + bytes([0x60, 0, 0x52, 0x60, size, 0x60, 32 - size, 0xF3])
    chain.send(_raw(nonce=0, data="0x" + making.hex()))
    diver = contract_address(SENDER, 0)
    assert chain.view(chain.head).code(diver) == code
    outcome = chain.call(Transaction(sender=SENDER, to=diver, data=bytes(32), gas=GAS_LIMIT), chain.head)
    assert outcome.success
    assert 500 < int.from_bytes(outcome.output, "big") < 1024


def test_nested_json_raises_in_a_process_with_a_chain(root: Path) -> None:
    """Not a chain's affair, but py-evm's recursion limit would make it one: see RECURSION_LIMIT."""
    code = (
        "import json, deedbook.chain.embedded.machine\n"
        "for text in ('[' * 1_000_000, '{\"a\":' * 1_000_000):\n"
        "    try: json.loads(text)\n"
        "    except RecursionError: print('refused')"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=root / "src", capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (0, "refused\nrefused\n")


def test_many_threads_send_and_read(chain: Chain, probe: bytes) -> None:
    """Each thread has its own account; every transaction is mined once, in its order."""

    def work(account: LocalAccount) -> None:
        first = 1 if account is POOR else 0
        for nonce in range(first, first + 8):
            chain.send(_raw(account, nonce=nonce, to=probe, data=call("quiet(uint256)", nonce)))
            assert chain.logs(0, chain.head.number, LogFilter((probe,)))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, [SECOND, THIRD, POOR]))
    assert chain.head.number == 25
    chain.check()


def test_a_contract_sees_earlier_block_hashes(chain: Chain, probe: bytes) -> None:
    for _ in range(4):
        chain.mine()
    for number in range(7):
        data = bytes.fromhex(call("ancestor(uint256)", number)[2:])
        seen = chain.call(Transaction(sender=SENDER, to=probe, data=data, gas=GAS_LIMIT), chain.head).output
        header = chain.header(number)
        assert seen == (header.hash if header and number < chain.head.number else ZERO32)
