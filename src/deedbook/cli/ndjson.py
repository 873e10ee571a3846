"""Files of many JSON documents, one a line: read by the block, whatever their lines are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO, Final

BLOCK: Final = 1 << 22
"""Bytes that are read at a time."""


def blocks_of(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file, a block at a time."""
    return iter(partial(file.read, BLOCK), b"")


def lines_of(blocks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The lines of a file's blocks, without their line feeds; of one of more than `longest` bytes the first
    `longest` + 1, for whoever reads to refuse it."""
    most, rest = longest + 1, b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        rest = rest[:most]
        for line in lines:
            yield line[:most]
    if rest:
        yield rest


def ends_of(blocks: Iterable[bytes]) -> Iterator[int]:
    """Where the lines of a file's blocks end: the places of their line feeds, in bytes from the beginning; that after
    the last byte for a line without one."""
    begun = first = 0
    for block in blocks:
        at = block.find(b"\n")
        while at >= 0:
            yield first + at
            begun = first + at + 1
            at = block.find(b"\n", at + 1)
        first += len(block)
    if begun < first:
        yield first
