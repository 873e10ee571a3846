"""What `deedbook chain genesis` makes, given to a real geth as the systemd units start it: it seals, for nothing.

Needs geth 1.13.15 under `build/tools/geth`, which `make network` builds; without it says so, and the genesis is tested
by its bytes alone.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from deedbook.bootstrap import networks
from deedbook.chain.client import HttpNode
from deedbook.chain.genesis import Member, Network
from deedbook.chain.proofs import decode_header, encode_header
from deedbook.chain.seals import check_clique_seal
from deedbook.domain.validators import Validators
from deedbook.errors import ChainUnavailable
from deedbook.wallet.recovery import recover
from tests.postgresql_server import Server
from tools import geth
from tools.network import free_ports

PATIENCE = 90


class Running:
    """Two signers and a follower of one folder, each started by its unit's own words."""

    def __init__(self, root: Path, folder: Path, network: Network, program: Path) -> None:
        self._units = root / "deploy" / "systemd"
        self._folder, self._network, self._program = folder, network, program
        self._port, *self._engines = free_ports(1 + len(network.members))
        self._processes: list[subprocess.Popen[bytes]] = []
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts all of them, and lets the signers seal."""
        for member, engine in zip(self._network.members, self._engines, strict=True):
            words = [str(self._program), "--datadir", str(self._data(member)), "--verbosity", "1", "init"]
            subprocess.run([*words, str(self._folder / "network" / "genesis.json")], check=True, capture_output=True)
            extra = ["--authrpc.port", str(engine), "--nat", "none", "--verbosity", "2"]
            extra += [] if member.account else ["--http.port", str(self._port)]
            self._processes.append(self._run(self._said(member, "ExecStart") + extra, self._data(member) / "log"))
        for member in self._network.members:
            if member.account is not None:
                words = self._said(member, "ExecStartPost")
                subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE)

    def stop(self) -> None:
        """Stops all of them."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=PATIENCE)

    def log(self) -> str:
        """What they said."""
        return "\n".join((self._data(member) / "log").read_text() for member in self._network.members)

    def _data(self, member: Member) -> Path:
        return self._folder / "d" / member.name[-1]

    def _said(self, member: Member, command: str) -> list[str]:
        """A command of the member's unit, with the places of this machine."""
        name = "geth-validator" if member.account else "geth-rpc"
        text = re.sub(r"\\\n *", " ", (self._units / f"{name}.service").read_text(encoding="utf-8"))
        said = re.search(rf"(?m)^{command}=(.*)$", text)
        assert said is not None
        own = self._folder / "nodes" / member.name
        environment = own / "geth.env"
        known = dict(line.split("=", 1) for line in environment.read_text().split()) if environment.exists() else {}
        places = {"/opt/geth/bin/geth": self._program, "/etc/geth/node": own, "/var/lib/geth": self._data(member)}
        words = said[1].replace("%d", str(own))
        for place, here in {**places, **{f"${{{name}}}": value for name, value in known.items()}}.items():
            words = words.replace(place, str(here))
        return shlex.split(words)

    @staticmethod
    def _run(words: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)


@pytest.fixture(scope="module")
def network() -> Iterator[tuple[Running, Network, Path]]:
    program = geth.FOLDER / "bin" / "geth"
    if not geth.is_built(program):
        pytest.skip(f"geth {geth.VERSION} is not built here (make network builds it): no node read this genesis")
    with tempfile.TemporaryDirectory(prefix="deedbook-") as place:  # a short one: sockets have short names
        hosts = [{"host": "127.0.0.1", "port": port} for port in free_ports(3)]
        names = (("validator-1", True), ("validator-2", True), ("rpc-3", False))
        members = [{"name": name, "validator": seals, **host} for (name, seals), host in zip(names, hosts, strict=True)]
        plan = networks.read_plan(None, {"chain_id": 51_203, "consensus": "clique", "period": 1, "member": members})
        made = networks.make(plan, Path(place), entropy=os.urandom, scrypt_n=1 << 12)
        running = Running(Path(__file__).parents[2], Path(place), made, program.resolve())
        try:
            running.start()
            yield running, made, Path(place)
        finally:
            running.stop()


