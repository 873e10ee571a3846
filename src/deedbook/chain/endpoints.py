"""Several nodes of one chain as a single Node that goes on while one of them is sound.

    request ----> [survey due?] ----> first sound endpoint ---- answer, or the node's own error
                       |                    | no answer
                       v                    `--> the next one, with the same request
      every endpoint: chain id, genesis,
      newest block, eth_syncing

1. **Identity.** Nothing an endpoint says counts before it has named the right chain id *and* genesis hash; it is asked
   again with every survey and after every failure. A foreign one is never used.
2. **Heads.** An endpoint more than `lag` blocks behind the best head, or one that is syncing, is passed over while a
   better one answers. A head counts only with its block.
3. **Failures.** An endpoint without an answer gets a circuit: back-off with jitter, then a trial. The request goes to
   the next one. Raw transactions too: the same bytes have the same hash, so they can be mined once only. What would do
   more when done twice is sent again only if it surely never left.
4. **Batches** go whole to one endpoint: their answers are of one node.
5. **Disagreement.** `check` compares the highest common final block: two nodes that differ there are both quoted, and
   nothing here decides which one is right.

An endpoint's NodeError is an answer and is passed on. What the caller makes of "not found" is its own: an endpoint may
be up to `lag` blocks behind the one that answered before. Hosts are named without credentials and paths.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from deedbook.chain.answers import require_answer, told_hash, told_number
from deedbook.chain.circuit import Circuit, CircuitState
from deedbook.chain.client import HttpNode, Node, NodeError, Request, Text, text_of
from deedbook.chain.finality import Finality, at_once
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.errors import ChainUnavailable, DeedbookError, InvalidInput, NodesDisagree, WrongChain

LAG: Final = 5
"""How many blocks an endpoint may be behind the best head."""

PERIOD: Final = 5.0
"""Seconds between surveys."""

BACK_OFF: Final = (0.5, 30.0)
"""Seconds that an endpoint is left alone: at first, and at most."""

TIMEOUT: Final = "timeout"
WRONG_CHAIN: Final = "wrong-chain"

GRAVE: Final = frozenset(("no-such-host", "tls", "http-429", WRONG_CHAIN))
"""Failures after which an endpoint is left alone at once: asking again costs long, or brings nothing. So is one that
says nothing of itself in time; a request may just have been a long one."""

_PROBE: Final[Sequence[Request]] = (
    ("eth_chainId", []),
    ("eth_getBlockByNumber", ["0x0", False]),
    ("eth_getBlockByNumber", ["latest", False]),
    ("eth_syncing", []),
)
_PROBE_ANSWER: Final = 4 * 1024 * 1024
_ONCE_ONLY: Final = frozenset(("eth_sendTransaction", "debug_setHead"))
_REPEATABLE: Final = ("eth_", "net_", "web3_", "debug_", "clique_", "qbft_", "deedbook_")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A node and its name. `probe` is the same node, asked with less patience about itself."""

    host: str
    node: Node
    probe: Node

    @staticmethod
    def at(url: str, *, timeout: float = 30.0, probe_timeout: float = 5.0, connect: float = 2.0) -> Endpoint:
        """The node at an address; `connect` is for how many seconds the probe waits for a connection. Raises
        InvalidInput ("url")."""
        node = HttpNode(url, timeout)
        return Endpoint(node.host, node, HttpNode(url, probe_timeout, connect=connect, most_answer=_PROBE_ANSWER))


@dataclass(frozen=True, slots=True)
class EndpointState:
    """How an endpoint stands: its circuit; the newest block it told; how many blocks it is behind the best, None
    where it told none; the last failure's code, whether or not it is over; seconds until it is tried again.
    """

    host: str
    circuit: CircuitState
    in_use: bool
    head: int | None
    behind: int | None
    syncing: bool
    failure: str | None
    retry_in: float

    def to_json(self) -> dict[str, Any]:
        """For `deedbook status`."""
        return {
            "host": self.host,
            "circuit": self.circuit.value,
            "inUse": self.in_use,
            "head": self.head,
            "behind": self.behind,
            "syncing": self.syncing,
            "lastFailure": self.failure,
            "retryIn": round(self.retry_in, 1),
        }


