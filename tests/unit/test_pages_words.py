"""What pages say stands in the catalogues, in both languages, and nowhere else."""

from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest

from deedbook.api.web import words as catalogues
from deedbook.api.web.consenting import SAID_BY_WALLETS
from deedbook.api.web.desks.acts import ACTS, ERRANDS, SAID
from deedbook.api.web.desks.board import ROLES
from deedbook.api.web.site import NAVIGATION, PAGES, SIGNING
from deedbook.api.web.words import LANGUAGES, chosen, words_of
from deedbook.domain import codes
from deedbook.queries.alerts import AlertCode, Severity
from deedbook.queries.sales import Waits
from deedbook.vault.envelopes import Suite

WEB = resources.files("deedbook.api.web")
TEMPLATES = sorted(each.name for each in WEB.joinpath("templates").iterdir())
MODULES = [each.name for each in WEB.iterdir() if each.name.endswith(".py")]
MODULES += [f"desks/{each.name}" for each in WEB.joinpath("desks").iterdir() if each.name.endswith(".py")]
CODES: dict[str, type[IntEnum] | type[IntFlag]] = {
    "kind": codes.AssetKind,
    "grade": codes.Grade,
    "asset.state": codes.AssetState,
    "right": codes.Right,
    "mode": codes.Mode,
    "purpose": codes.Purpose,
    "attestation": codes.AttestationKind,
    "outcome": codes.Outcome,
    "case.kind": codes.CaseKind,
    "cause": codes.EndCause,
    "sale.state": codes.SaleState,
    "offer.state": codes.OfferState,
    "member.state": codes.MemberState,
    "role": codes.Role,
    "licence": codes.Licence,
    "suite": Suite,
}


def source(name: str) -> str:
    return WEB.joinpath(name).read_text(encoding="utf-8")


def test_both_catalogues_have_the_same_entries_with_the_same_blanks() -> None:
    english, chinese = words_of("en"), words_of("zh")
    assert english.one.keys() == chinese.one.keys()
    for name, text in english.one.items():
        blanks = {field for _, field, _, _ in Formatter().parse(text) if field}
        assert {field for _, field, _, _ in Formatter().parse(chinese.one[name]) if field} == blanks, name
        assert text.strip()
        assert chinese.one[name].strip()


def test_the_chinese_catalogue_is_chinese() -> None:
    names = {"forms.json", "forms.csv", "language.en", "percent", "list.joiner"}
    plain = {name for name, text in words_of("zh").one.items() if not re.search(r"[\u4e00-\u9fff]", text)}
    assert plain == names


@pytest.mark.parametrize("group", CODES)
def test_every_code_of_the_ledger_has_a_word(group: str) -> None:
    for code in CODES[group]:
        assert words_of("zh").has(f"{group}.{str(code.name).lower()}"), code


def test_every_step_alert_and_part_of_the_site_has_a_word(root: Path) -> None:
    projector = (root / "src/deedbook/mirror/projector.py").read_text(encoding="utf-8")
    steps = re.findall(r'_projects\("(?:Market|Revenue)", "(Sale\w+|Dispute\w+)"', projector)
    steps += ["PayoutConfirmed", "DeferredPayoutConfirmed", "OrdinalsDeferred", "PaymentsBounced", "RefundConfirmed"]
    assert len(steps) > 12
    wanted = [f"step.{step}" for step in steps] + [f"alert.{code}" for code in AlertCode]
    wanted += [f"severity.{each}" for each in Severity] + [f"{noun}.list" for noun in NAVIGATION]
    wanted += [f"desk.waits.{each}" for each in Waits] + [
        f"desk.{desk}{more}" for desk in ROLES for more in ("", ".lead")
    ]
    wanted += [f"act.{act}{more}" for act in (*ACTS, *ERRANDS) for more in ("", ".title")]
    assert {path for path in PAGES if path.startswith("/desk/")} == {f"/desk/{desk}/{{account}}" for desk in ROLES}
    assert [name for name in wanted if not words_of("en").has(name)] == []


