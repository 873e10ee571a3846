"""A node that fails and lies between a real chain and the follower: each fault by what the mirror said of it.

Whatever happens, nothing that is not the chain's gets into the mirror; when the node is sound again, the mirror goes on
and equals a rebuild.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.services import Services
from deedbook.chain.client import HttpNode
from deedbook.chain.endpoints import Endpoint, Endpoints
from deedbook.config import Settings
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.errors import ChainUnavailable, CorruptStore, IntegrityError, Locked, WrongChain
from deedbook.mirror.follower import Case
from deedbook.mirror.store import Mirror
from deedbook.queries.status import status
from tests.fault_node import (
    Bytes,
    ChangedLogs,
    CloseAfter,
    CloseBefore,
    Delay,
    Denied,
    Fault,
    FaultNode,
    HalfOpen,
    Html,
    Huge,
    Lie,
    OlderHead,
    OtherChain,
    OtherHistory,
    Refused,
    Reset,
    Trickle,
    Truncate,
    WrongId,
    WrongType,
)
from tests.integration.mirrored_anvil import CHAIN_ID, Written, written

LOGS = "eth_getLogs"
Log = dict[str, Any]


@pytest.fixture(scope="module")
def chain(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    with written(anvil, tmp_path_factory.mktemp("faults") / "home") as made:
        made.write(3, 2, 0, 1)
        yield made


@pytest.fixture(scope="module")
def behind(chain: Written, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of everything but the last four blocks, to be copied."""
    path = tmp_path_factory.mktemp("behind") / "mirror.sqlite"
    mirror = chain.mirror(f"sqlite:///{path}")
    chain.follower(mirror).follow(chain.head() - 4)
    mirror.database.settle()
    mirror.close()
    return path


@pytest.fixture
def mirror(chain: Written, behind: Path, tmp_path: Path) -> Iterator[Mirror]:
    copied = chain.mirror(f"sqlite:///{shutil.copy(behind, tmp_path / 'mirror.sqlite')}")
    yield copied
    copied.close()


@contextmanager
def unmoved(chain: Written, mirror: Mirror) -> Iterator[None]:
    """What is done inside leaves the mirror where it stood; then it follows to the end and equals its rebuild."""
    before = mirror.cursor()
    yield
    assert mirror.cursor() == before
    assert chain.follower(mirror).follow().head == chain.head()
    assert chain.check(mirror).equal


