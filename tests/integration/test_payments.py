"""Payments of whole sales: every fen of the pool is owed to somebody, and paid once, whoever waits and whatever comes
back; in little memory."""

from __future__ import annotations

import csv
import io
import itertools
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from deedbook.domain.keytree import cover_all_but, delivered_indices, encode_cover
from deedbook.domain.payees import SignedPayee
from deedbook.errors import EvidenceMissing, InvalidInput, NotFound
from deedbook.mirror.store import Mirror
from deedbook.queries.exports import Relation, write_csv
from deedbook.queries.parquet import write_parquet
from deedbook.queries.statements import statement_of_consent
from deedbook.records.schema import deferred_lists, payees
from deedbook.records.store import Records
from tests.crowd_sale import CrowdSale, consent_at
from tests.toy_sealer import ToySealer

NUMBERS = itertools.count()
MOST_BOUNCES = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def records_in(folder: Path) -> Records:
    return Records.open(f"sqlite:///{folder / f'records-{next(NUMBERS)}.sqlite'}", ToySealer())


def crowd(folder: Path, counts: list[int], **more: object) -> CrowdSale:
    mirror = f"sqlite:///{folder / f'mirror-{next(NUMBERS)}.sqlite'}"
    return CrowdSale.made(records_in(folder), mirror, counts, **more)  # type: ignore[arg-type]


def rows_of(relation: Relation, mirror: Mirror) -> list[dict[str, str]]:
    sink = io.BytesIO()
    count = write_csv(relation, mirror, sink)
    rows = list(csv.DictReader(io.StringIO(sink.getvalue().decode(), newline="")))
    assert len(rows) == count
    return rows


def delivered_to(sale: CrowdSale) -> list[bytes]:
    """The consents of the delivered ordinals, in their order."""
    everybody = [consent_at(number, at) for number, count in enumerate(sale.counts) for at in range(count)]
    return [everybody[record] for record in delivered_indices(sale.cover)]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("payments")


@st.composite
def sold(draw: st.DrawFn) -> tuple[list[int], frozenset[int], int, int]:
    """Batches, who is gone, price, carry in: of one person up to some two hundred."""
    counts = draw(st.lists(st.integers(1, 70), min_size=1, max_size=3))
    total = sum(counts)
    gone = draw(st.frozensets(st.integers(0, total - 1), max_size=min(total - 1, 20)))
    return counts, gone, draw(st.integers(10_000, 2**64)), draw(st.integers(0, 500))


