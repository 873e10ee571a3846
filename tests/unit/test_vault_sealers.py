"""Small private values sealed for the database."""

import os

import pytest

from deedbook.errors import InvalidInput, SealBroken
from deedbook.vault.sealers import KeySealer


def test_what_was_sealed_opens_under_its_context_only() -> None:
    sealer = KeySealer(bytes(32), os.urandom)
    sealed = sealer.seal(b"a signed consent", b"consent 1")
    assert sealer.open(sealed, b"consent 1") == b"a signed consent"
    assert sealer.seal(b"a signed consent", b"consent 1") != sealed
    with pytest.raises(SealBroken):
        sealer.open(sealed, b"consent 2")


@pytest.mark.parametrize("position", [0, 12, -1])
def test_a_flipped_byte_is_found(position: int) -> None:
    sealer = KeySealer(bytes(32), os.urandom)
    sealed = bytearray(sealer.seal(b"a signed consent", b""))
    sealed[position] ^= 1
    with pytest.raises(SealBroken):
        sealer.open(bytes(sealed), b"")


def test_another_key_and_a_truncated_value_do_not_open() -> None:
    sealed = KeySealer(bytes(32), os.urandom).seal(b"x", b"")
    with pytest.raises(SealBroken):
        KeySealer(b"\1" * 32, os.urandom).open(sealed, b"")
    with pytest.raises(SealBroken):
        KeySealer(bytes(32), os.urandom).open(sealed[:5], b"")


def test_a_key_has_32_bytes_and_is_not_shown() -> None:
    with pytest.raises(InvalidInput, match="key"):
        KeySealer(b"short", os.urandom)
    assert repr(KeySealer(b"k" * 32, os.urandom)) == "KeySealer()"
