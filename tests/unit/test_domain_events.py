from __future__ import annotations

from typing import Any

import pytest

from deedbook.domain.events import Log
from deedbook.errors import InvalidInput

PLACE: dict[str, Any] = {
    "address": bytes(20),
    "topics": (bytes(32),),
    "data": b"",
    "block_number": 1,
    "block_hash": bytes(32),
    "tx_hash": bytes(32),
    "tx_index": 0,
    "log_index": 0,
}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address": bytes(32)}, "address"),
        ({"topics": (bytes(31),)}, "topics"),
        ({"topics": (bytes(32),) * 5}, "topics"),
        ({"block_hash": b""}, "blockHash"),
        ({"tx_hash": b""}, "transactionHash"),
        ({"block_number": -1}, "log"),
        ({"log_index": -1}, "log"),
    ],
)
def test_a_log_of_another_shape_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    assert Log(**PLACE).topics == (bytes(32),)
    with pytest.raises(InvalidInput) as refusal:
        Log(**PLACE | change)
    assert refusal.value.field == field