def asked(url: str, method: str, *params: Any) -> Any:
    """An answer, once the node gives one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            found = HttpNode(url, timeout=10).request(method, list(params))
        except ChainUnavailable:
            found = None
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def test_its_nodes_seal_and_follow(network: tuple[Running, Network, Path]) -> None:
    running, made, folder = network
    block = asked(running.url, "eth_getBlockByNumber", "0x3", False)
    assert block is not None, running.log()
    header = decode_header(encode_header(block), "clique")
    trusted = Validators.decode((folder / "network" / "validators.json").read_bytes())
    assert check_clique_seal(header, trusted, recover) in made.validators
    assert "baseFeePerGas" not in block
    assert int(block["gasLimit"], 16) == made.gas_limit
    assert int(asked(running.url, "eth_chainId"), 16) == made.chain_id


def test_a_transaction_priced_at_nothing_is_mined_through_a_follower(network: tuple[Running, Network, Path]) -> None:
    running, made, _ = network
    account = Account.create()
    call = {"to": account.address, "value": 0, "gas": 21_000, "gasPrice": 0, "nonce": 0, "chainId": made.chain_id}
    raw = "0x" + bytes(account.sign_transaction(call).raw_transaction).hex()
    sent = asked(running.url, "eth_sendRawTransaction", raw)
    receipt = asked(running.url, "eth_getTransactionReceipt", sent)
    assert receipt is not None, running.log()
    assert (receipt["status"], receipt["effectiveGasPrice"]) == ("0x1", "0x0")


@pytest.mark.slow
def test_an_exchange_stands_on_it_as_the_units_run_it(
    network: tuple[Running, Network, Path], root: Path, tmp_path: Path
) -> None:
    """`deedbook init`, `serve` and a follower, with PostgreSQL; the follower goes on when the service ends."""
    running, *_ = network
    database = Server()
    (tmp_path / "passphrase").write_text("of a test")
    said = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(root / "src"),
        "DEEDBOOK_HOME": str(tmp_path / "home"),
        "DEEDBOOK_PORT": str(free_ports(1)[0]),
        "DEEDBOOK_RPC_URLS": running.url,
        "DEEDBOOK_CONSENSUS": "clique",
        "DEEDBOOK_RECORDS_URL": database.new(),
        "DEEDBOOK_MIRROR_URL": database.new(),
    }
    keyed = said | {"DEEDBOOK_PASSPHRASE_FILE": str(tmp_path / "passphrase")}

    def begin(name: str, *words: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (tmp_path / name).open("wb") as log:
            command = [sys.executable, "-m", "deedbook.cli.main", *words]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def told(name: str) -> str:
        return (tmp_path / name).read_text(encoding="utf-8")

    started: list[subprocess.Popen[bytes]] = []
    try:
        assert begin("init", "init", environment=keyed).wait(timeout=5 * PATIENCE) == 0, told("init")
        started.append(begin("serve", "serve", environment=keyed))
        ready(started[0], f"http://127.0.0.1:{said['DEEDBOOK_PORT']}/ready", lambda: told("serve"))
        started.append(begin("follow", "mirror", "follow", "--watch", environment=said))
        await_line(lambda: told("follow"), 1)
        started[0].terminate()
        assert started[0].wait(timeout=PATIENCE) == 0, told("serve")
        await_line(lambda: told("follow"), len(told("follow").splitlines()) + 2)
        started[1].terminate()
        assert started[1].wait(timeout=PATIENCE) == 0, told("follow")
        assert begin("check", "mirror", "rebuild", "--check", environment=keyed).wait(timeout=PATIENCE) == 0, told(
            "check"
        )
    finally:
        for process in started:
            process.kill()
            process.wait()
        database.close()


def ready(service: subprocess.Popen[bytes], url: str, log: Callable[[], str]) -> None:
    """Waits until the service says that it is."""
    deadline = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < deadline and service.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
            return
        time.sleep(0.5)
    pytest.fail(f"the service did not get ready: {log()}")


def await_line(told: Callable[[], str], count: int) -> None:
    """Waits for so many lines."""
    deadline = time.monotonic() + PATIENCE
    while len(told().splitlines()) < count:
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


def test_no_signer_listens_for_http(network: tuple[Running, Network, Path]) -> None:
    """The follower's port is the only one that answers JSON-RPC without a secret."""
    running, *_ = network
    assert "Account unlock with HTTP access" not in running.log()
    assert asked(running.url, "net_peerCount") == "0x2"
