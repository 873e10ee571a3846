"""The embedded chain and `kill -9`: whatever was acknowledged is there, whatever is there is whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deedbook.chain.embedded.blocks import Header
from deedbook.chain.embedded.chain import Chain
from deedbook.domain.hashing import keccak256
from deedbook.errors import Locked
from tests.integration.embedded_corpus import CHAIN_ID, POOR, call, creation, signed

ROUNDS = int(os.environ.get("DEEDBOOK_CRASH_ROUNDS", "4"))
SENDER = bytes.fromhex(POOR.address[2:])


def _clock() -> int:
    return int(time.time())


def _writer(path: Path, how: str, root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.embedded_writer", str(path), how]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    return subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)


def _killed_after(process: subprocess.Popen[str], lines: int, seconds: float) -> list[str]:
    """Everything the process acknowledged until it was killed, `seconds` after its line number `lines`."""
    with process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    return [line for line in [*said, *rest.splitlines(keepends=True)] if line.endswith("\n")]


def _nonce(chain: Chain) -> int:
    return chain.view(chain.head).account(SENDER).nonce


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "chain.db"
    draw = random.Random(20230415)
    acknowledged: list[bytes] = []
    for number in range(ROUNDS):
        process = _writer(path, draw.choice(["one", "many"]), root)
        said = _killed_after(process, draw.randint(1, 12), draw.random() * 0.03)
        acknowledged += [bytes.fromhex(line) for line in said]
        with Chain.open(path, clock=_clock) as chain:
            chain.check()
            mined = [chain.transaction(tx_hash) for tx_hash in acknowledged]
            assert all(item is not None and item.receipt.success for item in mined), f"round {number}"
            found = sum(len(chain.transactions(header)) for header in _headers(chain))
            assert _nonce(chain) == found >= len(acknowledged)
            first = mined[0]
            assert first is not None
            assert first.created is not None
            for nonce in range(1, found):
                slot = _slot(nonce)
                assert chain.view(chain.head).storage(first.created, slot) == nonce
    assert len(set(acknowledged)) == len(acknowledged) >= ROUNDS


def _headers(chain: Chain) -> list[Header]:
    found = [chain.header(number) for number in range(chain.head.number + 1)]
    return [header for header in found if header is not None]


def _slot(key: int) -> int:
    """Where the probe's mapping (slot 0) keeps a key."""
    return int.from_bytes(keccak256(key.to_bytes(32, "big") + bytes(32)), "big")


def test_a_chain_whose_making_was_cut_short_is_made_again(tmp_path: Path, root: Path) -> None:
    draw = random.Random(7)
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = _writer(folder / "chain.db", "create", root)
        _killed_after(process, 2, draw.random() * 0.02)
        files = sorted(item for item in folder.iterdir() if not item.name.endswith(("-wal", "-shm", ".lock")))
        assert files
        for file in files:
            with Chain.open_or_create(file, clock=_clock, chain_id=CHAIN_ID) as chain:
                chain.check()
                chain.send(bytes.fromhex(signed(POOR, nonce=0, data=creation())[2:]))
                assert _nonce(chain) == 1


@pytest.mark.rule("second-writer")
def test_a_second_writer_is_told_who_writes(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "chain.db"
    with _writer(path, "one", root) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(Locked) as caught:
            Chain.open(path, clock=_clock)
        process.kill()
    assert caught.value.fields["holder"] == process.pid
    assert str(process.pid) in caught.value.message
    with Chain.open(path, clock=_clock) as chain:
        assert _nonce(chain) >= 1


FORKING = """
import os, signal, sys
from pathlib import Path
from deedbook.chain.embedded.chain import Chain
path = Path(sys.argv[1])
chain = Chain.create(path, clock=lambda: 1)
heard, told = os.pipe()
child = os.fork()
if child == 0:
    os.write(told, b"up")
    signal.pause()
os.read(heard, 2)  # what a fork inherits is let go before the child runs, and not before it is there
try:
    chain.close()
    Chain.open(path, clock=lambda: 1).close()
finally:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_a_forked_process_holds_nothing(tmp_path: Path, root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    command = [sys.executable, "-c", FORKING, str(tmp_path / "chain.db")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr


def test_what_was_sent_before_the_kill_can_be_sent_again(tmp_path: Path, root: Path) -> None:
    """A client that heard nothing sends the same bytes again: mined once, whatever happened."""
    path = tmp_path / "chain.db"
    _killed_after(_writer(path, "one", root), 3, 0.004)
    with Chain.open(path, clock=_clock) as chain:
        nonce = _nonce(chain)
        header = chain.header(1)
        assert header is not None
        probe = chain.transactions(header)[0].created
        data = call("put(uint256,bytes32,bytes)", 1, bytes(32), b"")
        raw = bytes.fromhex(signed(POOR, nonce=nonce, to=probe, data=data)[2:])
        sent = chain.send(raw)
        (again,) = chain.send_many([raw])
        assert not isinstance(again, bytes)
        assert again.reason == "already known"
        assert _nonce(chain) == nonce + 1
        assert chain.transaction(sent) is not None
