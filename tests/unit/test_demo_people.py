"""The demo's people: the survey whole and real, identities unique, a malformed file named by line and column."""

from __future__ import annotations

import pytest

from deedbook.cli.demo.people import COLUMNS, Answer, parse_answers, people, survey
from deedbook.errors import InvalidFormat, InvalidInput

HEAD = ",".join(COLUMNS)
ROW = "354.94,7,45,cauc,yes,northeast,no"
SEED = bytes(range(32))


def test_the_survey_is_shipped_whole() -> None:
    answers = list(parse_answers(survey()))
    assert len(answers) == 28_155
    assert answers[0] == Answer(35_494, 7, 45, "cauc", True, "northeast", False)


def test_people_are_spread_over_the_survey_and_told_apart() -> None:
    crowd = people(500, SEED)
    assert len({person.answer for person in crowd}) > 400
    assert all(len({getattr(p, name) for p in crowd}) == 500 for name in ("name", "identity_number", "phone"))
    assert people(500, SEED) == crowd != people(500, bytes(32))


@pytest.mark.parametrize("count", [0, -1, 28_156])
def test_more_people_than_the_survey_has_are_refused(count: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        people(count, SEED)
    assert (refused.value.field, refused.value.reason) == ("people", "must be from 1 to 28155")


@pytest.mark.rule("malformed-csv")
@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "line 1"),
        ("wage,education", "line 1"),
        (f"{HEAD}\n{ROW},more", "line 2"),
        (f"{HEAD}\n{ROW}\n1,2,3", "line 3"),
        (f'{HEAD}\n"354.94"x,7,45,cauc,yes,northeast,no', "survey"),
        (f"{HEAD}\n\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "line 2"),
        *[
            (f"{HEAD}\n{wage},7,45,cauc,yes,south,no", "line 2, wage")
            for wage in ("", "-1", "1.234", "1e3", "1.²", "٣", "nan")
        ],
        *[
            (f"{HEAD}\n1,{years},45,cauc,yes,south,no", "line 2, education")
            for years in ("", "x", "121", "-11", "1_0", " 1")
        ],
        (f"{HEAD}\n1,7,4.5,cauc,yes,south,no", "line 2, experience"),
        (f"{HEAD}\n1,7,45,CAUC,yes,south,no", "line 2, ethnicity"),
        (f"{HEAD}\n1,7,45,cauc,true,south,no", "line 2, smsa"),
        (f"{HEAD}\n1,7,45,cauc,yes,east,no", "line 2, region"),
        (f"{HEAD}\n1,7,45,cauc,yes,south,", "line 2, parttime"),
    ],
)
def test_malformed_csv_is_refused_with_its_line_and_column(text: str, field: str) -> None:
    with pytest.raises(InvalidFormat) as refused:
        list(parse_answers(text.encode()))
    assert refused.value.field == field


def test_a_survey_in_another_encoding_is_refused() -> None:
    with pytest.raises(InvalidFormat) as refused:
        list(parse_answers(HEAD.encode() + b"\n\xff"))
    assert refused.value.reason == "not UTF-8 at byte 57"
