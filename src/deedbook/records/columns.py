"""Column types that mean the same on SQLite and PostgreSQL.

| value                                   | column                          |
|-----------------------------------------|---------------------------------|
| 32-byte value; asset id (big-endian)    | BLOB of 32 bytes                |
| address                                 | BLOB of 20 bytes                |
| uint256, uint128, a caller's uint64     | decimal TEXT, no leading zeros  |
| block, time, count, index, code         | BIGINT                          |
| struct, array                           | canonical JSON (RFC 8785) TEXT  |

A uint64 that a caller chooses freely (a time far off, a quota) can pass 2^63 and is therefore text; whatever a contract
bounds (counts, versions, blocks) is BIGINT.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, String, Text


def key32(name: str, *, primary: bool = False, null: bool = False, **options: Any) -> Column[bytes]:
    """A 32-byte value."""
    return Column(name, LargeBinary(32), primary_key=primary, nullable=null, **options)


def account(name: str, *, primary: bool = False, null: bool = False, **options: Any) -> Column[bytes]:
    """A 20-byte address."""
    return Column(name, LargeBinary(20), primary_key=primary, nullable=null, **options)


def blob(name: str, *, null: bool = False) -> Column[bytes]:
    """Bytes of any length."""
    return Column(name, LargeBinary, nullable=null)


def wide(name: str, *, null: bool = False) -> Column[str]:
    """An unsigned integer of up to 256 bits, as decimal text."""
    return Column(name, String(78), nullable=null)


def number(name: str, *, primary: bool = False, null: bool = False, **options: Any) -> Column[int]:
    """A whole number below 2^63."""
    return Column(name, BigInteger, primary_key=primary, nullable=null, autoincrement=False, **options)


def flag(name: str, *, null: bool = False, **options: Any) -> Column[bool]:
    """True or false."""
    return Column(name, Boolean(create_constraint=False), nullable=null, **options)


def word(name: str, *, primary: bool = False, null: bool = False, **options: Any) -> Column[str]:
    """A short text."""
    return Column(name, String(200), primary_key=primary, nullable=null, **options)


def text(name: str, *, null: bool = False) -> Column[str]:
    """A text of any length; canonical JSON where a struct or an array is kept."""
    return Column(name, Text, nullable=null)
