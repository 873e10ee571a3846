"""The people of the demo: real answers of a public wage survey, with synthetic names, numbers and telephones.

Knows how a survey row becomes a record, and nothing of chains or keys.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from deedbook.domain.hashing import sha256, to_hex
from deedbook.errors import IntegrityError, InvalidFormat, InvalidInput

SURVEY = "cps1988.csv.gz"
SURVEY_SHA256 = "0xd3417a02686298ee4fe05404b8ff2f44137893b83af5d15a34e5f1f313427b40"
COLUMNS = ("wage", "education", "experience", "ethnicity", "smsa", "region", "parttime")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑"
GIVEN = "晓明丽华建国秀英志强桂兰海燕文静雪梅永刚春雷思远佳宁"
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answers: wage in cents of 1992 dollars a week, education and experience in years."""

    wage_cents: int
    education: int
    experience: int
    ethnicity: str
    smsa: bool
    region: str
    parttime: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic identity over real answers."""

    name: str
    identity_number: str
    phone: str
    answer: Answer

    def record(self) -> dict[str, Any]:
        """The record as it is sealed: identity and answers."""
        answer = self.answer
        return {
            "name": self.name,
            "identityNumber": self.identity_number,
            "phone": self.phone,
            "wageCents": answer.wage_cents,
            "education": answer.education,
            "experience": answer.experience,
            "ethnicity": answer.ethnicity,
            "smsa": answer.smsa,
            "region": answer.region,
            "parttime": answer.parttime,
        }


def survey() -> bytes:
    """The survey as shipped, uncompressed. Raises IntegrityError when the file is not the published one."""
    packed = resources.files("deedbook.cli.demo").joinpath(SURVEY).read_bytes()
    text = gzip.decompress(packed)
    if to_hex(sha256(text)) != SURVEY_SHA256:
        raise IntegrityError("the survey file is not the published one", hint="reinstall deedbook")
    return text


def parse_answers(text: bytes) -> Iterator[Answer]:
    """The answers of a survey file (UTF-8 CSV with the columns of COLUMNS).

    Raises InvalidFormat naming the line and the column.
    """
    try:
        rows = csv.reader(io.StringIO(text.decode("utf-8"), newline=""), strict=True)
        if tuple(next(rows, ())) != COLUMNS:
            raise InvalidFormat("line 1", f"the columns must be {', '.join(COLUMNS)}")
        for row in rows:
            yield _answer(rows.line_num, row)
    except UnicodeDecodeError as error:
        raise InvalidFormat("survey", f"not UTF-8 at byte {error.start}") from error
    except csv.Error as error:
        raise InvalidFormat("survey", f"not CSV: {error}") from error


def people(count: int, seed: bytes) -> list[Person]:
    """The first `count` people of an even spread over the survey; identities are made from `seed` (32 bytes).

    Raises InvalidInput when the survey has fewer people, or none are asked for.
    """
    answers = list(parse_answers(survey()))
    if not 1 <= count <= len(answers):
        raise InvalidInput("people", f"must be from 1 to {len(answers)}")
    step = len(answers) / count
    return [_person(i, answers[int(i * step)], seed) for i in range(count)]


def _answer(line: int, row: list[str]) -> Answer:
    if len(row) != len(COLUMNS):
        raise InvalidFormat(f"line {line}", f"{len(row)} fields instead of {len(COLUMNS)}")
    cell = dict(zip(COLUMNS, row, strict=True))
    return Answer(
        wage_cents=_cents(line, cell["wage"]),
        education=_years(line, "education", cell["education"]),
        experience=_years(line, "experience", cell["experience"]),
        ethnicity=_one_of(line, "ethnicity", cell["ethnicity"], ("cauc", "afam")),
        smsa=_one_of(line, "smsa", cell["smsa"], ("yes", "no")) == "yes",
        region=_one_of(line, "region", cell["region"], ("northeast", "midwest", "south", "west")),
        parttime=_one_of(line, "parttime", cell["parttime"], ("yes", "no")) == "yes",
    )


def _cents(line: int, text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", text)
    if found is None:
        raise InvalidFormat(f"line {line}, wage", "must be a positive amount with at most two decimals")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _years(line: int, column: str, text: str) -> int:
    if re.fullmatch(r"-?[0-9]{1,3}", text) is None or not -10 <= int(text) <= 120:
        raise InvalidFormat(f"line {line}, {column}", "must be whole years")
    return int(text)


def _one_of(line: int, column: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise InvalidFormat(f"line {line}, {column}", f"must be one of {', '.join(allowed)}")
    return text


def _person(index: int, answer: Answer, seed: bytes) -> Person:
    dice = sha256(b"person" + index.to_bytes(8, "big") + seed)
    tail = "".join(ALPHABET[byte % len(ALPHABET)] for byte in dice[3:15])
    name = f"{SURNAMES[dice[0] % len(SURNAMES)]}{GIVEN[dice[1] % len(GIVEN)]}{GIVEN[dice[2] % len(GIVEN)]}-{tail}"
    digits = str(int.from_bytes(dice[15:], "big"))
    return Person(name, "99" + digits[-16:], "+86000" + digits[-30:-16], answer)
