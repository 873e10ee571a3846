"""`make bench-consents`: a million consents of a million people verified on two processes (DESIGN 5, row 7).

Ways of the same work take turns in one run, so that they meet the same machine; what is shown are medians.

- **ours**: `audit.batches.check_chunks`, as `deedbook consents verify-batch --consents` runs it: the signed consents
  are in a file of their canonical documents; two processes read it by the span, and there each is parsed, hashed, its
  signer recovered and compared, its sentence rendered again from the notice and compared, its leaf, the tree and the
  manifest hashed; here the lines are counted, and terms, uniqueness, count, root and manifest checked.
- **bare**: two processes of the same pool do nothing but recover the address of every (digest, signature), ready in
  binary, with coincurve and tiny-keccak: `keccak256(PublicKey.from_signature_and_message(...).format(False)[1:])[12:]`.
- **sealing** (row 10): `Vault.seal_all` of as many records of 200 bytes, into a file, synced, by the same two
  processes; beside it two processes that do nothing but encrypt as much, each record under a key of its own, by the
  AESGCM of `cryptography`.
- **gas** (rows 1 and 3): the root of these people anchored, and some of them withdrawing by proofs under it, as
  `make bench-gas` measures it.
- **eth-account**: `Account.recover_message(encode_typed_data(full_message=...))` of ready typed data in one process, on
  a sample.

The consents are signed once, by SignedConsent and LocalSigner, and kept under build/. Afterwards the addresses of all
ways are compared with those of the signers, and the root with that of a tree of leaves hashed one by one from the
digests that were signed. Exit code 0 when the bars hold.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Final

from coincurve.keys import PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_account import Account
from eth_account.messages import encode_typed_data

from deedbook.audit.batches import check_chunks
from deedbook.bootstrap.processes import checking_processes
from deedbook.cli.consent_files import Documents, chunks_of, documents_in
from deedbook.domain.batches import Batch, batch_under
from deedbook.domain.codes import Licence, Mode, Purpose
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent, Terms, consent_id, typed_data
from deedbook.domain.hashing import cut, keccak256, sha256, to_hex
from deedbook.domain.merkle import PositionalTree, Rfc9162Root, consent_leaf, positional_root
from deedbook.domain.notices import Notice, load_notice, with_statement
from deedbook.vault.keks import FileKeks
from deedbook.vault.objects import ObjectStore
from deedbook.vault.payloads import Vault, open_seeds
from deedbook.vault.records_form import open_unit
from deedbook.wallet.consents import Chunk
from deedbook.wallet.signers import LocalSigner
from tests.bench import gas
from tests.bench.chain import running
from tests.bench.exchange import Crowd, Exchange, word
from tests.bench.report import ROOT, Row, keep, machine, progress, write
from tests.key_ledgers import MemoryKeyLedger

COUNT: Final = 1_000_000
SAMPLE: Final = 2_000
"""Consents of a run of eth-account: it does some three thousand a second."""
ROUNDS: Final = 3
PROCESSES: Final = 2
OF_NAIVE: Final = 10
OF_BARE: Final = 0.8
MOST_MIB: Final = 1536
RECORD: Final = 200
"""Bytes of a record that is sealed."""
SEALED: Final = 180_000
"""Records sealed a second."""
MOST_ANCHOR, MOST_FRESH, MOST_USED = 80_000, 95_000, 77_000
MADE_AT_ONCE: Final = 2_000
ROW: Final = 97
"""Bytes of a digest and a signature, side by side."""

DOMAIN: Final = ConsentDomain(31337, sha256(b"consents")[:20])
ASSET: Final = int.from_bytes(sha256(b"asset"), "big")
COLLECTOR: Final = LocalSigner(sha256(b"collector"))
NOTICE: Final = load_notice("zh-CN", controller="贵阳某人才公司", contact="邮寄", asset_title="求职简历库")
START: Final = 1_767_225_600
DAY: Final = 86_400
YEAR: Final = 365 * DAY


@dataclass(frozen=True)
class Campaign:
    """What all people of a population are asked to sign, for `validity` seconds from another second of the day of
    `start` on; it travels to other processes."""

    domain: ConsentDomain
    asset_id: int
    controller: bytes
    notice: Notice
    start: int
    validity: int

    def commitment(self, number: int) -> bytes:
        """What the consent of a person says of the record."""
        return sha256(b"record %d" % number)

    def consent(self, number: int, subject: bytes) -> Consent:
        """A person's consent."""
        start = self.start + number % DAY
        return Consent(
            subject=subject,
            asset_id=self.asset_id,
            controller=self.controller,
            recipient=bytes(20),
            recipient_class=Licence.EMPLOYER,
            purpose=Purpose.RECRUITMENT,
            modes=Mode.RAW,
            cross_border=False,
            notice_hash=self.notice.hash,
            record_commit=self.commitment(number),
            valid_from=start,
            valid_until=start + self.validity,
            statement="-",
            salt=sha256(b"salt %d" % number),
        )


