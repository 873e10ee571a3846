"""Who checks consents may die: a process of the pool, a worker of a cluster, its scheduler. What was staged stays, the
same file again ends it, and what comes out is what one process finds."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path
from typing import cast

import pytest

from deedbook.bootstrap.clusters import cluster
from deedbook.bootstrap.processes import checking_processes
from deedbook.errors import InvalidInput, WorkersUnavailable
from deedbook.ledger.acting import Acting
from deedbook.ledger.collecting import Progress
from deedbook.ledger.consents import Consents
from deedbook.records.store import Records
from deedbook.wallet.consents import ConsentChecker, checked, in_chunks
from tests.dask_cluster import DaskCluster, free_port
from tests.toy_sealer import ToySealer
from tests.unit.test_ledger_collecting import COLLECTOR, DOMAIN, NOTICE, NOW, Notices, Unasked, lines, pending

CHECKER = ConsentChecker(DOMAIN, (NOTICE.encode(),))
DEADLY = (cast(ConsentChecker, os._exit), cast(bytes, 1))
"""Takes the process that runs it along."""


class Home:
    """A collector's records, and a file of twelve consents."""

    def __init__(self, folder: Path) -> None:
        self.records = Records.open(f"sqlite:///{folder / 'records.sqlite'}", ToySealer())
        acting = Acting(Unasked(), DOMAIN.chain_id, {"Consents": DOMAIN.contract})
        self.consents = Consents(acting, self.records.consents, Notices({NOTICE.hash: NOTICE}), lambda: NOW)
        self.lines = lines(*range(12))

    def collect(self, executor: Executor | None, half_way: Callable[[], None] = lambda: None) -> Progress:
        """Takes the file two lines at a time, two chunks under way; half way, two chunks are staged."""

        def coming() -> Iterator[bytes]:
            for place, line in enumerate(self.lines):
                if place == 6:
                    half_way()
                yield line

        steps = self.consents.collecting(COLLECTOR).collect(coming(), executor, chunk_size=2, ahead=2)
        return list(steps)[-1]

    def require_resumed(self) -> None:
        """Nothing waits for a batch; the same file again finds what was staged, and then all of it waits."""
        assert pending(self.records) == set()
        done = self.collect(None)
        assert done.lines == 12
        assert 4 <= done.lines - done.fresh < 12
        assert pending(self.records) == set(self.lines)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_process_of_the_pool_that_is_killed_is_told_and_the_same_file_goes_on(home: Home) -> None:
    before = set(active_children())

    def kill() -> None:
        for child in set(active_children()) - before:
            child.kill()
            child.join()

    with pytest.raises(WorkersUnavailable) as lost, checking_processes(2) as executor:
        home.collect(executor, kill)
    assert "run the same command again" in str(lost.value.hint)
    home.require_resumed()


def test_one_process_of_the_pool_that_is_ended_is_told() -> None:
    with pytest.raises(WorkersUnavailable), checking_processes(2) as executor:
        list(checked([DEADLY, (CHECKER, b""), DEADLY], executor))


# -- a cluster ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def standing() -> Iterator[DaskCluster]:
    with closing(DaskCluster(2)) as made:
        yield made


@pytest.fixture
def dask(standing: DaskCluster) -> DaskCluster:
    """Of two workers."""
    standing.fill(2)
    return standing


def test_a_cluster_finds_what_a_pool_and_this_process_find(dask: DaskCluster) -> None:
    tasks = [(CHECKER, chunk) for chunk in in_chunks([*lines(*range(9)), b"no consent"], 2)]
    here = list(checked(tasks, None))
    with cluster(dask.address) as (executor, threads):
        assert threads == 2
        assert list(checked(tasks, executor, ahead=3)) == here
    with checking_processes(2) as executor:
        assert list(checked(tasks, executor)) == here


def test_a_worker_that_is_killed_half_way_is_made_up_for(home: Home, dask: DaskCluster) -> None:
    with cluster(dask.address) as (executor, _):
        done = home.collect(executor, lambda: dask.kill(1))
    assert (done.lines, done.fresh) == (12, 12)
    assert pending(home.records) == set(home.lines)


def test_workers_that_are_all_gone_are_waited_for_and_no_longer(home: Home, dask: DaskCluster) -> None:
    with pytest.raises(WorkersUnavailable) as lost, cluster(dask.address, alone=1) as (executor, _):
        home.collect(executor, lambda: dask.kill(2))
    assert (lost.value.code, lost.value.retryable) == ("workers-unavailable", True)
    home.require_resumed()
    with pytest.raises(WorkersUnavailable, match="no worker"), cluster(dask.address, alone=0.2):
        pass


def test_a_task_that_takes_every_worker_along_is_told(dask: DaskCluster) -> None:
    with pytest.raises(WorkersUnavailable), cluster(dask.address) as (executor, _):
        list(checked([DEADLY], executor))
    dask.reap(2)


def test_a_scheduler_that_goes_is_told_and_the_same_file_goes_on(home: Home) -> None:
    with closing(DaskCluster(1)) as dask:
        with pytest.raises(WorkersUnavailable), cluster(dask.address, patience=2) as (executor, _):
            home.collect(executor, dask.kill)
        home.require_resumed()


def test_where_nobody_listens_it_is_told_in_time(capfd: pytest.CaptureFixture[str]) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(WorkersUnavailable, match=address), cluster(address, patience=0.5):
        pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("address", ["nowhere", "tcp://", "gopher://localhost:1", "tcp://localhost:port", "::"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as refused, cluster(address, patience=0.5):
        pass
    assert refused.value.field == "scheduler"


@pytest.mark.parametrize("address", ["nowhere", "tcp://"])
def test_a_client_that_cannot_begin_leaves_nothing_to_the_collector(address: str) -> None:
    before = set(threading.enumerate())
    with pytest.raises(InvalidInput) as refused, cluster(address, patience=0.5):
        pass
    assert refused.traceback  # which keeps what would otherwise be collected
    assert not [each for each in threading.enumerate() if each not in before and each.name.startswith("IO loop")]


def test_workers_of_another_release_are_refused(tmp_path: Path) -> None:
    room = tmp_path / "deedbook" / "bootstrap"
    room.mkdir(parents=True)
    (tmp_path / "deedbook" / "__init__.py").touch()
    (room / "__init__.py").touch()
    (room / "clusters.py").write_text("def _release():\n    return '0.0.1'\n")
    refused = pytest.raises(WorkersUnavailable, match="another release")
    with closing(DaskCluster(1, path=tmp_path)) as dask, refused, cluster(dask.address):
        pass


def test_without_dask_a_scheduler_is_refused_with_a_hint(root: Path) -> None:
    script = """
import sys
sys.modules["distributed"] = None  # as where it is not installed
from deedbook.bootstrap.clusters import cluster
from deedbook.errors import InvalidInput
try:
    cluster("tcp://127.0.0.1:1").__enter__()
except InvalidInput as error:
    print(error.field, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=root / "src", capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("scheduler install deedbook[dask], or leave --scheduler out\n", "")
