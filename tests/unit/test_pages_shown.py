"""How single values are shown: escaped, set apart, cut, dated, in the currency's own decimals."""

from __future__ import annotations

from markupsafe import Markup

from deedbook.api.web.drawing import Node, graph, strip
from deedbook.api.web.shown import LONG, SHORT, TITLE, Shown, visible
from deedbook.api.web.words import words_of
from deedbook.domain.codes import Mode, Purpose
from deedbook.domain.keytree import cover_all_but

NOW = 1_800_000_000
SHOW = Shown(words_of("en"), NOW, "/explore")


def test_text_from_outside_is_escaped_and_set_apart() -> None:
    assert SHOW.text("<script>") == "<bdi>&lt;script&gt;</bdi>"
    assert SHOW.text("a\u202eb") == '<bdi>a<span class="hidden-character">U+202E</span>b</bdi>'
    assert SHOW.text("\x00") == '<bdi><span class="hidden-character">U+0000</span></bdi>'
    assert visible("a\nb") == "a\nb"


def test_long_text_is_cut_and_what_is_too_long_is_counted() -> None:
    shown = SHOW.text("<" * 10_000)
    assert shown.count("&lt;") == LONG
    assert shown.startswith("<bdi>" + "&lt;" * SHORT + "</bdi>…<details")
    assert "9,700 more characters" in shown
    assert f"({10_000 - LONG:,} more characters; see JSON)" in shown


def test_titles_of_links_are_cut_for_good() -> None:
    shown = SHOW.asset(1, "x" * 1000)
    assert shown.count("x" * TITLE + "…") == 1
    assert "details" not in shown
    assert 'href="/explore/assets/0x' + "0" * 63 + '1"' in shown


def test_money_has_the_decimals_of_its_currency() -> None:
    assert "1,234.05 <abbr>CNY" in SHOW.money(123_405, "CNY")
    assert "123,405 <abbr>JPY" in SHOW.money(123_405, "JPY")
    assert "123.405 <abbr>KWD" in SHOW.money(123_405, "KWD")
    assert "-0.01 <abbr>CNY" in SHOW.money(-1, "CNY")
    assert str(2**128) not in SHOW.money(2**128, "CNY")


def test_times_are_utc_with_their_age() -> None:
    assert SHOW.time(NOW - 3 * 86_400).striptags() == "2027-01-12 08:00:00 UTC (3 days ago)"
    assert SHOW.time(NOW + 60).striptags() == "2027-01-15 08:01:00 UTC (in 1 minute)"
    assert SHOW.age(NOW) == "0 seconds ago"
    assert SHOW.span(365 * 86_400 * 3) == "2 years"
    assert SHOW.time(2**64 - 1) == "no end"
    assert SHOW.time(0) == "no end"


def test_codes_are_words_and_unknown_ones_numbers() -> None:
    assert SHOW.word("purpose", Purpose.CREDIT) == "credit"
    assert SHOW.word("purpose", 99) == "code 99"
    assert SHOW.all_words("mode", Mode.CALL | Mode.RAW) == "queries, delivery of the record itself"
    assert SHOW.all_words("mode", Mode(0)).striptags() == "none"
    assert [SHOW.buyer_class(code) for code in (0, 2, 256, 200, 999)] == [
        "anybody",
        "provider",
        "employer",
        "code 200",
        "code 999",
    ]


def test_nobody_is_no_link() -> None:
    assert SHOW.member(bytes(20)).striptags() == "none"
    assert SHOW.document(bytes(32)).striptags() == "none"
    assert isinstance(SHOW.number(3), Markup)


def test_a_strip_shows_what_is_delivered_and_leaves_out_the_rest() -> None:
    assert strip(cover_all_but(10, [])).pieces == ((0, 1000),)
    whole = strip(cover_all_but(10, [3]))
    assert whole.pieces == ((0, 300), (400, 600))
    assert (whole.delivered, whole.records) == (9, 10)
    assert strip(cover_all_but(4, range(4))).pieces == ()
    many = strip(cover_all_but(1_000_000, range(0, 1_000_000, 1000)))
    assert len(many.pieces) <= 1000
    assert many.delivered == 999_000


def test_a_drawing_puts_every_asset_in_a_place_of_its_own_and_parents_to_the_left() -> None:
    nodes = [Node(str(n), n % 5 - 2, (str(n - 1), "gone") if n % 5 else (), "label", "/p", "hint") for n in range(100)]
    drawn = graph(nodes)
    assert len({(box.x, box.y) for box in drawn.boxes}) == 100
    assert len(drawn.lines) == 80
    assert all(line.x1 < line.x2 for line in drawn.lines)
    assert all(box.x + box.width <= drawn.width and box.y + box.height <= drawn.height for box in drawn.boxes)
    assert drawn.omitted == 0
