"""What wallets are told of what they sign (ERC-7730) is what is signed, field by field, and says nothing of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from deedbook.api.web.clear_signing import committed
from deedbook.domain.codes import Licence, Purpose, Role, class_of_role
from deedbook.domain.consents import CONSENT_TYPE, WITHDRAWAL_TYPE, ConsentDomain
from deedbook.domain.eip712 import members_of
from deedbook.domain.payees import PAYEE_REQUEST_TYPE, PAYEE_TYPE

SIGNED = (CONSENT_TYPE, WITHDRAWAL_TYPE, PAYEE_TYPE, PAYEE_REQUEST_TYPE)
"""All that a person signs for the contract of consents; receipts are the collector's."""
PARAMETERS = {"raw": set(), "enum": {"$ref"}, "date": {"encoding"}, "addressName": {"types"}}
"""The formats of the specification that are used here, and their parameters."""
TYPES = {"raw": r".*", "enum": r"uint16", "date": r"uint64", "addressName": r"address"}


def formats() -> dict[str, Any]:
    found: dict[str, Any] = committed()["display"]["formats"]
    return found


def test_the_parts_are_those_of_the_specification() -> None:
    found = committed()
    assert set(found) == {"$schema", "context", "metadata", "display"}
    assert found["$schema"].endswith("erc7730-v2.schema.json")
    place = found["context"]["eip712"]
    assert place == {"domain": {"name": ConsentDomain.NAME, "version": ConsentDomain.VERSION}, "deployments": []}
    assert set(found["metadata"]) == {"owner", "contractName", "enums"}
    assert set(found["display"]) == {"formats"}


def test_every_type_that_a_person_signs_is_described_as_eip_712_encodes_it() -> None:
    assert set(formats()) == set(SIGNED)


@pytest.mark.parametrize("signed", SIGNED)
def test_every_member_of_a_type_is_shown_once_by_a_format_for_its_type(signed: str) -> None:
    described = formats()[signed]
    assert set(described) == {"$id", "intent", "fields"}
    members = {member["name"]: member["type"] for member in members_of(signed)}
    assert sorted(field["path"] for field in described["fields"]) == sorted(members)
    for field in described["fields"]:
        kind = field["format"]
        assert set(field) - {"visible"} == {"path", "label", "format"} | ({"params"} if PARAMETERS[kind] else set())
        assert set(field.get("params", ())) == PARAMETERS[kind]
        assert re.fullmatch(TYPES[kind], members[field["path"]])
        assert field["label"].strip()
        assert len(field["label"]) <= 32  # what a small screen shows


def test_nothing_is_hidden_but_the_salt_and_the_sentence_comes_first() -> None:
    fields = [field for signed in SIGNED for field in formats()[signed]["fields"]]
    assert [field["path"] for field in fields if field.get("visible", "always") != "always"] == ["salt"]
    assert formats()[CONSENT_TYPE]["fields"][0]["path"] == "statement"


def test_every_code_has_its_word() -> None:
    enums = committed()["metadata"]["enums"]
    assert enums["purposes"] == {str(int(each)): str(each.name).lower() for each in Purpose}
    classes = {str(class_of_role(each)): str(each.name).lower() for each in Role}
    classes |= {str(int(each)): str(each.name).lower().replace("_", " ") for each in Licence}
    assert {code: word for code, word in enums["classes"].items() if code != "0"} == classes
    named = re.findall(r'"\$ref": "\$\.metadata\.enums\.(\w+)"', str(formats()).replace("'", '"'))
    assert set(named) == set(enums)
