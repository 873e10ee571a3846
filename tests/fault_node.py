"""A node that misbehaves on the wire: a JSON-RPC proxy of our own on loopback, in front of any node.

    with FaultNode(node) as proxy:
        asked = HttpNode(proxy.url)
        proxy.then(CloseAfter(), methods=[SEND])           # once: the next request of one of these methods
        proxy.then(Html(429), times=3)                     # the next three exchanges
        proxy.always(OlderHead(20))                        # a lie that lasts, under whatever else happens
        proxy.seeded(7, {Reset(): 0.02, Delay(0.01): 0.1}) # by chance, the same in every run of one thread; 1 is always
        proxy.clear()                                      # tells the truth again
        proxy.down(); proxy.up()                           # the port refuses connections; and takes them again
        proxy.served                                       # each exchange: its methods, the fault it met ("" for none)
        proxy.connections                                  # how many there were

A *fault* (`Fault`) decides what becomes of one exchange, a single request or a batch: it may forward it (`Exchange.
forward`: what the node does is done), answer anything, or hang up. A *lie* (`Lie`) changes what the node says of single
requests, in batches too. What is scripted comes before what is by chance; both meet the answers that lies have changed.
Use a fresh fault, or the same one again: they are values. The proxy keeps connections alive, as nodes do.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from deedbook.chain.client import Node, NodeError
from deedbook.errors import ChainUnavailable

SEND: Final = "eth_sendRawTransaction"
MIB: Final = 1024 * 1024
Ask = Callable[[str, Sequence[Any]], Any]


class Fault(Protocol):
    """What becomes of an exchange."""

    def serve(self, exchange: Exchange) -> None:
        """Forwards, answers, hangs up, or does nothing."""


class Lie(Protocol):
    """What is said instead of the truth."""

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        """The result of a request; `ask` gives the node's own. Raises NodeError."""


@dataclass(frozen=True)
class Served:
    """One exchange: what was asked, and the name of the fault it met."""

    methods: tuple[str, ...]
    fault: str


# -- the proxy ---------------------------------------------------------------------------------------------------------


