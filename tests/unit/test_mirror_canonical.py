"""Canonical values, rows and digests (format 19)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from deedbook.mirror import schema
from deedbook.mirror.canonical import canonical_rows, canonical_value, table_digest
from deedbook.records.database import Database


@pytest.mark.parametrize(
    ("value", "truth", "canonical"),
    [
        (b"\x00\xff", False, "0x00ff"),
        (memoryview(b"\x01"), False, "0x01"),
        (1, False, 1),
        (1, True, True),
        (0, True, False),
        (True, True, True),
        (2**53 - 1, False, 2**53 - 1),
        (2**53, False, str(2**53)),
        ("1", False, "1"),
        (None, False, None),
        ("changed by hand", True, "changed by hand"),
    ],
)
def test_a_stored_value_has_one_canonical_form(value: Any, truth: bool, canonical: Any) -> None:
    assert canonical_value(value, truth) == canonical
    assert type(canonical_value(value, truth)) is type(canonical)


def test_rows_stand_in_key_order_and_the_digest_is_over_their_lines(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'mirror.sqlite'}")
    rows = [
        {"contract": contract, "entity": entity, "head": bytes(32), "logs": 1, "last_block": 2}
        for contract, entity in (("Market", b"\x02" * 32), ("Cases", b"\xff" * 32), ("Market", b""))
    ]
    with database.writing() as connection:
        schema.metadata.create_all(connection)
        connection.execute(insert(schema.journal_heads), rows)
    with database.reading() as connection:
        found = list(canonical_rows(connection, schema.journal_heads))
        count, digest = table_digest(connection, schema.journal_heads)
    zero, two, last = "0x" + "00" * 32, "0x" + "02" * 32, "0x" + "ff" * 32
    assert [row.key for row in found] == [("Cases", last), ("Market", "0x"), ("Market", two)]
    assert found[0].line == f'["Cases","{last}","{zero}",1,2]'.encode()
    assert (count, digest) == (3, hashlib.sha256(b"".join(row.line + b"\n" for row in found)).digest())


def test_every_canonical_table_has_a_key_and_no_counter_of_ours() -> None:
    for table in schema.CANONICAL:
        assert list(table.primary_key)
        assert not any(column.autoincrement is True for column in table.columns)
    assert not set(schema.CANONICAL) & set(schema.LOCAL)
    assert set(schema.CANONICAL) | set(schema.LOCAL) == set(schema.metadata.tables.values())
