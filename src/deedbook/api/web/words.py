"""What the pages say: catalogues in gettext's PO form, one for each language; no visible word stands anywhere else.

Entries are named (`msgid "asset.holder"`), so that no language is the other one's original. Of PO's syntax the part is
read that the catalogues use: comments, `msgid`, `msgid_plural`, `msgstr`, `msgstr[0]`, `msgstr[1]`, texts in one or
several quoted lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from markupsafe import Markup, escape

LANGUAGES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-CN"}
"""The languages of the pages, and their tags (BCP 47)."""
DEFAULT: Final = "en"
_LINE: Final = re.compile(r'(msgid|msgid_plural|msgstr|msgstr\[[01]\])?\s*("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Words:
    """The words of one language. Asking for an entry that the catalogue lacks is a KeyError."""

    language: str
    one: Mapping[str, str]
    many: Mapping[str, str]

    @property
    def tag(self) -> str:
        """As HTML's `lang` names the language."""
        return LANGUAGES[self.language]

    def say(self, name: str, /, **values: object) -> Markup:
        """The text of an entry, its `{names}` replaced; what is not markup already is escaped."""
        return _filled(self.one[name], values)

    def count(self, name: str, count: int, /) -> Markup:
        """The text of an entry for a number of things: `{count}`."""
        return _filled((self.one if count == 1 else self.many)[name], {"count": f"{count:,}"})

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return name in self.one


@cache
def words_of(language: str) -> Words:
    """The catalogue of a language of `LANGUAGES`."""
    text = resources.files("deedbook.api.web").joinpath(f"catalogues/{language}.po").read_text(encoding="utf-8")
    one: dict[str, str] = {}
    many: dict[str, str] = {}
    for entry in _entries(text):
        name, first = entry["msgid"], entry.get("msgstr", entry.get("msgstr[0]", ""))
        if name in one:
            raise ValueError(f"{language}.po says {name} twice")
        if name:  # the first entry is the header
            one[name], many[name] = first, entry.get("msgstr[1]", first)
    return Words(language, one, many)


def chosen(asked: str | None, kept: str | None, accepted: str) -> str:
    """The language for somebody: the one asked for, else the one kept from before, else the first of `Accept-Language`
    (RFC 9110, 12.5.4) that the pages have."""
    for each in (asked, kept):
        if each is not None and each in LANGUAGES:
            return each
    ranges = [each.partition(";") for each in accepted[:1000].split(",")]
    weighed = sorted(((-_weight(rest), tag.strip().lower()) for tag, _, rest in ranges), key=lambda each: each[0])
    primary = (tag.partition("-")[0] for weight, tag in weighed if weight < 0)
    return next((each for each in primary if each in LANGUAGES), DEFAULT)


def _weight(parameters: str) -> float:
    found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
    return float(found.group(1)) if found else 0.0 if parameters.strip() else 1.0


def _entries(text: str) -> Iterator[dict[str, str]]:
    entry: dict[str, str] = {}
    part = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise ValueError(f"no line of a catalogue: {line}")
        part = found.group(1) or part
        if found.group(1) == "msgid" and entry:
            yield entry
            entry = {}
        entry[part] = entry.get(part, "") + json.loads(found.group(2))
    if entry:
        yield entry


def _filled(text: str, values: Mapping[str, object]) -> Markup:
    return escape(text).format(**values) if values else escape(text)
