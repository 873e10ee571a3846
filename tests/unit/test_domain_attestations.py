from __future__ import annotations

from deedbook.domain.attestations import ROLES_OF, asset_key
from deedbook.domain.cases import case_id
from deedbook.domain.codes import AttestationKind, CaseKind


def test_every_kind_asks_a_role_of_its_attester() -> None:
    assert set(ROLES_OF) == set(AttestationKind)


def test_an_assets_key_is_its_number_in_a_word() -> None:
    assert asset_key(7) == (7).to_bytes(32, "big")


def test_a_case_is_named_by_all_that_opens_it() -> None:
    ids = {
        case_id(target, kind, opener, document)
        for target in (bytes(32), b"\x01" * 32)
        for kind in (CaseKind.LEAK, CaseKind.DISPUTE)
        for opener in (bytes(20), b"\x01" * 20)
        for document in (bytes(32), b"\x01" * 32)
    }
    assert len(ids) == 16
