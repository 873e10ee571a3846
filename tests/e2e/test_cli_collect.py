"""A population's consents by commands: out of a file, killed on the way, anchored, verified, proven, handed over."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from deedbook.domain.consents import SignedConsent
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.merkle import rfc9162_root, verify_positional
from deedbook.domain.receipts import ConsentReceipt
from deedbook.wallet.consents import CHUNK
from deedbook.wallet.recovery import recover
from tests.dask_cluster import DaskCluster
from tests.e2e.command_line import command, environment
from tests.e2e.population import Population


def test_every_line_gets_its_receipt_in_order(people: Population) -> None:
    signed = [people.signed(number) for number in range(5)]
    file, out = people.file("five.ndjson", [each.encode() for each in signed]), str(people.folder / "receipts.ndjson")
    words = ("consents", "collect", file, "--as", "provider", "--out", out)
    assert people.cli.done(*words) == {"consents": 5, "collected": 5, "known": 0, "receipts": out}
    receipts = [ConsentReceipt.from_json(json.loads(line)) for line in Path(out).read_bytes().splitlines()]
    assert [each.signed for each in receipts] == signed
    assert all(recover(each.digest, each.signature) == people.controller for each in receipts)
    before = Path(out).read_bytes()
    assert people.cli.done(*words) == {"consents": 5, "collected": 0, "known": 5, "receipts": out}
    assert Path(out).read_bytes() == before


def test_a_bad_line_stops_its_file_and_nothing_of_it_is_anchored(people: Population) -> None:
    lines = [people.signed(number).encode() for number in range(4)]
    forged = replace(people.signed(4), signature=people.signed(5).signature).encode()
    out = people.folder / "receipts.ndjson"
    bad = people.file("bad.ndjson", [*lines[:2], forged, *lines[2:]])
    answer = people.cli("consents", "collect", bad, "--as", "provider", "--out", str(out), "--json")
    assert (answer.code, answer.error["field"], answer.error["line"]) == (2, "signature", 3)
    assert not out.exists()
    anchor = ("consents", "anchor", people.asset, "--as", "provider", "--salt", people.salt)
    assert people.cli(*anchor).code == 5
    people.cli.done("consents", "collect", people.file("mended.ndjson", lines), "--as", "provider")
    assert people.cli.done(*anchor)["count"] == 4


@pytest.mark.parametrize(
    ("content", "field", "line"),
    [
        (b"", "line 1", 1),
        (b"\n", "deedbook.consent", 1),
        (b"[]\n", "format", 1),
        (b"{" + b" " * (1 << 16) + b"}\n", "file", 1),
    ],
)
def test_a_file_of_something_else_is_refused(people: Population, content: bytes, field: str, line: int) -> None:
    (people.folder / "else").write_bytes(content)
    answer = people.cli("consents", "collect", str(people.folder / "else"), "--as", "provider", "--json")
    assert (answer.code, answer.error["field"], answer.error["line"]) == (2, field, line)


def test_a_file_that_is_cut_short_is_told_by_its_last_line_or_its_count(people: Population) -> None:
    lines = [people.signed(number).encode() for number in range(3)]
    people.file("cut.ndjson", [*lines[:2], lines[2][:500]])
    words = ("consents", "collect", str(people.folder / "cut.ndjson"), "--as", "provider", "--count", "3", "--json")
    answer = people.cli(*words)
    assert (answer.code, answer.error["line"]) == (2, 3)
    people.file("cut.ndjson", lines[:2])
    answer = people.cli(*words)
    assert (answer.code, answer.error["field"]) == (2, "count")
    assert people.cli("consents", "anchor", people.asset, "--as", "provider", "--salt", people.salt).code == 5


def test_a_parquet_file_is_taken_as_its_lines_are(people: Population) -> None:
    """Half of it as lines first: what is known is found again, whatever file it comes from."""
    cli, lines = people.cli, [people.signed(number).encode() for number in range(6)]
    file, outs = people.parquet("six.parquet", lines), [str(people.folder / name) for name in ("rows", "lines")]
    cli.done("consents", "collect", people.file("three.ndjson", lines[:3]), "--as", "provider")
    said = cli.done("consents", "collect", file, "--as", "provider", "--out", outs[0], "--count", "6")
    assert said == {"consents": 6, "collected": 3, "known": 3, "receipts": outs[0]}
    cli.done("consents", "collect", people.file("six.ndjson", lines), "--as", "provider", "--out", outs[1])
    assert Path(outs[0]).read_bytes() == Path(outs[1]).read_bytes()
    batch = cli.done("consents", "anchor", people.asset, "--as", "provider", "--salt", people.salt)["batchId"]
    own = cli.done("consents", "verify-batch", batch)
    leaves = people.folder / "leaves"
    cli.done("consents", "manifest", batch, "--out", str(leaves))
    ordered = leaves.read_bytes().splitlines()
    assert cli.done("consents", "verify-batch", batch, "--consents", people.parquet("all", ordered)) == own
    answer = cli("consents", "verify-batch", batch, "--consents", people.parquet("all", ordered[:5]), "--json")
    assert (answer.code, answer.error["rule"]) == (3, "consents.shown")


def test_a_bad_row_is_named_with_its_rule_and_nothing_of_its_file_is_anchored(people: Population) -> None:
    lines = [people.signed(number).encode() for number in range(4)]
    forged = replace(people.signed(4), signature=people.signed(5).signature).encode()
    cases: list[tuple[list[bytes | None], str, int]] = [
        ([*lines[:2], forged, *lines[2:]], "signature", 3),
        ([*lines, lines[1]], "consentId", 5),
        ([*lines[:3], lines[3][:500]], "deedbook.consent", 4),
        ([lines[0], None, *lines[1:]], "consent", 2),
        ([lines[0], lines[1].replace(b",", b",\n", 1)], "consent", 2),
        ([lines[0], lines[1] + b" " * (1 << 16)], "file", 2),
        ([], "row 1", 1),
    ]
    for documents, field, row in cases:
        file = people.parquet("bad.parquet", documents) if documents else _nothing(people.folder / "bad.parquet")
        answer = people.cli("consents", "collect", file, "--as", "provider", "--json")
        assert (answer.code, answer.error["field"], answer.error["row"]) == (2, field, row)
        assert f"row {row}" in answer.error["message"]
        assert "line" not in answer.error
    assert people.cli("consents", "anchor", people.asset, "--as", "provider", "--salt", people.salt).code == 5


def _nothing(path: Path) -> str:
    pyarrow.parquet.write_table(pyarrow.table({"consent": pyarrow.array([], pyarrow.string())}), path)
    return str(path)


def test_what_is_no_whole_parquet_file_of_consents_is_refused(
    people: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [people.signed(number).encode() for number in range(2)]
    whole = Path(people.parquet("whole.parquet", documents)).read_bytes()
    cases = {
        "cut": (whole[:-9], "file", "is no whole Parquet file"),
        "lines.parquet": (documents[0], "file", "is no whole Parquet file"),
        "named": (Path(people.parquet("x", documents, "document")).read_bytes(), "consent", "no column of this name"),
    }
    for name, (content, field, words) in cases.items():
        (people.folder / name).write_bytes(content)
        answer = people.cli("consents", "collect", str(people.folder / name), "--as", "provider", "--json")
        assert (answer.code, answer.error["field"]) == (2, field)
        assert words in answer.error["message"]
    with (people.folder / "whole.parquet").open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        answer = people.cli("consents", "collect", "-", "--as", "provider", "--json")
    assert (answer.code, answer.error["field"]) == (2, "file")


def test_the_workers_of_a_cluster_check_what_is_collected_and_verified(people: Population) -> None:
    cli, lines = people.cli, [people.signed(number).encode() for number in range(5)]
    file = people.file("five.ndjson", lines)
    with closing(DaskCluster(2)) as dask:
        by = ("--scheduler", dask.address)
        said = cli.done("consents", "collect", file, "--as", "provider", *by)
        assert (said["consents"], said["collected"]) == (5, 5)
        batch = cli.done("consents", "anchor", people.asset, "--as", "provider", "--salt", people.salt)["batchId"]
        assert cli.done("consents", "verify-batch", batch, *by) == cli.done("consents", "verify-batch", batch)
        answer = cli("consents", "collect", file, "--as", "provider", *by, "--processes", "2", "--json")
        assert (answer.code, answer.error["field"]) == (2, "scheduler")
        dask.kill(2)
        dask.fill(1)
        assert cli.done("consents", "collect", file, "--as", "provider", *by)["known"] == 5


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 64 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("a filesystem can be mounted by root alone")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_full_of_receipts_is_named_and_nobody_is_asked_twice(people: Population, small_disk: Path) -> None:
    lines = [people.signed(number).encode() for number in range(100)]
    file, out = people.file("many.ndjson", lines), small_disk / "receipts.ndjson"
    words = ("consents", "collect", file, "--as", "provider", "--out", str(out))
    answer = people.cli(*words, "--json")
    assert (answer.code, answer.error["field"]) == (2, "out")
    assert "No space left" in answer.error["message"]
    assert list(small_disk.iterdir()) == []
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    done = people.cli.done(*words)
    assert (done["consents"], done["collected"]) == (100, 0)
    receipts = [json.loads(line)["receipt_id"] for line in out.read_bytes().splitlines()]
    assert receipts == [to_hex(SignedConsent.from_json(json.loads(line)).consent_id) for line in lines]


def test_the_auditor_verifies_a_batch_from_the_file_of_its_manifest(people: Population) -> None:
    cli, (batch, _) = people.cli, people.anchored(5)
    out = str(people.folder / "manifest.ndjson")
    handed = cli.done("consents", "manifest", batch, "--out", out)
    lines = Path(out).read_bytes().splitlines()
    assert handed == {"batchId": batch, "manifestHash": to_hex(rfc9162_root(lines)), "consents": 5}
    own = cli.done("consents", "verify-batch", batch)
    assert (own["signatures"], own["statements"], own["subjects"], own["anchored"]) == (5, 5, 5, True)
    assert cli.done("consents", "verify-batch", batch, "--consents", out) == own
    for changed in (lines[::-1], [*lines[:4], people.signed(9).encode()], [*lines[:4], lines[0]]):
        answer = cli("consents", "verify-batch", batch, "--consents", people.file("other", changed), "--json")
        assert answer.code == 8
    answer = cli("consents", "verify-batch", batch, "--consents", people.file("other", lines[:4]), "--json")
    assert (answer.code, answer.error["rule"]) == (3, "consents.shown")


def test_every_person_can_prove_the_own_place(people: Population) -> None:
    batch, lines = people.anchored(5)
    for line in lines:
        signed = SignedConsent.decode(line)
        shown = people.cli.done("consents", "prove", to_hex(signed.consent_id))
        stated, nodes = shown["batch"], [from_hex(node, "proof", 32) for node in shown["proof"]]
        assert (stated["batchId"], shown["subject"]) == (batch, to_hex(signed.consent.subject))
        leaf, root = from_hex(shown["leaf"], "leaf"), from_hex(stated["root"], "root")
        assert verify_positional(leaf, shown["index"], stated["count"], nodes, root)
    assert people.cli("consents", "prove", "0x" + "11" * 32).code == 5


@pytest.mark.slow
def test_a_collection_that_is_killed_goes_on_where_it_was(people: Population) -> None:
    count = 2 * CHUNK + 100
    lines = [people.signed(number).encode() for number in range(count)]
    file, out = people.file("many.ndjson", lines), str(people.folder / "receipts.ndjson")
    words = ("consents", "collect", file, "--as", "provider", "--out", out)
    begun = command("--home", str(people.cli.home), *words)
    with subprocess.Popen(begun, env=environment(KILLED_COLLECTION=str(people.folder))) as process:
        _wait_for_rows(people.cli.home, process)
        process.send_signal(signal.SIGKILL)
    anchor = ("consents", "anchor", people.asset, "--as", "provider", "--salt", people.salt)
    assert people.cli(*anchor).code == 5
    done = people.cli.done(*words)
    assert done["consents"] == count
    assert done["known"] in (CHUNK, 2 * CHUNK)
    receipts = [json.loads(line)["receipt_id"] for line in Path(out).read_bytes().splitlines()]
    assert receipts == [to_hex(SignedConsent.from_json(json.loads(line)).consent_id) for line in lines]
    batch = people.cli.done(*anchor)
    assert batch["count"] == count
    assert people.cli.done("consents", "verify-batch", batch["batchId"])["subjects"] == count
    assert _orphans(f"KILLED_COLLECTION={people.folder}".encode()) == []


def _wait_for_rows(home: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with sqlite3.connect(f"file:{home / 'records.sqlite'}?mode=ro", uri=True) as raw:
            (staged,) = raw.execute("SELECT count(*) FROM consents WHERE state = 'staged'").fetchone()
        raw.close()
        if staged:
            return
        time.sleep(0.002)
    raise AssertionError("nothing was staged")


def _orphans(mark: bytes) -> list[str]:
    """Processes with this in their environment that are still there after some seconds."""
    deadline = time.monotonic() + 10
    while found := [each.name for each in Path("/proc").iterdir() if each.name.isdigit() and _is_marked(each, mark)]:
        if time.monotonic() > deadline:
            return found
        time.sleep(0.05)
    return []


def _is_marked(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes()
    except OSError:
        return False
