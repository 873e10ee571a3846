"""The tools of the live network without one: links on the loopback, a stub for geth, words where Go is absent."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools import geth, wires
from tools.network import MARKER, Member, Network, address_of, clique_genesis, reorgs_in
from tools.relay import Link, Place, Relay

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and /proc are Linux's")
STUB = Path(__file__).resolve().parent.parent / "network" / "stub_geth.py"


# -- links


@contextmanager
def echoing() -> Iterator[int]:
    """A server that sends back what it gets; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                end, _ = server.accept()
            except OSError:
                return
            ends.append(end)
            threading.Thread(target=echo, args=(end,), daemon=True).start()

    def echo(end: socket.socket) -> None:
        try:
            while chunk := end.recv(65536):
                end.sendall(chunk)
        except OSError:
            pass
        end.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for end in ends:
            end.close()


@pytest.fixture
def link() -> Iterator[Link]:
    with echoing() as port:
        relay = Relay()
        yield relay.open("a-b", Place(None, "127.0.0.1", 0), Place(None, "127.0.0.1", port))
        relay.close()


@contextmanager
def connected(link: Link, seconds: float = 5) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", link.port), timeout=seconds) as end:
        yield end


def heard(end: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (chunk := end.recv(65536)):
        found += chunk
    return found


def test_a_link_carries_both_ways_and_in_order(link: Link) -> None:
    with connected(link) as end:
        sent = os.urandom(1 << 20)
        threading.Thread(target=end.sendall, args=(sent,), daemon=True).start()
        assert heard(end, len(sent)) == sent


def test_a_slow_link_delivers_everything_later(link: Link) -> None:
    link.delay = 0.2
    with connected(link) as end:
        began = time.monotonic()
        end.sendall(b"one")
        end.sendall(b"two")
        assert heard(end, 6) == b"onetwo"
        assert 0.4 <= time.monotonic() - began < 3


def test_a_cut_link_resets_and_refuses_until_it_is_mended(link: Link) -> None:
    with connected(link) as end:
        end.sendall(b"x")
        assert heard(end, 1) == b"x"
        link.cut()
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    with connected(link) as refused, pytest.raises(OSError):
        refused.sendall(b"x")
        if not refused.recv(1):
            raise ConnectionResetError
    link.mend()
    with connected(link) as end:
        end.sendall(b"y")
        assert heard(end, 1) == b"y"


def test_a_blackhole_tells_nobody_and_loses_nothing(link: Link) -> None:
    with connected(link, 0.3) as end:
        end.sendall(b"x")
        assert heard(end, 1) == b"x"
        link.blackhole()
        end.sendall(b"later")
        with pytest.raises(TimeoutError):
            end.recv(1)
        link.mend()
        end.settimeout(5)
        assert heard(end, 5) == b"later"


def test_of_two_links_between_the_same_ends_one_is_used() -> None:
    with echoing() as port:
        relay = Relay()
        there = Place(None, "127.0.0.1", port)
        one, other = (relay.open(name, Place(None, "127.0.0.1", 0), there) for name in ("a-b", "b-a"))
        one.rival, other.rival = other, one
        with connected(one) as end:
            end.sendall(b"x")
            assert heard(end, 1) == b"x"
            with connected(other) as second:
                assert second.recv(1) == b""
        relay.close()


# -- what a killed tool leaves behind


def test_only_what_belongs_to_a_process_that_is_gone_is_stale() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    name = f"deedbook-{ended.pid}-{wires.started(ended.pid)}"
    ended.wait()
    assert wires.is_stale(f"{name}-0-3")
    assert wires.is_stale(name)
    assert not wires.is_stale(wires.owner())
    assert not wires.is_stale(f"{wires.owner()}-0-3")
    assert not any(map(wires.is_stale, ("deedbook", "deedbook-a-b", "docker0", f"x{name}", "")))


def test_a_process_of_the_same_number_that_began_later_is_another() -> None:
    assert wires.is_stale(f"deedbook-{os.getpid()}-1")


def test_stale_disks_are_found_among_all_mounts() -> None:
    mounts = (
        "/dev/vda / ext4 rw 0 0\n"
        "deedbook-1-999 /tmp/a\\040b/node-1 tmpfs rw,size=8192k 0 0\n"
        f"{wires.owner()} /tmp/mine tmpfs rw 0 0\n"
        "tmpfs /tmp/other tmpfs rw 0 0\n"
    )
    assert wires.stale_mounts(mounts) == ["/tmp/a b/node-1"]


# -- the network, with a stub for geth


def network(folder: Path) -> Network:
    return Network(folder, namespaces=False, program=STUB, seed="test", relay=False)


def test_nodes_are_started_killed_paused_and_started_again(tmp_path: Path) -> None:
    with network(tmp_path / "net") as live:
        assert len(live.nodes) == 5
        assert all(live.heads())
        live.kill(2)
        assert live.heads()[2] is None
        live.restart(2)
        live.pause(1)
        paused = live.nodes[1].process
        assert paused is not None
        assert wires.state(paused.pid) == "T"
        live.resume(1)
        assert all(live.heads())
        pids = [node.process.pid for node in live.nodes if node.process]
    assert not any(wires.started(pid) for pid in pids)
    assert (tmp_path / "net" / "node-2.log").read_text().count("stub of geth") == 2


def test_a_signer_seals_and_the_last_node_answers(tmp_path: Path) -> None:
    with network(tmp_path / "net") as live:
        accounts = [node.account for node in live.signers]
        assert accounts == sorted(accounts, key=lambda account: account or b"")
        assert live.nodes[-1].account is None
        assert live.rpc_url == live.nodes[-1].url
        words = [node.log.read_text() for node in live.nodes]
        sealing = "miner_setGasPrice 0x0\nminer_start\n"
        assert [sealing in text for text in words] == [True] * 4 + [False]
        static = (live.nodes[0].folder / "config.toml").read_text()
        assert static.count("enode://") == 4
        mode = stat.S_IMODE((live.folder / "password").stat().st_mode)
        assert mode == 0o600


def test_what_a_killed_tool_left_running_is_ended_on_the_next_start(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.unit.test_network_tool import network\n"
        "live = network(Path(sys.argv[1])); live.start(); print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "net")], stdout=subprocess.PIPE) as tool:
        assert tool.stdout is not None
        assert tool.stdout.readline() == b"up\n"
        tool.send_signal(signal.SIGKILL)
    left = [int(pid) for pid in json.loads((tmp_path / "net" / MARKER).read_text())["processes"]]
    assert len(left) == 5
    assert all(wires.started(pid) for pid in left)
    with network(tmp_path / "net"):
        assert not any(wires.started(pid) for pid in left)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(FileExistsError):
        network(tmp_path).start()
    assert (tmp_path / "thesis.tex").exists()


def test_the_genesis_lists_its_signers_in_order_and_leaves_london_out() -> None:
    keys = [bytes([number]) * 32 for number in (3, 1, 2)]
    members = [Member(place, Path(), "127.0.0.1", place, 0, None, key, key) for place, key in enumerate(keys, 1)]
    found = clique_genesis(members, 2, 10**7, london=False, funds={})
    extra = bytes.fromhex(found["extraData"][2:])
    assert extra == bytes(32) + b"".join(sorted(address_of(key) for key in keys)) + bytes(65)
    assert found["config"]["clique"] == {"period": 2, "epoch": 30000}
    assert "londonBlock" not in found["config"]
    with_london = clique_genesis(members, 2, 10**7, london=True, funds={b"\1" * 20: 5})
    assert (with_london["config"]["londonBlock"], with_london["baseFeePerGas"]) == (0, "0x0")
    assert with_london["alloc"] == {"01" * 20: {"balance": "0x5"}}


def test_reorgs_are_read_from_the_nodes_words() -> None:
    log = (
        "INFO [11-22|22:13:01.005] Imported new chain segment               number=5 hash=8b53e1..57ef2b\n"
        "INFO [11-22|22:13:02.006] Chain reorg detected                     number=1,004 hash=8b53e1..1 drop=1 "
        "dropfrom=57ef2b..1 add=2 addfrom=e9b663..2\n"
        "WARN [11-22|22:13:09.006] Large chain reorg detected               number=5 hash=8b53e1..1 drop=64 "
        "dropfrom=57ef2b..1 add=65 addfrom=e9b663..2\n"
    )
    assert reorgs_in(log) == [(1004, 1, 2), (5, 64, 65)]


# -- geth


def test_where_go_is_absent_the_reason_and_the_code_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert geth.main(tmp_path / "geth", search=str(tmp_path)) == geth.ABSENT == 69
    said = capsys.readouterr()
    assert said.out == ""
    assert "Go is not installed" in said.err
    assert "https://go.dev/dl" in said.err


def test_a_build_that_fails_gives_gos_own_words(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'no route to proxy'; exit 1\n")
    go.chmod(0o755)
    with pytest.raises(geth.AbsentError, match="no route to proxy"):
        geth.program(tmp_path / "geth", search=str(tmp_path))


def test_another_source_than_the_pinned_one_is_not_kept(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text(
        '#!/bin/sh\ncase $1 in install) echo x > "$GOBIN/geth";;\n'
        f"*) printf '\\tmod\\t{geth.MODULE}\\tv{geth.VERSION}\\th1:other=\\n';; esac\n"
    )
    go.chmod(0o755)
    (tmp_path / "geth" / "bin").mkdir(parents=True)
    with pytest.raises(geth.AbsentError, match="h1:other="):
        geth.program(tmp_path / "geth", search=str(tmp_path))
    assert not (tmp_path / "geth" / "bin" / "geth").exists()


def test_a_built_geth_is_not_built_again(tmp_path: Path) -> None:
    place = tmp_path / "geth" / "bin" / "geth"
    place.parent.mkdir(parents=True)
    place.write_text(f"#!/bin/sh\necho Geth; echo 'Version: {geth.VERSION}-stable'\n")
    place.chmod(0o755)
    assert geth.program(tmp_path / "geth", search=str(tmp_path)) == place
    place.write_text("#!/bin/sh\necho 'Version: 1.14.0-stable'\n")
    assert not geth.is_built(place)
