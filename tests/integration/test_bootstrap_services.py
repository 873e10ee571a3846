"""Homes as a whole: begun and killed, finished, damaged, locked, and shared with a running service."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deedbook import config
from deedbook.bootstrap.home import Home, read_json, write_json
from deedbook.bootstrap.services import GOVERNANCE, Announcement, Services, open_node, require_unused, running_service
from deedbook.chain.client import EmbeddedNode, HttpNode
from deedbook.chain.deployment import predecessor_of
from deedbook.chain.embedded.chain import Chain
from deedbook.chain.embedded.rpc import Methods
from deedbook.chain.embedded.server import Server
from deedbook.chain.transactions import log_of
from deedbook.config import Settings
from deedbook.domain.events import Event
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.domain.intents import IntentState
from deedbook.errors import (
    Conflict,
    CorruptStore,
    DeedbookError,
    InvalidFormat,
    InvalidInput,
    Locked,
    MissingKey,
    NotFound,
    RejectedByContract,
    WrongChain,
    WrongVersion,
)
from deedbook.ledger import members
from tests.conftest import START, Clock
from tests.seam_node import SEND, SeamNode

DEPLOYMENTS = 11


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole home, closed; to be copied."""
    home = tmp_path_factory.mktemp("finished") / "home"
    Services.init(config.load(home, {}), clock=Clock()).close()
    return home


@pytest.fixture
def settings(finished: Path, tmp_path: Path) -> Settings:
    """The settings of a copy of it."""
    return config.load(Path(shutil.copytree(finished, tmp_path / "home")), {})


def through_a_seam(settings: Settings) -> tuple[Services, SeamNode]:
    """The services of a home, whose node does as it is told."""
    home, clock = Home.open(settings.home), Clock()
    node, chain = open_node(settings, home, clock)
    seam = SeamNode(node)
    return Services(settings, home, seam, chain, clock=clock, entropy=os.urandom), seam


def admit(services: Services, account: bytes = bytes([5]) * 20) -> None:
    members.admit(
        services.acting, services.signer(GOVERNANCE), account,
        identity=bytes([9]) * 32, jurisdiction=156, roles=1, valid_until=2 * START,
    )  # fmt: skip


# -- begun and killed