CAMPAIGN: Final = Campaign(DOMAIN, ASSET, COLLECTOR.address, NOTICE, START, YEAR)


def signer_of(number: int) -> LocalSigner:
    """The wallet of a person."""
    return LocalSigner(sha256(b"person %d" % number))


@dataclass(frozen=True, slots=True)
class Population:
    """Signed consents in a file, one a line; beside it their digests with the signatures, and who signed them."""

    folder: Path
    count: int

    @property
    def documents(self) -> Path:
        """The signed consents."""
        return self.folder / f"{self.count}.ndjson"

    @property
    def signatures(self) -> Path:
        """ROW bytes of each."""
        return self.folder / f"{self.count}.signatures"

    @property
    def subjects(self) -> Path:
        """20 bytes of each."""
        return self.folder / f"{self.count}.subjects"

    def lines(self) -> Documents:
        """The documents, in order."""
        return documents_in(str(self.documents))

    def chunks(self) -> Iterator[Chunk]:
        """The documents by the chunk, for processes of this machine."""
        return chunks_of(self.lines(), shared=True)

    def rows(self) -> Iterator[bytes]:
        """Digests and signatures, MADE_AT_ONCE at a time."""
        with self.signatures.open("rb") as file:
            while chunk := file.read(ROW * MADE_AT_ONCE):
                yield chunk


def main(words: Sequence[str]) -> int:
    """Measures and writes the report; with `--record` it becomes the last good one."""
    parser = argparse.ArgumentParser(prog="make bench-consents")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args(words)
    with checking_processes(PROCESSES) as executor:
        people = population(asked.count, executor)
        rows = sealing_rows(asked.count, asked.rounds, executor)
        subjects = cut(people.subjects.read_bytes(), 20)
        batch = batch_of(people, subjects)
        naive: list[float] = []
        bare: list[float] = []
        ours: list[float] = []
        for number in range(asked.rounds):
            progress(f"round {number + 1} of {asked.rounds}")
            ways: list[tuple[list[float], Callable[[], float]]] = [
                (bare, lambda: recover_all(people, executor, subjects)),
                (ours, lambda: verify_all(people, batch, executor)),
            ]
            for rates, way in ways if number % 2 else reversed(ways):
                rates.append(way())
            naive.append(verify_naively(people, number, subjects))
    rows += _rows(asked.count, median(ours), median(bare), median(naive))
    rows += gas_rows(people, subjects)
    progress("")
    good = write("consents", machine(), rows)
    if good and asked.record:
        keep("consents")
    return 0 if good else 1


def _rows(count: int, ours: float, bare: float, naive: float) -> list[Row]:
    """The numbers, in consents a second."""
    what = f"7. verify {count:,} distinct-signer consents, {PROCESSES} processes"
    account = f"Account.recover_message, 1 process, {min(SAMPLE, count):,} of them"
    recovery = f"bare coincurve recovery, {PROCESSES} processes"
    return [
        Row(what, round(ours), "/s", account, round(naive), f">= {OF_NAIVE}x", ours >= OF_NAIVE * naive),
        Row(what, round(ours), "/s", recovery, round(bare), f">= {OF_BARE}x", ours >= OF_BARE * bare),
        *map(_memory, ("this process", "each other"), (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)),
    ]


def _memory(who: str, whose: int) -> Row:
    mib = resource.getrusage(whose).ru_maxrss / 1024
    return Row(f"7. memory at most, {who}", round(mib), "MiB", bar=f"<= {MOST_MIB}", holds=mib <= MOST_MIB)


# -- the ways ----------------------------------------------------------------------------------------------------------


def verify_all(people: Population, batch: Batch, executor: Executor) -> float:
    """Ours. Consents a second."""
    began = time.perf_counter()
    report = check_chunks(batch, people.chunks(), [NOTICE], DOMAIN, executor=executor)
    spent = time.perf_counter() - began
    assert report.subjects == report.signatures == people.count
    return people.count / spent