def test_every_entry_that_code_or_template_names_is_there_and_none_is_left_over() -> None:
    known = set(words_of("en").one)
    text = "".join(source(f"templates/{name}") for name in TEMPLATES)
    text += "".join(source(name) for name in MODULES)
    said = set(re.findall(r"say\([\"']([a-z_.]+)[\"']", text))
    assert said - known <= {"language.", "error."}
    named = set(re.findall(r"[\"']([a-z_]+(?:\.[a-z_]+)*)[\"']", text))
    groups = [*CODES, "step", "alert", "severity", "error", "language", "found", "price", "age", "consent.state"]
    groups += ["own.state", "payee.kind", r"desk\.waits", "acting"]
    made = re.compile(
        "|".join(f"{group}\\." for group in groups)
        + r"|lineage\.(up|down)\.|\w+\.list(\.aside)?$|member\.\w+$"
        + f"|desk\\.({'|'.join(ROLES)})(\\.lead)?$|act\\.({'|'.join((*ACTS, *ERRANDS))})(\\.title|\\.aside)?$"
    )
    assert {name for name in known - named if not made.match(name)} == set()


def test_scripts_say_what_they_are_handed_and_nothing_by_themselves() -> None:
    text = "".join(source(f"static/{name}") for name in SIGNING)
    handed = {name.partition(".")[2] for name in SAID_BY_WALLETS} | set(SAID)
    assert {name for name in handed if f'"{name}"' not in text} == set()
    assert set(re.findall(r'(?:Stop|say|tell|note)\("(\w+)"', text)) - handed == set()
    for markup in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert markup not in text


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_says_anything_by_itself(name: str) -> None:
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", source(f"templates/{name}"), flags=re.DOTALL)
    for attribute in ("aria-label", "title", "alt", "placeholder"):
        assert not re.search(rf'\b{attribute}="[^"]*\w', text), attribute
    assert not re.search(r"\w", re.sub(r"<[^>]*>", "", text).replace("·", ""))


def test_no_code_of_the_pages_says_anything_by_itself() -> None:
    for name in MODULES:
        for markup in re.findall(r"Markup\(\s*['\"](.*?)['\"]\s*\)", source(name), flags=re.DOTALL):
            left = re.sub(r"<[^>]*>|\{\w*\}|U\+", "", markup)
            assert not re.search(r"\w", left), (name, markup)
    assert not re.search(r'content: "[^"]*\w', source("static/pages.css"))
    assert len(PAGES) > 20


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "language"),
    [
        ("zh", "en", "en", "zh"),
        (None, "zh", "en", "zh"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, None, "en-GB;q=0.5, zh-TW;q=0.6", "zh"),
        (None, None, "fr, de;q=0.9", "en"),
        (None, None, "zh;q=0, en;q=0.1", "en"),
        (None, None, "zh;q=high", "en"),
        ("../etc", "x", "", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_kept_or_accepted(
    asked: str | None, kept: str | None, accepted: str, language: str
) -> None:
    assert chosen(asked, kept, accepted) == language


def test_a_catalogue_counts_and_escapes() -> None:
    english, chinese = words_of("en"), words_of("zh")
    assert english.count("age.days", 1) == "1 day"
    assert english.count("age.days", 12_000) == "12,000 days"
    assert chinese.count("age.days", 1) == "1 天"
    assert english.say("error.field", field="<b>").endswith("&lt;b&gt;")
    assert [words_of(each).tag for each in LANGUAGES] == ["en", "zh-CN"]
    with pytest.raises(KeyError):
        english.say("no.such.entry")
    with pytest.raises(ValueError, match="no line"):
        list(catalogues._entries("msgid en"))


def test_the_commands_that_pages_name_are_those_of_the_command_line(root: Path) -> None:
    known = set(re.findall(r"^### (deedbook [\w-]+ [\w-]+)$", (root / "docs/cli.md").read_text(encoding="utf-8"), re.M))
    said = {match for name in MODULES for match in re.findall(r'"(deedbook \w+ [\w-]+)', source(name))}
    told = re.findall(r'"((?:sales|revenue) [\w-]+)', source("desks/settler.py") + source("desks/provider.py"))
    said |= {f"deedbook {each}" for each in told}
    assert len(said) > 10
    assert said - known == set()