@pytest.mark.parametrize(
    ("what", "number"),
    [("files", n) for n in (1, 2, 3, 4, 6, 9, 12, 16, 20, 25)] + [("blocks", n) for n in (1, 2, 6, 10)],
)
def test_a_home_that_was_killed_while_it_was_made_is_finished(what: str, number: int, tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = [sys.executable, "-m", "tests.home_child", str(home), what, str(number)]
    child = subprocess.run(words, capture_output=True, timeout=120, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    with Services.init(config.load(home, {})) as services:
        _is_whole(services)
    with Services.open(config.load(home, {})) as services:
        _is_whole(services)


def _is_whole(services: Services) -> None:
    count = services.node.request("eth_getTransactionCount", [to_hex(services.signer(GOVERNANCE).address), "latest"])
    assert int(count, 16) == int(services.node.request("eth_blockNumber", []), 16) == DEPLOYMENTS
    assert services.records.outbox.unfinished() == []
    assert services.acting.read("Usage", "meterOf", bytes(32))["reports"] == 0


def test_init_of_a_whole_home_changes_nothing(settings: Settings) -> None:
    before = Home(settings.home).deployment.read_bytes()
    with Services.init(settings) as services:
        _is_whole(services)
    assert Home(settings.home).deployment.read_bytes() == before


def test_what_was_signed_before_a_crash_is_on_chain_after_opening(settings: Settings) -> None:
    class Crash(BaseException):
        pass

    services, seam = through_a_seam(settings)
    seam.then(SEND, seam.refused(Crash()))
    with services, pytest.raises(Crash):
        admit(services)
    with Services.open(settings) as services:
        assert services.acting.read("Membership", "isInGoodStanding", bytes([5]) * 20) is True
        assert services.records.outbox.unfinished() == []


def test_a_call_that_was_mined_without_effect_may_be_made_again(settings: Settings) -> None:
    services, seam = through_a_seam(settings)
    with services:
        governance = services.signer(GOVERNANCE)
        admit(services)
        members.suspend(services.acting, governance, bytes([5]) * 20, 1)
        # The simulation is fooled: a suspended member is suspended again, and the chain says no.
        seam.then("eth_call", lambda _: "0x")
        with pytest.raises(RejectedByContract) as refused:
            members.suspend(services.acting, governance, bytes([5]) * 20, 2)
        assert refused.value.error == "ParticipantIs"
        assert refused.value.arguments == {"account": checksum_address(bytes([5]) * 20), "state": 2}
        members.reinstate(services.acting, governance, bytes([5]) * 20)
        again = members.suspend(services.acting, governance, bytes([5]) * 20, 2)
        assert again.event("ParticipantSuspended").args["reason"] == 2


# -- not a home, or another's


@pytest.mark.rule("home-of-another-version")
def test_services_of_a_home_of_another_version_are_refused(settings: Settings) -> None:
    write_json(Home(settings.home).marker, {"format": "deedbook.home", "version": 2})
    for begin in (Services.open, Services.init):
        with pytest.raises(WrongVersion) as refused:
            begin(settings)
        assert refused.value.field == "home.json"


def test_an_unfinished_home_is_not_opened(tmp_path: Path) -> None:
    Home.create(tmp_path / "home")
    with pytest.raises(NotFound) as refused:
        Services.open(config.load(tmp_path / "home", {}))
    assert refused.value.hint == "finish it by: deedbook init"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict):
        Services.init(config.load(tmp_path, {}))
    assert [each.name for each in tmp_path.iterdir()] == ["letter.txt"]


# -- locked


@pytest.mark.rule("second-writer")
def test_a_second_writer_is_locked_out_and_the_first_goes_on(settings: Settings) -> None:
    with Services.open(settings) as first:
        for begin in (Services.open, Services.init):
            with pytest.raises(Locked):
                begin(settings)
        with pytest.raises(Locked):
            require_unused(settings.home)
        admit(first)
    require_unused(settings.home)


@pytest.mark.parametrize("said", ["{", "{}", '{"rpc": "ftp://nowhere"}', '{"rpc": 7}', '{"rpc": "http://127.0.0.1:9"}'])
def test_a_stale_announcement_is_not_believed(settings: Settings, said: str) -> None:
    home = Home(settings.home)
    home.service.write_text(said, encoding="utf-8")
    assert running_service(home) is None
    with Services.open(settings), pytest.raises(Locked):
        Services.open(settings)


def test_commands_talk_to_the_running_service(settings: Settings) -> None:
    with Services.open(settings) as service:
        assert service.chain is not None
        with _serving(service.chain) as url, Announcement(service.home, url), Services.open(settings) as command:
            assert (command.chain, command.is_alone) == (None, False)
            assert isinstance(command.node, HttpNode)
            assert read_json(service.home.service, "serve.json")["pid"] == os.getpid()
            admit(command)
            admit(service, bytes([6]) * 20)
            for account in (bytes([5]) * 20, bytes([6]) * 20):
                assert command.acting.read("Membership", "isInGoodStanding", account) is True
        assert not service.home.service.exists()


def test_a_command_leaves_the_services_unfinished_work_alone(settings: Settings) -> None:
    service, seam = through_a_seam(settings)
    with service:
        assert service.chain is not None
        with _serving(service.chain) as url, Announcement(service.home, url):

            def meanwhile(params: Sequence[Any]) -> Any:
                with Services.open(settings) as command:
                    assert len(command.records.outbox.unfinished()) == 1
                return seam.node.request(SEND, params)

            seam.then(SEND, meanwhile)
            admit(service)
        assert service.records.outbox.unfinished() == []


@contextmanager
def _serving(chain: Chain) -> Iterator[str]:
    with Server(Methods(chain).handle) as server:
        yield server.url


def test_an_answer_of_another_chain_is_refused(settings: Settings, clock: Clock) -> None:
    other = Chain.in_memory(clock=clock, chain_id=5)
    with Services.open(settings) as service, _serving(other) as url:
        with Announcement(service.home, url), pytest.raises(WrongChain):
            Services.open(settings)
        elsewhere = config.load(settings.home, {"DEEDBOOK_RPC_URLS": url})
        with pytest.raises(WrongChain):
            Services.open(elsewhere)


def test_a_node_that_does_not_answer_is_unavailable(settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(DeedbookError) as refused:
            Services.open(config.load(settings.home, {"DEEDBOOK_RPC_URLS": url}))
    assert refused.value.retryable


# -- damaged


def _garble(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + os.urandom(4096))
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)


@pytest.mark.rule("corrupt-database")
@pytest.mark.parametrize("which", ["chain/chain.sqlite", "records.sqlite", "mirror.sqlite"])
def test_a_corrupt_file_of_a_home_is_a_corrupt_store(settings: Settings, which: str) -> None:
    with Services.open(settings) as services:
        services.follow()
    _garble(settings.home / which)
    with pytest.raises(CorruptStore), Services.open(settings) as services:
        services.follow()


def test_a_corrupt_mirror_is_rebuilt_from_the_chain(settings: Settings) -> None:
    with Services.open(settings) as services:
        services.follow()
        before = services.mirror_digests()
    _garble(settings.home / "mirror.sqlite")
    with Services.open(settings) as services:
        services.rebuild_mirror()
        assert services.mirror_digests() == before


@pytest.mark.parametrize(
    ("which", "error"),
    [
        ("chain/chain.sqlite", CorruptStore),
        ("records.sqlite", CorruptStore),
        ("keys/seeds.book", MissingKey),
        ("keys/passphrase", MissingKey),
    ],
)
def test_what_is_gone_is_named_and_not_made_anew(settings: Settings, which: str, error: type[DeedbookError]) -> None:
    (settings.home / which).unlink()
    for begin in (Services.open, Services.init):
        with pytest.raises(error):
            begin(settings)
        assert not (settings.home / which).exists()


@pytest.mark.parametrize("which", ["chain/chain.sqlite", "records.sqlite"])
def test_what_was_emptied_is_not_taken_for_new(settings: Settings, which: str) -> None:
    (settings.home / which).write_bytes(b"")
    with pytest.raises(CorruptStore):
        Services.open(settings)
    assert (settings.home / which).read_bytes() == b""


def test_a_missing_account_is_a_missing_key(settings: Settings) -> None:
    (settings.home / "keys" / "governance.json").unlink()
    with Services.open(settings) as services, pytest.raises(MissingKey):
        services.signer(GOVERNANCE)


@pytest.mark.rule("wrong-key")
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"wrong"])
def test_a_wrong_passphrase_is_a_missing_key(settings: Settings, content: bytes) -> None:
    (settings.home / "keys" / "passphrase").write_bytes(content)
    with pytest.raises(MissingKey):
        Services.open(settings)
    require_unused(settings.home)


