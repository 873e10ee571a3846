"""Erasure survives a crash at any step, and afterwards nothing opens what was erased."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from deedbook.domain.keytree import cover_hash, delivered_indices
from deedbook.domain.payloads import KeyLedger, KeyRecord
from deedbook.errors import DeedbookError, InvalidInput, Locked, MissingKey, NotFound, SealBroken
from deedbook.records.store import Records
from deedbook.vault.envelopes import Context, EncryptionKeyPair, Suite, open_envelope
from deedbook.vault.erasure import STEPS, Erasure
from deedbook.vault.keks import EnvironmentKeks, FileKeks, Keks
from deedbook.vault.keytree import SeededCover
from deedbook.vault.objects import ObjectStore
from deedbook.vault.payloads import PayloadReceipt, Vault, open_seeds
from deedbook.vault.records_form import open_unit
from deedbook.vault.sealers import KeySealer
from tests.key_ledgers import MemoryKeyLedger

COUNT = 13
CONSENTS = [hashlib.sha256(bytes((n,))).digest() for n in range(COUNT)]
CONTEXT = Context(1, bytes(20), bytes(32), bytes(32))
BUYER = EncryptionKeyPair(Suite.X25519, b"\7" * 32)


class Crash(Exception):  # noqa: N818
    """The power went out."""


class Home:
    """A vault with two payloads, and a stolen copy of everything but the KEKs from before the erasure."""

    def __init__(self, folder: Path, ledger: KeyLedger, keks: Keks | None = None) -> None:
        self.folder = folder
        self.ledger = ledger
        self.keks = keks or FileKeks(folder / "keks", entropy=os.urandom)
        self.vault = Vault(
            ObjectStore.in_folder(folder / "objects"), ledger, self.keks, entropy=os.urandom, clock=lambda: 1000
        )

    def furnish(self) -> None:
        self.first = self.vault.seal(1, 1, CONSENTS, [f"first {n}".encode() for n in range(COUNT)])
        self.second = self.vault.seal(2, 1, CONSENTS, [f"second {n}".encode() for n in range(COUNT)])
        stored = self.ledger.keys()
        self.stolen = {row.payload_id: row for row in stored}

    def erasure(self, crash_after: str | None = None) -> Erasure:
        def watch(step: str) -> None:
            if step == crash_after:
                raise Crash(step)

        return Erasure(self.ledger, self.keks, entropy=os.urandom, clock=lambda: 2000, watch=watch)

    def readable(self, payload_id: bytes) -> dict[int, bytes]:
        """What the exchange can read with all that it has: every key row against every KEK that exists."""
        payload = self.ledger.payload(payload_id)
        content: dict[int, bytes] = {}
        for row in (self.ledger.key(payload_id), self.stolen[payload_id]):
            for seeds in self.opened(row):
                for index, leaf_seed in seeds.leaf_seeds():
                    content[index] = open_unit(
                        self.unit(payload_id, index),
                        leaf_seed,
                        asset_id=payload.asset_id,
                        version=1,
                        index=index,
                        consent_id=CONSENTS[index],
                        depth=seeds.cover.depth,
                    )
        return content

    def opened(self, row: KeyRecord) -> list[SeededCover]:
        found = []
        for generation in {row.generation, *self.keks.generations()}:
            try:
                found.append(open_seeds(self.keks.key(generation), row))
            except (MissingKey, SealBroken):
                continue
        return found

    def unit(self, payload_id: bytes, index: int) -> bytes:
        """Past the door of the vault: straight from the object."""
        return self.vault._object(payload_id).unit(index)


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyLedger]:
    """The short one of the tests, and the one that homes have."""
    if request.param == "memory":
        yield MemoryKeyLedger()
        return
    records = open_records(tmp_path)
    yield records.payloads
    records.close()


def open_records(folder: Path) -> Records:
    return Records.open(f"sqlite:///{folder / 'records.db'}", KeySealer(bytes(32), os.urandom))


@pytest.fixture
def home(tmp_path: Path, ledger: KeyLedger) -> Home:
    home = Home(tmp_path, ledger)
    home.furnish()
    return home


def snapshot(ledger: KeyLedger) -> object:
    return ledger.generation(), ledger.keys(), ledger.erasures()


def require_erased(home: Home, *indices: int) -> None:
    """Of the first payload these, of the second none: unreadable, undeliverable, not served; all others as before."""
    first, second = home.first.payload_id, home.second.payload_id
    left = [n for n in range(COUNT) if n not in indices]
    assert home.readable(first) == {n: f"first {n}".encode() for n in left}
    assert home.readable(second) == {n: f"second {n}".encode() for n in range(COUNT)}
    assert list(delivered_indices(home.vault.available(first))) == left
    delivery = home.vault.deliver(first, (), BUYER.public, CONTEXT)
    assert [n for n, _ in open_envelope(delivery.envelope, BUYER, CONTEXT).leaf_seeds()] == left
    for index in indices:
        with pytest.raises(NotFound):
            home.vault.serve_unit(first, index)
    for index in left:
        assert home.vault.serve_unit(first, index)


def test_erased_record_is_gone_and_all_others_stay(home: Home) -> None:
    assert len(home.readable(home.first.payload_id)) == COUNT
    done = home.erasure().erase({home.first.payload_id: [4]})
    assert done is not None
    assert done.phase == "done"
    require_erased(home, 4)
    assert home.keks.generations() == (2,)
    assert [row.generation for row in sorted(home.ledger.keys(), key=lambda row: row.payload_id)] == [2, 2]


@pytest.mark.parametrize("step", STEPS)
def test_crash_after_any_step_is_healed(home: Home, step: str) -> None:
    with pytest.raises(Crash):
        home.erasure(crash_after=step).erase({home.first.payload_id: [4]})
    assert 4 not in set(delivered_indices(home.vault.available(home.first.payload_id)))  # from the intent on
    home.erasure().resume()
    require_erased(home, 4)
    assert home.keks.generations() == (2,)
    assert home.ledger.open_erasure() is None
    assert json.loads(home.erasure().receipt_of(home.first.payload_id, 4))["destroyedGeneration"] == 1


@pytest.mark.parametrize("step", STEPS)
def test_crash_after_crash_is_healed(home: Home, step: str) -> None:
    with pytest.raises(Crash):
        home.erasure(crash_after=step).erase({home.first.payload_id: [4]})
    for again in STEPS:
        try:
            home.erasure(crash_after=again).resume()
        except Crash:
            continue
    home.erasure().resume()
    require_erased(home, 4)
    assert len(home.keks.generations()) == 1


def test_erasing_twice_is_erasing_once(home: Home) -> None:
    home.erasure().erase({home.first.payload_id: [4]})
    before = snapshot(home.ledger)
    assert home.erasure().erase({home.first.payload_id: [4]}) is None
    assert home.erasure().resume() is None
    assert snapshot(home.ledger) == before
    require_erased(home, 4)


def test_next_erasure_adds_to_the_former(home: Home) -> None:
    home.erasure().erase({home.first.payload_id: [4]})
    done = home.erasure().erase({home.first.payload_id: [4, 5, 0]})
    assert done is not None
    assert done.targets[0].indices == (0, 5)
    require_erased(home, 0, 4, 5)
    assert home.keks.generations() == (3,)


def test_erasing_starts_with_what_a_crash_left(home: Home) -> None:
    with pytest.raises(Crash):
        home.erasure(crash_after="logged").erase({home.first.payload_id: [4]})
    home.erasure().erase({home.first.payload_id: [9]})
    require_erased(home, 4, 9)
    assert [erasure.phase for erasure in home.ledger.erasures()] == ["done", "done"]


def test_several_payloads_share_one_erasure(home: Home) -> None:
    done = home.erasure().erase({home.first.payload_id: [1], home.second.payload_id: range(COUNT)})
    assert done is not None
    assert home.keks.generations() == (2,)
    assert set(home.readable(home.first.payload_id)) == set(range(COUNT)) - {1}
    assert home.readable(home.second.payload_id) == {}
    assert list(delivered_indices(home.vault.available(home.second.payload_id))) == []


def test_receipt_says_what_was_destroyed_and_when(home: Home) -> None:
    done = home.erasure().erase({home.first.payload_id: [4, 2]})
    assert done is not None
    receipt = json.loads(done.receipt)
    assert receipt == {
        "format": "deedbook.erasure",
        "version": 1,
        "erasureId": "0x" + done.erasure_id.hex(),
        "payloads": [
            {
                "payloadId": "0x" + home.first.payload_id.hex(),
                "assetId": "1",
                "assetVersion": 1,
                "contentRoot": "0x" + home.first.content_root.hex(),
                "indices": [2, 4],
                "remainingCoverHash": "0x" + cover_hash(home.vault.available(home.first.payload_id)).hex(),
            }
        ],
        "destroyedGeneration": 1,
        "generation": 2,
        "loggedAt": 2000,
        "destroyedAt": 2000,
        "promised": True,
    }
    assert home.erasure().receipt_of(home.first.payload_id, 2) == done.receipt
    with pytest.raises(NotFound):
        home.erasure().receipt_of(home.first.payload_id, 3)


def test_key_from_the_environment_erases_without_a_promise(tmp_path: Path) -> None:
    home = Home(tmp_path, MemoryKeyLedger(), EnvironmentKeks(b"\1" * 32))
    home.furnish()
    done = home.erasure().erase({home.first.payload_id: [4]})
    assert done is not None
    assert json.loads(done.receipt)["promised"] is False
    assert 4 not in set(delivered_indices(home.vault.available(home.first.payload_id)))
    assert 4 in home.readable(home.first.payload_id)  # the stolen rows and the variable: hence no promise


def test_unknown_payload_and_index_are_refused_before_anything_is_logged(home: Home) -> None:
    with pytest.raises(NotFound):
        home.erasure().erase({bytes(32): [0]})
    with pytest.raises(InvalidInput, match="indices"):
        home.erasure().erase({home.first.payload_id: [COUNT]})
    assert list(home.ledger.erasures()) == []
    assert home.keks.generations() == (1,)


def test_payload_sealed_during_an_erasure_is_taken_along(home: Home) -> None:
    sealed: list[PayloadReceipt] = []

    def watch(step: str) -> None:
        if step == "rewrapped" and not sealed:
            sealed.append(home.vault.seal(3, 1, CONSENTS[:1], [b"late"]))

    Erasure(home.ledger, home.keks, entropy=os.urandom, clock=lambda: 0, watch=watch).erase(
        {home.first.payload_id: [4]}
    )
    assert home.ledger.key(sealed[0].payload_id).generation == 2
    assert list(delivered_indices(home.vault.available(sealed[0].payload_id))) == [0]
    require_erased(home, 4)


@pytest.mark.parametrize("step", STEPS[:-1])
def test_two_processes_may_run_one_erasure(home: Home, step: str) -> None:
    def watch(reached: str) -> None:
        if reached == step:
            home.erasure().resume()  # the other one overtakes here

    done = Erasure(home.ledger, home.keks, entropy=os.urandom, clock=iter(range(99)).__next__, watch=watch).erase(
        {home.first.payload_id: [4]}
    )
    assert done is not None
    assert done.phase == "done"
    require_erased(home, 4)
    assert home.keks.generations() == (2,)
    assert len(home.ledger.erasures()) == 1


class HeldUpLedger(MemoryKeyLedger):
    """Commits the switch, then finds the file busy."""

    def switch(self, erasure_id: bytes, keys: Collection[KeyRecord]) -> None:
        super().switch(erasure_id, keys)
        raise Locked("in use by another reader")


def test_switch_that_committed_before_it_failed_counts(tmp_path: Path) -> None:
    home = Home(tmp_path, HeldUpLedger())
    home.furnish()
    home.erasure().erase({home.first.payload_id: [4]})
    require_erased(home, 4)


def test_torn_key_file_of_a_crash_is_made_again(home: Home) -> None:
    with pytest.raises(Crash):
        home.erasure(crash_after="logged").erase({home.first.payload_id: [4]})
    (home.folder / "keks" / "kek-0000000002").write_bytes(b"DBKK\1")
    home.erasure().resume()
    require_erased(home, 4)


def test_half_destroyed_generation_is_destroyed(home: Home) -> None:
    with pytest.raises(Crash):
        home.erasure(crash_after="switched").erase({home.first.payload_id: [4]})
    (home.folder / "keks" / "kek-0000000001").write_bytes(bytes(20))
    home.erasure().resume()
    require_erased(home, 4)


def test_damaged_row_stops_the_erasure_before_the_switch(tmp_path: Path) -> None:
    ledger = MemoryKeyLedger()
    home = Home(tmp_path, ledger)
    home.furnish()
    row = home.ledger.key(home.second.payload_id)
    bad = KeyRecord(row.payload_id, row.epoch, row.generation, row.wrapped_key[:-1] + b"\0", row.sealed_seeds[:-1])
    ledger.key_rows[row.payload_id] = bad
    with pytest.raises(DeedbookError):
        home.erasure().erase({home.first.payload_id: [4]})
    assert home.ledger.generation() == 1
    assert 1 in home.keks.generations()
    ledger.key_rows[row.payload_id] = row
    home.erasure().resume()
    require_erased(home, 4)


DYING = """
import os, signal, sys
from pathlib import Path
from deedbook.vault.erasure import Erasure
from deedbook.vault.keks import FileKeks
from deedbook.records.store import Records
from deedbook.vault.sealers import KeySealer
folder, payload_id, step = Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), sys.argv[3]
Erasure(
    Records.open(f"sqlite:///{folder / 'records.db'}", KeySealer(bytes(32), os.urandom)).payloads,
    FileKeks(folder / "keks", entropy=os.urandom),
    entropy=os.urandom,
    clock=lambda: 2000,
    watch=lambda reached: os.kill(os.getpid(), signal.SIGKILL) if reached == step else None,
).erase({payload_id: [4]})
"""


@pytest.mark.rule("erasure")
@pytest.mark.parametrize("step", ["logged", "kek written", "switched", "destroyed"])
def test_killed_process_is_healed_by_the_next(tmp_path: Path, root: Path, step: str) -> None:
    records = open_records(tmp_path)
    home = Home(tmp_path, records.payloads)
    home.furnish()
    records.close()
    died = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path), home.first.payload_id.hex(), step],
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        check=False,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL
    records = open_records(tmp_path)
    again = Home(tmp_path, records.payloads)
    again.first, again.second, again.stolen = home.first, home.second, home.stolen
    assert again.ledger.open_erasure() is not None
    again.erasure().resume()
    require_erased(again, 4)
    assert again.keks.generations() == (2,)
    records.close()


def test_old_key_rows_do_not_linger_in_the_file(tmp_path: Path) -> None:
    records = open_records(tmp_path)
    home = Home(tmp_path, records.payloads)
    home.furnish()
    home.erasure().erase({home.first.payload_id: [4]})
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("records.db*"))
    assert all(row.wrapped_key not in stored for row in home.stolen.values())
    assert home.stolen[home.first.payload_id].sealed_seeds not in stored
    records.close()