@settings(max_examples=max(5, settings().max_examples // 5))
@given(sale=sold(), draw=st.randoms(use_true_random=False))
def test_every_fen_of_the_pool_is_paid_once(
    places: Path, sale: tuple[list[int], frozenset[int], int, int], draw: Random
) -> None:
    counts, gone, price, carry_in = sale
    crowd_sale = crowd(places, counts, gone=gone, price=price, carry_in=carry_in)
    shares, people = crowd_sale.shares, delivered_to(crowd_sale)
    statements = rows_of(crowd_sale.payments.statements(crowd_sale.sale), crowd_sale.mirror)
    assert [row["consentId"] for row in statements] == ["0x" + each.hex() for each in people]
    owed = sum(int(row["amount"]) for row in statements)
    assert owed + shares.carry_out == price + carry_in - shares.exchange - shares.provider
    unnamed, sent, references, bounced = list(people), Counter[str](), set[str](), 0
    draw.shuffle(unnamed)
    while any(crowd_sale.paid_up_to[of] < crowd_sale.length[of] for of in crowd_sale.length):
        for _ in range(max(1, len(unnamed) // 2)):
            if unnamed:
                crowd_sale.name(unnamed.pop())
        for of in list(crowd_sale.length):
            if crowd_sale.paid_up_to[of] == crowd_sale.length[of]:
                continue
            most = draw.choice((None, None, 20, 50))
            try:
                batch = crowd_sale.payments.batch(crowd_sale.sale, of=of, most=most)
            except InvalidInput:  # nobody on a later list has a payee
                continue
            assert crowd_sale.payments.batch(crowd_sale.sale, of=of) == batch
            rows = rows_of(crowd_sale.payments.relation(crowd_sale.sale, batch), crowd_sale.mirror)
            assert sum(int(row["amount"]) for row in rows) == batch.total
            assert not references & {row["reference"] for row in rows}
            references |= {row["reference"] for row in rows}
            sent.update(row["account"] for row in rows)
            crowd_sale.confirm(batch)
            if rows and bounced < MOST_BOUNCES and draw.random() < 0.3:
                returned = draw.choice(rows)
                crowd_sale.bounce(of, [int(returned["reference"].split(".")[2])])
                sent[returned["account"]] -= 1
                bounced += 1
    assert sent == Counter(each.hex()[:30] for each in people)
    entry = crowd_sale.sale.settlement
    assert entry is not None
    assert (entry.waiting, entry.paid_out) == (0, owed)
    after = rows_of(crowd_sale.payments.statements(crowd_sale.sale), crowd_sale.mirror)
    assert {row["paid"] for row in after} == {"true"}
    assert sum(int(row["amount"]) for row in after) == owed


def test_a_batch_made_again_says_the_same_whoever_named_a_payee_meanwhile(folder: Path) -> None:
    sale = crowd(folder, [3, 4])
    people = delivered_to(sale)
    for consent in people[:3]:
        sale.name(consent, at=1)
    first = sale.payments.batch(sale.sale)
    before = rows_of(sale.payments.relation(sale.sale, first), sale.mirror)
    sale.records.payees.add_payee(replaced(sale, people[0]), at=9)
    sale.name(people[5], at=9)
    assert sale.payments.batch(sale.sale) == first
    assert rows_of(sale.payments.relation(sale.sale, first), sale.mirror) == before
    anew = sale.payments.batch(sale.sale, anew=True)
    assert (anew.number, anew.deferred_count) == (2, first.deferred_count - 1)
    assert {row["account"] for row in rows_of(sale.payments.relation(sale.sale, anew), sale.mirror)} >= {"99990000"}


def replaced(sale: CrowdSale, consent: bytes) -> SignedPayee:
    """Another payee of a consent, named later."""
    known = sale.records.payees.payee(consent)
    return replace(known, payee=replace(known.payee, account="99990000", named_at=9))


def test_whom_nobody_owes_anything_has_no_batch(folder: Path) -> None:
    sale = crowd(folder, [2])
    for consent in delivered_to(sale):
        sale.name(consent)
    sale.confirm(sale.payments.batch(sale.sale))
    with pytest.raises(InvalidInput):
        sale.payments.batch(sale.sale)
    with pytest.raises(NotFound):
        sale.payments.batch(sale.sale, of=1)


def test_a_list_that_nobody_of_has_a_payee_is_not_put_off_again(folder: Path) -> None:
    sale = crowd(folder, [2])
    nobody = sale.payments.batch(sale.sale)
    assert (nobody.deferred_count, nobody.total) == (2, 0)
    sale.confirm(nobody)
    with pytest.raises(InvalidInput) as refused:
        sale.payments.batch(sale.sale, of=1)
    assert refused.value.field == "list"


def test_a_lost_list_is_said_and_not_guessed(folder: Path) -> None:
    sale = crowd(folder, [3])
    sale.confirm(sale.payments.batch(sale.sale))
    with sale.records.database.writing() as connection:
        connection.execute(deferred_lists.delete())
    with pytest.raises(EvidenceMissing):
        rows_of(sale.payments.statements(sale.sale), sale.mirror)


def test_parquet_has_the_same_rows(folder: Path) -> None:
    sale = crowd(folder, [5, 3])
    for consent in delivered_to(sale)[::2]:
        sale.name(consent)
    relation = sale.payments.statements(sale.sale)
    with (folder / "rows.parquet").open("wb") as file:
        assert write_parquet(relation, sale.mirror, file) == 8
    found = pyarrow.parquet.read_table(folder / "rows.parquet").to_pylist()
    assert [(row["ordinal"], row["amount"], row["payee"] or "") for row in found] == [
        (int(row["ordinal"]), row["amount"], row["payee"]) for row in rows_of(relation, sale.mirror)
    ]


def test_statements_of_many_take_no_more_memory_than_of_few(folder: Path) -> None:
    """Who is paid later is held, some bytes a person; nothing else grows."""
    peaks = {}
    for people in (3_000, 24_000):
        sale = crowd(folder, [people])
        relation = sale.payments.statements(sale.sale)
        tracemalloc.start()
        assert write_csv(relation, sale.mirror, Counted()) == people  # type: ignore[arg-type]
        peaks[people] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[24_000] < 1.3 * peaks[3_000] + 300_000


class Counted:
    """A sink that keeps nothing."""

    def write(self, content: bytes) -> int:
        return len(content)


def test_no_payee_is_read_beyond_those_of_the_batch(folder: Path) -> None:
    sale = crowd(folder, [4])
    for consent in delivered_to(sale):
        sale.name(consent)
    with sale.records.database.writing() as connection:
        connection.execute(payees.update().where(payees.c.consent_id == delivered_to(sale)[3]).values(sealed=b"broken"))
    batch = sale.payments.batch(sale.sale, most=3)
    assert (batch.first, batch.end, batch.deferred_count) == (0, 3, 0)


def test_one_persons_statement_costs_the_same_whoever_else_there_is(folder: Path) -> None:
    """Questions to the databases, rows that come back, and bytes of the cover: of a thousand and of thirty thousand."""
    cost = {}
    for people in (1_000, 32_000):
        sale = crowd(folder, [people], gone=frozenset(range(0, 1_000, 100)))
        place = sale.records.consents.place_of
        with asked() as questions:
            found = statement_of_consent(
                sale.mirror,
                consent_at(0, 555),
                sale.records.deliveries.cover,
                place=place,
                lists=sale.payments.places,
            )
        assert [(line.record, line.ordinal) for line in found.lines] == [(555, 549)]
        cost[people] = questions.total()
    assert cost[1_000] == cost[32_000]
    sizes = {people: len(encode_cover(cover_all_but(people, range(0, 1_000, 100)))) for people in cost}
    assert sizes[32_000] - sizes[1_000] <= 9 * 6  # five more levels, and the rest of the last subtree


@contextmanager
def asked() -> Iterator[Counter[str]]:
    """Counts the statements that are run meanwhile."""
    seen = Counter[str]()

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen[statement] += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", count)
