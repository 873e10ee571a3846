"""Several nodes as one: which is asked, which is passed over, what is sent twice, and how a failure is told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from deedbook.chain.circuit import CircuitState
from deedbook.chain.client import NodeError, Request, one_by_one
from deedbook.chain.endpoints import Endpoint, Endpoints
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.errors import ChainUnavailable, InvalidInput, NodesDisagree, WrongChain

CHAIN_ID = 7
RAW = "0x02c0"
RAW_HASH = to_hex(keccak256(bytes.fromhex("02c0")))


def block_hash(history: str, number: int) -> str:
    return to_hex(keccak256(f"{history} {number}".encode()))


class Told:
    """A node with a head, a history and a script of failures; it counts what it is asked beside its own state."""

    def __init__(self, name: str, *, head: int = 100, chain_id: int = CHAIN_ID, fork: int | None = None) -> None:
        self.host = name
        self.head = head
        self.chain_id = chain_id
        self.fork = fork  # from this block on its history is its own
        self.syncing: Any = False
        self.down: str | None = None
        self.failures: list[Exception | None] = []
        self.asked: list[str] = []
        self.probed = 0

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if self.down:
            raise ChainUnavailable("down", failure=self.down, unsent=self.down == "refused")
        own = self._own(method, params)
        if own is not None:
            return own
        self.asked.append(method)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return RAW_HASH if method == "eth_sendRawTransaction" else f"{method} by {self.host}"

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        self.probed += requests[0][0] == "eth_chainId"
        return one_by_one(self, requests)

    def _own(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_chainId":
            return hex(self.chain_id)
        if method == "eth_syncing":
            return self.syncing
        if method != "eth_getBlockByNumber":
            return None
        number = self.head if params[0] == "latest" else int(params[0], 16)
        history = self.host if self.fork is not None and number >= self.fork else "one"
        return {"number": hex(number), "hash": block_hash(history, number)}


class Ticks:
    """A clock in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


GENESIS = bytes.fromhex(block_hash("one", 0)[2:])


def endpoints(*nodes: Told, clock: Ticks | None = None, known: bool = True, **settings: Any) -> Endpoints:
    identity: dict[str, Any] = {"chain_id": CHAIN_ID, "genesis_hash": GENESIS} if known else {}
    return Endpoints(
        [Endpoint(node.host, node, node) for node in nodes],
        clock=clock or Ticks(),
        jitter=lambda: 0.0,
        **identity,
        **settings,
    )


def lost(failure: str = "closed", *, unsent: bool = False) -> ChainUnavailable:
    return ChainUnavailable("no answer", failure=failure, unsent=unsent)


def who(answering: Endpoints) -> str:
    """The endpoint that answers."""
    return str(answering.request("net_listening", [])).removeprefix("net_listening by ")


# -- which is asked


def test_the_first_that_is_sound_is_asked_and_stays_so() -> None:
    a, b = Told("a"), Told("b")
    several = endpoints(a, b)
    assert [who(several) for _ in range(5)] == ["a"] * 5
    assert b.asked == []


def test_no_endpoint_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Endpoints([])


def test_one_that_does_not_answer_is_stood_in_for_and_comes_back() -> None:
    a, b, clock = Told("a"), Told("b"), Ticks()
    several = endpoints(a, b, clock=clock)
    assert who(several) == "a"
    a.down = "timeout"
    assert who(several) == "b"
    assert [state.circuit for state in several.states()] == [CircuitState.OPEN, CircuitState.CLOSED]
    a.down = None
    assert who(several) == "b"  # its back-off is not over
    clock.now += 0.5
    assert who(several) == "a"


def test_a_request_goes_to_each_endpoint_and_then_names_how_each_failed() -> None:
    a, b, c = Told("a:1"), Told("b:2"), Told("c:3")
    several = endpoints(a, b, c)
    a.failures, b.failures, c.failures = [lost("closed")], [lost("http-502")], [lost("not-json")]
    with pytest.raises(ChainUnavailable) as caught:
        several.request("net_listening", [])
    assert caught.value.message == "no node answers: a:1 closed, b:2 http-502, c:3 not-json"
    assert caught.value.fields["endpoints"] == {"a:1": "closed", "b:2": "http-502", "c:3": "not-json"}
    assert (caught.value.retryable, caught.value.unsent) == (True, False)
    assert [len(node.asked) for node in (a, b, c)] == [1, 1, 1]


