"""An exchange's own log, over HTTP and on the command line: taken once, receipted, anchored, proved, published."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from deedbook import config
from deedbook.api.routes.anchors import NEVER_CHANGES
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services, unix_time
from deedbook.domain.anchors import MOST_ENTRY, LogCheckpoint, LogDomain, LogExtension, LogProof, LogReceipt, leaf_of
from deedbook.domain.codes import Role
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.merkle import rfc9162_root_of_hashes
from deedbook.errors import InvalidInput
from deedbook.ledger import members
from deedbook.ledger.anchors import MOST_ENTRIES
from deedbook.wallet.recovery import verify_signer
from tests.e2e.command_line import ROOT, CommandLine, command, environment
from tests.e2e.http_service import Answer, Client, running

YEAR = 365 * 86_400


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an exchange that may anchor. Do not change it."""
    path = tmp_path_factory.mktemp("logs") / "home"
    with Services.init(config.load(path, {})) as services:
        exchange = services.create_account("exchange")
        services.create_account("other")
        admitted = (services.acting, services.signer("governance"), exchange.address)
        until = services.chain_time() + YEAR
        members.admit(
            *admitted, identity=sha256(b"exchange"), jurisdiction=156, roles=int(Role.OPERATOR), valid_until=until
        )
    return path


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "home"))


class Served:
    """The service of a home, and its exchange's log there."""

    def __init__(self, services: Services, desk: Desk, client: Client) -> None:
        self.services, self.desk, self.client = services, desk, client
        self.exchange = services.signer("exchange").address
        self.path = f"/anchors/{checksum_address(self.exchange)}"

    @property
    def domain(self) -> LogDomain:
        return self.services.logs.domain

    def post(self, *lines: Any) -> Answer:
        return self.send("".join(json.dumps(line) + "\n" for line in lines).encode())

    def send(self, body: bytes, media_type: str = "application/x-ndjson") -> Answer:
        return self.client.post(f"{self.path}/entries", body, media_type=media_type)

    def get(self, path: str) -> Any:
        answer = self.client.get(self.path + path)
        assert answer.status == 200, answer.content
        return answer.json()

    @property
    def size(self) -> int:
        return self.services.records.anchors.state(self.exchange).size

    def anchor(self) -> None:
        self.services.logs.checkpoint(self.services.signer("exchange"))
        self.services.follow()


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    settings = replace(config.load(home, {}), anchor_entries=10**6, anchor_seconds=10**6)
    with Services.open(settings) as services, Desk(services) as desk, running(desk) as client:
        yield Served(services, desk, client)


def receipts_in(answer: Answer) -> list[LogReceipt]:
    assert answer.status == 201, answer.content
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [LogReceipt.from_json(json.loads(line)) for line in answer.content.splitlines()]


def test_entries_get_receipts_and_after_a_checkpoint_proofs_that_end_on_chain(served: Served) -> None:
    entries = [{"sale": 7, "price": "1.00"}, {"sale": 8}, ["any", "JSON"], None]
    receipts = receipts_in(served.post(*entries))
    assert [(each.index, each.leaf_hash) for each in receipts] == [(n, leaf_of(e)) for n, e in enumerate(entries)]
    for each in receipts:
        assert (each.domain, each.exchange) == (served.domain, served.exchange)
        verify_signer(each.digest, each.signature, served.exchange)
    assert served.get("/entries/2") == receipts[2].to_json()
    assert served.client.get(f"{served.path}/proof?index=2").json()["code"] == "not-found"

    served.anchor()
    served.post({"sale": 9})
    (checkpoint,) = served.get("")["items"]
    for index, each in enumerate(receipts):
        for words in (f"index={index}", f"leaf={to_hex(each.leaf_hash)}", f"index={index}&size=4"):
            proof = LogProof.from_json(served.get(f"/proof?{words}"))
            assert proof.holds
            assert (proof.index, proof.leaf_hash) == (index, each.leaf_hash)
            assert (str(proof.size), to_hex(proof.root)) == (checkpoint["size"], checkpoint["root"])
            assert (to_hex(proof.transaction), proof.block) == (checkpoint["anchoredTx"], checkpoint["anchoredBlock"])
    state = served.get("/log")
    assert (state["size"], state["anchored"]) == ("5", "4")
    served.anchor()
    extension = LogExtension.from_json(served.get("/extension?former=4"))
    assert extension.holds
    assert (extension.former_size, to_hex(extension.former_root), extension.size) == (4, checkpoint["root"], 5)


