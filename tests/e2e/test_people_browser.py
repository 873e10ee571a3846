"""A person on the pages in a real Chromium, with a wallet of the browser: reads, signs, withdraws, sees the own; and
with wallets that mean no good. What the service keeps afterwards is read from the service, not from the page."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.hashing import checksum_address, from_hex
from deedbook.domain.receipts import ConsentReceipt
from deedbook.wallet.recovery import recover
from tests import people_stage as stage
from tests.integration.scenario import NOTICE

NEWCOMERS = ("one", "two", "spare")


@dataclass(frozen=True)
class Seen:
    """What the browser reported of each scene, and the home as it is afterwards."""

    report: dict[str, Any]
    place: stage.Place

    def __getitem__(self, scene: str) -> Any:
        return self.report["scenes"][scene]


@pytest.fixture(scope="module")
def seen(node: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    browser = root / "tests" / "browser"
    if not (browser / "node_modules").exists():
        pytest.fail("needs tests/browser/node_modules: run `make node`", pytrace=False)
    found = subprocess.run([node, browser / "chromium.mjs"], capture_output=True, text=True, check=True, timeout=300)
    if json.loads(found.stdout) is None:
        pytest.skip("there is no Chromium for this machine: name one by CHROMIUM")
    with stage.lived(tmp_path_factory.mktemp("people")) as place:
        asked = {
            "origin": place.closed.url,
            "open": place.open.url,
            "chain": place.scenario.services.chain_id,
            "keys": {name: stage.key_of(name) for name in NEWCOMERS},
            "links": {name: place.link(name, stage.CHINESE if name == "two" else NOTICE) for name in NEWCOMERS},
        }
        command = [node, browser / "people.mjs"]
        done = subprocess.run(
            command, input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=500
        )
        assert done.returncode == 0, done.stderr
        yield Seen(json.loads(done.stdout), place)


@pytest.mark.slow
def test_the_browser_finds_nothing_to_complain_of(seen: Seen) -> None:
    report = seen.report
    assert report["violations"] == []
    assert report["refused"] == []
    assert report["strangers"] == []
    assert report["errors"] == []
    assert report["wide"] == []
    assert report["judged"] >= 4


@pytest.mark.slow
def test_a_person_reads_picks_signs_and_keeps_the_receipt(seen: Seen) -> None:
    giving = seen["giving"]
    assert (giving["before"], giving["unpicked"], giving["outcome"]) == ("", "pick", "given")
    receipt = ConsentReceipt.from_json(giving["receipt"])
    consent = receipt.signed.consent
    assert consent.statement == giving["sentence"] == giving["sent"][0]["message"]["statement"]
    assert (consent.modes, consent.valid_until - consent.valid_from) == (32, 365 * 86_400)
    assert checksum_address(consent.subject) == stage.address_of("one")
    assert recover(receipt.signed.consent_id, receipt.signed.signature) == consent.subject
    assert recover(receipt.digest, receipt.signature) == receipt.collector
    kept = seen.place.desk.receipt(from_hex(giving["consent"], "consent", 32))
    assert kept == giving["receipt"]


@pytest.mark.slow
def test_a_second_tab_and_the_back_button_sign_nothing_more(seen: Seen) -> None:
    giving = seen["giving"]
    assert (giving["otherTab"], giving["named"]) == ("already", True)
    assert giving["back"] in ("given", "already")
    assert len(giving["sent"]) == 1


@pytest.mark.slow
def test_on_a_phone_in_chinese_the_wallet_is_chosen(seen: Seen) -> None:
    phone = seen["onAPhone"]
    assert (phone["unchosen"], phone["names"], phone["outcome"]) == ("choose", ["甲", "乙"], "given")
    assert phone["used"] == [0, 1]
    receipt = ConsentReceipt.from_json(phone["receipt"])
    assert (receipt.language, receipt.signed.consent.statement[:4]) == ("zh-CN", "本人同意")