# -- the line


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Reset(), "closed"),
        (CloseBefore(), "closed"),
        (CloseAfter(), "closed"),
        (HalfOpen(), "timeout"),
        (Delay(3), "timeout"),
        (Trickle(0.05), "timeout"),
        (Truncate(), "cut-short"),
        (Truncate(honest=True), "not-json"),
        (Huge(), "too-long"),
        (Bytes(b"no JSON at all"), "not-json"),
        (WrongId(), "wrong-id"),
        (Html(502), "http-502"),
        (Html(429), "http-429"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_fault_of_the_line_is_named_and_may_pass(chain: Written, mirror: Mirror, fault: Fault, said: str) -> None:
    with FaultNode(chain.node) as proxy, unmoved(chain, mirror):
        node = HttpNode(proxy.url, timeout=0.5 if said == "timeout" else 60)
        proxy.then(fault, methods=[LOGS], times=2)
        with pytest.raises(ChainUnavailable) as caught:
            chain.follower(mirror, node).follow()
        assert (caught.value.failure, caught.value.retryable) == (said, True)
        assert proxy.count(LOGS) == 1
        node.close()


@pytest.mark.parametrize(
    "fault",
    [WrongType(None), WrongType(7), WrongType({}), Refused("header not found")],
    ids=["null", "7", "{}", "error"],
)
def test_an_answer_of_another_kind_or_a_refusal_is_no_silence(chain: Written, mirror: Mirror, fault: Fault) -> None:
    with FaultNode(chain.node) as proxy, unmoved(chain, mirror):
        proxy.then(fault, methods=[LOGS])
        with pytest.raises(ChainUnavailable, match="gives no logs for block"):
            chain.follower(mirror, HttpNode(proxy.url, timeout=60)).follow()


def test_a_hundred_megabytes_are_not_taken_in(chain: Written, mirror: Mirror) -> None:
    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    with FaultNode(chain.node) as proxy, unmoved(chain, mirror):
        before = peak()
        for announced in (True, False):
            proxy.then(Huge(announced=announced), methods=[LOGS])
            with pytest.raises(ChainUnavailable) as caught:
                chain.follower(mirror, HttpNode(proxy.url, timeout=60)).follow()
            assert caught.value.failure == "too-long"
        assert peak() - before < 96 * 1024 * 1024


# -- lies about logs


def _without_first(logs: list[Log]) -> list[Log]:
    return logs[1:]


def _none(_: list[Log]) -> list[Log]:
    return []


def _without_last(logs: list[Log]) -> list[Log]:
    return logs[:-1]


def _one_more(logs: list[Log]) -> list[Log]:
    invented = {**logs[-1], "logIndex": hex(int(logs[-1]["logIndex"], 16) + 1)}
    return [
        *logs,
        {**invented, "topics": [logs[-1]["topics"][0], to_hex(keccak256(b"nobody")), *logs[-1]["topics"][2:]]},
    ]


def _exchanged(logs: list[Log]) -> list[Log]:
    """The first two change their places, and the numbers say so."""
    first, second, *others = logs
    place = ("logIndex", "transactionIndex", "transactionHash")
    put = [{**second, **{n: first[n] for n in place}}, {**first, **{n: second[n] for n in place}}]
    return [*put, *others]


def _backwards(logs: list[Log]) -> list[Log]:
    return logs[::-1]


def _twice(logs: list[Log]) -> list[Log]:
    return [log for log in logs for _ in range(2)]


def _other_data(logs: list[Log]) -> list[Log]:
    return [{**logs[0], "data": logs[0]["data"][:-2] + "ff"}, *logs[1:]]


def _of_another_block(logs: list[Log]) -> list[Log]:
    return [{**log, "blockHash": to_hex(keccak256(b"elsewhere"))} for log in logs]


def _another_transaction(logs: list[Log]) -> list[Log]:
    return [{**logs[0], "transactionHash": to_hex(keccak256(b"another"))}, *logs[1:]]


LIES: list[tuple[Callable[[list[Log]], list[Log]], str]] = [
    (_none, "the node hides log 0 of block"),
    (_without_first, "the node hides log 0 of block"),
    (_without_last, "the node hides log 2 of block"),
    (_one_more, "the node invents log 3 of block"),
    (_exchanged, "the node reorders log 0 of block"),
    (_other_data, "the node changes log 0 of block"),
    (_another_transaction, "the node reorders log 0 of block"),
    (_backwards, "the node gives the logs of block .* out of order"),
    (_twice, "the node gives the logs of block .* out of order"),
    (_of_another_block, "the node gives a log of another block"),
]


@pytest.mark.parametrize(("change", "said"), LIES, ids=lambda value: getattr(value, "__name__", None))
def test_a_lie_about_logs_is_found_at_its_block_by_the_receipts(
    chain: Written, mirror: Mirror, change: Callable[[list[Log]], list[Log]], said: str
) -> None:
    number = chain.head() - 3
    with FaultNode(chain.node) as proxy, unmoved(chain, mirror):
        proxy.always(ChangedLogs(number, change))
        with pytest.raises(IntegrityError, match=said) as caught:
            chain.follower(mirror, HttpNode(proxy.url, timeout=60)).follow()
        assert caught.value.fields["block"] == number


@pytest.mark.parametrize("change", [_none, _without_first, _one_more, _exchanged, _other_data])
def test_where_there_are_no_receipts_the_journals_find_the_lie_at_its_range(
    chain: Written, mirror: Mirror, change: Callable[[list[Log]], list[Log]]
) -> None:
    """Block by block, so that the range where it happened is the block."""
    number = chain.head() - 2
    with FaultNode(chain.node) as proxy:
        proxy.always(ChangedLogs(number, change))
        proxy.always(Denied("eth_getBlockReceipts", "pruned history unavailable"))
        follower = chain.follower(mirror, HttpNode(proxy.url, timeout=60), span=1)
        with pytest.raises(
            IntegrityError, match=r"the logs of Membership .* do not fold to the proven journal"
        ) as caught:
            follower.follow()
        assert caught.value.fields["block"] == number
        cursor = mirror.cursor()
        assert cursor is not None
        assert cursor.number == number - 1
    assert chain.follower(mirror).follow().head == chain.head()
    assert chain.check(mirror).equal


def test_receipts_that_tell_the_same_lie_are_not_the_blocks(chain: Written, mirror: Mirror) -> None:
    number = chain.head() - 3
    with FaultNode(chain.node) as proxy, unmoved(chain, mirror):
        proxy.always(ChangedLogs(number, _none, consistent=True))
        with pytest.raises(IntegrityError, match=f"the node's receipts of block {number} are not the block's"):
            chain.follower(mirror, HttpNode(proxy.url, timeout=60)).follow()


# -- what a node no longer has


def test_pruned_receipts_are_remembered_and_no_error(chain: Written, mirror: Mirror) -> None:
    with FaultNode(chain.node) as proxy:
        proxy.always(Denied("eth_getBlockReceipts", "pruned history unavailable"))
        assert chain.follower(mirror, HttpNode(proxy.url, timeout=60)).follow().lag == 0
    now = status(mirror).verification
    assert (now.receipts_refused, now.proof) == (chain.head(), chain.head())
    assert now.words.startswith(f"verified to block {chain.head()} by proof")
    assert chain.check(mirror).equal


def test_without_state_and_receipts_the_mirror_says_that_it_is_unverified(chain: Written, tmp_path: Path) -> None:
    fresh = chain.mirror(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    with FaultNode(chain.node) as proxy:
        proxy.always(Denied("eth_getBlockReceipts"))
        proxy.always(Denied("eth_getProof"))
        chain.follower(fresh, HttpNode(proxy.url, timeout=60)).follow()
    assert status(fresh).verification.receipts_to != chain.head()
    assert status(fresh).verification.proof is None
    fresh.close()


# -- another head, another chain


def test_an_older_head_undoes_nothing(chain: Written, mirror: Mirror) -> None:
    chain.follower(mirror).follow()
    before = mirror.cursor()
    with FaultNode(chain.node) as proxy:
        proxy.always(OlderHead(6))
        progress = chain.follower(mirror, HttpNode(proxy.url, timeout=60)).follow()
    assert (progress.case, progress.undone, progress.tip) == (Case.BEHIND, 0, chain.head() - 6)
    assert mirror.cursor() == before


@pytest.mark.parametrize("lie", [OtherChain(5), OtherHistory(0)], ids=["chain id", "genesis"])
def test_another_chain_is_refused(chain: Written, mirror: Mirror, lie: Lie) -> None:
    with FaultNode(chain.node) as proxy, unmoved(chain, mirror):
        proxy.always(lie)
        alone = [Endpoint.at(proxy.url, timeout=60)]
        node = Endpoints(alone, chain_id=CHAIN_ID, genesis_hash=chain.chain.genesis_hash)
        with pytest.raises(WrongChain):
            chain.follower(mirror, node).follow()
        node.close()


def test_hashes_that_are_not_the_headers_are_refused(chain: Written, mirror: Mirror) -> None:
    with FaultNode(chain.node) as proxy, unmoved(chain, mirror):
        proxy.always(OtherHistory(chain.head() - 3))
        with pytest.raises(IntegrityError, match="does not hash to"):
            chain.follower(mirror, HttpNode(proxy.url, timeout=60)).follow()


# -- two nodes


def test_a_second_node_confirms_what_both_have(chain: Written) -> None:
    head = chain.head()
    with FaultNode(chain.node) as first, FaultNode(chain.node) as second:
        second.always(OlderHead(2))
        settings = Settings(home=chain.home, rpc_urls=(first.url, second.url))
        with Services.copying(settings) as services:
            services.follow()
            now = status(services.mirror).verification
    assert (now.proof, now.receipts_from, now.receipts_to, now.second_node) == (head, 0, head, head - 2)
    assert now.words == (
        f"verified to block {head} by proof, to block {head - 2} by a second node, from block 0 to {head} by receipts"
    )


# -- a storm


def test_in_a_storm_of_faults_the_mirror_arrives_and_is_right(chain: Written, mirror: Mirror) -> None:
    said: set[str] = set()
    with FaultNode(chain.node) as proxy:
        proxy.seeded(11, {Reset(): 0.02, CloseAfter(): 0.02, Truncate(): 0.02, WrongId(): 0.02, Html(502): 0.02})
        follower = chain.follower(mirror, HttpNode(proxy.url, timeout=60), span=1)
        for _ in range(200):
            try:
                if follower.follow().lag == 0:
                    break
            except ChainUnavailable as error:
                said.add(error.failure)
    cursor = mirror.cursor()
    assert cursor is not None
    assert cursor.number == chain.head()
    assert said & {"closed", "cut-short", "wrong-id", "http-502"}
    assert chain.check(mirror).equal


# -- the mirror's own ground


def test_a_full_disk_is_named_and_what_was_committed_stands(chain: Written, tmp_path: Path) -> None:
    """A filesystem of 1 MiB; when there is room again, the follower goes on."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("a filesystem can be mounted by root alone")
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", str(place)], check=True)
        mirror = chain.mirror(f"sqlite:///{place / 'mirror.sqlite'}")
        stack.callback(mirror.close)
        (place / "ballast").write_bytes(bytes(300_000))
        with pytest.raises(CorruptStore, match="disk is full"):
            chain.follower(mirror, span=2).follow()
        stood = mirror.cursor()
        (place / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=16m", str(place)], check=True)
        assert (stood.number if stood else -1) < chain.head()
        assert chain.follower(mirror, span=2).follow().head == chain.head()
        assert chain.check(mirror).equal


def test_two_followers_of_one_mirror_end_where_one_would(chain: Written, mirror: Mirror) -> None:
    """Each in its own connection, at the same time: refused or resumed, never both at once."""
    other = Mirror.open(mirror.database.url, chain.chain)
    locked: list[Exception] = []

    def run(at: Mirror) -> None:
        node = HttpNode(chain.url, timeout=60)
        for _ in range(100):
            try:
                if chain.follower(at, node, span=1).follow().lag == 0:
                    break
            except Locked as error:
                locked.append(error)
        node.close()

    threads = [threading.Thread(target=run, args=(at,)) for at in (mirror, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cursor = mirror.cursor()
    assert cursor is not None
    assert cursor.number == chain.head()
    assert chain.check(mirror).equal
    other.close()