def test_the_same_entry_again_has_the_same_place_however_it_is_written(served: Served) -> None:
    first = served.post({"b": 1, "a": 2.0}, {"c": 3}, {"b": 1, "a": 2.0})
    assert [each.index for each in receipts_in(first)] == [0, 1, 0]
    assert served.send(b' { "a" : 2, "b":1 }\r\n{"c":3}').content.splitlines() == first.content.splitlines()[:2]
    assert served.size == 2


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"a":1}\n{"a":\n{"b":1}\n', 2),
        (b'{"a":1}\n\n{"b":1}\n', 2),
        (b'{"a":1,"a":1}\n', 1),
        (b'{"a":1}\n{"b":1}\n\xff', 3),
        (b'{"a":9007199254740993}', 1),
        (b'{"a":1}\n' + b"[" * 65 + b"]" * 65, 2),
        (b'{"a":1}\n"' + b"x" * MOST_ENTRY + b'"\n', 2),
    ],
)
def test_a_line_that_is_refused_is_named_and_nothing_is_kept(served: Served, body: bytes, line: int) -> None:
    answer = served.send(body)
    problem = answer.json()
    assert (answer.status, problem["code"], problem["field"], problem["line"]) == (
        422,
        "invalid-format",
        "entries",
        line,
    )
    assert f"line {line}:" in problem["detail"]
    assert served.size == 0


def test_what_is_no_request_for_entries_is_refused(served: Served) -> None:
    for body in (b"", b"1\n" * (MOST_ENTRIES + 1)):
        answer = served.send(body)
        assert (answer.status, answer.json()["field"]) == (422, "entries")
    assert served.send(b"1", "application/json").status == 415
    other = "/anchors/0x" + "07" * 20
    assert served.client.post(f"{other}/entries", b"1", media_type="application/x-ndjson").json()["field"] == "exchange"
    for path in (f"{other}/log", f"{other}/proof?index=0", f"{other}/extension?former=1", f"{other}/log/tile/0/000"):
        assert served.client.get(path).status == 404, path
    served.post(1)
    for path in ("/proof", "/proof?index=0&leaf=0x" + "00" * 32, "/proof?index=-1", "/entries/1", "/log/tile/0/x"):
        assert served.client.get(served.path + path).status == 422, path
    for path in (
        "/proof?leaf=0x" + "00" * 32,
        "/proof?index=0",
        "/log/checkpoint",
        "/log/tile/0/000",
        "/log/tile/63/000",
    ):
        assert served.client.get(served.path + path).status == 404, path
    assert served.size == 1