def recover_all(people: Population, executor: Executor, subjects: Sequence[bytes]) -> float:
    """Bare. Recoveries a second."""
    chunks = list(people.rows())
    began = time.perf_counter()
    found = b"".join(executor.map(_recover, chunks))
    spent = time.perf_counter() - began
    assert found == b"".join(subjects)
    return people.count / spent


def _recover(chunk: bytes) -> bytes:
    found = []
    for at in range(0, len(chunk), ROW):
        key = PublicKey.from_signature_and_message(chunk[at + 32 : at + ROW], chunk[at : at + 32], hasher=None)
        found.append(keccak256(key.format(compressed=False)[1:])[12:])
    return b"".join(found)


def verify_naively(people: Population, number: int, subjects: Sequence[bytes]) -> float:
    """eth-account, on another sample each time. Consents a second."""
    size = min(SAMPLE, people.count)
    first = number * size % (people.count - size + 1)
    sample = [SignedConsent.decode(line) for line in _between(people.lines(), first, first + size)]
    typed = [(typed_data(DOMAIN, signed.consent), to_hex(signed.signature)) for signed in sample]
    began = time.perf_counter()
    found = [
        Account.recover_message(encode_typed_data(full_message=message), signature=signature)
        for message, signature in typed
    ]
    spent = time.perf_counter() - began
    assert [bytes.fromhex(each[2:]) for each in found] == list(subjects[first : first + size])
    return size / spent


def _between(lines: Iterable[bytes], first: int, end: int) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if number >= end:
            return
        if number >= first:
            yield line


# -- sealing -----------------------------------------------------------------------------------------------------------


def sealing_rows(count: int, rounds: int, executor: Executor) -> list[Row]:
    """Row 10: records of RECORD bytes sealed a second, beside bare encryption on as many processes."""
    for way in (seal_all, encrypt_all):
        way(min(count, 10 * MADE_AT_ONCE), executor)  # until every process has begun
    ours: list[float] = []
    bare: list[float] = []
    for number in range(rounds):
        progress(f"sealing, round {number + 1} of {rounds}")
        ways: list[tuple[list[float], Callable[[int, Executor], float]]] = [(bare, encrypt_all), (ours, seal_all)]
        for rates, measure in ways if number % 2 else reversed(ways):
            rates.append(measure(count, executor))
    what = f"10. seal {count:,} records of {RECORD} bytes, {PROCESSES} processes"
    peer = f"bare AESGCM of cryptography, a key a record, {PROCESSES} processes"
    rate = median(ours)
    return [Row(what, round(rate), "/s", peer, round(median(bare)), f">= {SEALED:,}/s", rate >= SEALED)]


def seal_all(count: int, executor: Executor) -> float:
    """Ours. Records a second."""
    content = random.Random(count).randbytes(RECORD * MADE_AT_ONCE)
    plaintexts = [content[at : at + RECORD] for at in range(0, len(content), RECORD)]
    names = [sha256(b"consent %d" % number) for number in range(MADE_AT_ONCE)]
    records = islice(cycle(zip(names, plaintexts, strict=True)), count)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        keks = FileKeks(Path(folder) / "keks", entropy=os.urandom)
        objects, ledger = ObjectStore.in_folder(Path(folder) / "objects"), MemoryKeyLedger()
        vault = Vault(objects, ledger, keks, entropy=os.urandom, clock=lambda: START)
        began = time.perf_counter()
        sealed = vault.seal_all(ASSET, 1, records, count, executor)
        spent = time.perf_counter() - began
        last = count - 1
        seeds = open_seeds(keks.key(1), ledger.key(sealed.payload_id))
        opened = open_unit(
            vault.serve_unit(sealed.payload_id, last),
            seeds.leaf_seed(last),
            asset_id=ASSET,
            version=1,
            index=last,
            consent_id=names[last % MADE_AT_ONCE],
            depth=seeds.cover.depth,
        )
        assert opened == plaintexts[last % MADE_AT_ONCE]
    return count / spent


def encrypt_all(count: int, executor: Executor) -> float:
    """Bare. Records a second."""
    spans = [min(MADE_AT_ONCE, count - at) for at in range(0, count, MADE_AT_ONCE)]
    began = time.perf_counter()
    done = sum(executor.map(_encrypt, spans))
    spent = time.perf_counter() - began
    assert done == count * (RECORD + 16)
    return count / spent


