"""What a page is made of, whoever it is about: facts, tables, lines in time, drawings and words. Templates draw each
kind; nouns fill them with what `Shown` made. `title` is the name of an entry of the catalogues, `aside` of one that
explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from markupsafe import Markup

from deedbook.api.web.drawing import Graph, Strip
from deedbook.queries.exports import Relation


class Section:
    """A part of a page; `kind` says which template draws it."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Facts(Section):
    """Names (entries of the catalogues) and values."""

    kind: ClassVar[str] = "facts"
    title: str
    rows: Sequence[tuple[str, Markup]]
    aside: str | None = None


@dataclass(frozen=True)
class Table(Section):
    """Rows under heads (entries of the catalogues); `numbers` are the columns that stand to the right, `after` is the
    link to the rows that follow. `sums`: rows that add up what is above them."""

    kind: ClassVar[str] = "table"
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Markup]]
    numbers: frozenset[int] = frozenset()
    sums: frozenset[int] = frozenset()
    aside: str | None = None
    more: tuple[str, str] | None = None
    """A path and the entry that names it: where all of it is."""
    after: str | None = None


@dataclass(frozen=True)
class Step:
    """One step of a line in time."""

    label: Markup
    time: Markup
    details: Sequence[Markup] = ()
    waited: Markup | None = None
    last: bool = False


@dataclass(frozen=True)
class Steps(Section):
    """A line in time."""

    kind: ClassVar[str] = "steps"
    title: str
    steps: Sequence[Step]
    aside: str | None = None


@dataclass(frozen=True)
class CoverStrip(Section):
    """Which records a delivery opens."""

    kind: ClassVar[str] = "strip"
    title: str
    strip: Strip
    words: Markup
    aside: str | None = None


@dataclass(frozen=True)
class Lineage(Section):
    """A drawing of what derives from what."""

    kind: ClassVar[str] = "lineage"
    title: str
    graph: Graph
    words: Markup
    more: tuple[str, str] | None = None
    aside: str | None = None


@dataclass(frozen=True)
class Quote(Section):
    """A text that somebody signed or published, as it is."""

    kind: ClassVar[str] = "quote"
    title: str
    text: Markup
    language: str | None = None
    aside: str | None = None


@dataclass(frozen=True)
class Note(Section):
    """A paragraph; `links` are paths and what they are called."""

    kind: ClassVar[str] = "note"
    text: Markup
    links: Sequence[tuple[str, Markup]] = ()


@dataclass(frozen=True)
class Commands(Section):
    """Steps that somebody takes in a terminal: an entry that says what for, and the command."""

    kind: ClassVar[str] = "commands"
    title: str
    lines: Sequence[tuple[str, str]]
    aside: str | None = None


@dataclass(frozen=True)
class Finding(Section):
    """A question of one field: where it leads, what the field is called, and the entries beside and on the button."""

    kind: ClassVar[str] = "finding"
    title: str
    path: str
    name: str
    label: str
    press: str
    aside: str | None = None


@dataclass(frozen=True)
class Page:
    """A page: its title, its parts, and the same as JSON and, where it shows a table, as rows. `noun` marks the part of
    the site that it belongs to; `following` is the token of the page after it."""

    title: Markup
    noun: str
    sections: Sequence[Section]
    json: Any
    table: Relation | None = None
    lead: Markup | None = None
    template: str = "page.html"
    following: str | None = None
    private: bool = False
    """Whether it is one person's: then it is kept by nobody on its way."""
    more: dict[str, Any] = field(default_factory=dict)