def test_tiles_and_the_signed_checkpoint_give_the_anchored_root(served: Served) -> None:
    served.post(*range(300))
    served.anchor()
    served.post(*range(300, 310))
    answer = served.client.get(f"{served.path}/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    note = LogCheckpoint.decode(answer.content, served.domain, served.exchange)
    verify_signer(note.digest, note.signature, served.exchange)
    assert note.size == 300
    full, part = (served.client.get(f"{served.path}/log/tile/0/{name}") for name in ("000", "001.p/44"))
    assert full.headers["cache-control"] == NEVER_CHANGES["Cache-Control"]
    leaves = full.content + part.content
    assert [leaves[at : at + 32] for at in range(0, len(leaves), 32)] == [leaf_of(number) for number in range(300)]
    assert note.root == rfc9162_root_of_hashes([leaf_of(number) for number in range(300)])


def test_the_service_anchors_by_count_and_by_time(home: Path) -> None:
    now = unix_time()
    settings = replace(config.load(home, {}), anchor_entries=5, anchor_seconds=60)

    def clock() -> int:
        return now

    with Services.open(settings, clock=clock) as services:
        me = services.signer("exchange")
        services.logs.append([b"1"], me)
        assert services.anchoring.step() == 0
        now += 60
        assert services.anchoring.step() == 1
        assert services.anchoring.step() == 0
        services.logs.append([b"%d" % number for number in range(2, 6)], me)
        assert services.anchoring.step() == 0
        services.logs.append([b"6"], me)
        assert services.anchoring.step() == 1
        assert services.logs.anchored(me.address) == 6


def test_a_checkpoint_that_was_cut_short_is_ended_as_it_was_begun(home: Path) -> None:
    with Services.open(config.load(home, {})) as services:
        me = services.signer("exchange")
        services.logs.append([b"1", b"2"], me)
        assert services.records.anchors.begin_checkpoint(me.address) == 2
        services.logs.append([b"3"], me)
    with Services.open(config.load(home, {})) as services:
        assert services.anchoring.step() == 1
        assert services.logs.anchored(me.address) == 2
        assert services.records.anchors.state(me.address).waiting_since is not None


def test_records_that_are_older_than_the_chain_give_no_receipt(home: Path) -> None:
    records = home / "records.sqlite"
    former = records.read_bytes()
    with Services.open(config.load(home, {})) as services:
        services.logs.append([b"1", b"2"], services.signer("exchange"))
        services.logs.checkpoint(services.signer("exchange"))
    for tail in ("-wal", "-shm"):
        records.with_name(records.name + tail).unlink(missing_ok=True)
    records.write_bytes(former)
    with Services.open(config.load(home, {})) as services, Desk(services) as desk, running(desk) as client:
        path = f"/anchors/{checksum_address(services.signer('exchange').address)}/entries"
        assert client.post(path, b"9", media_type="application/x-ndjson").status == 500
        assert services.records.anchors.states() == []


@contextmanager
def process(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process, and the first line that it says; killed where it still lives in the end."""
    env = environment(PYTHONPATH=f"{ROOT / 'src'}:{ROOT}")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT) as child:
        assert child.stdout is not None
        try:
            yield child, child.stdout.readline().strip()
        finally:
            child.kill()


def test_a_service_killed_between_keeping_and_answering_has_every_entry_once(home: Path) -> None:
    with Services.open(config.load(home, {})) as services:
        path = f"/anchors/{checksum_address(services.signer('exchange').address)}"
    body = b"".join(b'{"sale":%d}\n' % number for number in range(400))
    with process(sys.executable, "-m", "tests.dying_logs", str(home)) as (child, url):
        with pytest.raises((OSError, HTTPException)):
            Client(url).post(f"{path}/entries", body, media_type="application/x-ndjson")
        assert child.wait(timeout=60) == -signal.SIGKILL
    with process(*command("--home", str(home), "serve", "--port", "0", "--json")) as (_, said):
        client = Client(json.loads(said)["url"])
        assert client.get(f"{path}/log").json()["size"] == "400"
        again = receipts_in(client.post(f"{path}/entries", body, media_type="application/x-ndjson"))
        assert [each.index for each in again] == list(range(400))
        assert [each.leaf_hash for each in again] == [leaf_of({"sale": number}) for number in range(400)]
        assert client.get(f"{path}/log").json()["size"] == "400"


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("DEEDBOOK_HOME", "")
    return CommandLine(home, capsys)


def test_a_log_by_commands_alone(cli: CommandLine, tmp_path: Path) -> None:
    entries, receipts = tmp_path / "entries", tmp_path / "receipts"
    entries.write_text("".join(json.dumps({"sale": number}) + "\n" for number in range(2500)))
    (tmp_path / "one.json").write_text('{"sale": 2000}')
    one = str(tmp_path / "one.json")
    assert cli("anchors", "append", str(entries), "--as", "exchange", "--out", str(receipts)).code == 0
    again = cli("anchors", "append", str(entries), "--as", "exchange")
    assert again.out == receipts.read_text()
    anchored = cli.done("anchors", "checkpoint", "--as", "exchange")
    assert (anchored["size"], cli.done("anchors", "checkpoint", "--as", "exchange")) == ("2500", anchored)

    proof = cli("anchors", "prove", "exchange", "--entry", one).out
    assert json.loads(proof) == cli.done("anchors", "prove", "exchange", "--index", "2000")
    said = tmp_path / "said"
    said.write_text(receipts.read_text().splitlines()[2000] + "\n" + proof)
    known = f"2500:{anchored['root']}"
    who = json.loads(proof)["exchange"]
    found = cli.done("anchors", "verify", str(said), "--entry", one, "--root", known, "--exchange", who)
    assert (found["receipts"], found["proofs"], found["false"]) == (1, 1, 0)
    assert found["checkpoints"][0]["transaction"] == anchored["transaction"]

    folder = tmp_path / "static"
    first = cli.done("anchors", "tiles", "exchange", "--out", str(folder))
    assert (first["root"], first["written"]) == (anchored["root"], 11)
    assert cli.done("anchors", "tiles", "exchange", "--out", str(folder))["written"] == 0
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"checkpoint", "tile/0/000", "tile/0/009.p/196", "tile/1/000.p/9"} <= names

    entries.write_text('{"sale":3000}\n{"sale":\n')
    refused = cli("anchors", "append", str(entries), "--as", "exchange", "--json")
    assert (refused.code, refused.error["line"]) == (2, 2)
    assert cli("anchors", "prove", "exchange", "--since", "1").code == 0
    assert cli("anchors", "prove", "exchange").code == 2


def test_a_false_statement_is_named(cli: CommandLine, tmp_path: Path) -> None:
    entries, said = tmp_path / "entries", tmp_path / "said"
    entries.write_text("1\n2\n3\n")
    receipts = [
        json.loads(line) for line in cli("anchors", "append", str(entries), "--as", "exchange").out.splitlines()
    ]
    with Services.open(config.load(cli.home, {})) as services:
        services.logs.checkpoint(services.signer("exchange"))
        fraud = LogReceipt.from_json(receipts[1])
        other = replace(fraud, leaf_hash=leaf_of(9), signature=bytes(65))
        signed = replace(other, signature=services.signer("exchange").sign_digest(other.digest)).to_json()
    proof = json.loads(cli("anchors", "prove", "exchange", "--index", "1").out)
    lines = [*receipts, signed, proof, {**proof, "root": "0x" + "00" * 32}, {**receipts[0], "index": "5"}]
    said.write_text("".join(json.dumps(line) + "\n" for line in lines))
    answer = cli("anchors", "verify", str(said))
    assert answer.code == 1
    assert answer.err.splitlines() == [
        "false: line 4: place 1 has another entry than in line 2",
        "false: line 6: the proof does not lead to its root",
        "false: line 7: not signed by the exchange (made by another account)",
    ]
    said.write_text(json.dumps(receipts[0]))
    assert cli("anchors", "verify", str(said), "--exchange", "0x" + "07" * 20).code == 1
    assert cli("anchors", "verify", str(said), "--entry", str(said)).code == 1
    said.write_text("{}")
    assert cli("anchors", "verify", str(said)).code == 2


def test_the_log_of_an_account_that_is_not_here_is_nobodys(home: Path) -> None:
    with Services.open(config.load(home, {})) as services, pytest.raises(InvalidInput):
        services.signer_of(bytes(20))
