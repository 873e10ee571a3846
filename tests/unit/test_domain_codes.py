from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from pathlib import Path

from deedbook.domain import codes
from deedbook.domain.codes import AttestationKind, Role, bits_of, class_of_role, kinds_of

PREFIXES: dict[str, type[IntEnum] | type[IntFlag]] = {
    "ROLE": codes.Role,
    "MEMBER": codes.MemberState,
    "LICENCE": codes.Licence,
    "KIND": codes.AssetKind,
    "GRADE": codes.Grade,
    "ASSET": codes.AssetState,
    "RIGHT": codes.Right,
    "MODE": codes.Mode,
    "PURPOSE": codes.Purpose,
    "ATTEST": codes.AttestationKind,
    "OUTCOME": codes.Outcome,
    "CASE": codes.CaseKind,
    "ENDED": codes.EndCause,
    "FIELD": codes.ConsentField,
    "SALE": codes.SaleState,
    "OFFER": codes.OfferState,
}
SINGLE = ("ROLES_ALL", "CLASS_NONE", "CLASS_FIRST_LICENCE", "MODES_ALL", "JURISDICTION_CN", "BPS")


def codes_of_the_contracts(root: Path) -> dict[str, int]:
    text = (root / "contracts" / "src" / "libraries" / "Codes.sol").read_text(encoding="utf-8")
    found = re.findall(r"uint\d+ internal constant (\w+) = ([^;]+);", text)
    return {name: value_of(words) for name, words in found}


def value_of(words: str) -> int:
    parts = re.fullmatch(r"\(?(\d[\d_]*)(?: << (\d+)\))?(?: << (\d+))?( - 1)?", words)
    assert parts, words
    shift = int(parts[2] or parts[3] or 0)
    return (int(parts[1].replace("_", "")) << shift) - (1 if parts[4] else 0)


def codes_of_the_domain() -> dict[str, int]:
    named = {f"{prefix}_{code.name}": int(code) for prefix, kind in PREFIXES.items() for code in kind}
    return named | {name: getattr(codes, name) for name in SINGLE}


def test_codes_have_the_names_and_values_of_the_contracts(root: Path) -> None:
    assert codes_of_the_domain() == codes_of_the_contracts(root)


def test_every_bit_is_in_the_set_of_all() -> None:
    assert sum(codes.Role) == codes.ROLES_ALL
    assert sum(codes.Mode) == codes.MODES_ALL


def test_a_roles_class_is_the_number_of_its_bit() -> None:
    assert class_of_role(Role.OPERATOR) == 1
    assert class_of_role(Role.RELAYER) == 11


def test_a_policys_bits_name_its_kinds_lowest_first() -> None:
    bits = bits_of(AttestationKind.IMPACT_ASSESSMENT, AttestationKind.LEGAL_OPINION)
    assert bits == 0b1010
    assert kinds_of(bits) == (AttestationKind.LEGAL_OPINION, AttestationKind.IMPACT_ASSESSMENT)