def test_a_passphrase_that_was_given_has_to_be_given_again(tmp_path: Path) -> None:
    given = config.load(tmp_path / "home", {"DEEDBOOK_PASSPHRASE": "correct horse battery"})
    Services.init(given).close()
    with pytest.raises(MissingKey):
        Services.open(config.load(tmp_path / "home", {}))
    assert not (tmp_path / "home" / "keys" / "passphrase").exists()
    with Services.open(given) as services:
        assert len(services.signer(GOVERNANCE).address) == 20


def _changed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        document = read_json(path, "deployment.json")
        change(document)
        write_json(path, document)

    return act


@pytest.mark.rule("malformed-json")
@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda path: path.write_bytes(b"{"), "deployment.json"),
        (lambda path: path.write_bytes(b"[]"), "deployment.json"),
        (lambda path: path.write_bytes(b"[" * 100_000), "deployment.json"),
        (_changed(lambda d: d.pop("chainId")), "deployment.chainId"),
        (_changed(lambda d: d.update(chainId=20230415)), "deployment.chainId"),
        (_changed(lambda d: d.update(chainId=" 1")), "deployment.chainId"),
        (_changed(lambda d: d.update(genesisHash="0x00")), "deployment.genesisHash"),
        (_changed(lambda d: d.update(format="deedbook.home")), "deployment.format"),
        (_changed(lambda d: d.update(version=3)), "deployment.version"),
        (_changed(lambda d: d.update(note="?")), "deployment.note"),
        (_changed(lambda d: d["contracts"].pop("Market")), "deployment.contracts.Market"),
        (_changed(lambda d: d["contracts"].update(Market="0x1")), "deployment.contracts.Market"),
        (_changed(lambda d: d["contracts"].update(Gateway="0x" + "00" * 20)), "deployment.contracts.Gateway"),
        (_changed(lambda d: d.update(contracts=[])), "deployment.contracts"),
    ],
)
def test_a_damaged_deployment_is_named(settings: Settings, damage: Callable[[Path], None], field: str) -> None:
    damage(Home(settings.home).deployment)
    for begin in (Services.open, Services.init):
        with pytest.raises((InvalidFormat, WrongVersion)) as refused:
            begin(settings)
        assert refused.value.field == field
    require_unused(settings.home)


