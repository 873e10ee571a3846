"""Files of records, read strictly: every refusal names its line and column, and nothing of a record."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from deedbook.cli.record_files import RecordFile, read_records
from deedbook.domain.consents import record_commit
from deedbook.errors import InvalidFormat

SALT = "0x" + "11" * 32
TYPES = {"wage": "integer", "urban": "boolean", "share": "decimal", "born": "date", "name": "text"}


def line(**record: object) -> str:
    return json.dumps({"salt": SALT, "record": record})


def refused(name: str, content: bytes) -> InvalidFormat:
    with pytest.raises(InvalidFormat) as refusal:
        read_records(name, BytesIO(content), TYPES)
    return refusal.value


def test_ndjson_is_read_line_by_line() -> None:
    found = read_records("r.ndjson", BytesIO(f"{line(wage=1)}\n\n{line(wage=2)}\n".encode()), {})
    assert [(each.line, each.record) for each in found] == [(1, {"wage": 1}), (3, {"wage": 2})]
    assert found[0].salt == bytes.fromhex("11" * 32)


def test_csv_is_read_by_the_types_of_the_descriptor() -> None:
    content = f'﻿salt,name,wage,urban,share,born\n{SALT},"Li, ""Wei""",-7,true,0.50,1988-03-01\n'.encode()
    (found,) = read_records("r.csv", BytesIO(content), TYPES)
    assert found.record == {"name": 'Li, "Wei"', "wage": -7, "urban": True, "share": "0.50", "born": "1988-03-01"}
    assert found.line == 2


def test_a_quoted_line_break_counts_lines_right() -> None:
    content = f'salt,name\n{SALT},"two\nlines"\n{SALT},x,y\n'.encode()
    assert refused("r.csv", content).fields["line"] == 4


@pytest.mark.rule("malformed-csv")
@pytest.mark.parametrize(
    ("content", "where", "reason"),
    [
        (f"salt,wage\n{SALT},7\n{SALT}\n", (3, 2), "1 cells for 2 columns"),
        (f"salt,wage\n{SALT},7,8\n", (2, 3), "3 cells for 2 columns"),
        (f"salt,wage\n{SALT},much\n", (2, 2), "not of type integer"),
        (f"salt,urban\n{SALT},yes\n", (2, 2), "not of type boolean"),
        (f"salt,share\n{SALT},.5\n", (2, 2), "not of type decimal"),
        (f"salt,born\n{SALT},1988-3-1\n", (2, 2), "not of type date"),
        ("salt,wage\n0x11,7\n", (2, 1), "salt is 1 bytes, not 32"),
        ("wage,urban\n7,true\n", (1, 1), "no column salt"),
        (f"salt,wage,wage\n{SALT},7,8\n", (1, 3), "a column without a name, or with that of another"),
        (f"salt,\n{SALT},7\n", (1, 2), "a column without a name, or with that of another"),
        (f'salt,name\n{SALT},"open\n', (2, 1), "unexpected end of data"),
        (f'salt,name\n{SALT},"a"b\n', (2, 1), "',' expected after '\"'"),
        (f"salt,name\n{SALT},a\0b\n", (2, 69), "a zero byte"),
        ("salt,name\n", (1, 1), "no record"),
        ("", (1, 1), "no column salt"),
    ],
)
def test_malformed_csv_is_refused_by_line_and_column(content: str, where: tuple[int, int], reason: str) -> None:
    error = refused("r.csv", content.encode())
    assert error.field == "r.csv"
    assert error.reason == f"line {where[0]} column {where[1]}: {reason}"
    assert (error.fields["line"], error.fields["column"]) == where


def test_bytes_that_are_no_utf_8_are_refused_by_line_and_column() -> None:
    error = refused("r.csv", b"salt,name\nab\xff,x\n")
    assert (error.fields["line"], error.fields["column"]) == (2, 3)


@pytest.mark.rule("malformed-json")
@pytest.mark.parametrize(
    ("second", "column"),
    [
        ('{"salt": }', 10),
        ("[]", 1),
        ('{"salt": "0x11", "record": {}}', 1),
        (f'{{"salt": "{SALT}", "record": []}}', 1),
        (f'{{"salt": "{SALT}", "record": {{}}, "more": 1}}', 1),
    ],
)
def test_malformed_ndjson_is_refused_by_line_and_column(second: str, column: int) -> None:
    error = refused("r.ndjson", f"{line(wage=1)}\n{second}\n".encode())
    assert (error.fields["line"], error.fields["column"]) == (2, column)


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("r.ndjson", f"{line(name='a')}\n\r\n{line(name='b')}\n{line(name='王')}", [1, 3, 4]),
        ("r.csv", f'\ufeffname,salt\r\na,{SALT}\r\n"b\nc",{SALT}\r\n\r\n王,{SALT}', [2, 3, 6]),
        ("r.csv", f"name,salt\ra,{SALT}\rb,{SALT}\r", [2, 3]),
    ],
)
def test_every_record_is_found_again_by_its_commitment(name: str, content: str, lines: list[int]) -> None:
    read = read_records(name, BytesIO(content.encode()), {})
    assert [each.line for each in read] == lines
    kept = RecordFile(name, BytesIO(content.encode()), {})
    assert len(kept) == len(lines)
    for each in reversed(read):
        assert kept.first_left() == lines[0]
        commitment = record_commit(each.salt, each.record)
        assert kept.take(commitment) == each
        assert kept.take(commitment) is None
    assert kept.first_left() is None


def test_a_record_that_changes_while_it_is_read_is_refused() -> None:
    file = BytesIO(f"{line(wage=1)}\n{line(wage=2)}\n".encode())
    kept = RecordFile("r.ndjson", file, {})
    file.getbuffer()[:] = file.getvalue().replace(b'"wage": 2', b'"wage": 3')
    assert kept.take(record_commit(bytes.fromhex(SALT[2:]), {"wage": 1})) is not None
    with pytest.raises(InvalidFormat) as refusal:
        kept.take(record_commit(bytes.fromhex(SALT[2:]), {"wage": 2}))
    assert refusal.value.fields["line"] == 2


@pytest.mark.rule("malformed-json")
def test_a_duplicate_key_is_refused_by_its_line() -> None:
    error = refused("r.ndjson", f'{line(wage=1)}\n{{"salt": "{SALT}", "salt": "{SALT}", "record": {{}}}}\n'.encode())
    assert error.fields["line"] == 2
    assert "duplicate key" in error.reason


def test_no_refusal_quotes_what_a_record_holds() -> None:
    for content in (f"salt,wage\n{SALT},Zhang San\n", f"salt,wage\n{SALT},1,Zhang San\n", "salt,wage\nZhang San,1\n"):
        assert "Zhang" not in str(refused("r.csv", content.encode()))
