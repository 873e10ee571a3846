"""From sealing to the buyer's desk, and everything that must not arrive there."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.consents import record_commit
from deedbook.domain.keytree import delivered_indices
from deedbook.domain.payloads import ErasureRecord, ErasureTarget, KeyRecord, PayloadRecord
from deedbook.errors import Conflict, EvidenceMissing, InvalidInput, MissingKey, NotFound, SealBroken
from deedbook.vault.deliveries import DeliveredRecord, Sold, open_delivered
from deedbook.vault.envelopes import Context, EncryptionKeyPair, Suite
from deedbook.vault.keks import FileKeks
from deedbook.vault.objects import ObjectStore
from deedbook.vault.payloads import Delivery, PayloadReceipt, Vault, payload_id_of
from deedbook.vault.records_form import encode_record
from tests.key_ledgers import MemoryKeyLedger

ASSET, VERSION, COUNT = 2**200 + 1, 1, 23
ABSENT = 5
CONSENTS = [hashlib.sha256(bytes((n,))).digest() for n in range(COUNT)]
SALTS = [hashlib.sha256(b"salt" + bytes((n,))).digest() for n in range(COUNT)]
RECORDS: list[dict[str, Any]] = [{"name": f"person {n}", "wage": n * 100.5} for n in range(COUNT)]
CONTEXT = Context(31337, b"\1" * 20, b"\2" * 32, b"\3" * 32)
BUYER = EncryptionKeyPair.generate(os.urandom, Suite.X25519)


@dataclass
class House:
    """An exchange's vault with one sealed payload."""

    folder: Path
    ledger: MemoryKeyLedger
    vault: Vault
    receipt: PayloadReceipt

    @property
    def object_path(self) -> Path:
        return self.folder / "objects" / "payloads" / self.receipt.payload_id.hex()

    @property
    def unit_hashes(self) -> tuple[bytes, ...]:
        return self.vault.unit_hashes(self.receipt.payload_id)

    def units(self, delivery: Delivery) -> dict[int, bytes]:
        return self.vault.serve_units(self.receipt.payload_id, list(delivered_indices(delivery.cover)))

    def sold(self, delivery: Delivery) -> Sold:
        return Sold(
            ASSET,
            VERSION,
            self.receipt.content_root,
            CONSENTS,
            commitments=[record_commit(salt, record) for salt, record in zip(SALTS, RECORDS, strict=True)],
            delivered_count=delivery.delivered_count,
            cover=delivery.cover,
        )

    def opened(self, delivery: Delivery, **change: Any) -> tuple[DeliveredRecord, ...]:
        arguments: dict[str, Any] = {
            "envelope": delivery.envelope,
            "keys": BUYER,
            "context": CONTEXT,
            "sold": self.sold(delivery),
            "unit_hashes": self.unit_hashes,
        }
        if "units" not in change:
            arguments["units"] = self.units(delivery)
        return open_delivered(**arguments | change)


def vault_in(folder: Path, ledger: MemoryKeyLedger) -> Vault:
    return Vault(
        ObjectStore.in_folder(folder / "objects"),
        ledger,
        FileKeks(folder / "keks", entropy=os.urandom),
        entropy=os.urandom,
        clock=lambda: 1_700_000_000,
    )


@pytest.fixture
def house(tmp_path: Path) -> House:
    ledger = MemoryKeyLedger()
    vault = vault_in(tmp_path, ledger)
    plaintexts = [
        None if n == ABSENT else encode_record(salt, record)
        for n, (salt, record) in enumerate(zip(SALTS, RECORDS, strict=True))
    ]
    return House(tmp_path, ledger, vault, vault.seal(ASSET, VERSION, CONSENTS, plaintexts))


def deliver(house: House, *excluded: int) -> Delivery:
    return house.vault.deliver(house.receipt.payload_id, excluded, BUYER.public, CONTEXT)


