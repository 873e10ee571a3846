"""Where things stand in the two drawings of the pages: a lineage in columns by distance, a cover as a strip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deedbook.domain.keytree import Cover

COLUMN: Final = 230
ROW: Final = 34
BOX: Final = 180
HEIGHT: Final = 26
MARGIN: Final = 8
MOST_LINES: Final = 1500
"""Derivations that one drawing shows."""
STRIP: Final = 1000
"""The width of a strip: no part of it is finer than one."""


@dataclass(frozen=True)
class Node:
    """An asset in a drawing: `distance` is below zero for what it was derived from."""

    name: str
    distance: int
    parents: tuple[str, ...]
    label: str
    path: str
    hint: str


@dataclass(frozen=True)
class Box:
    """A node where it stands."""

    node: Node
    x: int
    y: int
    width: int = BOX
    height: int = HEIGHT


@dataclass(frozen=True)
class Line:
    """A derivation, from the right side of the parent to the left side of the child."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def path(self) -> str:
        """The data of an SVG path."""
        middle = (self.x1 + self.x2) // 2
        return f"M{self.x1} {self.y1}C{middle} {self.y1} {middle} {self.y2} {self.x2} {self.y2}"


@dataclass(frozen=True)
class Graph:
    """A drawing; `omitted` derivations are not drawn."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int
    omitted: int


def graph(nodes: Iterable[Node]) -> Graph:
    """The nodes in columns by distance, each near the middle of those that it was derived from."""
    columns: dict[int, list[Node]] = defaultdict(list)
    for node in nodes:
        columns[node.distance].append(node)
    first = min(columns, default=0)
    boxes: dict[str, Box] = {}
    for distance in sorted(columns):
        for row, node in enumerate(_near_their_parents(columns[distance], boxes)):
            boxes[node.name] = Box(node, MARGIN + (distance - first) * COLUMN, MARGIN + row * ROW)
    lines = [_line(boxes[parent], box) for box in boxes.values() for parent in box.node.parents if parent in boxes]
    width = 2 * MARGIN + BOX + COLUMN * (max(columns, default=0) - first)
    height = 2 * MARGIN + ROW * max((len(column) for column in columns.values()), default=1)
    return Graph(tuple(boxes.values()), tuple(lines[:MOST_LINES]), width, height, max(0, len(lines) - MOST_LINES))


def _near_their_parents(nodes: Sequence[Node], boxes: Mapping[str, Box]) -> list[Node]:
    def middle(node: Node) -> tuple[float, str]:
        rows = [boxes[parent].y for parent in node.parents if parent in boxes]
        return (sum(rows) / len(rows) if rows else 0.0, node.name)

    return sorted(nodes, key=middle)


def _line(parent: Box, child: Box) -> Line:
    half = HEIGHT // 2
    return Line(parent.x + BOX, parent.y + half, child.x, child.y + half)


@dataclass(frozen=True)
class Strip:
    """The delivered records of a version as pieces of a strip of `STRIP`: first and width."""

    pieces: tuple[tuple[int, int], ...]
    records: int
    delivered: int


def strip(cover: Cover) -> Strip:
    """The strip of a cover: pieces that would touch at this width are one."""
    count, delivered = cover.record_count, 0
    pieces: list[tuple[int, int]] = []
    for span in cover.ranges():
        delivered += len(span)
        first, end = span.start * STRIP // count, -(-span.stop * STRIP // count)
        if pieces and first <= pieces[-1][1]:
            pieces[-1] = (pieces[-1][0], max(end, pieces[-1][1]))
        else:
            pieces.append((first, end))
    return Strip(tuple((first, end - first) for first, end in pieces), count, delivered)