def test_a_deployment_of_another_version_is_named(settings: Settings) -> None:
    _changed(lambda document: document.update(version=3))(Home(settings.home).deployment)
    with pytest.raises(WrongVersion) as refused:
        Services.open(settings)
    assert refused.value.field == "deployment.version"


def test_a_deployment_of_fewer_contracts_is_not_acted_on(settings: Settings) -> None:
    def earlier(document: dict[str, Any]) -> None:
        document["version"] = 1
        for name in ("Usage", "AnchorLog"):
            del document["contracts"][name]

    _changed(earlier)(Home(settings.home).deployment)
    with pytest.raises(WrongVersion) as refused:
        Services.open(settings)
    assert (refused.value.field, refused.value.hint) == (
        "deployment.version",
        "let another one follow it: deedbook init --successor-of",
    )


def test_a_home_that_follows_another_commits_to_it(settings: Settings, tmp_path: Path) -> None:
    with Services.open(settings) as former:
        expected = predecessor_of(former.node, former.deployment)
    following = config.load(tmp_path / "next", {})
    with Services.init(following, successor_of=settings.home) as services:
        services.follow()
        first = next(event for event in _events(services) if event.name == "DeploymentSucceeded")
    assert first.args == {"chainId": expected.chain_id, "contracts": expected.contracts, "heads": expected.heads}


def _events(services: Services) -> Iterator[Event]:
    asked: dict[str, Any] = {"fromBlock": "0x0", "toBlock": "latest"}
    asked["address"] = to_hex(services.addresses["Membership"])
    for item in services.node.request("eth_getLogs", [asked]):
        event = services.decoder.decode(log_of(item))
        assert event is not None
        yield event


def test_a_deployment_of_another_genesis_is_another_chain(settings: Settings) -> None:
    _changed(lambda document: document.update(genesisHash="0x" + "11" * 32))(Home(settings.home).deployment)
    with pytest.raises(WrongChain):
        Services.open(settings)


# -- accounts and keys


def test_accounts_are_made_once_and_named(settings: Settings) -> None:
    with Services.open(settings) as services:
        made = services.create_account("bank")
        assert services.create_account("bank").address == made.address
        with pytest.raises(MissingKey):
            services.signer("nobody")
        with pytest.raises(InvalidInput) as refused:
            services.create_account("../outside")
        assert refused.value.field == "name"
        with pytest.raises(MissingKey):
            services.encryption_key("bank")
    with Services.open(settings) as services:
        assert services.signer("bank").address == made.address


def test_the_outbox_keeps_the_deployment(settings: Settings) -> None:
    with Services.open(settings) as services:
        rows = services.records.outbox.finished()
        assert [row.state for row in rows] == [IntentState.FINAL] * DEPLOYMENTS
        assert isinstance(services.node, EmbeddedNode)
