from __future__ import annotations

import pytest

from deedbook.domain.codes import Licence, Role
from deedbook.domain.members import Admission, encryption_key_commitment, identity_commitment, member_key
from deedbook.errors import InvalidInput


def test_an_identity_is_committed_to_under_a_salt() -> None:
    firm = {"name": "贵阳简历数据有限公司", "code": "91520100"}
    assert identity_commitment(bytes(32), firm) == identity_commitment(bytes(32), dict(reversed(firm.items())))
    assert identity_commitment(bytes(32), firm) != identity_commitment(b"\x01" * 32, firm)
    with pytest.raises(InvalidInput, match="salt"):
        identity_commitment(b"", firm)


def test_a_key_is_committed_to_with_its_suite() -> None:
    assert encryption_key_commitment(0x0020, bytes(32)) != encryption_key_commitment(0x647A, bytes(32))
    with pytest.raises(InvalidInput, match="suite"):
        encryption_key_commitment(2**16, bytes(32))


def test_a_members_key_is_its_account_in_a_word() -> None:
    assert member_key(b"\x01" * 20) == bytes(12) + b"\x01" * 20


def test_an_admission_goes_to_the_chain_as_plain_numbers() -> None:
    admission = Admission(b"\x01" * 32, 156, Role.BUYER | Role.PROVIDER, 7, (Licence.EMPLOYER, Licence.BANK))
    assert admission.as_tuple() == (b"\x01" * 32, 156, 6, 7, (256, 257))
    assert {type(value) for value in admission.as_tuple()[1:4]} == {int}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ((b"", 156, 1, 7), "identity"),
        ((bytes(32), 2**16, 1, 7), "jurisdiction"),
        ((bytes(32), 156, 2**32, 7), "roles"),
        ((bytes(32), 156, 1, 2**64), "validUntil"),
        ((bytes(32), 156, 1, 7, (2**16,)), "licences"),
    ],
)
def test_a_value_out_of_range_is_refused_by_field(values: tuple[object, ...], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Admission(*values)  # type: ignore[arg-type]
    assert refusal.value.field == field
