"""A process that writes to an embedded chain until it is killed; it says what was acknowledged, line by line.

    python -m tests.integration.embedded_writer FILE one|many|create

`one` sends single transactions, `many` puts several into a block, `create` makes new chains beside FILE.
"""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path

from deedbook.chain.client import NodeError
from deedbook.chain.embedded.chain import Chain
from tests.integration.embedded_corpus import CHAIN_ID, POOR, call, creation, signed


def main(path: Path, how: str) -> None:
    if how == "create":
        for number in count():
            Chain.create(path.with_name(f"{path.name}-{number}"), clock=_now, chain_id=CHAIN_ID).close()
            _say(str(number))
    chain = Chain.open_or_create(path, clock=_now, chain_id=CHAIN_ID)
    nonce = chain.view(chain.head).account(bytes.fromhex(POOR.address[2:])).nonce
    if nonce == 0:
        _say(chain.send(bytes.fromhex(signed(POOR, nonce=0, data=creation())[2:])).hex())
        nonce = 1
    deployment = chain.header(1)
    assert deployment is not None
    probe = chain.transactions(deployment)[0].created
    assert probe is not None
    size = 1 if how == "one" else 5
    for first in count(nonce, size):
        raws = [_put(probe, number) for number in range(first, first + size)]
        for result in chain.send_many(raws):
            assert not isinstance(result, NodeError), result
            _say(result.hex())


def _put(probe: bytes, nonce: int) -> bytes:
    data = call("put(uint256,bytes32,bytes)", nonce, nonce.to_bytes(32, "big"), b"")
    return bytes.fromhex(signed(POOR, nonce=nonce, to=probe, data=data, gas=200_000)[2:])


def _now() -> int:
    return int(time.time())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
