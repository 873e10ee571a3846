"""How a page shows a value: as a piece of HTML in one language, everything from outside escaped and set apart.

Text from outside stands in `<bdi>`, so that its direction moves nothing around it; what cannot be seen in it is shown
by its number; what is long is cut, with the rest behind an expander. Accounts and hashes come with a button that copies
them, and link to the page of what they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from typing import Final

from markupsafe import Markup, escape

from deedbook.api.web.words import Words
from deedbook.domain.codes import Licence, Role
from deedbook.domain.documents import hidden_character
from deedbook.domain.hashing import checksum_address, to_hex

SHORT: Final = 300
"""Characters of a text from outside that are shown at once."""
LONG: Final = 4000
"""Characters of it that a page holds."""
TITLE: Final = 400
"""Bytes that a title takes where it is a link: hundreds of them stay below what a page may hold."""
LATEST: Final = 253_402_300_799
"""The last second of the year 9999: a later end is none."""
MINUTE, HOUR, DAY, YEAR = 60, 3600, 86_400, 31_557_600
EXPONENTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Decimals of currencies that have not two (ISO 4217)."""

_UNITS: Final = (
    ("age.years", 2 * YEAR, YEAR),
    ("age.days", DAY, DAY),
    ("age.hours", HOUR, HOUR),
    ("age.minutes", MINUTE, MINUTE),
    ("age.seconds", 0, 1),
)
"""Units of time: name, from how much on they are used, seconds."""