def _encrypt(count: int) -> int:
    keys, plaintext, nonce = os.urandom(32 * count), os.urandom(RECORD), bytes(12)
    return sum(len(AESGCM(keys[at : at + 32]).encrypt(nonce, plaintext, None)) for at in range(0, 32 * count, 32))


# -- gas ---------------------------------------------------------------------------------------------------------------


def gas_rows(people: Population, subjects: Sequence[bytes]) -> list[Row]:
    """Rows 1 and 3: this very population anchored, and some of it withdrawing."""
    names = [chunk[at : at + 32] for chunk in people.rows() for at in range(0, len(chunk), ROW)]
    tree = PositionalTree(map(consent_leaf, names, subjects))
    first = people.count // 3 // 256 * 256
    places = [first + place - gas.PLACES[0] for place in gas.PLACES]
    with running("paris") as chain:
        exchange, bench = Exchange(chain), gas.Bench(chain)
        exchange.admit_all()
        salt, who = word("asset of batches"), f"{people.count:,} distinct signers"
        number = exchange.register(salt, people.count)
        crowds = [
            Crowd(number, tree.root, people.count, exchange.terms(), word("manifest", tag))
            for tag in range(gas.INSTANCES + 1)
        ]
        receipts = (gas.anchored(exchange, each, salt) for each in crowds)
        bench.row(1, bench.measure(gas.OURS, f"anchor a batch of {who}", "", receipts), MOST_ANCHOR)
        million = gas.Million(
            exchange,
            tree,
            lambda index: (names[index], subjects[index]),
            lambda index, digest: signer_of(index).sign_digest(digest),
        )
        for step, (kind, most) in enumerate((("fresh", MOST_FRESH), ("used", MOST_USED))):
            words = f"withdraw out of {who}, relayed, {kind} bitmap word"
            bench.row(3, bench.measure(gas.OURS, words, "", map(million.withdraw, places[step::2])), most)
    return bench.rows


# -- the people --------------------------------------------------------------------------------------------------------


def population(
    count: int, executor: Executor, campaign: Campaign = CAMPAIGN, folder: Path = ROOT / "build" / "bench-consents"
) -> Population:
    """So many signed consents; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    people = Population(folder, count)
    if not people.documents.exists():
        spans = [range(at, min(at + MADE_AT_ONCE, count)) for at in range(0, count, MADE_AT_ONCE)]
        part = people.documents.with_suffix(".part")
        with part.open("wb") as lines, people.signatures.open("wb") as rows_, people.subjects.open("wb") as subjects:
            for span, made in zip(spans, executor.map(partial(_signed, campaign), spans), strict=True):
                progress(f"signing: {span.start:,} of {count:,}")
                for file, column in zip((lines, rows_, subjects), made, strict=True):
                    file.write(column)
        part.replace(people.documents)
    return people


def batch_of(people: Population, subjects: Sequence[bytes]) -> Batch:
    """The batch of all of them, hashed one by one from the digests that were signed."""
    ids = (chunk[at : at + 32] for chunk in people.rows() for at in range(0, len(chunk), ROW))
    root = positional_root(map(consent_leaf, ids, subjects))
    manifest = Rfc9162Root()
    for line in people.lines():
        manifest.add(line)
    offsets = [number % DAY for number in range(min(people.count, DAY))]
    start, end = START + max(offsets), START + min(offsets) + YEAR
    terms = Terms(
        COLLECTOR.address, bytes(20), Licence.EMPLOYER, Purpose.RECRUITMENT, Mode.RAW, False, NOTICE.hash, start, end
    )
    return batch_under(ASSET, root, people.count, terms, manifest.root())


def _signed(campaign: Campaign, span: range) -> tuple[bytes, bytes, bytes]:
    lines, rows_, subjects = [], [], []
    for number in span:
        signer = signer_of(number)
        consent = with_statement(campaign.notice, campaign.consent(number, signer.address))
        digest = consent_id(campaign.domain, consent)
        signature = signer.sign_digest(digest)
        lines.append(SignedConsent(campaign.domain, consent, signature).encode() + b"\n")
        rows_.append(digest + signature[:64] + bytes((signature[64] - 27,)))
        subjects.append(signer.address)
    return b"".join(lines), b"".join(rows_), b"".join(subjects)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
