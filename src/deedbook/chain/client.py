"""The seam to a chain: one JSON-RPC request or a batch of them, the results, or a typed error. Cheap to import.

    Node            what everything else asks: request(method, params) -> result; batch(requests) -> results
    |-- EmbeddedNode    a chain in this process
    `-- HttpNode        a node behind an address

Retrying, fail-over and what an error means for a transaction are the caller's; the text of an error is never an
outcome. Bytes are not interpreted here: results are JSON values as the node gave them.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

from deedbook.domain.hashing import from_hex, to_hex
from deedbook.errors import ChainUnavailable, DeedbookError, InvalidInput, WrongChain

if TYPE_CHECKING:
    from deedbook.chain.embedded.chain import Chain

MOST_ANSWER: Final = 64 * 1024 * 1024
"""The longest answer, in bytes, that an HttpNode takes from a node."""

_PART: Final = 65536


Request: TypeAlias = tuple[str, Sequence[Any]]
"""A method and its parameters."""


class NodeError(DeedbookError):
    """The node answered with an error: JSON-RPC 2.0, 5.1.

    `rpc_code` is the protocol's number (3 for a revert), `reason` the node's words, `data` what came with them: for a
    revert the returned bytes as 0x-hex text.
    """

    code = "node-error"

    def __init__(self, rpc_code: int, reason: str, data: Any = None) -> None:
        super().__init__(reason, rpc_code=rpc_code)
        self.rpc_code = rpc_code
        self.reason = reason
        self.data = data


class Node(Protocol):
    """A chain to ask."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one JSON-RPC method. Raises NodeError, ChainUnavailable."""

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        """The results of several requests, in order; the node's error takes its result's place.

        Raises ChainUnavailable for the exchange as a whole: any number of the requests may have been carried out.
        """


class EmbeddedNode:
    """A chain in this process as a Node. Thread-safe, like its chain."""

    def __init__(self, chain: Chain) -> None:
        from deedbook.chain.embedded.rpc import Methods

        self._methods = Methods(chain)

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result, as HTTP would give it."""
        return self._methods.answer(method, list(params))

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        """The results in order, an error in its result's place."""
        return one_by_one(self, requests)


class HttpNode:
    """A node at an http or https address; `timeout` seconds for connecting, for the first byte and for the rest.

    One connection a request, so it may be shared between threads. Answers above `most_answer` bytes are refused. No
    redirect is followed. Raises InvalidInput ("url") for an address that is none.
    """

    def __init__(self, url: str, timeout: float = 30.0, *, most_answer: int = MOST_ANSWER) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise InvalidInput("url", "the port is not a number") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("url", "a node's address starts with http:// or https:// and names a host")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout = timeout
        self._most_answer = most_answer
        self._ids = count(1)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if parts.username:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(secret).decode()

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result. Raises NodeError for the node's error, ChainUnavailable for everything short of an answer."""
        request_id = next(self._ids)
        answer = self._exchange({"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)})
        if not isinstance(answer, dict):
            raise ChainUnavailable("the node's answer is not a JSON-RPC answer")
        if answer.get("error") is not None:
            raise _node_error(answer["error"])
        if answer.get("id") != request_id or "result" not in answer:
            raise ChainUnavailable("the node answered another request")
        return answer["result"]

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        """The results of several requests in one exchange, in order; an error takes its result's place.

        Raises ChainUnavailable when the exchange as a whole failed or an answer is missing.
        """
        if not requests:
            return []
        ids = [next(self._ids) for _ in requests]
        body = [
            {"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)}
            for request_id, (method, params) in zip(ids, requests, strict=True)
        ]
        answers = self._exchange(body)
        if not isinstance(answers, list):
            raise ChainUnavailable("the node refused a batch")
        found = {item.get("id"): item for item in answers if isinstance(item, dict)}
        return [_outcome(found.get(request_id)) for request_id in ids]

    def _exchange(self, body: Any) -> Any:
        connection = self._connection()
        try:
            connection.request("POST", self._path, json.dumps(body).encode(), self._headers)
            response = connection.getresponse()
            content = self._content(response)
        except (OSError, http.client.HTTPException) as reason:
            raise ChainUnavailable(f"no answer from the node: {type(reason).__name__}", host=self._host) from reason
        finally:
            connection.close()
        if len(content) > self._most_answer:
            raise ChainUnavailable(f"the node's answer is longer than {self._most_answer} bytes", host=self._host)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as reason:
            status = f"the node's answer is not JSON (HTTP {response.status})"
            raise ChainUnavailable(status, host=self._host, status=response.status) from reason

    def _content(self, response: http.client.HTTPResponse) -> bytes:
        """The body, as far as one byte too much; a node that trickles is given up after `timeout` seconds."""
        deadline = time.monotonic() + self._timeout
        announced, content = response.length, bytearray()
        while len(content) <= self._most_answer:
            part = response.read1(_PART if announced is None else min(_PART, announced - len(content)))
            if not part:
                break
            content += part
            if time.monotonic() > deadline:
                raise TimeoutError
        if announced is not None and len(content) < min(announced, self._most_answer):
            raise http.client.IncompleteRead(bytes(content))
        return bytes(content)

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)


class Asked(Protocol):
    """What answers one request at a time."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result. Raises NodeError, ChainUnavailable."""


def one_by_one(node: Asked, requests: Sequence[Request]) -> list[Any | NodeError]:
    """A batch for what knows none: the requests one after the other, errors of the node in their results' places.

    Raises ChainUnavailable from the first that was not answered; those before it were carried out.
    """
    return [_answered(node, method, params) for method, params in requests]


def identity_of(node: Asked) -> tuple[int, bytes]:
    """The chain id and genesis hash (32 bytes) that a node states. Raises WrongChain where it has no block 0."""
    genesis = node.request("eth_getBlockByNumber", ["0x0", False])
    if not isinstance(genesis, dict):
        raise WrongChain("the node has no block 0")
    return int(node.request("eth_chainId", []), 16), from_hex(genesis["hash"], "genesisHash", 32)


def require_chain(node: Asked, *, chain_id: int, genesis_hash: bytes) -> None:
    """Raises WrongChain unless the node is of this chain id *and* this genesis block (32 bytes)."""
    found = identity_of(node)
    if found != (chain_id, genesis_hash):
        raise WrongChain(
            f"the node is of chain {found[0]} with genesis {to_hex(found[1])}, "
            f"not {chain_id} with {to_hex(genesis_hash)}",
        )


def _answered(node: Asked, method: str, params: Sequence[Any]) -> Any | NodeError:
    try:
        return node.request(method, params)
    except NodeError as error:
        return error


def _outcome(answer: Any) -> Any | NodeError:
    if answer is None:
        raise ChainUnavailable("the node left a request of a batch unanswered")
    if answer.get("error") is not None:
        return _node_error(answer["error"])
    return answer.get("result")


def _node_error(error: Any) -> NodeError:
    if not isinstance(error, dict):
        return NodeError(-32603, str(error))
    code = error.get("code")
    return NodeError(code if isinstance(code, int) else -32603, str(error.get("message", "")), error.get("data"))
