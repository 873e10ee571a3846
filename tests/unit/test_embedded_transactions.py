"""Raw transactions: eth-account is the second implementation; one encoding each; no second form of a signature."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from deedbook.chain.embedded.machine import contract_address
from deedbook.chain.embedded.transactions import CURVE_ORDER, decode_transaction
from deedbook.domain.hashing import keccak256
from deedbook.errors import InvalidInput, InvalidSignature

KEY = Account.from_key("0x" + "11" * 32)
TO = "0x" + "99" * 20

_word = st.integers(0, 2**256 - 1)
_fields = st.fixed_dictionaries({
    "nonce": st.integers(0, 2**64 - 2),
    "gas": st.integers(0, 2**63),
    "value": st.integers(0, 2**200),
    "data": st.binary(max_size=80),
    "to": st.sampled_from([TO, ""]),
})  # fmt: skip
_access = st.lists(
    st.fixed_dictionaries({
        "address": st.sampled_from([TO, "0x" + "00" * 20]),
        "storageKeys": st.lists(st.binary(min_size=32, max_size=32).map(lambda key: "0x" + key.hex()), max_size=2),
    }),
    max_size=2,
)  # fmt: skip


def _sign(**fields: Any) -> bytes:
    if not fields.get("to"):
        fields.pop("to", None)
    return bytes(KEY.sign_transaction(fields).raw_transaction)


def _base(**fields: Any) -> dict[str, Any]:
    return {"nonce": 0, "gas": 21_000, "value": 0, "to": TO, "data": b"", **fields}


@given(_fields, st.integers(1, 2**40), st.integers(0, 2**80))
def test_a_legacy_transaction_says_what_was_signed(fields: dict[str, Any], chain_id: int, price: int) -> None:
    raw = _sign(**fields, chainId=chain_id, gasPrice=price)
    signed = decode_transaction(raw)
    message = signed.transaction
    assert (signed.type, signed.chain_id, signed.raw, signed.hash) == (0, chain_id, raw, keccak256(raw))
    assert "0x" + message.sender.hex() == KEY.address.lower()
    assert (message.nonce, message.gas, message.value, message.data) == (
        fields["nonce"], fields["gas"], fields["value"], fields["data"],
    )  # fmt: skip
    assert message.to.hex() == fields["to"][2:].lower()
    assert message.max_fee_per_gas == message.max_priority_fee_per_gas == signed.gas_price == price


@given(_fields, _access, st.integers(0, 2**80), st.integers(0, 2**80))
def test_typed_transactions_say_what_was_signed(
    fields: dict[str, Any], access: list[Any], low: int, extra: int
) -> None:
    for kind, fees in (
        (1, {"gasPrice": low}),
        (2, {"maxFeePerGas": low + extra, "maxPriorityFeePerGas": low}),
    ):
        signed = decode_transaction(_sign(**fields, **fees, chainId=7, accessList=access, type=kind))
        assert (signed.type, signed.chain_id) == (kind, 7)
        assert "0x" + signed.transaction.sender.hex() == KEY.address.lower()
        assert signed.gas_price == low
        assert [len(slots) for _, slots in signed.transaction.access_list] == [len(a["storageKeys"]) for a in access]


def test_a_legacy_transaction_may_name_no_chain() -> None:
    signed = decode_transaction(_sign(**_base(gasPrice=0)))
    assert signed.chain_id is None
    assert signed.v in (27, 28)
    assert "0x" + signed.transaction.sender.hex() == KEY.address.lower()


@given(st.binary(max_size=200))
def test_noise_is_refused_with_a_typed_error(noise: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_transaction(noise)


@given(st.data())
def test_a_changed_transaction_is_never_the_same_sender(data: st.DataObject) -> None:
    raw = _sign(**_base(data=b"hello", gasPrice=0, chainId=7))
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        signed = decode_transaction(bytes(changed))
    except InvalidInput:
        return
    assert "0x" + signed.transaction.sender.hex() != KEY.address.lower()


def _replaced(raw: bytes, changes: dict[int, bytes]) -> bytes:
    kind = b"" if raw[0] >= 0xC0 else raw[:1]
    items = list(rlp.decode(raw[len(kind) :]))
    for at, value in changes.items():
        items[at] = value
    return kind + bytes(rlp.encode(items))


LEGACY = _sign(**_base(gasPrice=0, chainId=7))
DYNAMIC = _sign(**_base(maxFeePerGas=0, maxPriorityFeePerGas=0, chainId=7, type=2, accessList=[]))


@pytest.mark.rule("malleable-signature")
@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (_replaced(LEGACY, {7: b""}), "r is zero"),
        (_replaced(LEGACY, {8: b""}), "s is zero"),
        (_replaced(LEGACY, {8: (CURVE_ORDER - 5).to_bytes(32, "big")}), "s is high"),
        (_replaced(LEGACY, {7: CURVE_ORDER.to_bytes(32, "big")}), "r is the order"),
        (_replaced(LEGACY, {6: b"\x1d"}), "v is 29"),
        (_replaced(LEGACY, {6: b""}), "v is 0"),
        (_replaced(DYNAMIC, {9: b"\x02"}), "yParity is 2"),
        (_replaced(LEGACY, {7: (5).to_bytes(1, "big")}), "r is on no point"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_signature_is_named(raw: bytes, what: str) -> None:
    with pytest.raises(InvalidSignature):
        decode_transaction(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        LEGACY + b"\x00",
        LEGACY[:-1],
        DYNAMIC + b"\x00",
        b"\x02" + DYNAMIC,
        b"\x01" + DYNAMIC[1:],
        b"\x03" + DYNAMIC[1:],
        _replaced(LEGACY, {0: b"\x00\x01"}),
        _replaced(LEGACY, {2: b"\x01" * 9}),
        _replaced(LEGACY, {3: b"\x01" * 19}),
        _replaced(LEGACY, {4: b"\x01" * 33}),
        _replaced(DYNAMIC, {8: b"\x01"}),
        bytes(rlp.encode([*rlp.decode(LEGACY), b""])),
        b"\x02" + bytes(rlp.encode([*rlp.decode(DYNAMIC[1:])[:8], [[b"\x01" * 20, [b"\x01"]]], b"", b"\x01", b"\x01"])),
        b"\x02" + bytes(rlp.encode([*rlp.decode(DYNAMIC[1:])[:8], [[b"\x01" * 19, []]], b"", b"\x01", b"\x01"])),
        b"\x02" + bytes(rlp.encode([*rlp.decode(DYNAMIC[1:])[:8], [b"\x01"], b"", b"\x01", b"\x01"])),
    ],
)
def test_what_is_not_one_transaction_in_its_one_encoding_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_transaction(raw)


def test_intrinsic_gas_is_berlins() -> None:
    def gas(**fields: Any) -> int:
        return decode_transaction(_sign(**_base(chainId=7, **fields))).transaction.intrinsic_gas

    assert gas(gasPrice=0) == 21_000
    assert gas(gasPrice=0, data=b"\x00\x00\x01") == 21_000 + 4 + 4 + 16
    assert gas(gasPrice=0, to="", data=b"\x01") == 21_000 + 32_000 + 16
    one = [{"address": TO, "storageKeys": ["0x" + "00" * 32] * 2}]
    assert gas(gasPrice=0, accessList=one, type=1) == 21_000 + 2_400 + 2 * 1_900


def test_a_created_address_is_the_protocols() -> None:
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert contract_address(sender, 0).hex() == "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert contract_address(sender, 1).hex() == "343c43a37d37dff08ae8c4a11544c718abb4fcf8"