@dataclass(slots=True, eq=False)
class _Line:
    """An endpoint and what is known of it. `sound`: identified since it last failed."""

    place: int
    endpoint: Endpoint
    circuit: Circuit
    host: str
    sound: bool = False
    head: int | None = None
    syncing: bool = False
    failure: str | None = None
    foreign: str = ""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a node said of itself."""

    identity: tuple[int, bytes]
    head: int
    syncing: bool


@dataclass(slots=True)
class _Tried:
    """Which lines one request has been put to, and whether any of them may have heard it."""

    times: dict[_Line, int] = field(default_factory=dict)
    heard: bool = False


class Endpoints:
    """The endpoints as a Node, the preferred one first. Thread-safe.

    `chain_id` and `genesis_hash` (32 bytes) say which chain; without them it is the one that all endpoints which
    answer agree on. `trip` failures in a row, or a grave one, open an endpoint's circuit for a `back_off`. `clock`
    gives seconds that do not go back; `jitter` numbers in [0, 1). Raises InvalidInput for no endpoint.
    """

    def __init__(
        self,
        nodes: Sequence[Endpoint],
        *,
        chain_id: int | None = None,
        genesis_hash: bytes | None = None,
        lag: int = LAG,
        period: float = PERIOD,
        trip: int = 3,
        back_off: tuple[float, float] = BACK_OFF,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        if not nodes:
            raise InvalidInput("rpc_urls", "names no node")
        jitter = jitter or secrets.SystemRandom().random
        self._lines = [
            _Line(place, endpoint, Circuit(jitter, trip=trip, base=back_off[0], most=back_off[1]), _label(nodes, place))
            for place, endpoint in enumerate(nodes)
        ]
        self._identity = None if chain_id is None or genesis_hash is None else (chain_id, genesis_hash)
        self._lag = lag
        self._period = period
        self._clock = clock
        self._next = clock()
        self._agreed: tuple[float, int] | None = None
        self._confirmed: tuple[int, bytes] | None = None
        self._lock = threading.Lock()
        self._surveying = threading.Lock()

    # -- a Node ----------------------------------------------------------------------------------------------------

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result of the first endpoint that answers.

        Raises NodeError; WrongChain where every endpoint is foreign; NodesDisagree where the chain is still to be
        learnt and they differ; ChainUnavailable naming how each endpoint failed.
        """

        def ask(node: Node) -> Any:
            result = node.request(method, params)
            require_answer(method, params, result)
            return result

        return self._ask(ask, _is_repeatable(method))

    def text(self, method: str, params: Sequence[Any]) -> Text:
        """As `request`, as JSON (see `client.text_of`); what is in it was not looked at."""
        return self._ask(lambda node: text_of(node, method, params), _is_repeatable(method))

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        """The results of one endpoint, in order. Raises as `request`, but for the node's errors, which are results."""

        def ask(node: Node) -> list[Any | NodeError]:
            results = node.batch(requests)
            for (method, params), result in zip(requests, results, strict=True):
                if not isinstance(result, NodeError):
                    require_answer(method, params, result)
            return results

        return self._ask(ask, all(_is_repeatable(method) for method, _ in requests)) if requests else []

    def _ask(self, ask: Callable[[Node], T], repeatable: bool) -> T:
        tried = _Tried()
        while True:
            line = self._choose(tried)
            tried.times[line] = tried.times.get(line, 0) + 1
            try:
                found = ask(line.endpoint.node)
            except NodeError:
                self._worked(line)
                raise
            except ChainUnavailable as failure:
                self._failed(line, failure.failure, grave=failure.failure in GRAVE)
                tried.heard |= not failure.unsent
                if not (repeatable or failure.unsent):
                    raise
                if failure.failure == TIMEOUT:
                    tried.times[line] += 1  # as good as asked twice
                    if len(self._lines) == 1:
                        raise
            else:
                self._worked(line)
                return found

    def _choose(self, tried: _Tried) -> _Line:
        """The next line for a request: one it was not put to yet, or, where it was put to a single one, that once
        more. Raises ChainUnavailable, WrongChain."""
        self._survey_when_due()
        with self._lock:
            order = self._order()
            fresh = [line for line in order if line not in tried.times]
            if not fresh and sum(tried.times.values()) < 2:
                fresh = order  # one alone: once more
            if fresh:
                return fresh[0]
            raise self._unavailable(unsent=not tried.heard)

    def _order(self) -> list[_Line]:
        """The lines that may be asked: those at the head by preference, then the others, the newest first."""
        now = self._clock()
        usable = [line for line in self._lines if line.sound and line.circuit.state(now) is CircuitState.CLOSED]
        best = self._best(usable)

        def rank(line: _Line) -> tuple[bool, int, int]:
            head = line.head or 0
            behind = line.syncing or head < best - self._lag
            return behind, -head if behind else 0, line.place

        return sorted(usable, key=rank)

    def _best(self, lines: Sequence[_Line]) -> int:
        return max((line.head or 0 for line in lines if line.sound and not line.syncing), default=0)

    def _worked(self, line: _Line) -> None:
        with self._lock:
            line.circuit.worked()

    def _failed(self, line: _Line, failure: str, *, grave: bool) -> None:
        with self._lock:
            line.sound = False
            line.failure = failure
            line.circuit.failed(self._clock(), grave=grave)

    def _unavailable(self, *, unsent: bool) -> DeedbookError:
        """Why no endpoint answers, each by its name."""
        if all(line.foreign for line in self._lines) and self._identity is not None:
            stated = ", ".join(f"{line.host} is of {line.foreign}" for line in self._lines)
            return WrongChain(f"{stated}, not {_chain(self._identity)}")
        failures = {line.host: line.failure or "not asked" for line in self._lines}
        wait = min(line.circuit.wait(self._clock()) for line in self._lines)
        words = ", ".join(f"{host} {failure}" for host, failure in failures.items())
        failure = next(iter(failures.values())) if len(failures) == 1 else "no-endpoint"
        fields: dict[str, Any] = {"endpoints": failures, "retry_in": round(wait, 1)}
        return ChainUnavailable(f"no node answers: {words}", failure=failure, unsent=unsent, **fields)

    # -- surveys ---------------------------------------------------------------------------------------------------

    def survey(self) -> None:
        """Asks every endpoint whose circuit lets it be asked for its chain, its newest block and whether it syncs.

        Raises NodesDisagree where the chain is still to be learnt and they name different ones.
        """
        with self._surveying:
            self._survey()

    def _survey_when_due(self) -> None:
        """One thread surveys; the others go on with what is known, and wait only where nothing is."""
        if not self._is_due():
            return
        with self._lock:
            known = self._identity is not None and bool(self._order())
        if not self._surveying.acquire(blocking=not known):
            return
        try:
            if self._is_due():
                self._survey()
        finally:
            self._surveying.release()

    def _is_due(self) -> bool:
        with self._lock:
            now = self._clock()
            askable = [line for line in self._lines if line.circuit.state(now) is not CircuitState.OPEN]
            return bool(askable) and (now >= self._next or not all(line.sound for line in askable))

    def _survey(self) -> None:
        with self._lock:
            now = self._clock()
            self._next = now + self._period
            lines = [line for line in self._lines if line.circuit.state(now) is not CircuitState.OPEN]
        found = self._together(lines, _facts)
        identities = {line.host: facts.identity for line, facts in found}
        if self._identity is None:
            if len(set(identities.values())) > 1:
                raise NodesDisagree("the chain", {host: _chain(each) for host, each in identities.items()})
            self._identity = next(iter(identities.values()), None)
        for line, facts in found:
            self._learn(line, facts)

    def _learn(self, line: _Line, facts: _Facts) -> None:
        if facts.identity != self._identity:
            line.foreign = _chain(facts.identity)
            self._failed(line, WRONG_CHAIN, grave=True)
            return
        with self._lock:
            line.foreign = ""
            line.head, line.syncing, line.sound = facts.head, facts.syncing, True
            line.circuit.tried()

    def _together(self, lines: Sequence[_Line], ask: Callable[[Node], T]) -> list[tuple[_Line, T]]:
        """What each line answers, all asked at the same time; those that do not have failed. Alone, a node is given
        all the patience there is: nothing else could answer."""
        if len(self._lines) == 1:
            found = [self._answer(line, line.endpoint.node, ask) for line in lines]
        elif not lines:
            found = []
        else:
            with ThreadPoolExecutor(len(lines), "endpoint") as pool:
                found = list(pool.map(lambda line: self._answer(line, line.endpoint.probe, ask), lines))
        return [(line, answer) for line, answer in zip(lines, found, strict=True) if answer is not None]

    def _answer(self, line: _Line, node: Node, ask: Callable[[Node], T]) -> T | None:
        try:
            return ask(node)
        except ChainUnavailable as failure:
            self._failed(line, failure.failure, grave=failure.failure in GRAVE or failure.failure == TIMEOUT)
            return None

    # -- identity, agreement, state --------------------------------------------------------------------------------

    def identity(self) -> tuple[int, bytes]:
        """Chain id and genesis hash: the given ones, or those that every endpoint which answers names.

        Raises NodesDisagree, ChainUnavailable.
        """
        if self._identity is None:
            self.survey()
        if self._identity is None:
            with self._lock:
                raise self._unavailable(unsent=True)
        return self._identity

    def check(self, final: Finality = at_once, *, within: float = 0.0) -> int:
        """Compares the endpoints that answer at the highest block that all have and that is final; its number, or -1
        where there is none. With a single endpoint there is nothing to compare. A comparison that went well less than
        `within` seconds ago stands for a new one.

        Raises NodesDisagree quoting each endpoint's hash, ChainUnavailable.
        """
        now = self._clock()
        if self._agreed is None or now - self._agreed[0] >= within:
            self._agreed = now, self._compared(final)
        return self._agreed[1]

    def _compared(self, final: Finality) -> int:
        self.survey()
        with self._lock:
            lines = self._order()
        number = final(min(line.head or 0 for line in lines)) if len(lines) > 1 else -1
        if number < 0:
            return -1
        stated = self._together(lines, lambda node: _hash_of(node, number))
        if len({block_hash for _, block_hash in stated}) > 1:
            hint = "find out which is right, and take the other out of DEEDBOOK_RPC_URLS"
            raise NodesDisagree(f"block {number}", {line.host: found for line, found in stated}, hint=hint)
        if len(stated) > 1:
            self._confirmed = number, from_hex(stated[0][1], "hash", 32)
        return number

    @property
    def confirmed(self) -> tuple[int, bytes] | None:
        """Number and hash (32 bytes) of the last final block that two endpoints or more were found to agree on."""
        return self._confirmed

    def states(self) -> tuple[EndpointState, ...]:
        """How each endpoint stood when it was last asked, in the order of preference."""
        with self._lock:
            now, first = self._clock(), next(iter(self._order()), None)
            best = self._best(self._lines)
            return tuple(
                EndpointState(
                    host=line.host,
                    circuit=line.circuit.state(now),
                    in_use=line is first,
                    head=line.head,
                    behind=None if line.head is None else max(0, best - line.head),
                    syncing=line.syncing,
                    failure=line.failure,
                    retry_in=line.circuit.wait(now),
                )
                for line in self._lines
            )

    def close(self) -> None:
        """Closes the connections that are kept."""
        for line in self._lines:
            for node in (line.endpoint.node, line.endpoint.probe):
                if isinstance(node, HttpNode):
                    node.close()


