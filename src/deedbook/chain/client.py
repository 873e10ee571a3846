"""The seam to a chain: one JSON-RPC request or a batch of them, the results, or a typed error. Cheap to import.

    Node            what everything else asks: request(method, params) -> result; batch(requests) -> results
    |-- EmbeddedNode    a chain in this process
    `-- HttpNode        a node behind an address

Retrying, fail-over and what an error means for a transaction are the caller's; the text of an error is never an
outcome. Bytes are not interpreted here: results are JSON values as the node gave them.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, runtime_checkable
from urllib.parse import unquote, urlsplit

import orjson

from deedbook.chain.connections import Address, Connections
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.errors import ChainUnavailable, DeedbookError, InvalidInput, WrongChain

if TYPE_CHECKING:
    from deedbook.chain.embedded.chain import Chain

MOST_ANSWER: Final = 64 * 1024 * 1024
"""The longest answer, in bytes, that an HttpNode takes from a node."""

BUSY: Final = frozenset((429, 502, 503, 504))
"""HTTP statuses of a node, or of what stands before it, that cannot answer now: whatever the body says."""

_SPARSE: Final = 1024 * 1024
_TOO_LARGE: Final = b'{"error":{"code":-32600,"message":"the batch is too large"}}'


Text: TypeAlias = bytes | bytearray
"""JSON as a node wrote it."""
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
    """A node at an http or https address, over connections that are kept; may be shared between threads.

    `connect` seconds for a connection, `timeout` for the whole exchange after it; answers of at most `most_answer`
    bytes. No redirect is followed, and nothing is sent twice. Raises InvalidInput ("url") for an address that is none.
    """

    def __init__(
        self, url: str, timeout: float = 30.0, *, connect: float = 5.0, most_answer: int = MOST_ANSWER
    ) -> None:
        address, credentials = _address(url)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if credentials:
            headers["Authorization"] = "Basic " + base64.b64encode(credentials).decode()
        self._connections = Connections(
            address, headers, connect=min(connect, timeout), timeout=timeout, most=most_answer
        )
        self._ids = count(1)
        self._most_batch = sys.maxsize

    @property
    def host(self) -> str:
        """`host:port`; never credentials, nor the path, which may hold a key."""
        return self._connections.address.name

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result. Raises NodeError for the node's error, ChainUnavailable for everything short of an answer."""
        call = self._call(method, params)
        return self._result(call, self._parsed(*self._received(call)))

    def _result(self, call: Mapping[str, Any], answer: Any) -> Any:
        if not isinstance(answer, dict):
            raise self._unusable("malformed", "the node's answer is not a JSON-RPC answer")
        if not (_is_id(answer.get("id"), call["id"]) or (answer.get("id") is None and answer.get("error"))):
            raise self._unusable("wrong-id", "the node answered another request")
        outcome = self._outcome(answer)
        if isinstance(outcome, NodeError):
            raise outcome
        return outcome

    def text(self, method: str, params: Sequence[Any]) -> Text:
        """The result of a method whose results are arrays, as the JSON that the node wrote: for what is long and read
        otherwise. Only what stands around it is known to be JSON. Raises as `request`."""
        call = self._call(method, params)
        status, content = self._received(call)
        begin, end = content.find(b"[") + 1, content.rfind(b"]")
        with suppress(ValueError):
            answer = orjson.loads(content[:begin] + content[max(begin, end) :])
            if isinstance(answer, dict) and _is_id(answer.get("id"), call["id"]) and answer.get("result") == []:
                del content[end + 1 :], content[: begin - 1]  # which moves nothing
                return content
        return orjson.dumps(self._result(call, self._parsed(status, content)))

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        """The results in order, an error in its result's place.

        A node that refuses a batch, or one so long, gets smaller ones, down to single requests, from then on. Raises
        ChainUnavailable when an exchange failed, or an answer is missing, double or another's.
        """
        found: list[Any | NodeError] = []
        most = self._most_batch
        while len(found) < len(requests):
            some = requests[len(found) : len(found) + most]
            answers = one_by_one(self, some) if len(some) == 1 else self._together(some)
            if answers is None:
                most = len(some) // 2
                continue
            self._most_batch = min(self._most_batch, most)
            found += answers
        return found

    def close(self) -> None:
        """Closes the connections that are kept; they are opened again when needed."""
        self._connections.close()

    def _together(self, requests: Sequence[Request]) -> list[Any | NodeError] | None:
        """The outcomes of one exchange; None where the node refused it as a whole."""
        calls = [self._call(method, params) for method, params in requests]
        answers = self._parsed(*self._received(calls))
        if _is_refusal(answers):
            return None
        if not isinstance(answers, list):
            raise self._unusable("malformed", "the node's answer to a batch is not one")
        wanted, found = {call["id"] for call in calls}, {}
        for answer in answers:
            request_id = answer.get("id") if isinstance(answer, dict) else None
            if type(request_id) is not int or request_id not in wanted:
                raise self._unusable("wrong-id", "the node answered what was not asked in a batch")
            if request_id in found:
                raise self._unusable("duplicate-id", "the node answered a request of a batch twice")
            found[request_id] = self._outcome(answer)
        if len(found) < len(calls):
            raise self._unusable("incomplete", "the node left a request of a batch unanswered")
        return [found[call["id"]] for call in calls]

    def _call(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _outcome(self, answer: Mapping[str, Any]) -> Any | NodeError:
        if answer.get("error") is not None:
            return _node_error(answer["error"])
        if "result" not in answer:
            raise self._unusable("malformed", "the node's answer has neither result nor error")
        return answer["result"]

    def _received(self, body: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> tuple[int, bytearray]:
        """HTTP status and content of the answer; where a batch is refused for its length, an answer that says so."""
        status, content = self._connections.post(orjson.dumps(body))
        if status in BUSY or (status >= 400 and bytes(content[:64]).lstrip()[:1] not in (b"{", b"[")):
            if status == 413 and isinstance(body, list):
                return status, bytearray(_TOO_LARGE)
            raise self._unusable(f"http-{status}", f"the node answers HTTP {status}", status=status)
        return status, content

    def _parsed(self, status: int, content: bytearray) -> Any:
        if len(content) > _SPARSE and _values(content) > len(content) // 16:
            raise self._unusable("malformed", "the node's answer is made of too many parts")
        try:
            return orjson.loads(content)
        except ValueError as reason:
            message = f"the node's answer is not JSON (HTTP {status})"
            raise self._unusable("not-json", message, status=status) from reason

    def _unusable(self, failure: str, message: str, **fields: Any) -> ChainUnavailable:
        """The error; what else comes on this connection is not waited for."""
        self.close()
        return ChainUnavailable(message, failure=failure, host=self.host, **fields)


@runtime_checkable
class Texts(Protocol):
    """What gives results as they were written."""

    def text(self, method: str, params: Sequence[Any]) -> Text:
        """The result as JSON, as HttpNode gives it. Raises as `Node.request`."""


def text_of(node: Node, method: str, params: Sequence[Any]) -> Text:
    """The result of a method whose results are arrays, as JSON; as the node wrote it where that is known."""
    return node.text(method, params) if isinstance(node, Texts) else orjson.dumps(node.request(method, params))


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


def _address(url: str) -> tuple[Address, bytes]:
    """Where a URL points, and `user:password` or nothing."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if ":" not in (parts.hostname or "") else parts.hostname
    except ValueError as error:
        raise InvalidInput("url", "no address: a host or port is malformed") from error
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInput("url", "a node's address starts with http:// or https:// and names a host")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not all("!" <= sign <= "~" for sign in target):
        raise InvalidInput("url", "the path has signs that must be percent-encoded")
    secure = parts.scheme == "https"
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode() if parts.username else b""
    return Address(host, port or (443 if secure else 80), target, secure), secret


def _is_id(found: Any, wanted: int) -> bool:
    """JSON's `true` and `1.0` equal 1 in Python."""
    return type(found) is int and found == wanted


def _is_refusal(answers: Any) -> bool:
    """Whether a batch was refused whole: an error object, alone (JSON-RPC 2.0, 6) or in a list (so geth does)."""
    alone = answers[0] if isinstance(answers, list) and len(answers) == 1 else answers
    return isinstance(alone, dict) and alone.get("error") is not None


def _values(content: bytearray) -> int:
    """At most how many values a JSON text has."""
    return sum(content.count(sign) for sign in (b",", b"[", b"{"))


def _node_error(error: Any) -> NodeError:
    if not isinstance(error, dict):
        return NodeError(-32603, str(error))
    code = error.get("code")
    return NodeError(code if isinstance(code, int) else -32603, str(error.get("message", "")), error.get("data"))
