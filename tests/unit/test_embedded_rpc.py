"""JSON-RPC as bytes: malformed input, batches, bounds; the doors that carry it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3

from deedbook.chain.client import EmbeddedNode, HttpNode, NodeError, require_chain
from deedbook.chain.embedded.chain import Chain
from deedbook.chain.embedded.provider import EmbeddedProvider
from deedbook.chain.embedded.rpc import MOST_BATCH, MOST_BODY, MOST_DEPTH, Methods
from deedbook.chain.embedded.server import Server
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.errors import ChainUnavailable, WrongChain
from tests.conftest import Clock
from tests.integration.embedded_corpus import CHAIN_ID, POOR, PROBE, call, creation, signed

ID_HEX = hex(CHAIN_ID)


@pytest.fixture
def chain(clock: Clock) -> Iterator[Chain]:
    with Chain.in_memory(clock=clock, chain_id=CHAIN_ID) as made:
        yield made


@pytest.fixture
def methods(chain: Chain) -> Methods:
    return Methods(chain)


@pytest.fixture(scope="module")
def shared() -> Iterator[Methods]:
    with Chain.in_memory(clock=Clock(), chain_id=CHAIN_ID) as made:
        yield Methods(made)


@pytest.fixture
def server(methods: Methods) -> Iterator[Server]:
    with Server(methods.handle) as running:
        yield running


def _request(method: str, *params: Any, request_id: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)}


def _answer(methods: Methods, request: Any) -> Any:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return json.loads(methods.handle(body))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"nope", -32700),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":1}{}', -32700),
        (b"[]", -32600),
        (b"{}", -32600),
        (b"7", -32600),
        (b'"x"', -32600),
        (b"null", -32600),
        (b'{"jsonrpc":"1.0","method":"eth_chainId","id":1}', -32600),
        (b'{"method":"eth_chainId","id":1}', -32600),
        (b'{"jsonrpc":"2.0","method":7,"id":1}', -32600),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":{}}', -32600),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":true}', -32600),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":1.5}', -32600),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":1,"params":"x"}', -32600),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":1,"params":{}}', -32602),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":1,"params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","method":"eth_nonsense","id":1}', -32601),
        (b'{"jsonrpc":"2.0","method":"__class__","id":1}', -32601),
        (b"[" * 100_000, -32600),
        (b'{"a":' * 100_000, -32600),
        (b'["' + b"[" * 100_000, -32700),
        (b"\\" * 50 + b'"' * 50 + b"[" * (MOST_DEPTH + 1), -32600),
        (b'{"jsonrpc":"2.0","method":"eth_chainId","id":1,"x":' + b"9" * 10_000 + b"}", -32700),
        (b" " * (MOST_BODY + 1), -32600),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)  # fmt: skip
def test_what_is_no_request_gets_the_protocols_code(shared: Methods, body: bytes, code: int) -> None:
    answer = json.loads(shared.handle(body))
    assert answer["error"]["code"] == code
    assert answer["jsonrpc"] == "2.0"


@pytest.mark.parametrize("request_id", [0, 1, "text", "", None, 2**60])
def test_the_id_comes_back(shared: Methods, request_id: Any) -> None:
    answer = _answer(shared, _request("eth_chainId", request_id=request_id))
    assert answer == {"jsonrpc": "2.0", "id": request_id, "result": ID_HEX}


def test_a_notification_is_carried_out_and_not_answered(chain: Chain, methods: Methods) -> None:
    note = {"jsonrpc": "2.0", "method": "eth_sendRawTransaction", "params": [signed(POOR, nonce=0, data=creation())]}
    assert methods.handle(json.dumps(note).encode()) == b""
    assert chain.head.number == 1
    assert methods.handle(json.dumps([note]).encode()) == b""


def test_a_batch_is_answered_in_order(shared: Methods) -> None:
    batch = [_request("eth_chainId", request_id=5), 7, _request("eth_nope", request_id="b"), _request("net_version")]
    answers = _answer(shared, batch)
    assert [item["id"] for item in answers] == [5, None, "b", 1]
    assert [item.get("error", {}).get("code") for item in answers] == [None, -32600, -32601, None]


def test_a_batch_has_a_bound(shared: Methods) -> None:
    fits = _answer(shared, [_request("eth_chainId")] * MOST_BATCH)
    assert len(fits) == MOST_BATCH
    assert _answer(shared, [_request("eth_chainId")] * (MOST_BATCH + 1))["error"]["code"] == -32600


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.sampled_from(
        ["latest", "pending", "0x", "0x0", "0x" + "00" * 20, "0x" + "00" * 32, "0xzz", "0x-1", "0x 1", "0x_1", "٣"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["to", "from", "data", "input", "value", "gas", "gasPrice", "address", "topics", "fromBlock",
                         "toBlock", "blockHash", "blockNumber", "accessList", "storageKeys"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.data())
def test_no_parameters_bring_a_method_down(shared: Methods, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(sorted(shared._table)))
    params = data.draw(st.lists(_json, max_size=4))
    answer = _answer(shared, _request(method, *params))
    if "error" in answer:
        assert answer["error"]["code"] in (3, -32000, -32003, -32005, -32602), answer


@given(st.binary(max_size=300))
def test_no_bytes_bring_it_down(shared: Methods, body: bytes) -> None:
    answer = shared.handle(body)
    assert answer == b"" or json.loads(answer)


def test_a_block_of_several_transactions_by_rpc(chain: Chain, methods: Methods) -> None:
    raws = [signed(POOR, nonce=nonce, data=creation(nonce)) for nonce in (0, 1, 7)]
    first, second, third = methods.answer("deedbook_sendRawTransactions", [raws])
    assert [first, second] == [to_hex(keccak256(bytes.fromhex(raw[2:]))) for raw in raws[:2]]
    assert third["error"]["code"] == -32003
    assert chain.head.number == 1


def test_the_raw_header_hashes_to_the_block_hash(chain: Chain, methods: Methods) -> None:
    methods.answer("eth_sendRawTransaction", [signed(POOR, nonce=0, data=creation())])
    for tag in ("0x0", "0x1", "latest", to_hex(chain.head.hash), {"blockHash": to_hex(chain.head.hash)}):
        raw = bytes.fromhex(methods.answer("debug_getRawHeader", [tag])[2:])
        number = "0x0" if tag == "0x0" else "latest"
        assert to_hex(keccak256(raw)) == methods.answer("eth_getBlockByNumber", [number, False])["hash"]
    with pytest.raises(NodeError):
        methods.answer("debug_getRawHeader", ["0x9"])


class _Failing:
    def reading(self) -> None:
        raise RuntimeError("a secret path")


def test_an_inner_failure_tells_no_story() -> None:
    broken = Methods(cast(Chain, _Failing()))
    answer = broken.handle(json.dumps(_request("eth_chainId")).encode())
    assert json.loads(answer)["error"] == {"code": -32603, "message": "internal error: RuntimeError"}


# Doors ----------------------------------------------------------------------------------------------------------


def test_both_nodes_answer_alike(chain: Chain, server: Server) -> None:
    inside, outside = EmbeddedNode(chain), HttpNode(server.url, timeout=10)
    tx_hash = outside.request("eth_sendRawTransaction", [signed(POOR, nonce=0, data=creation())])
    probe = inside.request("eth_getTransactionReceipt", [tx_hash])["contractAddress"]
    asked: list[tuple[str, list[Any]]] = [
        ("eth_chainId", []), ("eth_getBlockByNumber", ["latest", True]), ("eth_getTransactionReceipt", [tx_hash]),
        ("eth_getProof", [probe, ["0x1"], "latest"]), ("eth_getLogs", [{"fromBlock": "0x0"}]),
        ("eth_getTransactionReceipt", ["0x" + "00" * 32]),
    ]  # fmt: skip
    for method, params in asked:
        assert inside.request(method, params) == outside.request(method, params)
    assert outside.batch(asked) == [inside.request(*one) for one in asked]
    refused = {"to": probe, "data": call("refuse(uint256)", 7)}
    for node in (inside, outside):
        with pytest.raises(NodeError) as caught:
            node.request("eth_call", [refused, "latest"])
        assert (caught.value.rpc_code, caught.value.data[:10]) == (3, "0x9912c73a")
        with pytest.raises(NodeError) as caught:
            node.request("eth_nonsense", [])
        assert caught.value.rpc_code == -32601
    (error,) = outside.batch([("eth_nonsense", [])])
    assert error.rpc_code == -32601
    assert outside.batch([]) == []


@pytest.mark.rule("other-chain")
def test_a_chain_is_known_by_its_id_and_its_first_block(chain: Chain) -> None:
    node = EmbeddedNode(chain)
    require_chain(node, chain_id=CHAIN_ID, genesis_hash=chain.genesis_hash)
    with pytest.raises(WrongChain):
        require_chain(node, chain_id=1, genesis_hash=chain.genesis_hash)
    with pytest.raises(WrongChain):
        require_chain(node, chain_id=CHAIN_ID, genesis_hash=bytes(32))


def _post(server: Server, body: bytes, **headers: str) -> http.client.HTTPResponse:
    parts = urlsplit(server.url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("POST", "/", body, {"Content-Type": "application/json", "Connection": "close", **headers})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_the_server_listens_on_loopback_only(server: Server) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    assert server._http.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8545"}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "exchange.example"}, 403),
        ({"Host": "127.0.0.1.exchange.example:80"}, 403),
        ({"Host": ""}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Length": "99999999999999999999999"}, 413),
        ({"Content-Length": str(MOST_BODY + 1)}, 413),
        ({"Content-Length": "x"}, 411),
        ({"Content-Length": "-1"}, 411),
    ],
)
def test_the_server_takes_json_from_this_machine(server: Server, headers: dict[str, str], status: int) -> None:
    assert _post(server, json.dumps(_request("eth_chainId")).encode(), **headers).status == status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_the_server_only_takes_posts(server: Server, method: str) -> None:
    parts = urlsplit(server.url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request(method, "/")
    assert connection.getresponse().status == 405
    connection.close()


def test_the_server_is_quiet(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    _post(server, b"{")
    _post(server, b"{}", Host="elsewhere")
    parts = urlsplit(server.url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"half")
    connection.close()
    _post(server, b"{}")
    assert capfd.readouterr() == ("", "")


def test_one_connection_serves_many_requests(server: Server) -> None:
    parts = urlsplit(server.url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    for _ in range(3):
        connection.request("POST", "/", json.dumps(_request("eth_chainId")), {"Content-Type": "application/json"})
        assert json.loads(connection.getresponse().read())["result"] == ID_HEX
    connection.close()


def test_a_stopped_server_is_a_chain_unavailable(methods: Methods) -> None:
    with Server(methods.handle) as running:
        node = HttpNode(running.url, timeout=2)
        assert node.request("eth_chainId", []) == ID_HEX
    with pytest.raises(ChainUnavailable):
        node.request("eth_chainId", [])


def test_web3_works_on_the_chain(methods: Methods) -> None:
    provider = EmbeddedProvider(methods)
    web3: Any = Web3(provider)
    assert web3.is_connected()
    assert web3.eth.chain_id == CHAIN_ID
    assert not provider.global_ccip_read_enabled
    factory = web3.eth.contract(abi=PROBE["abi"], bytecode=PROBE["bytecode"])
    unsent = factory.constructor(5).build_transaction({"from": POOR.address, "nonce": 0})
    tx_hash = web3.eth.send_raw_transaction(POOR.sign_transaction(unsent).raw_transaction)
    receipt = web3.eth.wait_for_transaction_receipt(tx_hash)
    probe = web3.eth.contract(receipt["contractAddress"], abi=PROBE["abi"])
    assert probe.functions.total().call() == 5
    (event,) = probe.events.Plain().process_receipt(receipt)
    assert event["args"]["number"] == 5
    assert web3.eth.get_block("latest")["hash"] == receipt["blockHash"]
    assert web3.eth.get_logs({"fromBlock": 0})[0]["blockNumber"] == 1
    (slot,) = web3.eth.get_proof(receipt["contractAddress"], [1])["storageProof"]
    assert slot["value"] == b"\x05"
    with web3.batch_requests() as batch:
        batch.add(web3.eth.get_block(0))
        batch.add(web3.eth.get_block(1))
        assert [block["number"] for block in batch.execute()] == [0, 1]