class Shown:
    """Shows values in the words of one language, at one time (`now`, Unix seconds), under the pages' path `root`."""

    def __init__(self, words: Words, now: int, root: str) -> None:
        self.words = words
        self.say = words.say
        self.now = now
        self.root = root

    # -- plain values ----------------------------------------------------------------------------------------------

    def text(self, text: str) -> Markup:
        """Text from outside."""
        if len(text) <= SHORT:
            return Markup("<bdi>{}</bdi>").format(visible(text))
        rest = visible(text[SHORT:LONG]) + (self._cut(len(text)) if len(text) > LONG else "")
        more = self.words.count("text.more", len(text) - SHORT)
        return Markup(
            '<bdi>{}</bdi>…<details class="rest"><summary>{}</summary><bdi class="rest">{}</bdi></details>'
        ).format(visible(text[:SHORT]), more, rest)

    def number(self, number: int) -> Markup:
        """A count."""
        return Markup("{}").format(f"{number:,}")

    def flag(self, said: bool) -> Markup:
        """Yes or no."""
        return self.say("yes" if said else "no")

    def nothing(self) -> Markup:
        """What stands where there is nothing."""
        return Markup('<span class="none">{}</span>').format(self.say("none"))

    def time(self, seconds: int) -> Markup:
        """A moment in UTC, and how long ago it was or how soon it is."""
        if not 0 < seconds <= LATEST:
            return self.say("time.open")
        moment = datetime.fromtimestamp(seconds, UTC)
        written = Markup('<time datetime="{}">{}</time>').format(
            moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M:%S UTC")
        )
        return written + Markup(' <span class="age">({})</span>').format(self.age(seconds))

    def age(self, seconds: int) -> Markup:
        """How long ago a moment was, or how soon it is."""
        away = abs(self.now - seconds)
        return self.say("age.ago" if seconds <= self.now else "age.in", span=self.span(away))

    def span(self, seconds: int) -> Markup:
        """A length of time."""
        name, _, unit = next(each for each in _UNITS if seconds >= each[1])
        return self.words.count(name, seconds // unit)

    def money(self, amount: int, currency: str) -> Markup:
        """An amount in minor units."""
        decimals = EXPONENTS.get(currency, 2)
        whole, rest = divmod(abs(amount), 10**decimals)
        digits = f"{'-' if amount < 0 else ''}{whole:,}" + (f".{rest:0{decimals}}" if decimals else "")
        return Markup('<span class="money">{} <abbr>{}</abbr></span>').format(digits, currency)

    def word(self, group: str, code: int | str) -> Markup:
        """The word of a code; the number of one without a name."""
        name = code.name.lower() if isinstance(code, IntEnum | IntFlag) and code.name else str(code)
        entry = f"{group}.{name}"
        return self.say(entry) if self.words.has(entry) else self.say("code.unknown", code=name)

    def all_words(self, group: str, codes: Iterable[int | str]) -> Markup:
        """The words of several codes."""
        return self.say("list.joiner").join(self.word(group, code) for code in codes) or self.nothing()

    def buyer_class(self, code: int) -> Markup:
        """A role, a licence, or anybody."""
        if code == 0:
            return self.say("class.any")
        if code < 256:
            return self.word("role", Role(1 << code - 1)) if code <= len(Role) else self.say("code.unknown", code=code)
        known = code in Licence.__members__.values()
        return self.word("licence", Licence(code)) if known else self.say("code.unknown", code=code)

    # -- names of things -------------------------------------------------------------------------------------------

    def hash(self, value: bytes, link: str = "") -> Markup:
        """A hash in full, to be copied; with a link to the page of what it names."""
        return self.hash_text(to_hex(value), link)

    def document(self, value: bytes) -> Markup:
        """The hash of a public document; zero is none."""
        return self.hash(value, f"/documents/{to_hex(value)}") if any(value) else self.nothing()

    def member(self, account: bytes) -> Markup:
        """An account, and the page of its member; zero is nobody."""
        written = checksum_address(account)
        return self.hash_text(written, f"{self.root}/members/{written}") if any(account) else self.nothing()

    def short_member(self, account: bytes) -> Markup:
        """The same in a table."""
        written = checksum_address(account)
        return self.short_text(written, f"{self.root}/members/{written}") if any(account) else self.nothing()

    def short(self, noun: str, key: bytes) -> Markup:
        """An identifier in a table, and the page of what it names."""
        return self.short_text(to_hex(key), self.path(noun, to_hex(key)))

    def asset(self, asset_id: int, title: str | None = None) -> Markup:
        """An asset by its title, or its identifier where nobody knows one."""
        name = asset_name(asset_id)
        path = self.path("assets", name)
        if title is None:
            return self.short_text(name, path)
        return self.link(path, self._title(title)) + Markup(' <code class="under">{}</code>').format(shortened(name))

    def asset_title(self, asset_id: int, titles: Mapping[int, str]) -> Markup:
        """What an asset is called."""
        title = titles.get(asset_id)
        return (
            Markup("<code>{}</code>").format(shortened(asset_name(asset_id))) if title is None else self._title(title)
        )

    def block(self, number: int) -> Markup:
        """A block, and its page."""
        return self.link(self.path("blocks", str(number)), Markup("{}").format(f"{number:,}"))

    def path(self, noun: str, *names: str) -> str:
        """The path of a page."""
        return "/".join((self.root, noun, *names))

    def link(self, path: str, inner: Markup) -> Markup:
        """A link to a page of this site."""
        return Markup('<a href="{}">{}</a>').format(path, inner)

    def hash_text(self, written: str, link: str) -> Markup:
        """A name in full, with a button that copies it."""
        code = Markup('<code class="hash">{}</code>').format(written)
        label = self.say("copy.label", what=shortened(written))
        copy = Markup('<button type="button" class="copy" data-copy="{}" aria-label="{}" hidden>{}</button>')
        return (self.link(link, code) if link else code) + copy.format(written, label, self.say("copy"))

    def short_text(self, written: str, link: str) -> Markup:
        """A name in a table, cut in its middle."""
        code = Markup('<code title="{}">{}</code>').format(written, shortened(written))
        return self.link(link, code)

    def _title(self, title: str) -> Markup:
        """A title is cut for good: it is a link's, and a list has many."""
        return Markup("<bdi>{}</bdi>").format(visible(cut(title, TITLE)))

    def _cut(self, length: int) -> Markup:
        return Markup("… {}").format(self.words.count("text.cut", length - LONG))


def asset_name(asset_id: int) -> str:
    """An asset's identifier as links write it: 32 bytes in hex."""
    return to_hex(asset_id.to_bytes(32, "big"))


def shortened(written: str) -> str:
    """The beginning and the end of a long name."""
    return written if len(written) <= 16 else f"{written[:8]}…{written[-6:]}"


def cut(text: str, most: int) -> str:
    """The beginning of a text that takes at most so many bytes on a page, and an ellipsis where more follows."""
    left = most
    for place, character in enumerate(text[:most]):
        left -= len(_seen(character).encode())
        if left < 0:
            return f"{text[:place]}…"
    return text if len(text) <= most else f"{text[:most]}…"


def visible(text: str) -> Markup:
    """The text escaped, with what nobody could see in it shown by its number."""
    if hidden_character(text) is None:
        return escape(text)
    return Markup("").join(_seen(character) for character in text)


def _seen(character: str) -> Markup:
    point = hidden_character(character)
    if point is None or character == "\n":
        return escape(character)
    return Markup('<span class="hidden-character">U+{}</span>').format(f"{point:04X}")