def test_one_alone_is_asked_once_more() -> None:
    a = Told("a:1")
    several = endpoints(a)
    a.failures = [lost("closed")]
    assert who(several) == "a:1"
    a.failures = [lost("closed"), lost("wrong-id")]
    with pytest.raises(ChainUnavailable) as caught:
        several.request("net_listening", [])
    assert caught.value.failure == "wrong-id"


def test_a_request_that_takes_too_long_is_no_verdict_on_an_endpoint_that_is_well() -> None:
    a, b = Told("a:1"), Told("b:2")
    several = endpoints(a, b)
    a.failures, b.failures = [lost("timeout")], [lost("timeout")]
    with pytest.raises(ChainUnavailable):
        several.request("eth_getLogs", [])
    assert (a.asked, b.asked) == (["eth_getLogs"], ["eth_getLogs"])
    assert who(several) == "a:1"
    alone = endpoints(a)
    a.failures = [lost("timeout")]
    with pytest.raises(ChainUnavailable) as caught:
        alone.request("eth_getLogs", [])
    assert caught.value.failure == "timeout"
    assert who(alone) == "a:1"


def test_while_its_circuit_is_open_an_endpoint_is_left_alone() -> None:
    a, clock = Told("a:1"), Ticks()
    a.down = "timeout"
    several = endpoints(a, clock=clock)
    for _ in range(10):
        with pytest.raises(ChainUnavailable) as caught:
            several.request("net_listening", [])
        assert caught.value.unsent
    assert a.probed == 1
    assert caught.value.fields["retry_in"] == 0.5
    clock.now += 0.5
    with pytest.raises(ChainUnavailable):
        several.request("net_listening", [])
    assert (a.probed, several.states()[0].retry_in) == (2, 1.0)


def test_an_error_of_the_node_is_an_answer() -> None:
    a, b = Told("a"), Told("b")
    several = endpoints(a, b)
    a.failures = [NodeError(-32000, "no")] * 9
    for _ in range(9):
        with pytest.raises(NodeError):
            several.request("eth_call", [])
    assert b.asked == []
    assert several.states()[0].failure is None


# -- identity


def test_a_foreign_endpoint_is_never_used() -> None:
    for foreign in (Told("a", chain_id=8), Told("a", fork=0)):
        several = endpoints(foreign, Told("b"))
        assert [who(several) for _ in range(3)] == ["b"] * 3
        assert foreign.asked == []
        assert several.states()[0].failure == "wrong-chain"


def test_where_all_are_foreign_each_is_quoted() -> None:
    several = endpoints(Told("a:1", chain_id=8), Told("b:2", fork=0))
    with pytest.raises(WrongChain) as caught:
        several.request("eth_blockNumber", [])
    assert "a:1 is of chain 8" in caught.value.message
    assert f"b:2 is of chain 7 with genesis {block_hash('b:2', 0)}" in caught.value.message
    assert not caught.value.retryable


def test_where_one_is_foreign_and_one_is_down_it_may_be_tried_again() -> None:
    a, b = Told("a:1", chain_id=8), Told("b:2")
    b.down = "refused"
    with pytest.raises(ChainUnavailable) as caught:
        endpoints(a, b).request("net_listening", [])
    assert caught.value.fields["endpoints"] == {"a:1": "wrong-chain", "b:2": "refused"}


def test_an_endpoint_is_identified_again_after_every_failure() -> None:
    a, b = Told("a"), Told("b")
    several = endpoints(a, b)
    assert who(several) == "a"
    a.failures, a.chain_id = [lost()], 8  # it ended, and another chain was started at its address
    assert who(several) == "b"
    assert several.states()[0].failure == "wrong-chain"


