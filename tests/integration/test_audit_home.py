"""Bundles of a real home: the embedded chain, the contracts, the vault; exported, verified, swapped, offline."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook import config
from deedbook.audit.bundle import Bundle
from deedbook.audit.export import ChainReader
from deedbook.audit.policies import AllOf, IsSettled, ShowsConsents
from deedbook.audit.trust import Trust
from deedbook.audit.verify import judge, verify
from deedbook.bootstrap.services import Services
from deedbook.cli.demo import cast
from deedbook.cli.demo.guiyang import Guiyang
from deedbook.cli.demo.teller import Teller
from deedbook.domain.hashing import canonical_json, keccak256, sha256, to_hex
from deedbook.errors import EvidenceMissing, NotFound

PEOPLE = 9


@dataclass
class Exported:
    """Two sales of one home: their bundles at the same block, and the trust that pins it."""

    first: bytes
    second: bytes
    trust: bytes
    services: Services

    @property
    def believed(self) -> Trust:
        return Trust.from_json(self.trust)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    path = tmp_path_factory.mktemp("audited") / "home"
    out = io.StringIO()
    with redirect_stdout(out), Services.init(config.load(path, {})) as services:
        for part in cast.MEMBERS:
            services.create_account(part.key)
        Guiyang(services, Teller("en", out), PEOPLE).tell()
        reader = ChainReader(services.node, services.addresses)
        journals = reader.journals(reader.newest_final())
        first, second = (
            event.args["saleId"]
            for (contract, entity), events in sorted(journals._journals.items())
            for event in events
            if (contract, event.name) == ("Market", "SaleOrdered") and event.args["saleId"] == entity
        )
        told = (path / "sale-1.deed").read_bytes()
        if Bundle.from_bytes(told).sale != first:
            first, second = second, first
        bundle, trust = services.export_sale(first)
        other, _ = services.export_sale(second)
        yield Exported(bundle, other, trust, services)


def test_both_sales_verify(home: Exported) -> None:
    for bundle in (home.first, home.second):
        report = judge(bundle, home.trust, AllOf(ShowsConsents(), IsSettled()))
        assert report.exit_code == 0, report.summary
    assert judge(home.first, home.trust).claims["delivered"] == PEOPLE
    assert judge(home.second, home.trust).claims["delivered"] == PEOPLE - 1


def test_a_public_bundle_shows_nobody_and_verifies(home: Exported) -> None:
    bundle, trust = home.services.export_sale(Bundle.from_bytes(home.first).sale, full=False)
    assert judge(bundle, trust).exit_code == 0
    assert judge(bundle, trust, ShowsConsents()).exit_code == 3
    for signed in json.loads(home.first)["consents"][0]:
        assert signed["signature"].encode() not in bundle


def test_parts_of_another_sale_are_refused(home: Exported) -> None:
    mine, other = json.loads(home.first), json.loads(home.second)
    differing = {part for part in mine if mine[part] != other[part]}
    assert differing >= {"sale", "journals", "claims", "cover", "envelope"}
    for part in differing:
        report = judge(canonical_json(mine | {part: other[part]}), home.trust)
        assert report.exit_code == 1, (part, report.summary)


def section(bundle: dict[str, Any], contract: str) -> dict[str, Any]:
    """The longest journal of a contract."""
    found: list[dict[str, Any]] = [each for each in bundle["journals"] if each["contract"] == contract]
    return max(found, key=lambda each: len(each["logs"]))


def other(text: str) -> str:
    """A hex text that ends in another digit."""
    return text[:-1] + ("1" if text[-1] == "0" else "0")


def hide_last(journal: dict[str, Any]) -> None:
    journal["logs"].pop()
    journal["count"] -= 1


def signed_by_another(bundle: dict[str, Any]) -> None:
    one, two = bundle["consents"][0][:2]
    one["signature"] = two["signature"]


LIES: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "a higher price": ("claims.price", lambda b: b["claims"].update(price="1")),
    "more delivered": ("claims.delivered", lambda b: b["claims"].update(delivered=PEOPLE + 1)),
    "another buyer": ("claims.buyer", lambda b: b["claims"].update(buyer=b["claims"]["provider"])),
    "less for each": ("claims.perHead", lambda b: b["claims"].update(perHead="1")),
    "another certificate": ("claims.certificate", lambda b: b["claims"].update(certificate=99)),
    "all paid": ("claims.paidUpTo", lambda b: b["claims"].update(paidUpTo=1)),
    "another title": ("claims.title", lambda b: b["claims"].update(title="Gold")),
    "another chain": ("trust.chain", lambda b: b["chain"].update(chainId="1")),
    "another genesis": ("trust.genesis", lambda b: b["chain"].update(genesisHash=other(b["chain"]["genesisHash"]))),
    "another block": ("trust.block", lambda b: b["chain"]["block"].update(hash=other(b["chain"]["block"]["hash"]))),
    "another time": ("trust.headers", lambda b: b["headers"].__setitem__(2, b["headers"][1])),
    "another proof": (
        "proof.head",
        lambda b: section(b, "Market")["proof"].__setitem__(0, other(section(b, "Market")["proof"][0])),
    ),
    "another log": ("journal.complete", lambda b: section(b, "Revenue")["logs"][0].update(data="0x")),
    "a withdrawal hidden": ("journal.complete", lambda b: hide_last(section(b, "Consents"))),
    "a payout hidden": ("journal.complete", lambda b: hide_last(section(b, "Revenue"))),
    "a consent signed by another": ("consents.signature", signed_by_another),
    "another sentence": ("consents.signature", lambda b: b["consents"][0][3]["consent"].update(statement="I agree.")),
    "consents in another order": ("consents.root", lambda b: b["consents"][0].reverse()),
    "another unit": ("payload.root", lambda b: b["units"].__setitem__(0, other(b["units"][0]))),
    "another envelope": ("payload.envelope", lambda b: b.update(envelope=other(b["envelope"]))),
    "another cover": ("cover.hash", lambda b: b.update(cover=other(b["cover"]))),
    "another document": ("document.hash", lambda b: b["documents"].update({sorted(b["documents"])[0]: "0x00"})),
    "a note": ("format.invalid-format", lambda b: b.update(note="all is well")),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_in_a_real_bundle_is_named(name: str, home: Exported) -> None:
    rule, lie = LIES[name]
    bundle = json.loads(home.first)
    lie(bundle)
    report = judge(canonical_json(bundle), home.trust)
    assert (report.exit_code, report.rule) == (1, rule), report.summary


def test_flipped_bytes_of_a_real_bundle_are_refused(home: Exported) -> None:
    draw = random.Random(4)
    for _ in range(60):
        changed = bytearray(home.first)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        assert judge(bytes(changed), home.trust).exit_code == 1


def test_sections_of_a_real_bundle_taken_out_leave_it_undecided(home: Exported) -> None:
    for part in json.loads(home.first):
        bundle = json.loads(home.first)
        del bundle[part]
        assert judge(canonical_json(bundle), home.trust).exit_code == 3, part
    for place in range(len(json.loads(home.first)["journals"])):
        bundle = json.loads(home.first)
        del bundle["journals"][place]
        assert judge(canonical_json(bundle), home.trust).exit_code == 3, place


def test_a_sale_that_nobody_ordered_is_not_exported(home: Exported) -> None:
    with pytest.raises(NotFound):
        home.services.export_sale(keccak256(b"no sale"))


def test_a_lost_document_is_named_at_the_export(home: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.from_bytes(home.first)
    lost = sorted(bundle.documents)[0]
    find = home.services.records.documents.find
    monkeypatch.setattr(home.services.records.documents, "find", lambda name: None if name == lost else find(name))
    with pytest.raises(EvidenceMissing) as missing:
        home.services.export_sale(bundle.sale)
    assert to_hex(lost) in str(missing.value)


def run(args: list[str], *, prefix: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [*(prefix or []), sys.executable, "-m", "deedbook.cli.main", "audit", "verify", *args]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "DEEDBOOK_HOME": "/nowhere"}
    )


@pytest.fixture
def files(home: Exported, tmp_path: Path) -> dict[str, str]:
    content = {"sale": home.first, "trust": home.trust, "lie": home.first.replace(b'"delivered":9', b'"delivered":8')}
    other = json.loads(home.trust) | {"chainId": "1"}
    content["elsewhere"] = canonical_json(other)
    content["poorer"] = canonical_json({**json.loads(home.first), "headers": []})
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    return {name: str(tmp_path / name) for name in content}


def test_exit_codes_of_the_command(files: dict[str, str]) -> None:
    expected: list[tuple[list[str], int]] = [
        ([files["sale"], "--trust", files["trust"]], 0),
        ([files["lie"], "--trust", files["trust"]], 1),
        ([files["sale"], "--trust", files["elsewhere"]], 1),
        ([files["sale"]], 2),
        ([files["poorer"], "--trust", files["trust"]], 3),
    ]
    for args, code in expected:
        found = run(args)
        assert found.returncode == code, found.stdout + found.stderr
        assert "Traceback" not in found.stderr
    assert "claims.delivered" in run([files["lie"], "--trust", files["trust"]]).stdout


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_it_verifies_without_any_network(files: dict[str, str]) -> None:
    probe = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("no user namespaces here")
    assert run([files["sale"], "--trust", files["trust"]], prefix=["unshare", "-rn"]).returncode == 0


HEAVY = {
    "web3",
    "eth_abi",
    "eth_account",
    "eth_utils",
    "rlp",
    "trie",
    "sqlalchemy",
    "alembic",
    "fastapi",
    "eth",
    "obstore",
    "pydantic",
    "typer",
}


def test_verifying_loads_nothing_heavy() -> None:
    code = "import sys, deedbook.audit.verify; print(','.join(sorted({name.split('.')[0] for name in sys.modules})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(found.stdout.strip().split(","))


def test_every_unbound_byte_would_be_found(home: Exported) -> None:
    """Each leaf value of the real bundle, replaced once."""
    draw = random.Random(6)
    paths = list(_leaves(json.loads(home.first)))
    for path in draw.sample(paths, 120):
        bundle: Any = json.loads(home.first)
        holder = bundle
        for key in path[:-1]:
            holder = holder[key]
        old = holder[path[-1]]
        holder[path[-1]] = old + 1 if type(old) is int else (not old) if isinstance(old, bool) else _other(old)
        report = verify(canonical_json(bundle), home.believed)
        assert report.exit_code in (1, 3), (path, report.summary)


def _other(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("0x") and len(value) > 2:
        return "0x" + sha256(value.encode()).hex()[: len(value) - 2]
    return "changed"


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path
        return
    for key, inner in items:
        yield from _leaves(inner, (*path, key))