def test_receipt_names_the_payload_and_its_root(house: House) -> None:
    receipt = house.receipt
    assert receipt.payload_id == payload_id_of(ASSET, VERSION, receipt.content_root)
    assert receipt.count == COUNT
    payload = house.vault.payload_of(receipt.content_root)
    assert payload == house.vault.payload(receipt.payload_id)
    assert (payload.asset_id, payload.version, payload.count, payload.created_at) == (
        ASSET,
        VERSION,
        COUNT,
        1_700_000_000,
    )
    assert receipt.size == house.object_path.stat().st_size - 49 - 8 * (COUNT + 1) - 32 * (23 + 12 + 6 + 3 + 2 + 1)
    assert receipt.empty == 1


def test_buyer_reads_every_record_but_the_withdrawn(house: House) -> None:
    delivery = deliver(house, 0, 7)
    records = house.opened(delivery)
    expected = [n for n in range(COUNT) if n not in (0, ABSENT, 7)]
    assert [record.index for record in records] == expected
    assert [record.record for record in records] == [RECORDS[n] for n in expected]
    assert [record.consent_id for record in records] == [CONSENTS[n] for n in expected]
    assert delivery.delivered_count == len(expected)
    assert delivery.cover == house.vault.cover_for(house.receipt.payload_id, (0, 7))
    assert delivery.cover_hash == hashlib.sha256(delivery.cover_bytes).digest()


def test_seeds_of_a_delivery_do_not_open_the_excluded(house: House) -> None:
    with pytest.raises(EvidenceMissing) as missing:
        house.opened(deliver(house), units=house.units(deliver(house, 7)))
    assert missing.value.fields["index"] == 7
    assert 7 not in {record.index for record in house.opened(deliver(house, 7))}


def test_reopened_vault_delivers_the_same(house: House) -> None:
    again = replace(house, vault=vault_in(house.folder, house.ledger))
    assert again.opened(deliver(again)) == house.opened(deliver(house))


def test_nothing_stored_shows_a_record_or_a_key(house: House) -> None:
    key = house.ledger.key(house.receipt.payload_id)
    stored = house.object_path.read_bytes() + key.sealed_seeds + key.wrapped_key
    assert b"person" not in stored
    kek = (house.folder / "keks" / "kek-0000000001").read_bytes()[9:41]
    assert kek not in stored


def test_sealing_twice_makes_two_payloads(house: House) -> None:
    again = house.vault.seal(ASSET, VERSION, CONSENTS[:1], [b"x"])
    more = house.vault.seal(ASSET, VERSION, CONSENTS[:1], [b"x"])
    assert again.payload_id != more.payload_id
    assert again.content_root != more.content_root


def test_unsealed_and_unknown_records_are_not_served(house: House) -> None:
    payload_id = house.receipt.payload_id
    assert hashlib.sha256(house.vault.serve_unit(payload_id, 0)).digest() == house.unit_hashes[0]
    for serve in (
        lambda: house.vault.serve_unit(payload_id, ABSENT),
        lambda: house.vault.serve_units(payload_id, [0, 5]),
    ):
        with pytest.raises(NotFound) as missing:
            serve()
        assert missing.value.kind == "sealed record"
    with pytest.raises(InvalidInput, match="index"):
        house.vault.serve_unit(payload_id, COUNT)
    for ask in (house.vault.payload, house.vault.available, house.vault.unit_hashes):
        with pytest.raises(NotFound) as missing:
            ask(bytes(32))
        assert missing.value.kind == "payload"


def test_excluded_index_beyond_the_count_is_named(house: House) -> None:
    with pytest.raises(InvalidInput, match="excluded"):
        deliver(house, COUNT)


def test_record_whose_erasure_is_logged_is_out_at_once(house: House) -> None:
    target = ErasureTarget(house.receipt.payload_id, (3,))
    house.ledger.log_erasure(ErasureRecord(bytes(32), (target,), 1, 2, "logged", 0))
    assert 3 not in set(delivered_indices(deliver(house).cover))
    with pytest.raises(NotFound):
        house.vault.serve_unit(house.receipt.payload_id, 3)


