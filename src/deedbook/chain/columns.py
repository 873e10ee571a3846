"""Converters of one kind of log each, generated from the ABI: for back-fill, where a million logs are of a few kinds.

An event without dynamic fields has a fixed layout: every argument is a word (32 bytes) of the topics or of the data.
From the layout, and from what is wanted of each argument, the source of one flat Python function is written and
compiled once; it does for a log what `decoding.decode_event` does - as strictly, and to the same values - without a
general step in it. Events with dynamic fields have no layout: they go the general way.

The source is made of the committed ABIs and of forms that are named here, and of nothing that comes from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from deedbook.chain import abis
from deedbook.domain import abi
from deedbook.errors import InvalidFormat

WORD: Final = 32

Convert = Callable[[bytes], tuple[Any, ...]]
"""From the words of a log - its topics but the first, then its data - to what is wanted. Raises InvalidFormat."""


class Form(StrEnum):
    """What is wanted of an argument: its `value` as an event has it; its whole `word`, 32 bytes; its `decimal` text
    (integers); a `number` below 2^63."""

    VALUE = "value"
    WORD = "word"
    DECIMAL = "decimal"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Field:
    """An argument, or a component of one: the names that lead to it, its ABI type, and where its word begins."""

    path: tuple[str, ...]
    kind: str
    at: int

    @property
    def name(self) -> str:
        """The names, with dots."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Layout:
    """An event whose words all have their place: how many topics (the first is the event's own) and bytes of data."""

    contract: str
    name: str
    topics: int
    data: int
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The argument of this name. Raises KeyError."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(f"{self.contract}.{self.name} has no argument {name}")


@cache
def layout_of(contract: str, topic: bytes) -> Layout | None:
    """The layout of the contract's event of this first topic; None where it has none, or there is no such event."""
    member = abis.events(contract).get(topic)
    if member is None or any(abi.is_dynamic(abis.type_of(item)) for item in member.inputs):
        return None
    indexed = [item for item in member.inputs if item["indexed"]]
    if any(item["type"].startswith("tuple") or item["type"].endswith("]") for item in indexed):
        return None  # its topic is a hash
    places = {id(item): WORD * place for place, item in enumerate(indexed)}
    at = WORD * len(indexed)
    fields: list[Field] = []
    for item in member.inputs:
        if item["indexed"]:
            fields.append(Field((item["name"],), item["type"], places[id(item)]))
            continue
        for field in _leaves(item, (item["name"],), at):
            if field is None:
                return None
            fields.append(field)
        at += abi.head_size(abis.type_of(item))
    return Layout(contract, member.name, 1 + len(indexed), at - WORD * len(indexed), tuple(fields))