def test_an_endpoint_that_changes_its_chain_quietly_is_found_out_by_the_next_survey() -> None:
    a, b, clock = Told("a"), Told("b"), Ticks()
    several = endpoints(a, b, clock=clock)
    assert who(several) == "a"
    a.fork = 0
    clock.now += 5
    assert who(several) == "b"


def test_an_unknown_chain_is_learnt_where_all_agree() -> None:
    a, b, c = Told("a"), Told("b"), Told("c")
    c.down = "refused"
    several = endpoints(a, b, c, known=False)
    assert several.identity() == (CHAIN_ID, GENESIS)
    assert who(several) == "a"


def test_an_unknown_chain_is_not_learnt_where_they_differ() -> None:
    several = endpoints(Told("a:1"), Told("b:2", chain_id=8), known=False)
    for ask in (several.identity, lambda: several.request("eth_blockNumber", [])):
        with pytest.raises(NodesDisagree) as caught:
            ask()
        assert caught.value.stated == {
            "a:1": f"chain 7 with genesis {to_hex(GENESIS)}",
            "b:2": f"chain 8 with genesis {to_hex(GENESIS)}",
        }


def test_an_unknown_chain_of_silent_nodes_is_unavailable() -> None:
    a = Told("a:1")
    a.down = "refused"
    several = endpoints(a, known=False)
    with pytest.raises(ChainUnavailable) as caught:
        several.identity()
    assert caught.value.failure == "refused"


# -- heads


def test_one_that_lags_is_passed_over_while_a_better_one_answers() -> None:
    a, b, clock = Told("a", head=94), Told("b", head=100), Ticks()
    several = endpoints(a, b, clock=clock, lag=5)
    assert who(several) == "b"
    assert [(state.head, state.behind, state.in_use) for state in several.states()] == [
        (94, 6, False),
        (100, 0, True),
    ]
    b.down = "closed"
    clock.now += 5
    assert who(several) == "a"  # better than nothing
    b.down, a.head = None, 95
    clock.now += 60
    assert who(several) == "a"  # five behind is no lag


def test_among_those_that_lag_the_newest_is_asked() -> None:
    a, b, c = Told("a", head=10), Told("b", head=20), Told("c", head=100)
    several = endpoints(a, b, c)
    c.failures = [lost()]
    assert who(several) == "b"


def test_one_that_is_syncing_is_passed_over() -> None:
    a, b = Told("a", head=1000), Told("b", head=10)
    a.syncing = {"currentBlock": "0x1", "highestBlock": "0x2"}
    several = endpoints(a, b)
    assert who(several) == "b"
    b.failures = [lost()]
    assert who(several) == "a"


def test_a_head_without_its_block_is_none() -> None:
    class Boasting(Told):
        def request(self, method: str, params: Sequence[Any]) -> Any:
            found = super().request(method, params)
            return None if params[:1] == ["latest"] else found

    a, b = Boasting("a", head=10**9), Told("b")
    several = endpoints(a, b)
    assert who(several) == "b"
    assert several.states()[0].failure == "malformed"


# -- what is sent


def test_a_raw_transaction_in_doubt_goes_to_the_next_as_the_same_bytes() -> None:
    a, b = Told("a"), Told("b")
    several = endpoints(a, b)
    a.failures = [lost("timeout")]
    assert several.request("eth_sendRawTransaction", [RAW]) == RAW_HASH
    assert (a.asked, b.asked) == (["eth_sendRawTransaction"], ["eth_sendRawTransaction"])


def test_another_hash_than_the_bytes_own_is_no_answer() -> None:
    class Swindler(Told):
        def request(self, method: str, params: Sequence[Any]) -> Any:
            found = super().request(method, params)
            return "0x" + "11" * 32 if method == "eth_sendRawTransaction" else found

    a, b = Swindler("a"), Told("b")
    several = endpoints(a, b)
    assert several.request("eth_sendRawTransaction", [RAW]) == RAW_HASH
    assert several.states()[0].failure == "malformed"


def test_what_would_do_more_when_done_twice_is_sent_again_only_if_it_never_left() -> None:
    a, b = Told("a"), Told("b")
    several = endpoints(a, b)
    a.failures = [lost("closed")]
    with pytest.raises(ChainUnavailable):
        several.request("evm_mine", [])
    assert b.asked == []
    a.failures = [lost("refused", unsent=True)]
    assert several.request("evm_mine", []) == "evm_mine by b"