def test_buyer_opens_what_is_left_of_a_delivery_after_an_erasure(house: House) -> None:
    delivery = deliver(house, 1)
    before = house.opened(delivery)
    gone = (3, 4, 9)
    house.ledger.log_erasure(
        ErasureRecord(bytes(32), (ErasureTarget(house.receipt.payload_id, gone),), 1, 2, "logged", 0)
    )
    indices = list(delivered_indices(delivery.cover))
    units = dict(
        zip(indices, house.vault.units_of(house.receipt.payload_id, delivery.cover, house.unit_hashes), strict=True)
    )
    assert [index for index, unit in units.items() if unit is None] == [3, 4, 9]
    kept = {index: unit for index, unit in units.items() if unit is not None}
    assert house.opened(delivery, units=kept, erased=gone) == tuple(each for each in before if each.index not in gone)
    with pytest.raises(EvidenceMissing) as missing:
        house.opened(delivery, units=kept, erased=gone[1:])
    assert missing.value.fields["index"] == 3


def test_flipped_byte_in_a_stored_record_is_refused_and_named(house: House) -> None:
    content = house.object_path.read_bytes()
    unit = house.vault.serve_unit(house.receipt.payload_id, 9)
    place = content.index(unit) + 100
    house.object_path.write_bytes(content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :])
    for serve in (
        lambda: house.vault.serve_unit(house.receipt.payload_id, 9),
        lambda: house.vault.serve_units(house.receipt.payload_id, [8, 9]),
    ):
        with pytest.raises(SealBroken) as broken:
            serve()
        assert broken.value.fields["index"] == 9
    assert house.vault.serve_unit(house.receipt.payload_id, 8)


def test_missing_object_is_missing_evidence(house: House) -> None:
    house.object_path.unlink()
    with pytest.raises(EvidenceMissing) as missing:
        house.vault.serve_unit(house.receipt.payload_id, 0)
    assert missing.value.fields["object"] == f"payloads/{house.receipt.payload_id.hex()}"


def test_lost_generation_is_a_missing_key(house: House) -> None:
    (house.folder / "keks" / "kek-0000000001").unlink()
    for act in (lambda: deliver(house), lambda: house.vault.seal(1, 1, CONSENTS[:1], [b"x"])):
        with pytest.raises(MissingKey) as missing:
            act()
        assert missing.value.fields["generation"] == 1


@pytest.mark.rule("wrong-key")
def test_another_homes_generation_does_not_open_the_keys(house: House, tmp_path: Path) -> None:
    other = FileKeks(tmp_path / "other", entropy=os.urandom)
    other.create(1)
    (tmp_path / "other" / "kek-0000000001").rename(house.folder / "keks" / "kek-0000000001")
    with pytest.raises(SealBroken) as broken:
        deliver(house)
    assert broken.value.fields["part"] == "payload key"


def test_changed_seeds_in_the_book_are_refused(house: House) -> None:
    key = house.ledger.key(house.receipt.payload_id)
    changed_seeds = key.sealed_seeds[:-1] + bytes((key.sealed_seeds[-1] ^ 1,))
    house.ledger.key_rows[key.payload_id] = replace(key, sealed_seeds=changed_seeds)
    with pytest.raises(SealBroken) as broken:
        deliver(house)
    assert broken.value.fields["part"] == "seeds"


def changed(units: dict[int, bytes], index: int, unit: bytes) -> dict[int, bytes]:
    return units | {index: unit}


@pytest.mark.rule("flipped-byte")
def test_buyer_names_the_record_that_was_changed_or_swapped(house: House) -> None:
    delivery = deliver(house)
    units = house.units(delivery)
    for unit in (units[4][:-1] + bytes((units[4][-1] ^ 1,)), units[3], b"", units[4][:-1]):
        with pytest.raises(SealBroken) as broken:
            house.opened(delivery, units=changed(units, 4, unit))
        assert (broken.value.fields["index"], broken.value.fields["part"]) == (4, "unit")


def test_buyer_refuses_units_of_another_root(house: House) -> None:
    delivery = deliver(house)
    hashes = list(house.unit_hashes)
    hashes[2], hashes[3] = hashes[3], hashes[2]
    with pytest.raises(SealBroken) as broken:
        house.opened(delivery, unit_hashes=hashes)
    assert broken.value.fields["part"] == "content root"