class FaultNode:
    """The proxy; a context manager. `url` stays the same through `down` and `up`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._script: list[tuple[Fault, frozenset[str] | None]] = []
        self._lies: list[Lie] = []
        self._chance: tuple[random.Random, Mapping[Fault, float]] | None = None
        self._stopped = threading.Event()
        self._lines: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.served: list[Served] = []
        self.connections = 0
        self._listener: socket.socket | None = None
        self._port = self._listen(0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def host(self) -> str:
        """`host:port`, as errors name it."""
        return f"127.0.0.1:{self._port}"

    def then(self, fault: Fault, *, methods: Collection[str] | None = None, times: int = 1) -> None:
        """What becomes of the next exchanges (that ask for one of `methods`), after what is scripted already."""
        with self._lock:
            self._script += [(fault, None if methods is None else frozenset(methods))] * times

    def always(self, lie: Lie) -> None:
        """A lie from now on, on top of the others."""
        with self._lock:
            self._lies.append(lie)

    def seeded(self, seed: int, chances: Mapping[Fault, float]) -> None:
        """Faults by chance: each with its probability in every exchange."""
        with self._lock:
            self._chance = (random.Random(seed), dict(chances))

    def clear(self) -> None:
        """Forgets script, lies and chances; what is under way goes on."""
        with self._lock:
            self._script, self._lies, self._chance = [], [], None

    def count(self, method: str) -> int:
        """In how many exchanges a method was asked."""
        return sum(method in each.methods for each in self.served)

    def down(self) -> None:
        """Hangs up on everyone and refuses connections."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def up(self) -> None:
        """Listens again, at the same port."""
        if self._listener is None:
            self._listen(self._port)

    def stop(self) -> None:
        """Ends everything, what waits too."""
        self._stopped.set()
        self.down()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> FaultNode:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- one exchange after the other

    def _listen(self, port: int) -> int:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._listener = listener
        self._start(self._accept, listener)
        bound: int = listener.getsockname()[1]
        return bound

    def _start(self, run: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
            thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._lines.add(line)
            if self._listener is not listener:
                line.shutdown(socket.SHUT_RDWR)
            self._start(self._talk, line)

    def _talk(self, line: socket.socket) -> None:
        try:
            with suppress(OSError, ChainUnavailable), line.makefile("rb") as stream:
                for body in _bodies(stream):
                    exchange = Exchange(self, line, json.loads(body))
                    self._fault(exchange.methods).serve(exchange)
                    if exchange.over:
                        break
        finally:
            with self._lock:
                self._lines.discard(line)
            line.close()

    def _fault(self, methods: tuple[str, ...]) -> Fault:
        with self._lock:
            fault = self._scripted(methods) or self._by_chance() or Nothing()
            self.served.append(Served(methods, "" if isinstance(fault, Nothing) else type(fault).__name__))
            return fault

    def _scripted(self, methods: tuple[str, ...]) -> Fault | None:
        for place, (fault, wanted) in enumerate(self._script):
            if wanted is None or wanted.intersection(methods):
                del self._script[place]
                return fault
        return None

    def _by_chance(self) -> Fault | None:
        if self._chance is None:
            return None
        source, chances = self._chance
        drawn = source.random()
        for fault, chance in chances.items():
            drawn -= chance
            if drawn < 0:
                return fault
        return None

    def wait(self, seconds: float) -> None:
        """Waits, unless the proxy is stopped."""
        self._stopped.wait(seconds)

    def tell(self, method: str, params: Sequence[Any]) -> Any:
        """What it says of one request: the node's word, through all lies."""
        ask: Ask = self._node.request
        with self._lock:
            lies = list(self._lies)
        for lie in lies:
            ask = _through(lie, ask)
        return ask(method, params)


@dataclass
class Exchange:
    """A request, or a batch, of one client. `over` ends the connection after it."""

    proxy: FaultNode
    line: socket.socket
    body: Any
    over: bool = False
    _answer: Any = field(default=None, repr=False)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests, one or more."""
        return self.body if isinstance(self.body, list) else [self.body]

    @property
    def methods(self) -> tuple[str, ...]:
        """What is asked."""
        return tuple(request["method"] for request in self.requests)

    def forward(self) -> Any:
        """Lets the node do it, once; the answer as it should be."""
        if self._answer is None:
            answers = [self._told(request) for request in self.requests]
            self._answer = answers if isinstance(self.body, list) else answers[0]
        return self._answer

    def _told(self, request: Mapping[str, Any]) -> dict[str, Any]:
        start = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            return {**start, "result": self.proxy.tell(request["method"], request["params"])}
        except NodeError as error:
            said = {"code": error.rpc_code, "message": error.reason}
            return {**start, "error": said if error.data is None else {**said, "data": error.data}}

    def reply(self, answer: Any) -> None:
        """Answers with JSON."""
        self.send(json.dumps(answer).encode())

    def send(self, body: bytes, *, status: int = 200, kind: str = "application/json") -> None:
        """Answers with anything."""
        self.raw(_head(status, kind, len(body)) + body)

    def raw(self, content: bytes) -> None:
        """Sends bytes as they are."""
        self.line.sendall(content)

    def hang_up(self) -> None:
        """Closes the connection."""
        self.over = True

    def reset(self) -> None:
        """Breaks the connection off (RST)."""
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.over = True


def _bodies(stream: Any) -> Iterator[bytes]:
    """The bodies of the requests of a connection, until it ends."""
    while True:
        length = 0
        while (line := stream.readline()) != b"\r\n":
            if not line:
                return
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        yield stream.read(length)


def _head(status: int, kind: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode()


def _through(lie: Lie, ask: Ask) -> Ask:
    return lambda method, params: lie.answer(ask, method, params)


# -- faults: of the line -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Nothing:
    """No fault; 502 where the node itself does not answer."""

    def serve(self, exchange: Exchange) -> None:
        try:
            answer = exchange.forward()
        except ChainUnavailable:
            exchange.send(b"<html>no upstream</html>", status=502, kind="text/html")
        else:
            exchange.reply(answer)


@dataclass(frozen=True)
class Reset:
    """The connection breaks off; the node hears nothing."""

    def serve(self, exchange: Exchange) -> None:
        exchange.reset()


@dataclass(frozen=True)
class CloseBefore:
    """The connection closes; the node hears nothing."""

    def serve(self, exchange: Exchange) -> None:
        exchange.hang_up()


@dataclass(frozen=True)
class CloseAfter:
    """The node does it, and the connection closes without an answer."""

    def serve(self, exchange: Exchange) -> None:
        exchange.forward()
        exchange.hang_up()


@dataclass(frozen=True)
class Delay:
    """The answer comes late, by `seconds`; what is asked is done at once, or as late (`before`)."""

    seconds: float
    before: bool = False

    def serve(self, exchange: Exchange) -> None:
        if not self.before:
            exchange.forward()
        exchange.proxy.wait(self.seconds)
        Nothing().serve(exchange)


@dataclass(frozen=True)
class HalfOpen:
    """Nothing ever comes, and the connection stays; whether the node does it says `forwarded`."""

    forwarded: bool = False

    def serve(self, exchange: Exchange) -> None:
        if self.forwarded:
            exchange.forward()
        exchange.proxy.wait(3600)
        exchange.hang_up()


@dataclass(frozen=True)
class Trickle:
    """The node does it; the answer comes a byte at a time, `seconds` apart; `head` lines come so too."""

    seconds: float
    head: bool = False

    def serve(self, exchange: Exchange) -> None:
        body = json.dumps(exchange.forward()).encode()
        head = _head(200, "application/json", len(body))
        if not self.head:
            exchange.raw(head)
        for byte in head + body if self.head else body:
            exchange.proxy.wait(self.seconds)
            exchange.raw(bytes([byte]))


@dataclass(frozen=True)
class Truncate:
    """The node does it; `left` of its answer comes, after a head that promises the whole (or is honest)."""

    left: float = 0.5
    honest: bool = False

    def serve(self, exchange: Exchange) -> None:
        body = json.dumps(exchange.forward()).encode()
        part = body[: int(len(body) * self.left)]
        exchange.raw(_head(200, "application/json", len(part) if self.honest else len(body)) + part)
        exchange.hang_up()


@dataclass(frozen=True)
class Huge:
    """An answer of `size` bytes, made as it is sent; `announced` by its length or in chunks. The node hears nothing."""

    size: int = 100 * MIB
    announced: bool = False

    def serve(self, exchange: Exchange) -> None:
        start = b'{"jsonrpc":"2.0","id":%d,"result":"0x' % exchange.requests[0]["id"]
        exchange.raw(_head(200, "application/json", self.size if self.announced else None))
        left, part = self.size - len(start) - 2, b"0" * 65536
        exchange.raw(self._chunk(start))
        while left > 0:
            exchange.raw(self._chunk(part[:left]))
            left -= len(part)
        exchange.raw(self._chunk(b'"}') + (b"" if self.announced else b"0\r\n\r\n"))

    def _chunk(self, content: bytes) -> bytes:
        return content if self.announced else b"%x\r\n%s\r\n" % (len(content), content)


@dataclass(frozen=True)
class Html:
    """A page instead of an answer, as proxies before nodes give. The node hears nothing, or does it (`forwarded`)."""

    status: int
    forwarded: bool = False

    def serve(self, exchange: Exchange) -> None:
        if self.forwarded:
            exchange.forward()
        exchange.send(b"<html><body>%d</body></html>" % self.status, status=self.status, kind="text/html")


@dataclass(frozen=True)
class Bytes:
    """These bytes instead of the body, as JSON that may be none. The node hears nothing."""

    body: bytes

    def serve(self, exchange: Exchange) -> None:
        exchange.send(self.body)


# -- faults: of the answer ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refused:
    """The node does it (unless not `forwarded`), and every request is answered with an error all the same."""

    reason: str
    rpc_code: int = -32000
    forwarded: bool = True

    def serve(self, exchange: Exchange) -> None:
        if self.forwarded:
            exchange.forward()
        said = {"code": self.rpc_code, "message": self.reason}
        answers = [{"jsonrpc": "2.0", "id": request["id"], "error": said} for request in exchange.requests]
        exchange.reply(answers if isinstance(exchange.body, list) else answers[0])


NONCE_TOO_LOW: Final = Refused("nonce too low")
ALREADY_KNOWN: Final = Refused("already known")
UNDERPRICED: Final = Refused("replacement transaction underpriced")
NO_FUNDS: Final = Refused("insufficient funds for gas * price + value")


@dataclass(frozen=True)
class Changed:
    """The node does it; its answers (a list, of one for a single request) are made others by `change`."""

    change: Callable[[list[dict[str, Any]]], list[Any]]

    def serve(self, exchange: Exchange) -> None:
        whole = exchange.forward()
        answers = self.change([dict(each) for each in (whole if isinstance(exchange.body, list) else [whole])])
        exchange.reply(answers if isinstance(exchange.body, list) else answers[0])


@dataclass(frozen=True)
class WrongId:
    """Every answer is another's."""

    by: int = 1_000_000

    def serve(self, exchange: Exchange) -> None:
        Changed(lambda answers: [{**each, "id": each["id"] + self.by} for each in answers]).serve(exchange)


@dataclass(frozen=True)
class CrossedIds:
    """The answers of a batch are given to one another's requests, in a circle; a lie that no id shows."""

    def serve(self, exchange: Exchange) -> None:
        ids = [request["id"] for request in exchange.requests]
        turned = ids[1:] + ids[:1]
        Changed(lambda all_: [{**each, "id": at} for each, at in zip(all_, turned, strict=True)]).serve(exchange)


@dataclass(frozen=True)
class WrongType:
    """Every result is this instead."""

    value: Any = 7

    def serve(self, exchange: Exchange) -> None:
        value = self.value
        Changed(lambda answers: [{"jsonrpc": "2.0", "id": each["id"], "result": value} for each in answers]).serve(
            exchange
        )

    def __hash__(self) -> int:
        return hash(json.dumps(self.value))


@dataclass(frozen=True)
class MissingItem:
    """The last answer of a batch is missing."""

    def serve(self, exchange: Exchange) -> None:
        Changed(lambda answers: answers[:-1] or answers).serve(exchange)


@dataclass(frozen=True)
class DuplicateItem:
    """The first answer of a batch comes twice, the second time for the last."""

    def serve(self, exchange: Exchange) -> None:
        Changed(lambda answers: [*answers[:-1], answers[0]]).serve(exchange)


@dataclass(frozen=True)
class Shuffled:
    """The answers of a batch come backwards: no fault at all."""

    def serve(self, exchange: Exchange) -> None:
        Changed(lambda answers: answers[::-1]).serve(exchange)


@dataclass(frozen=True)
class RefuseBatch:
    """Batches above `most` are refused, before anything is done: by an error alone, or in a list as geth does."""

    most: int = 0
    in_list: bool = False

    def serve(self, exchange: Exchange) -> None:
        if not isinstance(exchange.body, list) or len(exchange.body) <= self.most:
            Nothing().serve(exchange)
            return
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
        exchange.reply([{**error, "id": exchange.body[0]["id"]}] if self.in_list else error)


# -- lies --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OlderHead:
    """Lags `blocks` behind: later blocks, their transactions and their state are not there yet."""

    blocks: int

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        head = max(0, int(ask("eth_blockNumber", []), 16) - self.blocks)
        if method == "eth_blockNumber":
            return hex(head)
        if method == SEND:
            return ask(method, params)
        at_head = ("latest", "pending", "safe", "finalized")
        params = [hex(head) if isinstance(each, str) and each in at_head else each for each in params]
        if method == "eth_getLogs" and "blockHash" not in params[0]:
            asked = params[0]
            last = min(head, int(asked["toBlock"], 16) if asked.get("toBlock", "latest")[:2] == "0x" else head)
            params = [{**asked, "toBlock": hex(last)}]
        found = ask(method, params)
        number = found.get("number", found.get("blockNumber")) if isinstance(found, dict) else None
        return None if number is not None and int(number, 16) > head else found


@dataclass(frozen=True)
class OtherChain:
    """States another chain id."""

    chain_id: int

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        own = {"eth_chainId": hex(self.chain_id), "net_version": str(self.chain_id)}
        return own[method] if method in own else ask(method, params)


@dataclass(frozen=True)
class OtherHistory:
    """States other hashes for all blocks from `first` on: another genesis, or a fork."""

    first: int = 0

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        found = ask(method, params)
        if not method.startswith("eth_getBlockBy") or found is None or int(found["number"], 16) < self.first:
            return found
        return {**found, "hash": "0x" + found["hash"][:1:-1]}


@dataclass(frozen=True)
class Syncing:
    """Says of itself that it has not caught up."""

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        if method != "eth_syncing":
            return ask(method, params)
        return {"startingBlock": "0x0", "currentBlock": "0x1", "highestBlock": "0xffffff"}


@dataclass(frozen=True)
class Denied:
    """Refuses a method, as a node does that never had it or has pruned what it needs."""

    method: str
    reason: str = "missing trie node"

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        if method == self.method:
            raise NodeError(-32000, self.reason)
        return ask(method, params)


@dataclass(frozen=True)
class ChangedLogs:
    """Tells other logs of block `number`, and the truth of every other; its receipts say the same lie if `consistent`
    (and then are not the block's)."""

    number: int
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
    consistent: bool = False

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        found = ask(method, params)
        if method == "eth_getLogs" and found and int(found[0]["blockNumber"], 16) == self.number:
            return self.change([dict(log) for log in found])
        if self.consistent and method == "eth_getBlockReceipts" and found:
            told = (int(receipt["blockNumber"], 16) == self.number for receipt in found)
            return [{**each, "logs": self.change(each["logs"])} for each in found] if all(told) else found
        return found