def test_a_batch_is_answered_by_one_endpoint() -> None:
    a, b = Told("a"), Told("b")
    several = endpoints(a, b)
    a.failures = [None, lost(), None]
    requests: list[Request] = [("net_version", []), ("net_listening", []), ("web3_clientVersion", [])]
    assert several.batch(requests) == ["net_version by b", "net_listening by b", "web3_clientVersion by b"]
    assert several.batch([]) == []


def test_errors_in_a_batch_stand_in_their_places() -> None:
    a = Told("a")
    several = endpoints(a)
    a.failures = [None, NodeError(-32000, "no"), None]
    first, second, third = several.batch([("net_version", []), ("net_listening", []), ("net_version", [])])
    assert (first, third) == ("net_version by a", "net_version by a")
    assert isinstance(second, NodeError)


# -- agreement


def test_nodes_of_one_history_agree_at_their_highest_common_block() -> None:
    several = endpoints(Told("a", head=90), Told("b", head=100))
    assert several.check() == 90
    assert several.check(lambda tip: tip - 8) == 82
    assert several.check(lambda tip: -1) == -1
    assert endpoints(Told("a")).check() == -1


def test_two_that_disagree_are_both_quoted() -> None:
    several = endpoints(Told("a:1", head=100), Told("b:2", head=95, fork=90), Told("c:3", head=101))
    with pytest.raises(NodesDisagree) as caught:
        several.check()
    assert caught.value.what == "block 95"
    assert caught.value.stated == {
        "a:1": block_hash("one", 95),
        "b:2": block_hash("b:2", 95),
        "c:3": block_hash("one", 95),
    }
    assert "a:1 states 0x" in caught.value.message
    assert "b:2 states 0x" in caught.value.message
    assert not caught.value.retryable
    assert several.check(lambda tip: 89) == 89  # a fork above what is final is none of our business


def test_one_that_came_back_beside_a_block_that_is_final_by_now_is_only_behind() -> None:
    several = endpoints(Told("a", head=100), Told("b", head=96, fork=96))
    assert several.check(lambda tip: tip - 3) == 93


def test_an_agreement_holds_for_a_while_and_a_disagreement_is_told_each_time() -> None:
    a, b, clock = Told("a"), Told("b"), Ticks()
    several = endpoints(a, b, clock=clock)
    assert [several.check(within=5), several.check(within=5)] == [100, 100]
    assert a.probed == 1
    b.fork = 50
    assert several.check(within=5) == 100
    clock.now += 5
    for _ in range(2):
        with pytest.raises(NodesDisagree):
            several.check(within=5)
    assert b.probed == 3


def test_who_does_not_answer_disagrees_with_nobody() -> None:
    a, b = Told("a"), Told("b", fork=50)
    several = endpoints(a, b)
    b.down = "refused"
    assert several.check() == -1


# -- many threads


def test_threads_share_it_and_one_at_a_time_surveys() -> None:
    a, b, clock = Told("a"), Told("b"), Ticks()
    several = endpoints(a, b, clock=clock)
    found: list[str] = []

    def work() -> None:
        found.extend(who(several) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["a"] * 400
    assert a.probed == b.probed == 1


def test_two_endpoints_of_one_host_are_told_apart() -> None:
    several = endpoints(Told("a:1"), Told("a:1"), Told("a:1"))
    assert [state.host for state in several.states()] == ["a:1", "a:1 (2)", "a:1 (3)"]


def test_a_state_in_json_names_everything() -> None:
    a = Told("a:1")
    a.down = "timeout"
    several = endpoints(a)
    with pytest.raises(ChainUnavailable):
        several.request("eth_blockNumber", [])
    assert several.states()[0].to_json() == {
        "host": "a:1",
        "circuit": "open",
        "inUse": False,
        "head": None,
        "behind": None,
        "syncing": False,
        "lastFailure": "timeout",
        "retryIn": 0.5,
    }