def sold_changes(sold: Sold) -> dict[str, tuple[Sold, str]]:
    assert sold.commitments is not None
    assert sold.delivered_count is not None
    consents, commitments = list(sold.consent_ids), list(sold.commitments)
    return {
        "consent": (replace(sold, consent_ids=[bytes(32), *consents[1:]]), "ciphertext"),
        "swapped consents": (replace(sold, consent_ids=[consents[1], consents[0], *consents[2:]]), "ciphertext"),
        "version": (replace(sold, version=2), "ciphertext"),
        "asset": (replace(sold, asset_id=1), "ciphertext"),
        "commitment": (replace(sold, commitments=[bytes(32), *commitments[1:]]), "recordCommit"),
        "count": (replace(sold, delivered_count=sold.delivered_count + 1), "delivered count"),
    }


@pytest.mark.parametrize("what", ["consent", "swapped consents", "version", "asset", "commitment", "count"])
def test_buyer_refuses_what_is_not_as_sold(house: House, what: str) -> None:
    delivery = deliver(house)
    sold, part = sold_changes(house.sold(delivery))[what]
    with pytest.raises(SealBroken) as broken:
        house.opened(delivery, sold=sold)
    assert broken.value.fields["part"] == part
    if part in ("ciphertext", "recordCommit"):
        assert broken.value.fields["index"] == 0


def test_buyer_refuses_another_deliverys_envelope(house: House) -> None:
    with pytest.raises(SealBroken) as broken:
        house.opened(deliver(house, 1), envelope=deliver(house, 2).envelope)
    assert broken.value.fields["part"] == "cover"


def test_buyer_refuses_an_envelope_of_other_records(house: House) -> None:
    small = house.vault.seal(ASSET, VERSION, CONSENTS[:2], [b"x", b"y"])
    other = house.vault.deliver(small.payload_id, (), BUYER.public, CONTEXT)
    with pytest.raises(SealBroken) as broken:
        house.opened(deliver(house), envelope=other.envelope)
    assert broken.value.fields["part"] == "count"


def test_buyer_names_a_plaintext_that_is_no_record(house: House) -> None:
    odd = house.vault.seal(ASSET, VERSION, CONSENTS[:1], [b"not a record"])
    delivery = house.vault.deliver(odd.payload_id, (), BUYER.public, CONTEXT)
    with pytest.raises(SealBroken) as broken:
        open_delivered(
            delivery.envelope,
            BUYER,
            CONTEXT,
            Sold(ASSET, VERSION, odd.content_root, CONSENTS[:1]),
            units=house.vault.serve_units(odd.payload_id, [0]),
            unit_hashes=house.vault.unit_hashes(odd.payload_id),
        )
    assert (broken.value.fields["index"], broken.value.fields["part"]) == (0, "plaintext")


def test_buyer_names_lists_of_another_length(house: House) -> None:
    delivery = deliver(house)
    sold = house.sold(delivery)
    assert sold.commitments is not None
    with pytest.raises(InvalidInput, match="unit_hashes"):
        house.opened(delivery, unit_hashes=house.unit_hashes[1:])
    with pytest.raises(InvalidInput, match="commitments"):
        house.opened(delivery, sold=replace(sold, commitments=sold.commitments[1:]))


class TurningLedger(MemoryKeyLedger):
    """Another process switches to the next generation just before the first payload is added."""

    def __init__(self, keks: FileKeks) -> None:
        super().__init__()
        self.keks = keks
        self.turned = False

    def add_payload(self, payload: PayloadRecord, key: KeyRecord) -> None:
        if not self.turned:
            self.turned = True
            self.keks.create(2)
            self.in_force = 2
            self.keks.destroy(1)
        super().add_payload(payload, key)


def test_sealing_during_a_change_of_generation_wraps_again(tmp_path: Path) -> None:
    ledger = TurningLedger(FileKeks(tmp_path / "keks", entropy=os.urandom))
    vault = vault_in(tmp_path, ledger)
    receipt = vault.seal(1, 1, CONSENTS[:1], [b"x"])
    assert ledger.key(receipt.payload_id).generation == 2
    assert vault.available(receipt.payload_id).record_count == 1


def test_payload_of_the_same_identifier_is_a_conflict(house: House) -> None:
    payload = house.ledger.payload(house.receipt.payload_id)
    with pytest.raises(Conflict):
        house.ledger.add_payload(payload, house.ledger.key(payload.payload_id))
