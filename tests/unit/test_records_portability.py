"""The tables mean the same on PostgreSQL: the DDL compiles, names fit, nothing leans on SQLite."""

from __future__ import annotations

import pytest
from sqlalchemy import BigInteger, Boolean, Dialect, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from deedbook.mirror.schema import metadata as mirror
from deedbook.records.schema import metadata as records

PORTABLE = (BigInteger, Boolean, LargeBinary, String, Text)
DIALECTS: list[Dialect] = [postgresql.dialect(), sqlite.dialect()]  # type: ignore[no-untyped-call]
MOST_NAME = 63
"""PostgreSQL cuts longer identifiers."""


@pytest.mark.parametrize("metadata", [mirror, records], ids=["mirror", "records"])
@pytest.mark.parametrize("dialect", DIALECTS, ids=["postgresql", "sqlite"])
def test_every_table_compiles(metadata: MetaData, dialect: Dialect) -> None:
    for table in metadata.sorted_tables:
        statement = str(CreateTable(table).compile(dialect=dialect))
        assert "SERIAL" not in statement
        assert "AUTOINCREMENT" not in statement
        for index in table.indexes:
            str(CreateIndex(index).compile(dialect=dialect))


@pytest.mark.parametrize("metadata", [mirror, records], ids=["mirror", "records"])
def test_types_are_portable_and_names_fit(metadata: MetaData) -> None:
    names = set()
    for table in metadata.sorted_tables:
        for column in table.columns:
            assert isinstance(column.type, PORTABLE), column
            assert not isinstance(column.type, Integer) or isinstance(column.type, BigInteger), column
        for index in table.indexes:
            assert index.name is not None
            assert len(index.name) <= MOST_NAME
            assert index.name not in names
            names.add(index.name)
