"""Notices: what a person is told before consenting, and the sentence that is signed, rendered from its template.

What is read is what is signed: a verifier renders the sentence again from the consent's fields and compares. The JSON
files beside this one are the notices that ship with Deedbook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from deedbook.domain.codes import bits_in
from deedbook.domain.consents import Consent
from deedbook.domain.documents import Fields, read_document, require_plain
from deedbook.domain.hashing import canonical_json, checksum_address, parse_canonical_json, sha256
from deedbook.errors import InvalidFormat, InvalidInput

PLACEHOLDERS: Final = (
    "asset",
    "controller",
    "recipient",
    "purpose",
    "modes",
    "border",
    "validFrom",
    "validUntil",
)
"""What a template must show, each at least once: everything that a statement depends on."""

_LABEL_GROUPS: Final = ("recipientClass", "purpose", "mode", "crossBorder")
_PART = re.compile(r"\{([^{}]*)\}|[{}]")
_LATEST: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FROM, _UNTIL = "\x00", "\x01"
"""Stand where the times will: no plain text holds them."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The words for codes: each mapping from the code in decimal (`crossBorder`: "true", "false") to plain text;
    `joiner` stands between modes."""

    recipient_class: Mapping[str, str]
    purpose: Mapping[str, str]
    mode: Mapping[str, str]
    cross_border: Mapping[str, str]
    joiner: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told before consenting (ISO/IEC 29184), and the template of the sentence that is signed.

    `language` is a BCP 47 tag; `controller` the controller's name; all texts plain: no control character, no
    bidirectional mark, nothing invisible. Raises InvalidFormat for a template with an unknown placeholder, or without
    one of `PLACEHOLDERS`, or with text that is not plain.
    """

    language: str
    controller: str
    contact: str
    title: str
    asset_title: str
    template: str
    labels: Labels
    retention: str
    withdrawal: str
    rights: tuple[str, ...]

    def __post_init__(self) -> None:
        for field in ("language", "controller", "contact", "title", "asset_title", "template", "retention"):
            _plain(field, getattr(self, field))
        _plain("withdrawal", self.withdrawal)
        for right in self.rights:
            _plain("rights", right)
        _plain("labels.joiner", self.labels.joiner)
        for group, words in _groups(self.labels).items():
            for code, word in words.items():
                _plain(f"labels.{group}.{code}", word)
        _check_template(self.template)
        _check_codes(self.labels)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the canonical bytes: `noticeHash`."""
        return sha256(self.encode())

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.notice",
            "version": 1,
            "language": self.language,
            "controller": self.controller,
            "contact": self.contact,
            "title": self.title,
            "assetTitle": self.asset_title,
            "template": self.template,
            "labels": {**_groups(self.labels), "joiner": self.labels.joiner},
            "retention": self.retention,
            "withdrawal": self.withdrawal,
            "rights": list(self.rights),
        }

    @classmethod
    def from_json(cls, value: object) -> Notice:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion."""
        fields = read_document(value, "deedbook.notice", _NOTICE_KEYS)
        labels = fields.object("labels", (*_LABEL_GROUPS, "joiner"))
        return cls(
            language=fields.text("language"),
            controller=fields.text("controller"),
            contact=fields.text("contact"),
            title=fields.text("title"),
            asset_title=fields.text("assetTitle"),
            template=fields.text("template"),
            labels=Labels(
                recipient_class=_words(labels, "recipientClass"),
                purpose=_words(labels, "purpose"),
                mode=_words(labels, "mode"),
                cross_border=_words(labels, "crossBorder"),
                joiner=labels.text("joiner"),
            ),
            retention=fields.text("retention"),
            withdrawal=fields.text("withdrawal"),
            rights=tuple(fields.array("rights")),
        )

    def encode(self) -> bytes:
        """The document's canonical bytes."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> Notice:
        """The document of its canonical bytes; no other spelling is taken. Raises as `from_json`."""
        return cls.from_json(parse_canonical_json(data, "deedbook.notice"))


_NOTICE_KEYS: Final = (
    "language",
    "controller",
    "contact",
    "title",
    "assetTitle",
    "template",
    "labels",
    "retention",
    "withdrawal",
    "rights",
)


def render_statement(notice: Notice, consent: Consent) -> str:
    """The sentence for these fields (the consent's own `statement` is not read). Deterministic (docs/formats.md).

    Raises InvalidFormat: no label for a code, no mode; InvalidInput: a time after the year 9999.
    """
    values = statement_values(notice, consent)
    return _PART.sub(lambda found: values[found.group(1)], notice.template)


def statement_values(notice: Notice, consent: Consent) -> dict[str, str]:
    """What each placeholder stands for. Raises as `render_statement`."""
    labels = notice.labels
    named = any(consent.recipient)
    if not consent.modes:
        raise InvalidFormat("modes", "are none, so no sentence names them")
    return {
        "asset": notice.asset_title,
        "controller": notice.controller,
        "recipient": checksum_address(consent.recipient)
        if named
        else _label("recipientClass", labels.recipient_class, consent.recipient_class),
        "purpose": _label("purpose", labels.purpose, consent.purpose),
        "modes": labels.joiner.join(_label("mode", labels.mode, bit) for bit in bits_in(consent.modes)),
        "border": labels.cross_border["true" if consent.cross_border else "false"],
        "validFrom": iso_time("validFrom", consent.valid_from),
        "validUntil": iso_time("validUntil", consent.valid_until),
    }


class Sentences:
    """The sentences for consents that say the same but for their times (the two that are given are not read).

    Raises as `render_statement`.
    """

    def __init__(self, notice: Notice, consent: Consent) -> None:
        values = statement_values(notice, consent) | {"validFrom": _FROM, "validUntil": _UNTIL}
        text = _PART.sub(lambda found: values[found.group(1)], notice.template)
        self._plain = text.encode()
        canonical = canonical_json(text)[1:-1]
        self._canonical = canonical.replace(b"\\u0000", b"\x00").replace(b"\\u0001", b"\x01")

    def between(self, valid_from: int, valid_until: int) -> tuple[bytes, bytes]:
        """The sentence for these times in UTF-8, and as it stands in canonical JSON. Raises InvalidInput: a time after
        the year 9999."""
        since, until = iso_time("validFrom", valid_from).encode(), iso_time("validUntil", valid_until).encode()
        plain = self._plain.replace(b"\x00", since).replace(b"\x01", until)
        if self._canonical == self._plain:
            return plain, plain
        return plain, self._canonical.replace(b"\x00", since).replace(b"\x01", until)


def with_statement(notice: Notice, consent: Consent) -> Consent:
    """The consent with the notice's hash and the sentence rendered from its own fields: what a wallet shows and signs.

    Build the consent with any plain text as `statement` first.
    """
    return replace(consent, notice_hash=notice.hash, statement=render_statement(notice, consent))


def iso_time(field: str, seconds: int) -> str:
    """Unix seconds as `YYYY-MM-DDTHH:MM:SSZ` (ISO 8601, UTC). Raises InvalidInput(`field`) after the year 9999."""
    if not 0 <= seconds <= _LATEST:
        raise InvalidInput(field, "is not a time from 1970 to 9999")
    days, rest = divmod(seconds, 86_400)
    return _iso_date(days) + _iso_clock(rest)


@lru_cache(maxsize=86_400)
def _iso_clock(rest: int) -> str:
    return f"T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


@lru_cache(maxsize=4096)
def _iso_date(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).strftime("%Y-%m-%d")


def load_notice(
    language: str, *, controller: str, contact: str, asset_title: str, about: str = "recruitment"
) -> Notice:
    """The notice for selling resumes to employers (`recruitment`) or a firm's data to banks (`credit`), as the demo
    uses them, in `zh-CN` or `en`.

    Raises InvalidInput for another language or subject.
    """
    if language not in ("zh-CN", "en"):
        raise InvalidInput("language", "is neither zh-CN nor en")
    if about not in ("recruitment", "credit"):
        raise InvalidInput("about", "is neither recruitment nor credit")
    from importlib import resources  # here: auditors, who load no notice, start faster without it

    text = resources.files("deedbook.domain.notices").joinpath(f"{about}.{language}.json").read_bytes()
    document = json.loads(text) | {"controller": controller, "contact": contact, "assetTitle": asset_title}
    return Notice.from_json(document)


def _groups(labels: Labels) -> dict[str, dict[str, str]]:
    groups = (labels.recipient_class, labels.purpose, labels.mode, labels.cross_border)
    return {name: dict(words) for name, words in zip(_LABEL_GROUPS, groups, strict=True)}


def _words(labels: Fields, group: str) -> dict[str, str]:
    words = labels.raw(group)
    if not isinstance(words, Mapping):
        raise InvalidFormat(labels.path(group), "is not an object")
    return dict(words)


def _label(group: str, words: Mapping[str, str], code: int) -> str:
    word = words.get(str(int(code)))
    if word is None:
        raise InvalidFormat(f"labels.{group}", f"has no label for {int(code)}")
    return word


def _plain(field: str, text: object) -> None:
    try:
        require_plain(field, text, most=4096)
    except InvalidInput as reason:
        raise InvalidFormat(f"notice.{field}", reason.reason) from reason


def _check_template(template: str) -> None:
    names = [found.group(1) for found in _PART.finditer(template)]
    for name in names:
        if name not in PLACEHOLDERS:
            raise InvalidFormat("notice.template", f"has an unknown placeholder {name!r}")
    for name in PLACEHOLDERS:
        if name not in names:
            raise InvalidFormat("notice.template", f"does not show {name!r}")


def _check_codes(labels: Labels) -> None:
    if set(labels.cross_border) != {"true", "false"}:
        raise InvalidFormat("notice.labels.crossBorder", 'is not exactly "true" and "false"')
    for group, words in _groups(labels).items():
        for code in words if group != "crossBorder" else ():
            if not code.isascii() or not code.isdigit() or str(int(code)) != code or int(code) > 0xFFFF:
                raise InvalidFormat(f"notice.labels.{group}", f"{code!r} is no code")