def _facts(node: Node) -> _Facts:
    """Raises ChainUnavailable; a node that refuses to say who it is, is not available either."""
    answers = node.batch(_PROBE)
    for (method, params), answer in zip(_PROBE[:3], answers[:3], strict=True):
        if isinstance(answer, NodeError):
            raise ChainUnavailable(f"the node refuses {method}", failure="refuses") from answer
        require_answer(method, params, answer)
    chain_id, genesis, latest, syncing = (None if isinstance(answer, NodeError) else answer for answer in answers)
    if genesis is None:
        raise ChainUnavailable("the node has no block 0", failure=WRONG_CHAIN)
    identity = int(str(chain_id), 16), from_hex(told_hash(genesis), "genesisHash", 32)
    return _Facts(identity, told_number(latest), isinstance(syncing, dict) or syncing is True)


def _hash_of(node: Node, number: int) -> str:
    params = [hex(number), False]
    try:
        block = node.request("eth_getBlockByNumber", params)
    except NodeError as error:
        raise ChainUnavailable(f"the node refuses block {number}", failure="refuses") from error
    require_answer("eth_getBlockByNumber", params, block)
    if block is None:
        raise ChainUnavailable(f"the node has no block {number} below its own head", failure="lost-block")
    return told_hash(block)


def _is_repeatable(method: str) -> bool:
    """Whether doing it twice does no more than doing it once."""
    return method.startswith(_REPEATABLE) and method not in _ONCE_ONLY


def _label(nodes: Sequence[Endpoint], place: int) -> str:
    """Its host; numbered where an earlier one is of the same."""
    host = nodes[place].host
    earlier = sum(node.host == host for node in nodes[:place])
    return f"{host} ({earlier + 1})" if earlier else host


def _chain(identity: tuple[int, bytes]) -> str:
    return f"chain {identity[0]} with genesis {to_hex(identity[1])}"