def _leaves(parameter: Mapping[str, Any], path: tuple[str, ...], at: int) -> Iterator[Field | None]:
    """The words of a static parameter; None in place of an array, which nothing here has."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        yield None
    elif kind != "tuple":
        yield Field(path, kind, at)
    else:
        for component in parameter["components"]:
            yield from _leaves(component, (*path, component["name"]), at)
            at += abi.head_size(abis.type_of(component))


@dataclass(frozen=True, slots=True)
class Source:
    """Python's words for the arguments of a log of a layout, whose words are in the variable `b` (bytes) and, as hex
    digits, in `h`: `checks` take the arguments into variables, and do `otherwise` (a statement that names what is wrong
    as `{name}`) where a word is not what its type allows; then `text` and `form` are expressions."""

    layout: Layout
    otherwise: str

    @property
    def checks(self) -> list[str]:
        """Lines of statements."""
        return [line for at, each in enumerate(self.layout.fields) for line in _checked(at, each, self.otherwise)]

    @property
    def text(self) -> str:
        """All arguments as canonical JSON text (RFC 8785; integers as decimal text, bytes as hex)."""
        tree: dict[str, Any] = {}
        for at, each in enumerate(self.layout.fields):
            inside = tree
            for name in each.path[:-1]:
                inside = inside.setdefault(name, {})
            inside[each.path[-1]] = _shown(at, each)
        return f"f'{_object(tree)}'"

    def limits(self, wanted: Sequence[tuple[str, Form]]) -> list[str]:
        """Further checks: that a `number` is below 2^63."""
        numbers = [(self._place(name), name) for name, form in wanted if form is Form.NUMBER]
        return [
            f"if v{at} > {2**63 - 1}: {self.otherwise.format(name=name)}"
            for at, name in numbers
            if _bits(self.layout.fields[at]) > 63
        ]

    def form(self, name: str, form: Form) -> str:
        """An argument in this form. Raises KeyError."""
        at = self._place(name)
        if form is Form.WORD:
            return f"b[{self.layout.fields[at].at}:{self.layout.fields[at].at + WORD}]"
        return f"str(v{at})" if form is Form.DECIMAL else f"v{at}"

    def _place(self, name: str) -> int:
        return self.layout.fields.index(self.layout.field(name))


def converter(layout: Layout, wanted: Sequence[tuple[str, Form]]) -> Convert:
    """The function that gives, of a log of this layout, its arguments as canonical JSON text and then what is `wanted`,
    by name and form.

    It raises InvalidFormat where a word is not what its type allows, or a `number` is not below 2^63. Raises KeyError
    for an argument that is not there.
    """
    source = Source(layout, "bad('{name}')")
    found = [source.text, *(source.form(name, form) for name, form in wanted)]
    lines = [
        f"if len(b) != {size_of(layout)}: bad('length')",
        "h = b.hex()",
        *source.checks,
        *source.limits(wanted),
        f"return ({', '.join(found)},)",
    ]
    made: Convert = compiled(f"{layout.contract}.{layout.name}", "b", lines, {"bad": _bad})
    return made


def size_of(layout: Layout) -> int:
    """How many bytes the words of a log of this layout have."""
    return WORD * (layout.topics - 1) + layout.data


def compiled(name: str, parameters: str, lines: Sequence[str], names: Mapping[str, Any]) -> Any:
    """The function of these parameters and lines, which knows `names`. Only for lines that are made here and in rooms
    above, of the committed ABIs."""
    space: dict[str, Any] = {"number": int.from_bytes, **names}
    source = "\n".join([f"def made({parameters}):", *(f"    {line}" for line in lines)])
    exec(compile(source, f"<{name}>", "exec"), space)  # noqa: S102 - see above
    return space["made"]


def _bad(name: str) -> None:
    raise InvalidFormat("abi", f"{name} is not what its type allows")


def _bits(field: Field) -> int:
    """How many bits an unsigned integer has; 0 for what is none."""
    return int(field.kind[4:] or 256) if field.kind.startswith("uint") else 0


def _checked(place: int, field: Field, otherwise: str) -> list[str]:
    """Source that takes the argument into `v<place>`."""
    at, end, kind, wrong = field.at, field.at + WORD, field.kind, otherwise.format(name=field.name)
    value = f"v{place}"
    if bits := _bits(field):
        lines = [f"{value} = number(b[{at}:{end}], 'big')"]
        return lines if bits == 256 else [*lines, f"if {value} > {(1 << bits) - 1}: {wrong}"]
    if kind == "bool":
        return [
            f"{value} = number(b[{at}:{end}], 'big')",
            f"if {value} > 1: {wrong}",
            f"{value} = {value} == 1",
        ]
    if kind == "address":
        return [f"if b[{at}:{at + 12}] != {bytes(12)!r}: {wrong}", f"{value} = b[{at + 12}:{end}]"]
    if kind.startswith("bytes"):
        size = int(kind[5:])
        lines = [f"{value} = b[{at}:{at + size}]"]
        return lines if size == WORD else [*lines, f"if b[{at + size}:{end}] != {bytes(WORD - size)!r}: {wrong}"]
    bits = int(kind[3:] or 256)  # int8 to int256
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return [
        f"{value} = number(b[{at}:{end}], 'big', signed=True)",
        f"if not {low} <= {value} <= {high}: {wrong}",
    ]


def _object(tree: Mapping[str, Any]) -> str:
    parts = (f'"{name}":{_object(value) if isinstance(value, dict) else value}' for name, value in sorted(tree.items()))
    return "{{" + ",".join(parts) + "}}"


def _shown(number: int, field: Field) -> str:
    """A piece of an f-string."""
    at, kind = 2 * field.at, field.kind
    if kind == "bool":
        return f"{{'true' if v{number} else 'false'}}".replace("'", '"')
    if kind == "address":
        return f'"0x{{h[{at + 24}:{at + 64}]}}"'
    if kind.startswith("bytes"):
        return f'"0x{{h[{at}:{at + 2 * int(kind[5:])}]}}"'
    return f'"{{v{number}}}"'
